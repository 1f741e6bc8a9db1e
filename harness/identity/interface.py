"""A trusted user interface (chapter 13): what evidence says of it, and the key that it alone can use.

Whether an indicator cannot be drawn, or a prompt not be forged, no program can tell; this is what its platform states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ...spec import identifiers
from ..codec import cbor, cose
from .certificate import Certificate
from .credentials import read_certificates, read_key, write_certificates, write_key
from .deciding import Unfit, predicate, unsigned
from .pki import Issued
from .world import LENIENT, World

CLAIM: int = identifiers()["claim"]["trusted_ui"]
REE, TEE = 0, 1
ENVIRONMENT, LAST, KEY = 1, 2, 3
FLAG = 8
DIGEST = 32
CERTIFICATE, PRIVATE = "interface.pem", "interface.key.pem"


@dataclass(frozen=True, slots=True)
class TrustedInterface:
    """The interface of a device: the certificate and key for confirmations, who draws it, and the last confirmation."""

    confirmation: Issued
    environment: int = TEE
    last: bytes = b""

    def claim(self) -> bytes:
        """Encoded key and value of claim -71902."""
        value: dict[int, Any] = {ENVIRONMENT: self.environment}
        if self.last:
            value[LAST] = self.last
        value[KEY] = thumbprint(self.confirmation.certificate)
        return cbor.encode(CLAIM) + cbor.encode(value)

    def save(self, folder: Path) -> None:
        """Write the files that `load_interface` reads."""
        write_certificates(folder / CERTIFICATE, (self.confirmation.certificate, *self.confirmation.chain))
        write_key(folder / PRIVATE, self.confirmation.key)


def thumbprint(certificate: Certificate) -> bytes:
    """Of the certificate's key (RFC 9679), 32 octets. Raises Unfit for a key that has no place in this profile."""
    if isinstance(certificate.public_key, RSAPublicKey):
        raise Unfit("an RSA key confirms nothing")
    return cose.thumbprint(certificate.public_key)


def load_interface(folder: Path) -> TrustedInterface | None:
    """The interface of a provisioned party, if it has one. Raises CredentialError."""
    if not (folder / CERTIFICATE).is_file():
        return None
    certificate, *chain = read_certificates(folder / CERTIFICATE)
    return TrustedInterface(Issued(certificate, tuple(chain), read_key(folder / PRIVATE)))


def told(further: bytes) -> Mapping[int, Any] | None:
    """What the further claims of a token say of an interface. Raises ValueError for a claim of another form."""
    items = cbor.split_sequence(further, rules=LENIENT) if further else []
    for key, value in zip(items[::2], items[1::2], strict=True):
        if cbor.decode(key, rules=LENIENT) == CLAIM:
            claim = cbor.decode(value, rules=LENIENT)
            if not isinstance(claim, dict) or claim.get(ENVIRONMENT) not in (REE, TEE):
                raise Unfit("claim -71902 does not tell who draws the interface")
            return claim
    return None


@predicate
def interface_is_told(world: World, further: bytes, flags: bytes) -> None:
    """Where policy needs a trusted user interface, evidence tells one that the trusted environment draws."""
    announced = unsigned(flags) & FLAG
    if not world.policy.requires_interface:
        return
    claim = told(further)
    if not announced or claim is None:
        raise Unfit("no trusted user interface is told")
    if claim[ENVIRONMENT] != TEE:
        raise Unfit("the rich environment draws the interface")
