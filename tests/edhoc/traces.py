"""The traces of RFC 9529 and the parties of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustconn.harness.crypto.curves import EphemeralKey
from trustconn.harness.crypto.suites import SUITES
from trustconn.harness.evaluator.bare import BareEnd, BareParty, Credential
from trustconn.model.protocol.edhoc import DEVICE, SERVICE

PUBLISHED = json.loads((files("trustconn.vectors") / "published" / "rfc9529.json").read_text())


@dataclass(frozen=True)
class Item:
    """One value of a trace; `form` is how the RFC writes it: `raw`, `cbor` or `n/a`."""

    section: str
    name: str
    form: str
    note: str
    octets: bytes


@dataclass(frozen=True)
class Trace:
    """One handshake of the RFC."""

    name: str
    method: int
    suite: int

    @property
    def items(self) -> tuple[Item, ...]:
        """Every value, in the order of the RFC."""
        return tuple(
            Item(i["section"].split(" {")[0], i["name"], i["enc"], i["note"], bytes.fromhex(i["hex"]))
            for i in PUBLISHED[self.name]["items"]
        )

    def __call__(self, name: str, form: str = "raw") -> bytes:
        """The last item of that name and form: a second message_1 replaces the first."""
        return [i.octets for i in self.items if (i.name, i.form) == (name, form)][-1]

    def key(self, name: str) -> EphemeralKey:
        """A private Diffie-Hellman key of the trace."""
        return SUITES[self.suite].curve.load(self(name))

    def party(self, letter: str) -> BareParty:
        """Initiator `I` or responder `R` with the credentials of both."""
        store = {self(f"ID_CRED_{x}", "cbor"): self._credential(x) for x in "IR"}
        signer = Ed25519PrivateKey.from_private_bytes(self(f"SK_{letter}")).sign
        return BareParty(
            suites=(self.suite,),
            suites_i=self("SUITES_I", "cbor"),
            connection=self(f"C_{letter}", "cbor"),
            id_cred=self(f"ID_CRED_{letter}", "cbor"),
            secret=signer if self.method == 0 else self.key(f"SK_{letter}"),
            store=store,
            exponent=self.key({"I": "X", "R": "Y"}[letter]),
        )

    def _credential(self, letter: str) -> Credential:
        cred = self(f"CRED_{letter}", "cbor")
        if self.method == 0:
            return Credential(cred, Ed25519PrivateKey.from_private_bytes(self(f"SK_{letter}")).public_key())
        return Credential(cred, static_share=self.key(f"SK_{letter}").share)

    def ends(self) -> tuple[BareEnd, BareEnd]:
        """Initiator and responder."""
        return BareEnd(DEVICE, self.method, self.party("I")), BareEnd(SERVICE, self.method, self.party("R"))


TRACE_1, TRACE_2 = Trace("trace1", 0, 0), Trace("trace2", 3, 2)


@cache
def invalid(section: str) -> bytes:
    """The invalid message or plaintext of a section of chapter 4."""
    (found,) = (bytes.fromhex(i["hex"]) for i in PUBLISHED["invalid"] if i["section"] == section)
    return found
