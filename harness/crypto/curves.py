"""Ephemeral Diffie-Hellman: X25519 and the NIST curves, shares as EDHOC sends them (RFC 9528 section 3.7).

A share is the u-coordinate of X25519 (RFC 7748) or the x-coordinate alone of a NIST point; either y gives the same
shared secret, the x-coordinate of the product. Validation is that of RFC 9528 section 9.2.
"""

from abc import ABC, abstractmethod
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import InvalidShare
from .random import Random, system_random


class EphemeralKey(ABC):
    """A private key kept parsed, with its share."""

    __slots__ = ("share",)
    share: bytes

    @property
    @abstractmethod
    def private(self) -> bytes:
        """The private scalar, as many octets as a share."""

    @abstractmethod
    def exchange(self, share: bytes) -> bytes:
        """The shared secret with the owner of `share`; raises InvalidShare."""


class Curve(ABC):
    """One curve. `number` is its COSE identifier (RFC 9053 section 7.1), lengths are in octets."""

    __slots__ = ("_loaded", "number", "share_length")

    def __init__(self, number: int, share_length: int) -> None:
        self.number = number
        self.share_length = share_length
        self._loaded = lru_cache(maxsize=256)(self.load)

    @abstractmethod
    def generate(self, rng: Random) -> bytes:
        """A new private scalar, a function of what `rng` returns."""

    def ephemeral(self, rng: Random) -> EphemeralKey:
        """A new key, a function of what `rng` returns unless that is `system_random`."""
        return self.load(self.generate(rng))

    @abstractmethod
    def load(self, private: bytes) -> EphemeralKey:
        """The key of a private scalar. Raises ValueError when it is no scalar of the curve."""

    @abstractmethod
    def validate(self, share: bytes) -> None:
        """Raises InvalidShare unless `share` is a share that `exchange` may be used with."""

    @abstractmethod
    def exchange_unvalidated(self, private: bytes, share: bytes) -> bytes:
        """The weak twin of `exchange`: what an implementation computes that takes any octets for a coordinate."""

    def public(self, private: bytes) -> bytes:
        """The share of a private scalar."""
        return self._loaded(private).share

    def exchange(self, private: bytes, share: bytes) -> bytes:
        """The shared secret; raises InvalidShare."""
        return self._loaded(private).exchange(share)

    def _require_length(self, share: bytes) -> None:
        if len(share) != self.share_length:
            raise InvalidShare(f"curve {self.number}: share of {len(share)} octets, not {self.share_length}")


# --- X25519 ----------------------------------------------------------------------------------------------------------
_P25519 = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)
"""The u-coordinates whose product with every clamped scalar is zero, on the curve and on its twist."""


class X25519Key(EphemeralKey):
    """A key of RFC 7748."""

    __slots__ = ("_key",)

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key
        self.share = key.public_key().public_bytes_raw()

    @property
    def private(self) -> bytes:
        return self._key.private_bytes_raw()

    def exchange(self, share: bytes) -> bytes:
        if len(share) != 32:
            raise InvalidShare(f"X25519: share of {len(share)} octets, not 32")
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as error:
            raise InvalidShare("X25519: share of low order") from error


class X25519(Curve):
    """Curve25519 (RFC 7748)."""

    __slots__ = ()

    def generate(self, rng: Random) -> bytes:
        return rng(32)

    def load(self, private: bytes) -> X25519Key:
        return X25519Key(X25519PrivateKey.from_private_bytes(private))

    def validate(self, share: bytes) -> None:
        self._require_length(share)
        if (int.from_bytes(share, "little") & (2**255 - 1)) % _P25519 in _LOW_ORDER:
            raise InvalidShare("X25519: share of low order")

    def exchange_unvalidated(self, private: bytes, share: bytes) -> bytes:
        try:
            return self.exchange(private, share[:32].ljust(32, b"\x00"))
        except InvalidShare:
            return bytes(32)


# --- NIST curves -----------------------------------------------------------------------------------------------------
class NistKey(EphemeralKey):
    """A key on a NIST curve."""

    __slots__ = ("_curve", "_key")

    def __init__(self, curve: "NistCurve", key: ec.EllipticCurvePrivateKey) -> None:
        self._curve = curve
        self._key = key
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.share = point[1:]

    @property
    def private(self) -> bytes:
        return self._key.private_numbers().private_value.to_bytes(self._curve.share_length, "big")

    def exchange(self, share: bytes) -> bytes:
        return self._key.exchange(_ECDH, self._curve.point(share))


_ECDH = ec.ECDH()


class NistCurve(Curve):
    """A curve of NIST SP 800-186, y^2 = x^3 - 3x + b over the field of `prime` elements, of prime `order`."""

    __slots__ = ("_group", "b", "order", "point", "prime")

    def __init__(self, number: int, group: ec.EllipticCurve, prime: int, b: int) -> None:
        super().__init__(number, (group.key_size + 7) // 8)
        self._group = group
        self.prime = prime
        self.b = b
        self.order = group.group_order
        self.point = lru_cache(maxsize=256)(self._decompress)

    def generate(self, rng: Random) -> bytes:
        # FIPS 186-5 appendix A.2.2: draw again rather than reduce, so that every scalar is equally likely.
        while not 0 < int.from_bytes(private := rng(self.share_length), "big") < self.order:
            pass
        return private

    def ephemeral(self, rng: Random) -> EphemeralKey:
        # Drawing inside the library halves the cost: no scalar is parsed.
        if rng is system_random:
            return NistKey(self, ec.generate_private_key(self._group))
        return super().ephemeral(rng)

    def load(self, private: bytes) -> NistKey:
        if len(private) != self.share_length:
            raise ValueError(f"curve {self.number}: scalar of {len(private)} octets, not {self.share_length}")
        return NistKey(self, ec.derive_private_key(int.from_bytes(private, "big"), self._group))

    def _decompress(self, share: bytes) -> ec.EllipticCurvePublicKey:
        self._require_length(share)
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self._group, b"\x02" + share)
        except ValueError as error:
            raise InvalidShare(f"curve {self.number}: no point has this x-coordinate") from error

    def validate(self, share: bytes) -> None:
        self.point(share)

    def exchange_unvalidated(self, private: bytes, share: bytes) -> bytes:
        try:
            return self.exchange(private, share)
        except InvalidShare:
            x = self.multiply_x(int.from_bytes(private, "big"), int.from_bytes(share, "big") % self.prime)
            return x.to_bytes(self.share_length, "big")

    def multiply_x(self, scalar: int, x: int) -> int:
        """x(scalar * P) from x(P) alone, on the curve or on its twist alike; zero for the point at infinity.

        The ladder of Brier and Joye (PKC 2002, section 4); time depends on the scalar, as befits a weak twin.
        """
        p, b4 = self.prime, 4 * self.b
        low, high = (1, 0), (x, 1)
        for bit in bin(scalar)[2:]:
            (x1, z1), (x2, z2) = low, high
            cross, outer = x1 * z2 + x2 * z1, x1 * z2 - x2 * z1
            both = x1 * x2 + 3 * z1 * z2
            added = ((both * both - b4 * z1 * z2 * cross) % p, x * outer * outer % p)
            xd, zd = high if bit == "1" else low
            square = xd * xd + 3 * zd * zd
            cube = xd * (xd * xd - 3 * zd * zd) + self.b * zd**3
            doubled = ((square * square - 2 * b4 * xd * zd**3) % p, 4 * zd * cube % p)
            low, high = (added, doubled) if bit == "1" else (doubled, added)
        return low[0] * pow(low[1], -1, p) % p if low[1] else 0


CURVE_25519: Curve = X25519(4, 32)
P_256 = NistCurve(
    1,
    ec.SECP256R1(),
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
)
P_384 = NistCurve(
    2,
    ec.SECP384R1(),
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
)
