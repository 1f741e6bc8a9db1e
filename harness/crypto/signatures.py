"""Signatures as COSE carries them: EdDSA over Ed25519, ES256 and ES384 (RFC 9053 section 2).

An ECDSA signature is r || s, each as long as the order of the curve, deterministic by RFC 6979.
"""

from abc import ABC, abstractmethod

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .curves import P_256, P_384, NistCurve
from .errors import BadSignature, WrongKey
from .random import Random


class SignatureAlgorithm(ABC):
    """One algorithm. `number` is its COSE identifier, `length` that of a signature in octets."""

    __slots__ = ("length", "number")

    def __init__(self, number: int, length: int) -> None:
        self.number = number
        self.length = length

    @abstractmethod
    def generate(self, rng: Random) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
        """A new signing key, a function of what `rng` returns."""

    @abstractmethod
    def sign(self, private_key: object, message: bytes) -> bytes:
        """The signature over `message`, always the same one; raises WrongKey."""

    @abstractmethod
    def verify(self, public_key: object, signature: bytes, message: bytes) -> None:
        """Raises BadSignature unless `signature` is one over `message`, WrongKey when it cannot be with this key."""


class EdDsa(SignatureAlgorithm):
    """Ed25519 (RFC 8032)."""

    __slots__ = ()

    def generate(self, rng: Random) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(rng(32))

    def sign(self, private_key: object, message: bytes) -> bytes:
        if not isinstance(private_key, Ed25519PrivateKey):
            raise WrongKey("EdDSA wants an Ed25519 key")
        return private_key.sign(message)

    def verify(self, public_key: object, signature: bytes, message: bytes) -> None:
        if not isinstance(public_key, Ed25519PublicKey):
            raise WrongKey("EdDSA wants an Ed25519 key")
        try:
            public_key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignature("EdDSA: signature does not verify") from error


class Ecdsa(SignatureAlgorithm):
    """ECDSA on one NIST curve with one hash (FIPS 186-5)."""

    __slots__ = ("_curve", "_group", "_signing", "_verifying")

    def __init__(
        self, number: int, curve: NistCurve, group: type[ec.EllipticCurve], hash_: hashes.HashAlgorithm
    ) -> None:
        super().__init__(number, 2 * curve.share_length)
        self._curve = curve
        self._group = group
        self._signing = ec.ECDSA(hash_, deterministic_signing=True)
        self._verifying = ec.ECDSA(hash_)

    def generate(self, rng: Random) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self._curve.generate(rng), "big"), self._group())

    def sign(self, private_key: object, message: bytes) -> bytes:
        if not isinstance(private_key, ec.EllipticCurvePrivateKey) or not isinstance(private_key.curve, self._group):
            raise WrongKey(f"algorithm {self.number} wants a key on {self._group.name}")
        r, s = decode_dss_signature(private_key.sign(message, self._signing))
        half = self.length // 2
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    def verify(self, public_key: object, signature: bytes, message: bytes) -> None:
        if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, self._group):
            raise WrongKey(f"algorithm {self.number} wants a key on {self._group.name}")
        if len(signature) != self.length:
            raise BadSignature(f"algorithm {self.number}: {len(signature)} octets, not {self.length}")
        half = self.length // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        # Asked here as well as in the library: a verifier that forgets it accepts r = s = 0 (CVE-2022-21449).
        if not (0 < r < self._curve.order and 0 < s < self._curve.order):
            raise BadSignature(f"algorithm {self.number}: r or s out of range")
        try:
            public_key.verify(encode_dss_signature(r, s), message, self._verifying)
        except InvalidSignature as error:
            raise BadSignature(f"algorithm {self.number}: signature does not verify") from error


EDDSA: SignatureAlgorithm = EdDsa(-8, 64)
ES256: SignatureAlgorithm = Ecdsa(-7, P_256, ec.SECP256R1, hashes.SHA256())
ES384: SignatureAlgorithm = Ecdsa(-35, P_384, ec.SECP384R1, hashes.SHA384())
