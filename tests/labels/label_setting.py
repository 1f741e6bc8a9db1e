"""A camera, an editor and a verifier who trusts their authorities; labels made of one statement each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from trustconn.harness.identity.credentials import Credentials
from trustconn.harness.identity.keys import signer
from trustconn.harness.identity.revocation import CRL
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.labels.label import Action, Label, Signer, Statement, input_of, make, parse
from trustconn.harness.labels.trust import Trust

NOW = 1_790_000_000
PARAMETERS = sha256(b"parameters").digest()


@dataclass
class Setting:
    """Parties of the device branch, and a verifier that trusts it."""

    pki: TesterPki
    parties: dict[str, Credentials] = field(default_factory=dict)
    made: int = 0

    def party(self, name: str) -> Credentials:
        """An enrolled party."""
        return self.parties.setdefault(name, self.pki.party("device", name))

    def signer(self, name: str = "camera") -> Signer:
        """What signs for a party."""
        own = self.party(name)
        assert own.key is not None
        certificates = (own.leaf.der, *(item.der for item in own.chain))
        return Signer(own.leaf.platform, own.leaf.identity, certificates, signer(own.key))

    def statement(self, data: bytes = b"data", *inputs: Label, action: str | None = None) -> Statement:
        """About data that was made from inputs, if there are any."""
        self.made += 1
        name = action or ("tc.processed" if inputs else "tc.created")
        return Statement(
            sha256(data).digest(), "image/png", self.made, self.pki.now, self.made.to_bytes(16, "big"),
            action=Action(name, "camera 1.0", PARAMETERS), inputs=tuple(input_of(item, "parentOf") for item in inputs),
        )  # fmt: skip

    def label(self, data: bytes = b"data", *inputs: Label, by: str = "camera", action: str | None = None) -> Label:
        """An honest label."""
        return parse(make(self.statement(data, *inputs, action=action), self.signer(by)))

    def trust(self, *, now: int = NOW, crl: bytes | None = None) -> Trust:
        """Of a verifier that holds the branch's revocation lists, or another list of its issuing authority."""
        crls = (crl or self.pki.crl("device"), self.pki.root_crl("device"))
        root = self.pki.device.root.certificate
        attestation = (self.pki.crl("attestation"), self.pki.root_crl("attestation"))
        proofs = tuple((CRL, der) for der in (*crls, *attestation))
        return Trust(now, (root,), proofs=proofs, attestation_roots=(self.pki.attestation.root.certificate,))

    def altered(self, statement: Statement, **changes: Any) -> bytes:
        """The octets of a label whose statement has something else in it."""
        return make(replace(statement, **changes), self.signer())


@lru_cache(1)
def made_setting() -> Setting:
    """One for a whole module: authorities cost time, and nothing here changes them."""
    return Setting(TesterPki.from_seed(b"labels".ljust(32, b"."), NOW))
