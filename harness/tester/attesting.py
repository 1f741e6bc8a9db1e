"""Evidence for a verifier: what an attester would send, over any binder, with tales where a test wants one.

The tester's own trust anchor module signs what it is told, so that nothing but the one thing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from ...model.protocol.attestation import EAT_FORMAT, QUOTE_REQUEST, TAM_NAME
from ...model.protocol.forms import Format
from ...model.protocol.frames import SIDES
from ...model.protocol.judged import JUDGED
from ...model.terms import Term
from ..codec import cbor
from ..crypto.random import Random
from ..evaluator.run import Run
from ..identity.world import World
from ..peer.endpoint import LETTER
from ..peer.provider import WorldProvider
from .deviation import TesterFault

EVIDENCE_MARK = 4
Tale = Mapping[Term, Any]
"""Term to its value, or to a function of the attester and the honest value."""


class Attester:
    """One platform in one session: what tales ask of an endpoint, without a channel.

    `max_age` is what the relying party's HELLO stated.
    """

    def __init__(self, role: str, world: World, rng: Random, max_age: int) -> None:
        self.role, self.world, self.letter = role, world, LETTER[role]
        self.peer = "R" if role == "device" else "I"
        provider = WorldProvider(world, rng)
        self.run = Run(role, provider, rng)
        self.run.bind(SIDES[self.peer].max_age, cbor.encode(max_age))
        self.tam = SimpleNamespace(run=Run(TAM_NAME[self.letter], provider, rng))

    def conveyed(self, binder: bytes, tales: Tale | None = None, *, kind: Format = EAT_FORMAT) -> bytes:
        """The wrapper (RFC 9999) around evidence of that type over a binder, encoded.

        Raises:
            TesterFault: a tale cannot be told.
        """
        run, request = self.tam.run, QUOTE_REQUEST[self.letter]
        run.pinned.update({term: self._told(value) for term, value in (tales or {}).items()})
        for slot, value in ((request.binder, binder), (request.epoch, b"\x00"), (request.sid, bytes(16))):
            run.bind(slot, value)
        wrapped: bytes = run.value(JUDGED[kind]().evidence[self.letter].cmw)
        return wrapped

    def _told(self, value: Any) -> Any:
        return partial(self._tell, value) if callable(value) else value

    def _tell(self, tale: Callable[[Attester, Any], Any], honest: Any) -> Any:
        try:
            return tale(self, honest)
        except Exception as error:  # A tale may call anything.
            raise TesterFault(f"a tale cannot be told: {error!r}") from error


def cmw(token: bytes, kind: int | str = EAT_FORMAT, indicator: int = EVIDENCE_MARK) -> bytes:
    """The conceptual message wrapper around evidence (RFC 9999)."""
    return cbor.encode([kind, token, indicator])
