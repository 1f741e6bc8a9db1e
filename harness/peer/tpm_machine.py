"""The TAM of the table, played by a real TPM: what the table says of it, the module does itself."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from ...model.protocol.attestation import QUOTE_REQUEST
from ...model.protocol.tpm import BUNDLE, ENVIRONMENTS, Attested
from ...model.symbols import received_slots
from ...model.table import Message, Table
from ..evaluator.machine import Machine
from ..evaluator.matchers import match
from ..evaluator.run import Run


class Quoting(Protocol):
    """A module that signs structures of its own making."""

    def quote(self, extra: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST and TPMT_SIGNATURE."""

    def certify(self, extra: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST and TPMT_SIGNATURE."""


class TpmMachine(Machine):
    """Its run has what the module made where another TAM computes and signs."""

    def __init__(self, table: Table, role: str, run: Run, letter: str, module: Quoting) -> None:
        super().__init__(table, role, run)
        self._letter, self._module = letter, module

    def encode(self, message: Message) -> bytes:
        bundle, environment = BUNDLE[self._letter], ENVIRONMENTS[self._letter]
        binder = self.run.value(QUOTE_REQUEST[self._letter].binder)
        self._take_in(bundle.quote, self._module.quote(binder))
        self._take_in(bundle.certification, self._module.certify(binder))
        digest = sha256(self.run.value(environment.object)).digest()
        self._take_in(environment.quote, self._module.quote(digest))
        return super().encode(message)

    def _take_in(self, attested: Attested, made: tuple[bytes, bytes]) -> None:
        octets, signature = made
        self.run.unbind((*received_slots(attested.term), attested.signature))
        match(self.run, attested.term, octets)
        self.run.bind(attested.signature, signature)
