"""Safe primes: primes p for which p' = (p - 1) / 2 is prime too."""

from collections.abc import Callable
from functools import cache
from itertools import count

from ..crypto.random import Random
from .arithmetic import is_prime, is_probable_prime, random_bits

Progress = Callable[[str], None]
"""Told in a line what is being looked for, at every window that was searched."""

SIEVE = 1 << 16
"""Candidates with a smaller prime factor are not tested."""
WINDOW = 1 << 16
"""Candidates in one window."""


@cache
def small_primes(bound: int) -> tuple[int, ...]:
    """The odd primes below `bound`."""
    sieve = bytearray([1]) * bound
    for number in range(3, int(bound**0.5) + 1, 2):
        if sieve[number]:
            sieve[number * number :: 2 * number] = bytes(len(range(number * number, bound, 2 * number)))
    return tuple(number for number in range(3, bound, 2) if sieve[number])


def safe_prime(bits: int, residue: int, rng: Random, progress: Progress = lambda _: None) -> int:
    """A safe prime of exactly `bits` whose two highest bits are set, with `residue` modulo 8, a function of the rng.

    Each window starts anew at random, so that primes after long gaps are hardly likelier than others.
    """
    for window in count(1):
        progress(f"looking for a safe prime of {bits} bits: window {window}")
        start = random_bits(rng, bits) | 3 << (bits - 2)
        start += (residue - start) % 8
        for offset in _sieved(start):
            candidate = start + 8 * offset
            if candidate.bit_length() == bits and _is_safe(candidate):
                return candidate
    raise AssertionError("counts for ever")


def is_safe_prime(number: int) -> bool:
    """Whether the number and half of it are prime."""
    return number % 4 == 3 and is_prime(number) and is_prime(number >> 1)


def _is_safe(candidate: int) -> bool:
    half = candidate >> 1
    return is_probable_prime(half) and is_probable_prime(candidate) and is_safe_prime(candidate)


def _sieved(start: int) -> list[int]:
    """Offsets k in the window for which neither start + 8 k nor half of it has a small odd prime factor."""
    kept = bytearray([1]) * WINDOW
    for prime in small_primes(SIEVE):
        eighth = pow(8, -1, prime)
        for bad in {-start * eighth % prime, (1 - start) * eighth % prime}:
            kept[bad::prime] = bytes(len(range(bad, WINDOW, prime)))
    return [offset for offset in range(WINDOW) if kept[offset]]
