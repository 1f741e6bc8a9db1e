"""Section 9.3 spelled out a second time, from its text and the grammar alone, with Python's own integers.

It exists to disagree. It is slow, and refuses by AssertionError.
"""

from hashlib import sha256, shake_256
from math import gcd, prod
from typing import Any

import cbor2
from tlslite.mathtls import FFDHE2048

SUITE, GROUP, L_N, P = "tc1-pba-2048", "ffdhe2048", 2048, FFDHE2048[1]
ORDER = (P - 1) // 2


def number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def octets(value: int, bits: int) -> bytes:
    return value.to_bytes((bits + 7) // 8, "big")


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def h(bits: int, *parts: Any) -> int:
    digest = shake_256(encode(list(parts))).digest((bits + 7) // 8)
    return number(digest) >> (8 * len(digest) - bits)


G, H = (pow(h(2048 + 128, "tc1-pba-generator", GROUP, name) % P, 2, P) for name in "gh")


def primes(low: int, high: int) -> list[int]:
    return [n for n in range(low, high) if n % 2 and all(n % a for a in range(3, int(n**0.5) + 1, 2))]


class Key:
    """An issuer's public key, its proofs checked."""

    def __init__(self, data: bytes) -> None:
        members = cbor2.loads(data)
        assert sorted(members) == list(range(1, 11)) and members[1] == SUITE and encode(members) == data
        self.id = sha256(data).digest()
        self.n, *roots = (number(members[key]) for key in range(2, 7))
        self.s, self.r_0, self.r_1, self.z = (pow(root, 2, self.n) for root in roots)
        self._check_modulus([number(root) for root in members[8]])
        self._check_generators(members[9], [number(response) for response in members[10]])

    def _check_modulus(self, roots: list[int]) -> None:
        n, small, large = self.n, prod(primes(3, 128)), prod(primes(128, 4096))
        assert n.bit_length() == L_N and n % 8 == 5 and gcd(n, small * large) == 1 and len(roots) == 128
        assert pow(3, n - 1, n) != 1, "prime"
        for i, y in enumerate(roots):
            x = h(L_N + 128, "tc1-pba-modulus", octets(n, L_N), i) % n
            exponent = 2 * small * (large * n if i < 19 else 1)
            assert pow(y, exponent, n) in (x, -x % n, 2 * x % n, -2 * x % n)

    def _check_generators(self, c: bytes, responses: list[int]) -> None:
        n, cut = self.n, h(396, "tc1-pba-coefficients", c)
        assert len(responses) == 11
        firsts = []
        for j, response in enumerate(responses):
            c_0, c_1, c_z = (cut >> (12 * (3 * j + k)) & 0xFFF for k in range(3))
            below = pow(self.r_0, c_0, n) * pow(self.r_1, c_1, n) * pow(self.z, c_z, n)
            firsts.append(pow(self.s, response, n) * pow(below, -1, n) % n)
        listed = [octets(value, L_N) for value in (n, self.s, self.r_0, self.r_1, self.z, *firsts)]
        assert h(256, "tc1-pba-generators", SUITE, listed) == number(c)


def property_value(name: str) -> int:
    return number(sha256(encode(["tc1-pba-property", name])).digest())


def check_certificate(key: Key, data: bytes) -> None:
    """The signature of Camenisch and Lysyanskaya, its ranges, and that A is a power of what it is the root of."""
    members, n = cbor2.loads(data), key.n
    assert members[1] == key.id
    a, e, v = (number(members[k]) for k in (4, 5, 6))
    assert 2**644 <= e <= 2**644 + 2**119 and v.bit_length() == 2820
    signed = pow(key.r_0, number(members[3]), n) * pow(key.r_1, property_value(members[2]), n) * pow(key.s, v, n)
    base = key.z * pow(signed, -1, n) % n
    assert pow(a, e, n) == base
    first = pow(base, number(members[8]), n) * pow(a, -number(members[7]), n) % n
    listed = [octets(base, L_N), octets(a, L_N), octets(e, 645), octets(first, L_N)]
    assert h(256, "tc1-pba-issuance", key.id, listed) == number(members[7])


def check_proof(key: Key, data: bytes, listed: bytes, c: int, token: bytes, binder: bytes, cnf: bytes) -> None:
    """One proof for the commitment `c` of a token, under a list that is the issuer's."""
    members, n = cbor2.loads(data), key.n
    revoked = cbor2.loads(cbor2.loads(listed).value[2])[7]
    assert members[2] == sha256(listed).digest() and len(members[9]) == len(revoked)
    blinded, challenge, s_e, s_m, s_v, s_r = (number(members[k]) for k in range(3, 9))
    assert s_e < 2**505 and s_m < 2**641 and s_v < 2**3207 and s_r < ORDER
    assert 1 < blinded < n and gcd(blinded, n) == 1 and 1 < c < P and pow(c, ORDER, P) == 1

    left = key.z * pow(key.r_1, -property_value(members[1]), n)
    firsts = [
        pow(left, -challenge, n)
        * pow(blinded, s_e + challenge * 2**644, n)
        * pow(key.r_0, s_m, n)
        * pow(key.s, s_v, n)
        % n,
        pow(c, -challenge, P) * pow(G, s_m, P) * pow(H, s_r, P) % P,
    ]
    for other, pair in zip(revoked, members[9], strict=True):
        a, b = map(number, pair)
        assert a < ORDER and b < ORDER
        firsts.append(pow(G, -challenge, P) * pow(c * pow(G, -number(other), P), a, P) * pow(H, b, P) % P)

    parameters = [GROUP, *(octets(value, 2048) for value in (P, G, H))]
    bound = [octets(c, 2048), sha256(token).digest(), binder, cnf, sha256(listed).digest()]
    sent = [octets(value, 2048) for value in (blinded, *firsts)]
    assert h(256, "tc1-pba-proof", SUITE, key.id, parameters, members[1], bound, sent) == challenge
