"""The group of Pedersen commitments: the squares modulo a safe prime of RFC 7919, with generators that nobody chose.

The paper leaves prime, order and generators to whoever sets up; here all of them can be recomputed by everybody, so
that nobody knows the logarithm of one generator to the base of the other, and there is nothing to prove.
"""

from dataclasses import dataclass
from functools import cached_property

from .arithmetic import digest_bits, jacobi, power, product, secret_power
from .errors import Malformed


@dataclass(frozen=True)
class Group:
    """The subgroup of prime order `order` of the integers modulo `prime` = 2 `order` + 1."""

    name: str
    prime: int

    @property
    def order(self) -> int:
        """The order, a prime one bit shorter than the modulus."""
        return self.prime >> 1

    @property
    def bits(self) -> int:
        """Bits of an element."""
        return self.prime.bit_length()

    @cached_property
    def g(self) -> int:
        """The generator of what is committed to."""
        return self._generator("g")

    @cached_property
    def h(self) -> int:
        """The generator of what hides it."""
        return self._generator("h")

    def _generator(self, name: str) -> int:
        """A square other than 1 generates, because the order is prime; 128 bits more make it uniform."""
        number = digest_bits(self.bits + 128, "tc1-pba-generator", self.name, name) % self.prime
        return power(number, 2, self.prime)

    def commit(self, value: int, opening: int) -> int:
        """g^value h^opening; hides `value` perfectly where `opening` is uniform below `order`."""
        return product(self.prime, secret_power(self.g, value, self.prime), secret_power(self.h, opening, self.prime))

    def element(self, number: int) -> int:
        """`number`, which is an element other than 1. Raises Malformed."""
        if not 1 < number < self.prime or jacobi(number, self.prime) != 1:
            raise Malformed(f"not an element of {self.name}")
        return number


def _ffdhe(bits: int, increment: int) -> int:
    """The prime of RFC 7919 appendix A: 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1."""
    guard = 64
    total, term, k = 0, 1 << (bits - 130 + guard), 1
    while term:
        total += term
        term //= k
        k += 1
    return (1 << bits) - (1 << (bits - 64)) + (((total >> guard) + increment) << 64) - 1


FFDHE2048 = Group("ffdhe2048", _ffdhe(2048, 560316))
FFDHE3072 = Group("ffdhe3072", _ffdhe(3072, 2625351))
