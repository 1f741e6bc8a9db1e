"""The proof of knowledge behind attest and verify, before a hash makes its challenge.

Proved, of secret configuration, e, v' and r, for the public Z' = Z / R_1^property, blinded signature A' and commitment
C:

    Z' = A'^e R_0^configuration S^v' mod n,   C = g^configuration h^r mod P,   and for each revoked c_j:
    g = (C / g^c_j)^a_j h^b_j mod P

The first two are the paper's. The last stands for its revocation check: a_j = 1 / (configuration - c_j) exists only
where they differ, or whoever knows a_j and b_j knows the logarithm of g to the base h (Brands, "Rethinking public key
infrastructures", 2000, chapter 3). The paper's check, of Camenisch and Shoup, publishes h^(r beta) (C / g^c_j)^-beta
for all j with one beta, that is g^((c_j - configuration) beta): two of them tell whoever guesses the configuration
whether the guess is right. Representations reveal nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..crypto.random import Random
from .arithmetic import inverse, power, product, random_below, random_bits, secret_power
from .certificate import PropertyCertificate, property_value
from .commitment import Opening
from .issuer import PublicKeyOfIssuer
from .suites import E_RANGE, MESSAGE


@dataclass(frozen=True)
class Relation:
    """The public part of what is proved, but for the blinded signature."""

    issuer: PublicKeyOfIssuer
    property_name: str
    commitment: int
    revoked: tuple[int, ...]

    @cached_property
    def z(self) -> int:
        """Z' = Z / R_1^property."""
        n = self.issuer.n
        return product(n, self.issuer.z, inverse(power(self.issuer.r[1], property_value(self.property_name), n), n))

    @cached_property
    def differences(self) -> tuple[int, ...]:
        """C / g^c_j for each revoked configuration."""
        group = self.issuer.suite.group
        return tuple(product(group.prime, self.commitment, power(group.g, -c, group.prime)) for c in self.revoked)


@dataclass(frozen=True, slots=True)
class Responses:
    """Answers to a challenge, one for each secret; e without the start of its interval."""

    e: int
    configuration: int
    v: int
    r: int
    inequalities: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Witness:
    """What the prover knows, numbers as in `Responses`; a witness has the form of responses, and masks have it too."""

    blinded: int
    secrets: Responses


def witness(relation: Relation, certificate: PropertyCertificate, opening: Opening, rng: Random) -> Witness:
    """The certificate under a fresh blinding, A' = A S^-w and v' = v + e w, and the opening of the commitment.

    Raises ZeroDivisionError where the configuration is revoked.
    """
    issuer = relation.issuer
    suite, order = issuer.suite, issuer.suite.group.order
    w = random_bits(rng, suite.blinding)
    blinded = product(issuer.n, certificate.a, inverse(secret_power(issuer.s, w, issuer.n), issuer.n))
    configuration = int.from_bytes(certificate.configuration, "big")
    apart = [inverse(configuration - c, order) for c in relation.revoked]
    secrets = Responses(
        certificate.e - suite.e_start,
        configuration,
        certificate.v + certificate.e * w,
        opening.r,
        tuple((a, -opening.r * a % order) for a in apart),
    )
    return Witness(blinded, secrets)


@dataclass(frozen=True, slots=True, repr=False)
class Prover:
    """One run: masks chosen, first message computed. It must answer one challenge only."""

    relation: Relation
    witness: Witness
    masks: Responses
    firsts: tuple[int, ...]

    def respond(self, challenge: int) -> Responses:
        """mask + challenge * secret: over the integers where the order is unknown, else modulo the order."""
        order, secrets, masks = self.relation.issuer.suite.group.order, self.witness.secrets, self.masks
        return Responses(
            masks.e + challenge * secrets.e,
            masks.configuration + challenge * secrets.configuration,
            masks.v + challenge * secrets.v,
            (masks.r + challenge * secrets.r) % order,
            tuple(
                ((mask_a + challenge * a) % order, (mask_b + challenge * b) % order)
                for (mask_a, mask_b), (a, b) in zip(masks.inequalities, secrets.inequalities, strict=True)
            ),
        )


def start(relation: Relation, known: Witness, rng: Random) -> Prover:
    """Choose masks and compute the first message."""
    issuer, group = relation.issuer, relation.issuer.suite.group
    suite, n, prime = issuer.suite, issuer.n, group.prime
    masks = Responses(
        random_bits(rng, suite.mask(E_RANGE)),
        random_bits(rng, suite.mask(MESSAGE)),
        random_bits(rng, suite.mask(suite.blinded_v)),
        random_below(rng, group.order),
        tuple((random_below(rng, group.order), random_below(rng, group.order)) for _ in relation.revoked),
    )
    signature = product(
        n,
        secret_power(known.blinded, masks.e, n),
        secret_power(issuer.r[0], masks.configuration, n),
        secret_power(issuer.s, masks.v, n),
    )
    unequal = (
        product(prime, secret_power(difference, a, prime), secret_power(group.h, b, prime))
        for difference, (a, b) in zip(relation.differences, masks.inequalities, strict=True)
    )
    return Prover(relation, known, masks, (signature, group.commit(masks.configuration, masks.r), *unequal))


def in_range(relation: Relation, responses: Responses) -> bool:
    """Whether every response is one that an honest prover can give; what is extracted is bounded by it."""
    suite = relation.issuer.suite
    order = suite.group.order
    bounded = (
        (responses.e, suite.response(E_RANGE)),
        (responses.configuration, suite.response(MESSAGE)),
        (responses.v, suite.response(suite.blinded_v)),
    )
    modular = (responses.r, *(number for pair in responses.inequalities for number in pair))
    return (
        len(responses.inequalities) == len(relation.revoked)
        and all(0 <= number < 1 << bits for number, bits in bounded)
        and all(0 <= number < order for number in modular)
    )


def firsts(relation: Relation, blinded: int, challenge: int, responses: Responses) -> Sequence[int]:
    """The first message that makes the transcript verify: what verification recomputes, and a simulator publishes."""
    issuer, group = relation.issuer, relation.issuer.suite.group
    n, prime = issuer.n, group.prime
    signature = product(
        n,
        power(relation.z, -challenge, n),
        power(blinded, responses.e + challenge * issuer.suite.e_start, n),
        power(issuer.r[0], responses.configuration, n),
        power(issuer.s, responses.v, n),
    )
    opened = product(
        prime,
        power(relation.commitment, -challenge, prime),
        power(group.g, responses.configuration, prime),
        power(group.h, responses.r, prime),
    )
    apart = power(group.g, -challenge, prime)
    unequal = (
        product(prime, apart, power(difference, a, prime), power(group.h, b, prime))
        for difference, (a, b) in zip(relation.differences, responses.inequalities, strict=True)
    )
    return (signature, opened, *unequal)
