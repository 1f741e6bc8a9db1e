"""The waiver statement: an authority vouches that one identity key lives in an ISO/IEC 19790 module.

A statement names the leaf certificate: no other device can borrow it. COSE_Sign1 (RFC 9052 section 4.2), tag 18.
"""

from dataclasses import dataclass

from ...spec import identifiers
from ..codec import cbor, cose
from .certificate import Certificate
from .keys import signer
from .pki import Authority

MEDIA_TYPE: str = identifiers()["media_type"]["waiver"]
EXTERNAL_AAD: bytes = identifiers()["external_aad"]["waiver"].encode()
SHA_256 = -16
ES256 = -7


@dataclass(frozen=True, slots=True)
class Waiver:
    """What a statement says: keys 1 to 8 of its payload. `leaf_sha256` has 32 octets, `statement_id` 16."""

    leaf_sha256: bytes
    module: str
    level: int
    certificate_id: str
    issued_at: int
    expires_at: int
    statement_id: bytes
    not_exportable: bool = True

    def payload(self) -> bytes:
        """The encoded payload map."""
        return cbor.encode(
            {
                1: self.leaf_sha256,
                2: self.module,
                3: self.level,
                4: self.certificate_id,
                5: self.issued_at,
                6: self.expires_at,
                7: self.not_exportable,
                8: self.statement_id,
            }
        )

    def sign(self, authority: Authority) -> bytes:
        """The encoded statement, signed by `authority`."""
        header = protected_header(authority.certificate)
        return cose.sign1(signer(authority.key), header, {}, self.payload(), EXTERNAL_AAD)


def protected_header(authority: Certificate) -> dict[int | str, object]:
    """The only protected header that is accepted: algorithm, type, thumbprint of the authority's certificate."""
    return {1: ES256, 16: MEDIA_TYPE, 34: [SHA_256, authority.sha256]}
