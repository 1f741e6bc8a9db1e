"""The EDHOC cipher suites and their key schedule (RFC 9528 sections 3.6 and 4.1)."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ..codec.cbor import NINT, UINT, bstr, head
from .aead import A256GCM, AES_CCM_16_64_128, AES_CCM_16_128_128, CHACHA20_POLY1305, Aead
from .curves import CURVE_25519, P_256, P_384, Curve
from .errors import OutputTooLong
from .signatures import EDDSA, ES256, ES384, SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function. `number` is its COSE identifier (RFC 9054), `length` that of a digest in octets."""

    number: int
    name: str
    length: int
    new: Callable[[bytes], "hashlib._Hash"]
    algorithm: hashes.HashAlgorithm


SHA_256 = Hash(-16, "sha256", 32, hashlib.sha256, hashes.SHA256())
SHA_384 = Hash(-43, "sha384", 48, hashlib.sha384, hashes.SHA384())


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite. `mac_length` is that of the static Diffie-Hellman methods, in octets."""

    number: int
    aead: Aead
    hash_algorithm: Hash
    mac_length: int
    curve: Curve
    signature: SignatureAlgorithm
    application_aead: Aead
    application_hash: Hash

    @property
    def hash_length(self) -> int:
        """Octets of a digest, of a pseudorandom key and of the MAC of the signature methods."""
        return self.hash_algorithm.length

    def hash(self, data: bytes) -> bytes:
        """The digest of `data`."""
        return self.hash_algorithm.new(data).digest()

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract (RFC 5869 section 2.2); an empty salt is one of zeros."""
        return hmac.digest(salt, ikm, self.hash_algorithm.name)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand (RFC 5869 section 2.3) to `length` octets; raises OutputTooLong."""
        if not 0 <= length <= 255 * self.hash_length:
            raise OutputTooLong(f"HKDF-Expand to {length} octets; {255 * self.hash_length} is the most")
        if 0 < length <= self.hash_length:  # One block, and nearly always the only one: a single HMAC.
            return hmac.digest(prk, info + b"\x01", self.hash_algorithm.name)[:length]
        return HKDFExpand(self.hash_algorithm.algorithm, length, info).derive(prk) if length else b""

    def edhoc_kdf(self, prk: bytes, label: int, context: bytes, length: int) -> bytes:
        """EDHOC_KDF (RFC 9528 section 4.1.2): info is the CBOR sequence (label, context, length)."""
        return self.expand(prk, kdf_info(label, context, length), length)

    def expand_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """HKDF-Expand-Label (RFC 9846 section 7.1), `label` without its prefix."""
        name = b"tls13 " + label.encode()
        info = length.to_bytes(2, "big") + bytes((len(name),)) + name + bytes((len(context),)) + context
        return self.expand(secret, info, length)


def kdf_info(label: int, context: bytes, length: int) -> bytes:
    """The info of EDHOC_KDF: (label : int, context : bstr, length : uint)."""
    encoded_label = head(UINT, label) if label >= 0 else head(NINT, -1 - label)
    return encoded_label + bstr(context) + head(UINT, length)


SUITES: dict[int, Suite] = {
    suite.number: suite
    for suite in (
        Suite(0, AES_CCM_16_64_128, SHA_256, 8, CURVE_25519, EDDSA, AES_CCM_16_64_128, SHA_256),
        Suite(2, AES_CCM_16_64_128, SHA_256, 8, P_256, ES256, AES_CCM_16_64_128, SHA_256),
        Suite(3, AES_CCM_16_128_128, SHA_256, 16, P_256, ES256, AES_CCM_16_64_128, SHA_256),
        Suite(5, CHACHA20_POLY1305, SHA_256, 16, P_256, ES256, CHACHA20_POLY1305, SHA_256),
        Suite(24, A256GCM, SHA_384, 16, P_384, ES384, A256GCM, SHA_384),
    )
}
"""The suites by number (RFC 9528 section 10.2)."""
