"""Setup: property certificates, Camenisch-Lysyanskaya signatures (A, e, v) over a configuration and a property.

Z = A^e R_0^configuration R_1^property S^v modulo n, with e a prime of a short interval that no other certificate has.
The issuer adds a proof that A lies in the group of S: as e is prime, A could leave it only by an element of order e,
and a proof of knowledge of the e-th root as a power of what A is the root of excludes that, for any modulus.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..codec import cbor
from ..crypto.random import Random
from .arithmetic import (
    digest_bits,
    inverse,
    is_prime,
    power,
    product,
    random_bits,
    secret_power,
    to_octets,
)
from .errors import BadCertificate
from .issuer import Issuer, PublicKeyOfIssuer
from .items import number, octets, read_map, text
from .suites import CHALLENGE, E_RANGE, MESSAGE, STATISTICAL

MAX_CERTIFICATE = 1 << 12
MAX_PROPERTY = 255
"""Octets of a property's name, a URI that the issuer defines."""


def configuration_value(measurements: list[list[object]]) -> bytes:
    """The configuration of a platform: a digest, 32 octets, of what evidence claim 273 would hold."""
    return sha256(cbor.encode(["tc1-pba-configuration", measurements])).digest()


def property_value(name: str) -> int:
    """What is signed for a property."""
    return int.from_bytes(sha256(cbor.encode(["tc1-pba-property", name])).digest(), "big")


@dataclass(frozen=True, slots=True, repr=False)
class PropertyCertificate:
    """The issuer's word that the configuration has the property. To be kept with the platform: whoever sees A, e and v
    recognises nothing, but whoever sees it whole knows the configuration."""

    property_name: str
    configuration: bytes
    a: int
    e: int
    v: int
    challenge: int
    response: int

    def encode(self, issuer: PublicKeyOfIssuer) -> bytes:
        """The octets in which an issuer hands it over."""
        suite = issuer.suite
        return cbor.encode(
            {
                1: issuer.id,
                2: self.property_name,
                3: self.configuration,
                4: to_octets(self.a, suite.modulus),
                5: to_octets(self.e, suite.e),
                6: to_octets(self.v, suite.v),
                7: to_octets(self.challenge, CHALLENGE),
                8: to_octets(self.response, _response_bits(issuer)),
            }
        )


def certify(issuer: Issuer, property_: str, configuration: bytes, rng: Random) -> PropertyCertificate:
    """A certificate that the configuration, 32 octets, has the property. The issuer has examined it."""
    public, suite = issuer.public, issuer.public.suite
    v = 1 << (suite.v - 1) | random_bits(rng, suite.v - 1)
    e = _random_e(issuer, rng)
    base = _base(public, property_, configuration, v)
    root = inverse(e, issuer.order)
    a = secret_power(base, root, public.n)
    mask = random_bits(rng, _response_bits(public) - 1)
    challenge = _challenge(public, base, a, e, power(base, mask, public.n))
    certificate = PropertyCertificate(property_, configuration, a, e, v, challenge, mask + challenge * root)
    check(public, certificate)  # A signature with a fault would give the factors of n away.
    return certificate


def parse(data: bytes, issuer: PublicKeyOfIssuer) -> PropertyCertificate:
    """The certificate in `data`, verified. Raises Malformed, BadCertificate."""
    suite = issuer.suite
    readers: dict[int, Any] = {1: octets(32), 2: text(MAX_PROPERTY), 3: octets(MESSAGE // 8), 4: number(suite.modulus)}
    readers |= {5: number(suite.e), 6: number(suite.v), 7: number(CHALLENGE), 8: number(_response_bits(issuer))}
    found = read_map(data, "property certificate", MAX_CERTIFICATE, readers)
    if found[1] != issuer.id:
        raise BadCertificate("certificate of another issuer's key")
    certificate = PropertyCertificate(*(found[key] for key in range(2, 9)))
    check(issuer, certificate)
    return certificate


def check(issuer: PublicKeyOfIssuer, certificate: PropertyCertificate) -> None:
    """Raise BadCertificate unless signature and proof verify and every part is in its range."""
    suite, n = issuer.suite, issuer.n
    if not suite.e_start <= certificate.e <= suite.e_start + (1 << (E_RANGE - 1)) or not is_prime(certificate.e):
        raise BadCertificate("e is no prime of its interval")
    if certificate.v.bit_length() != suite.v:
        raise BadCertificate(f"v has not {suite.v} bits")
    if not 1 < certificate.a < n:
        raise BadCertificate("A is out of range")
    base = _base(issuer, certificate.property_name, certificate.configuration, certificate.v)
    if power(certificate.a, certificate.e, n) != base:
        raise BadCertificate("the signature does not verify")
    first = product(n, power(base, certificate.response, n), inverse(power(certificate.a, certificate.challenge, n), n))
    if _challenge(issuer, base, certificate.a, certificate.e, first) != certificate.challenge:
        raise BadCertificate("A is not shown to be in the group of S")


def _random_e(issuer: Issuer, rng: Random) -> int:
    """A prime 2^(l_e - 1) + [0, 2^(l'_e - 1))."""
    start = issuer.public.suite.e_start
    while not is_prime(e := start | random_bits(rng, E_RANGE - 1) | 1):
        pass
    return e


def _base(issuer: PublicKeyOfIssuer, property_: str, configuration: bytes, v: int) -> int:
    """Z / (R_0^configuration R_1^property S^v): A^e."""
    n, (r_0, r_1) = issuer.n, issuer.r
    signed = (r_0, int.from_bytes(configuration, "big")), (r_1, property_value(property_)), (issuer.s, v)
    return product(n, issuer.z, inverse(product(n, *(secret_power(base, x, n) for base, x in signed)), n))


def _response_bits(issuer: PublicKeyOfIssuer) -> int:
    return issuer.suite.modulus + STATISTICAL + CHALLENGE + 1


def _challenge(issuer: PublicKeyOfIssuer, base: int, a: int, e: int, first: int) -> int:
    size = issuer.suite.modulus
    numbers = [to_octets(base, size), to_octets(a, size), to_octets(e, issuer.suite.e), to_octets(first, size)]
    return digest_bits(CHALLENGE, "tc1-pba-issuance", issuer.id, numbers)
