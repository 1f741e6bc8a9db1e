"""Arithmetic on large integers, by GMP: about seven times as fast as `pow`, and with an exponentiation whose time does
not depend on the exponent.

What is computed with secrets outside `secret_power` (products, sums, conversions) takes a time that depends on the
operands' lengths at least: see the limits in chapter 9.
"""

from hashlib import shake_256
from typing import Any

import gmpy2

from ..codec import cbor
from ..crypto.random import Random

PRIME_ROUNDS = 24 + 64
"""What GMP is asked for: the test of Baillie-PSW counts as 24, each more is a round of Miller-Rabin."""


def power(base: int, exponent: int, modulus: int) -> int:
    """base^exponent; a negative exponent takes the inverse. Raises ZeroDivisionError where there is none."""
    return int(gmpy2.powmod(base, exponent, modulus))


def secret_power(base: int, exponent: int, modulus: int) -> int:
    """base^exponent for a secret exponent, modulus odd: the time depends on lengths alone (GMP's mpz_powm_sec)."""
    if exponent <= 0:
        # mpz_powm_sec wants a positive exponent; zero or less happens with negligible probability, or never.
        return power(base, exponent, modulus)
    return int(gmpy2.powmod_sec(base, exponent, modulus))


def inverse(value: int, modulus: int) -> int:
    """1/value. Raises ZeroDivisionError where there is none."""
    return int(gmpy2.invert(value, modulus))


def product(modulus: int, *factors: int) -> int:
    """The product of all factors, reduced after each."""
    result = 1
    for factor in factors:
        result = result * factor % modulus
    return result


def coprime(value: int, other: int) -> bool:
    """Whether the greatest common divisor is 1."""
    return int(gmpy2.gcd(value, other)) == 1


def is_prime(number: int) -> bool:
    """Baillie-PSW and 64 rounds of Miller-Rabin, which a composite passes with a chance below 2^-128."""
    return bool(gmpy2.is_prime(number, PRIME_ROUNDS))


def is_probable_prime(number: int) -> bool:
    """A quick test that few composites pass."""
    return bool(gmpy2.is_strong_prp(number, 2))


def jacobi(value: int, modulus: int) -> int:
    """The Jacobi symbol; for a prime modulus 1 means that `value` is a square."""
    return int(gmpy2.jacobi(value, modulus))


def random_bits(rng: Random, bits: int) -> int:
    """Uniform in [0, 2^bits)."""
    return int.from_bytes(rng((bits + 7) // 8), "big") >> (-bits % 8)


def random_below(rng: Random, bound: int) -> int:
    """Uniform in [0, bound), by rejection."""
    while (number := random_bits(rng, bound.bit_length())) >= bound:
        pass
    return number


def digest_bits(bits: int, *parts: Any) -> int:
    """SHAKE256 over the deterministic encoding of an array of the parts, as a number of so many bits.

    The array delimits every part, so that no two lists of parts give the same octets.
    """
    octets = shake_256(cbor.encode(list(parts))).digest((bits + 7) // 8)
    return int.from_bytes(octets, "big") >> (-bits % 8)


def to_octets(number: int, bits: int) -> bytes:
    """Big-endian, as long as numbers of so many bits are. Raises OverflowError."""
    return number.to_bytes((bits + 7) // 8, "big")
