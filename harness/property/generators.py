"""A proof, without interaction, that generators are powers of another.

Each is published as its square root, so that whoever squares it knows that it is a square. That Z, R_0 and R_1 lie in
the group that S generates keeps a signer from marking certificates: it is what makes a blinded signature say nothing
about the certificate. Direct anonymous attestation shows it bit by bit for any modulus (Brickell, Camenisch, Chen, CCS
2004); here the order of the squares is known to have no factor below 4096 (`modulus`), so a round takes twelve bits,
and one response serves all generators: one outside the group goes undetected for at most one of its 4096 coefficients.
"""

from collections.abc import Sequence
from typing import Any

from ..crypto.random import Random
from .arithmetic import digest_bits, inverse, power, product, random_bits, secret_power
from .errors import BadKey
from .modulus import ROUGH
from .suites import STATISTICAL, Suite

COEFFICIENT = ROUGH.bit_length() - 1
ROUNDS = -(-STATISTICAL // COEFFICIENT)
DIGEST = 256


def response_bits(suite: Suite) -> int:
    """Of a response: it hides three logarithms times their coefficients."""
    return suite.modulus + COEFFICIENT + 2 + STATISTICAL + 1


def prove(
    suite: Suite, n: int, base: int, elements: Sequence[int], logarithms: Sequence[int], rng: Random
) -> tuple[int, list[int]]:
    """Challenge and responses that show that each element is a power of `base`, whose exponents are known."""
    masks = [random_bits(rng, response_bits(suite) - 1) for _ in range(ROUNDS)]
    firsts = [secret_power(base, mask, n) for mask in masks]
    challenge = _challenge(suite, n, base, elements, firsts)
    responses = [
        mask + sum(c * x for c, x in zip(row, logarithms, strict=True))
        for mask, row in zip(masks, _coefficients(challenge, len(elements)), strict=True)
    ]
    return challenge, responses


def verify(suite: Suite, n: int, base: int, elements: Sequence[int], challenge: int, responses: Sequence[int]) -> None:
    """Raise BadKey unless challenge and responses show it; n is one that `modulus` accepts, elements are squares."""
    if len(responses) != ROUNDS or any(response >> response_bits(suite) for response in responses):
        raise BadKey("proof of the generators has another length")
    firsts = []
    for response, row in zip(responses, _coefficients(challenge, len(elements)), strict=True):
        combined = product(n, *(power(element, c, n) for element, c in zip(elements, row, strict=True)))
        firsts.append(product(n, power(base, response, n), inverse(combined, n)))
    if _challenge(suite, n, base, elements, firsts) != challenge:
        raise BadKey("a generator is not shown to be a power of S")


def _coefficients(challenge: int, width: int) -> list[list[int]]:
    stream = digest_bits(COEFFICIENT * ROUNDS * width, "tc1-pba-coefficients", challenge.to_bytes(DIGEST // 8, "big"))
    cut = [stream >> (COEFFICIENT * k) & (ROUGH - 1) for k in range(ROUNDS * width)]
    return [cut[width * row : width * (row + 1)] for row in range(ROUNDS)]


def _challenge(suite: Suite, n: int, base: int, elements: Sequence[int], firsts: Sequence[int]) -> int:
    size = (suite.modulus + 7) // 8
    parts: list[Any] = [number.to_bytes(size, "big") for number in (n, base, *elements, *firsts)]
    return digest_bits(DIGEST, "tc1-pba-generators", suite.name, parts)
