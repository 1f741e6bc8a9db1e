"""A proof, without interaction, that a modulus is what a signer of property certificates needs.

What is shown: n is the product of two different primes, one 3 and one 7 modulo 8; no odd prime below `ROUGH` divides
phi(n); and n is coprime to phi(n). So the squares modulo n have odd order without small factors, which the membership
of generators (`generators`) and the extraction of witnesses build on. An honest key has safe primes, for which all of
it holds. That (p - 1) / 2 and (q - 1) / 2 are prime is not shown: see the limits in chapter 9.

For each x that a hash derives from n, the prover gives y with y^(2E) equal to x, -x, 2x or -2x. Where n has more than
two prime factors, or two of other residues modulo 8, at most half of all x have such a y; where a prime a divides both
E and phi(n), at most 1/a of them. Gennaro, Micciancio and Rabin, "An efficient non-interactive statistical
zero-knowledge proof system for quasi-safe prime products", CCS 1998; Goldberg, Reyzin, Sagga and Baldimtsi, "Efficient
noninteractive certification of RSA moduli and beyond", ASIACRYPT 2019.
"""

from collections.abc import Sequence
from functools import cache
from math import prod

from .arithmetic import coprime, digest_bits, inverse, is_prime, jacobi, power, secret_power
from .errors import BadKey
from .safe_prime import small_primes

ROUNDS = 128
"""A modulus of another form passes with a chance of 2^-128 at most, and can be tried by hashing alone."""
LARGE_ROUNDS = 19
"""The first rounds raise to factors of 131 or more too, of which each passes with 1/131 at most: 19 log2(131) > 128."""
SMALL = 128
ROUGH = 4096
RESIDUES = (3, 7)
"""Of the two primes modulo 8."""


@cache
def _exponents() -> tuple[int, int]:
    """Twice the product of the odd primes below `SMALL`; the product of those from there to `ROUGH`."""
    primes = small_primes(ROUGH)
    return 2 * prod(a for a in primes if a < SMALL), prod(a for a in primes if a > SMALL)


def _exponent(n: int, index: int) -> int:
    small, large = _exponents()
    return small * large * n if index < LARGE_ROUNDS else small


def _base(n: int, index: int) -> int:
    return digest_bits(n.bit_length() + 128, "tc1-pba-modulus", n.to_bytes((n.bit_length() + 7) // 8, "big"), index) % n


def prove(p: int, q: int) -> list[int]:
    """`ROUNDS` roots for p q; p and q are safe primes, 3 and 7 modulo 8."""
    n, order = p * q, (p >> 1) * (q >> 1)
    roots = []
    for index in range(ROUNDS):
        x = _base(n, index)
        square = next(m * x % n for m in (1, -1, 2, -2) if jacobi(m * x % p, p) == jacobi(m * x % q, q) == 1)
        roots.append(secret_power(square, inverse(_exponent(n, index), order), n))
    return roots


def check_form(n: int, bits: int) -> None:
    """What is visible in n itself. Raises BadKey."""
    if n.bit_length() != bits:
        raise BadKey(f"modulus of {n.bit_length()} bits, not {bits}")
    if n % 8 != RESIDUES[0] * RESIDUES[1] % 8:
        raise BadKey("modulus is no product of primes that are 3 and 7 modulo 8")
    if is_prime(n) or not coprime(n, prod(_exponents())):
        raise BadKey("modulus is prime, or has a small factor")


def verify(n: int, bits: int, roots: Sequence[int]) -> None:
    """Raise BadKey unless the roots show that n, of exactly `bits` bits, is what the module says."""
    check_form(n, bits)
    if len(roots) != ROUNDS:
        raise BadKey(f"{len(roots)} roots, not {ROUNDS}")
    for index, root in enumerate(roots):
        x = _base(n, index)
        if not 0 < root < n or power(root, _exponent(n, index), n) not in (x, n - x, 2 * x % n, -2 * x % n):
            raise BadKey("the modulus is not shown to be special")
