"""Pseudonyms: an attestation CA certifies, for one relying party and one day, keys that tell nothing of their platform.

The platform shows the CA who it is, by its attestation key; relying parties trust the CA and learn that some platform
stands behind the pseudonym. Source: Trusted Computing Group, Privacy CA model of TPM 1.2 and 2.0; chapter 9.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ..codec import cbor, cose
from ..crypto.errors import BadSignature
from ..crypto.random import Random
from .certificate import DEVICE_URN, Certificate, PublicKey
from .credential_checks import check_validity
from .credentials import Credentials
from .keys import algorithm_of, derive_key
from .oids import EKU_ANON, EKU_CLIENT_AUTH, EKU_DEVICE, EKU_EAT_AK, EKU_SERVER_AUTH, EKU_SERVICE
from .path import PathError, verify_path
from .pki import HOUR, Authority, Issued, LeafSpec, Subject, issue_leaf, organization
from .tam import SoftwareTam, platform_urn
from .virtual_party import spki_of

LIFETIME = 86_400
"""Seconds that a pseudonym lives at most (ANO-01)."""
MOST_NONCES = 4096
"""Nonces that wait for an application; the oldest fall out."""
BRANCH = "anonymous"
CONTEXT = b"tc1-pseudonym"
"""external_aad of what a platform signs for the CA."""
POLICY = (
    "Who asks for a pseudonym shows its platform. The authority keeps which platform got which certificate, for as "
    "long as the certificate lives and a day more; it alone can link certificates, and does so where a relying party "
    "shows that a platform misbehaved: then that platform gets no further ones."
)
"""Who can link certificates (ANO-07)."""
_PURPOSES = {"device": (EKU_DEVICE, EKU_CLIENT_AUTH), "service": (EKU_SERVICE, EKU_SERVER_AUTH)}


class PseudonymRefused(ValueError):
    """The CA certifies nothing; the message is one line."""


@dataclass(frozen=True, slots=True)
class Application:
    """What a platform asks for: certificates of two keys that it has made for one relying party."""

    role: str
    names: tuple[str, ...]
    """URI names that are no secret: the identity of a service."""
    relying_party: str
    identity: PublicKey
    attestation: PublicKey

    def signed(self, nonce: bytes) -> bytes:
        """What the platform's attestation key signs: Sig_structure over this and a nonce of the CA."""
        keys = [sha256(spki_of(key)).digest() for key in (self.identity, self.attestation)]
        content = cbor.encode([nonce, self.role, list(self.names), self.relying_party, *keys])
        return cose.sig_structure(b"", CONTEXT, content)


@dataclass(frozen=True, slots=True)
class Shown:
    """By what a platform shows itself: a signature of its attestation key, and the certificate of that."""

    nonce: bytes
    signature: bytes
    ak: Certificate
    chain: Sequence[Certificate]


@dataclass(slots=True)
class PseudonymIssuer:
    """The CA. `platforms` are the roots of attestation keys that it knows; it has one key for all certificates."""

    authority: Authority
    platforms: tuple[Certificate, ...]
    rng: Random
    refused: set[str] = field(default_factory=set)
    """Platforms that get no further certificates."""
    issued: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    """SHA-256 of a certificate to the platform behind it, and when it ends."""
    _nonces: dict[bytes, None] = field(default_factory=dict)

    def nonce(self) -> bytes:
        """One for an application, 32 octets."""
        nonce = self.rng(32)
        self._nonces[nonce] = None
        if len(self._nonces) > MOST_NONCES:
            del self._nonces[next(iter(self._nonces))]
        return nonce

    def certify(self, application: Application, shown: Shown, now: int) -> tuple[Issued, Issued]:
        """Certificates of the identity and of the attestation key of a pseudonym. Raises PseudonymRefused."""
        platform = self._platform(application, shown, now)
        self.issued = {key: entry for key, entry in self.issued.items() if entry[1] + LIFETIME > now}
        urn, start = platform_urn(b"\x01" + self.rng(32)), now // HOUR * HOUR
        names = (urn,) if application.role == "device" else (*application.names, urn)

        def issue(uris: tuple[str, ...], purposes: tuple[str, ...], key: PublicKey) -> Issued:
            serial = int.from_bytes(self.rng(16), "big") >> 1 | 1
            subject = Subject(organization(BRANCH), self.rng(16).hex())
            spec = LeafSpec(subject, uris, (*purposes, EKU_ANON), start, start + LIFETIME, serial, key)
            made = issue_leaf(spec, self.authority)
            self.issued[made.certificate.sha256] = platform, made.certificate.not_after
            return made

        leaf = issue(names, _PURPOSES[application.role], application.identity)
        return leaf, issue((urn,), (EKU_EAT_AK,), application.attestation)

    def refuse(self, certificate: Certificate) -> None:
        """The platform behind a certificate misbehaved. Raises KeyError where this CA does not know it any more."""
        self.refused.add(self.issued[certificate.sha256][0])

    def _platform(self, application: Application, shown: Shown, now: int) -> str:
        """Which platform asks. Raises PseudonymRefused."""
        if shown.nonce not in self._nonces:
            raise PseudonymRefused("not a nonce of this authority, or used before")
        del self._nonces[shown.nonce]
        ak = shown.ak
        try:
            anchor = verify_path(ak, shown.chain, self.platforms)
            for certificate in (ak, *shown.chain, anchor):
                check_validity(certificate, now)
            algorithm_of(ak.public_key).verify(ak.public_key, shown.signature, application.signed(shown.nonce))
        except (PathError, BadSignature, ValueError) as error:
            raise PseudonymRefused(f"no attestation key of a known platform: {error}") from error
        if ak.eku != {EKU_EAT_AK} or not ak.platform:
            raise PseudonymRefused("not a valid certificate of a platform's attestation key")
        if ak.platform in self.refused:
            raise PseudonymRefused("the platform misbehaved")
        if spki_of(application.identity) == spki_of(application.attestation):
            raise PseudonymRefused("one key for two purposes")
        return ak.platform


Sign = Callable[[bytes], bytes]


def obtain(
    issuer: PseudonymIssuer, platform: Credentials, sign: Sign, role: str, relying_party: str, seed: bytes, now: int
) -> Credentials:
    """Credentials of a platform for one relying party, with keys that nobody else ever sees. Raises PseudonymRefused.

    `sign` is by the platform's attestation key, `seed` what the new keys come from.
    """
    identity, attestation = (
        derive_key(seed, f"{relying_party} {platform.leaf.platform} {what}") for what in ("identity", "attestation")
    )
    names = tuple(uri for uri in platform.leaf.uris if not uri.startswith(DEVICE_URN))
    application = Application(role, names, relying_party, identity.public_key(), attestation.public_key())
    nonce = issuer.nonce()
    shown = Shown(nonce, sign(application.signed(nonce)), platform.ak, platform.ak_chain)
    leaf, ak = issuer.certify(application, shown, now)
    return Credentials(leaf.certificate, leaf.chain, identity, ak.certificate, ak.chain, attestation, b"")


def module_of(pseudonym: Credentials, platform: SoftwareTam) -> SoftwareTam:
    """The platform's module as it appears under a pseudonym: same measurements, and nothing else of the platform.

    The boot count counts from the issuance.
    """
    assert pseudonym.key is not None and pseudonym.ak_key is not None
    ueid = bytes.fromhex(pseudonym.leaf.platform.removeprefix(DEVICE_URN))
    tam = SoftwareTam(
        pseudonym.key, pseudonym.ak_key, ueid, platform.boot, bootcount=0, debug_status=platform.debug_status
    )
    tam.registers = list(platform.registers)
    return tam
