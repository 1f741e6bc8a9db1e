"""One issuer, a device with a certificate, and a service that relies on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.identity.pki import encode_x5chain
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.identity.world import World
from trustconn.harness.property import revocation
from trustconn.harness.property.certificate import PropertyCertificate, certify, configuration_value
from trustconn.harness.property.commitment import Commitment, Opening, commit
from trustconn.harness.property.evidence import Demand, attest
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.issuer import Issuer
from trustconn.harness.property.proof import Proof, Statement, prove
from trustconn.harness.property.revocation import RevocationList
from trustconn.harness.property.suites import PBA_2048

NOW = 1_800_000_000
BINDER = bytes(range(32))
HARDENED, AUDITED = "tag:example.org,2026:hardened", "tag:example.org,2026:audited"
OLD, OLDER = sha256(b"old").digest(), sha256(b"older").digest()


@dataclass
class Setting:
    """The device attests, the service relies."""

    issuer: Issuer
    device: World
    service: World
    certificate: PropertyCertificate
    revocation: RevocationList

    @property
    def configuration(self) -> bytes:
        return configuration_value(self.device.tam.measurements())

    @property
    def x5chain(self) -> bytes:
        return encode_x5chain(self.device.credentials.ak, self.device.credentials.ak_chain)

    @property
    def id_cred(self) -> bytes:
        return self.device.credentials.issued.id_cred()

    @property
    def demand(self) -> Demand:
        return Demand(self.issuer.public, {HARDENED: self.revocation})

    def list_of(
        self, configurations: Iterable[bytes] = (), *, number: int = 1, withdrawn: bool = False, name: str = HARDENED
    ) -> RevocationList:
        return revocation.make_list(
            self.issuer, name, number, configurations, issued_at=NOW, next_update=NOW + 3600, withdrawn=withdrawn
        )

    def commit(self, seed: bytes = b"session", binder: bytes = BINDER) -> tuple[Commitment, Opening]:
        return commit(self.device.tam, self.x5chain, binder, PBA_2048, NOW, SeededRandom(seed))

    def prove(self, seed: bytes = b"session") -> tuple[Statement, Proof]:
        made, opening = self.commit(seed)
        statement = Statement(self.issuer.public, HARDENED, made, self.revocation)
        return statement, prove(statement, self.certificate, opening, NOW, SeededRandom(seed + b"/proof"))

    def evidence(self, binder: bytes = BINDER, seed: bytes = b"session") -> bytes:
        rng = SeededRandom(seed)
        return attest(self.demand, [self.certificate], self.device.tam, self.x5chain, binder, NOW, rng)


@cache
def made_setting() -> Setting:
    """Made once, because setup takes tenths of a second."""
    issuer = fixed_issuer(PBA_2048)
    device, service, _ = make_pair(b"property tests", NOW)
    configuration = configuration_value(device.tam.measurements())
    certificate = certify(issuer, HARDENED, configuration, SeededRandom(b"certificate"))
    listed = revocation.make_list(issuer, HARDENED, 1, [OLD, OLDER], issued_at=NOW, next_update=NOW + 3600)
    return Setting(issuer, device, service, certificate, listed)


@cache
def made_proof() -> tuple[Statement, Proof]:
    """A proof in that setting."""
    return made_setting().prove()
