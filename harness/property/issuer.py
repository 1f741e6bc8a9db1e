"""Setup: the key of an issuer of property certificates, public and private.

The public key is that of a Camenisch-Lysyanskaya signature over (configuration, property): a special RSA modulus n and
squares Z, R_0, R_1, S modulo n, as their roots, with the proofs of `modulus` and `generators`. A key on P-256 beside it
signs revocation lists; the modulus signs nothing else.
"""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ..codec import cbor
from ..codec.cose_key import PublicKey, cose_key, public_from_cose_key
from ..crypto.random import Random
from ..crypto.signatures import ES256
from . import generators, modulus
from .arithmetic import coprime, power, random_below, secret_power, to_octets
from .errors import BadKey, Malformed
from .items import listed, number, octets, read_map, text
from .safe_prime import Progress, is_safe_prime, safe_prime
from .suites import SUITES, Suite

MAX_KEY = 1 << 17
MAX_SECRET = 1 << 10


@dataclass(frozen=True)
class PublicKeyOfIssuer:
    """A public key whose proofs have been verified. `roots` are those of S, R_0, R_1 and Z."""

    suite: Suite
    n: int
    roots: tuple[int, int, int, int]
    list_key: PublicKey
    encoded: bytes

    @cached_property
    def id(self) -> bytes:
        """SHA-256 of the encoded key, 32 octets: what a relying party pins."""
        return sha256(self.encoded).digest()

    @cached_property
    def s(self) -> int:
        """S."""
        return power(self.roots[0], 2, self.n)

    @cached_property
    def r(self) -> tuple[int, int]:
        """R_0 for the configuration, R_1 for the property."""
        return power(self.roots[1], 2, self.n), power(self.roots[2], 2, self.n)

    @cached_property
    def z(self) -> int:
        """Z."""
        return power(self.roots[3], 2, self.n)

    def unit(self, value: int) -> int:
        """`value`, which is invertible modulo n and not 1. Raises Malformed."""
        if not 1 < value < self.n or not coprime(value, self.n):
            raise Malformed("not invertible modulo the issuer's modulus")
        return value


@dataclass(frozen=True)
class Issuer:
    """The private key: safe primes p and q, and the key that signs lists."""

    public: PublicKeyOfIssuer
    p: int = field(repr=False)
    q: int = field(repr=False)
    list_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def order(self) -> int:
        """How many squares there are: (p - 1)(q - 1) / 4."""
        return (self.p >> 1) * (self.q >> 1)

    def encode(self) -> bytes:
        """The private key: to be kept in the issuer's custody."""
        half = self.public.suite.modulus // 2
        list_key = self.list_key.private_numbers().private_value
        members = {1: self.public.suite.name, 2: to_octets(self.p, half), 3: to_octets(self.q, half)}
        return cbor.encode({**members, 4: to_octets(list_key, 256), 5: self.public.id})


def generate(suite: Suite, rng: Random, progress: Progress = lambda _: None) -> Issuer:
    """A new key, a function of what `rng` returns; takes seconds."""
    half = suite.modulus // 2
    p, q = (safe_prime(half, residue, rng, progress) for residue in modulus.RESIDUES)
    progress("proving the form of the key")
    return from_primes(suite, p, q, ES256.generate(rng), rng)


def from_primes(suite: Suite, p: int, q: int, list_key: Any, rng: Random) -> Issuer:
    """The key with these primes and fresh generators. Raises BadKey where they are not safe, or 3 and 7 modulo 8."""
    if p == q or not (is_safe_prime(p) and is_safe_prime(q)) or (p % 8, q % 8) != modulus.RESIDUES:
        raise BadKey("not two safe primes, 3 and 7 modulo 8")
    n, order = p * q, (p >> 1) * (q >> 1)
    modulus.check_form(n, suite.modulus)
    s = random_below(rng, n)
    while not coprime(s, n) or not coprime(power(s, 2, n) - 1, n):
        s = random_below(rng, n)
    logarithms = [random_below(rng, order - 2) + 2 for _ in range(3)]
    roots = (s, *(secret_power(s, x, n) for x in logarithms))
    squares = [power(root, 2, n) for root in roots]
    challenge, responses = generators.prove(suite, n, squares[0], squares[1:], logarithms, rng)
    encoded = _encode(suite, n, roots, list_key.public_key(), modulus.prove(p, q), challenge, responses)
    s_root, r_0, r_1, z = roots
    return Issuer(PublicKeyOfIssuer(suite, n, (s_root, r_0, r_1, z), list_key.public_key(), encoded), p, q, list_key)


def _encode(
    suite: Suite, n: int, roots: Any, list_key: PublicKey, proof: list[int], challenge: int, responses: list[int]
) -> bytes:
    members = dict(enumerate((to_octets(value, suite.modulus) for value in (n, *roots)), 2))
    return cbor.encode(
        {
            1: suite.name,
            **members,
            7: cose_key(list_key),
            8: [to_octets(root, suite.modulus) for root in proof],
            9: to_octets(challenge, generators.DIGEST),
            10: [to_octets(response, generators.response_bits(suite)) for response in responses],
        }
    )


def parse_public(data: bytes) -> PublicKeyOfIssuer:
    """The public key in `data`, all of its proofs verified: takes a good part of a second. Raises Malformed, BadKey."""
    what = "issuer's key"
    suite = _suite(data, what)
    element = number(suite.modulus)
    responses = listed(number(generators.response_bits(suite)), generators.ROUNDS, generators.ROUNDS)
    readers: dict[int, Any] = {1: text(32), **dict.fromkeys(range(2, 7), element), 7: _list_key}
    readers |= {8: listed(element, modulus.ROUNDS, modulus.ROUNDS), 9: number(generators.DIGEST), 10: responses}
    found = read_map(data, what, MAX_KEY, readers)
    n = found[2]
    modulus.verify(n, suite.modulus, found[8])
    s_root, r_0, r_1, z = (_root(found[key], n) for key in range(3, 7))
    key = PublicKeyOfIssuer(suite, n, (s_root, r_0, r_1, z), found[7], data)
    generators.verify(suite, n, key.s, (*key.r, key.z), found[9], found[10])
    return key


def parse_secret(data: bytes, public: PublicKeyOfIssuer) -> Issuer:
    """The private key that goes with `public`. Raises Malformed, BadKey."""
    half = number(public.suite.modulus // 2)
    readers = {1: text(32), 2: half, 3: half, 4: number(256), 5: octets(32)}
    found = read_map(data, "issuer's private key", MAX_SECRET, readers)
    p, q = found[2], found[3]
    if found[5] != public.id or p * q != public.n or not (is_safe_prime(p) and is_safe_prime(q)):
        raise BadKey("the private key is not that of the public key, or its primes are not safe")
    try:
        list_key = ec.derive_private_key(found[4], ec.SECP256R1())
    except ValueError as error:
        raise BadKey("no private key on P-256") from error
    return Issuer(public, p, q, list_key)


def _suite(data: bytes, what: str) -> Suite:
    """The suite that the item names in its first member, before lengths can be judged."""
    if len(data) > MAX_KEY:
        raise Malformed(f"{what}: {len(data)} octets, {MAX_KEY} at most")
    try:
        members = cbor.decode(data)
    except cbor.CborError as error:
        raise Malformed(f"{what}: {error}") from error
    name = members.get(1) if isinstance(members, dict) else None
    if not isinstance(name, str) or name not in SUITES:
        raise Malformed(f"{what}: no suite of this profile")
    return SUITES[name]


def _root(value: int, n: int) -> int:
    """A root whose square is invertible and not 1. Raises BadKey."""
    if not 1 < value < n or not coprime(value, n) or power(value, 2, n) == 1:
        raise BadKey("a generator is not invertible, or 1")
    return value


def _list_key(value: Any) -> PublicKey:
    try:
        key = public_from_cose_key(value) if isinstance(value, dict) else None
    except ValueError as error:
        raise Malformed(str(error)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1" or value != cose_key(key):
        raise Malformed("not a COSE_Key on P-256 with its required parameters alone")
    return key
