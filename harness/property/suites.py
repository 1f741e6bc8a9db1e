"""The lengths of every number of the protocol, in bits, and the commitment group that goes with a modulus.

Names and constraints are those of the paper's section 7.1, but the paper's length of e satisfies no constraint that
covers what is extracted from a proof: a configuration is only known to be below 2^(l_m + l_phi + l_H + 1). The lengths
of e and v are therefore those that direct anonymous attestation (Brickell, Camenisch, Chen, CCS 2004) and Identity
Mixer (IBM Research RZ 3730) ask for, with l_phi = 128 in place of 80.
"""

from dataclasses import dataclass

from .group import FFDHE2048, FFDHE3072, Group

MESSAGE = 256
"""l_m: a configuration and a property are SHA-256 digests (the paper's l_cs and l_ps)."""
STATISTICAL = 128
"""l_phi: how far, as a power of two, a proof is from one that a simulator makes."""
CHALLENGE = 256
"""l_H: the challenge, which SHAKE256 makes."""
E_RANGE = 120
"""l'_e: the interval from which the primes e come begins at 2^(l_e - 1) and is 2^(l'_e - 1) wide."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The lengths that follow from that of the modulus. `name` stands in every item and in every challenge."""

    name: str
    modulus: int
    """l_n."""
    group: Group

    def __post_init__(self) -> None:
        """Refuse lengths for which the security argument does not hold. Raises ValueError."""
        order = self.group.order.bit_length()
        if order <= MESSAGE + CHALLENGE + STATISTICAL + 2:
            raise ValueError("a configuration that is extracted could wrap around the order of the commitment group")
        if self.e <= STATISTICAL + CHALLENGE + max(MESSAGE + 4, E_RANGE + 2):
            raise ValueError("a configuration that is extracted could be longer than e")
        if self.modulus < 2048 or self.group.prime.bit_length() < self.modulus:
            raise ValueError("2048 bits at least")

    @property
    def e(self) -> int:
        """l_e > l_phi + l_H + max(l_m + 4, l'_e + 2)."""
        return STATISTICAL + CHALLENGE + MESSAGE + 5

    @property
    def e_start(self) -> int:
        """2^(l_e - 1), where the interval of e begins."""
        return 1 << (self.e - 1)

    @property
    def v(self) -> int:
        """l_v = l_n + 2 l_phi + l_H + l_m + 4."""
        return self.modulus + 2 * STATISTICAL + CHALLENGE + MESSAGE + 4

    @property
    def blinding(self) -> int:
        """Of w, which hides A: l_n + l_phi, so that S^w is statistically uniform (the paper's l_n is too short)."""
        return self.modulus + STATISTICAL

    @property
    def blinded_v(self) -> int:
        """Of v + e w."""
        return max(self.v, self.e + self.blinding) + 1

    def mask(self, length: int) -> int:
        """Of the number that hides a secret of `length` times a challenge."""
        return length + STATISTICAL + CHALLENGE

    def response(self, length: int) -> int:
        """Of the largest honest response for a secret of `length`; a verifier refuses what is longer."""
        return self.mask(length) + 1


PBA_2048 = Suite("tc1-pba-2048", 2048, FFDHE2048)
PBA_3072 = Suite("tc1-pba-3072", 3072, FFDHE3072)
SUITES = {suite.name: suite for suite in (PBA_2048, PBA_3072)}
