"""Verification of a property proof: section 9.3, in numbers of the suite tc1-pba-2048."""

from __future__ import annotations

import hashlib
from math import gcd
from typing import Any

from .crypto import load_key
from .refusal import ensure
from .sign1 import Sign1
from .strict import dump, load

L_N, L_E, E, CONFIGURATION, V, GROUP = 2048, 645, 505, 641, 3207, 2048


def shake(bits: int, *parts: Any) -> int:
    """H of the chapter: a number of so many bits."""
    octets = hashlib.shake_256(dump(list(parts))).digest((bits + 7) // 8)
    return int.from_bytes(octets, "big") >> (-bits % 8)


def octets(number: int, bits: int) -> bytes:
    """A number as long as numbers of its kind can be."""
    return number.to_bytes((bits + 7) // 8, "big")


def number(value: Any, bits: int) -> int:
    """Such a number, read. Raises Refused."""
    ensure(isinstance(value, bytes) and len(value) == (bits + 7) // 8, "length of a number")
    found = int.from_bytes(value, "big")
    ensure(found.bit_length() <= bits, "a number that is too great")
    return found


def generator(group: str, prime: int, name: str) -> int:
    """g or h of the commitment group."""
    return pow(shake(GROUP + 128, "tc1-pba-generator", group, name) % prime, 2, prime)


def _list(encoded: bytes, given: dict[str, Any]) -> list[int]:
    """Configurations that a current list of the issuer revokes. Raises Refused."""
    found = Sign1(load(encoded))
    ensure(found.protected == {1: -7, 16: "application/vnd.tc.pba-list+cose"} and not found.unprotected, "headers")
    found.verify(load_key(given["list_key"]), "tc1-pba-list")
    claims = load(found.payload)
    ensure(isinstance(claims, dict) and set(claims) == set(range(1, 8)), "claims of the list")
    ensure(claims[1].hex() == given["key_id"] and claims[2] == given["property"], "list of another key or property")
    ensure(claims[4] - 60 <= given["now"] < claims[5], "list is not current")
    ensure(claims[6] is False, "the property is withdrawn")
    revoked = claims[7]
    ensure(revoked == sorted(set(revoked)) and all(len(item) == 32 for item in revoked), "order of the list")
    return [int.from_bytes(item, "big") for item in revoked]


def property_proof(given: dict[str, Any]) -> None:
    """Operation `property-proof`."""
    encoded = bytes.fromhex(given["list"])
    revoked, proof = _list(encoded, given), load(bytes.fromhex(given["proof"]))
    ensure(isinstance(proof, dict) and set(proof) == set(range(1, 10)), "members of the proof")
    ensure(proof[1] == given["property"] and proof[2] == hashlib.sha256(encoded).digest(), "about something else")
    n, prime = int(given["n"], 16), int(given["prime"], 16)
    s, r_0, r_1, z = (pow(int(given["roots"][name], 16), 2, n) for name in ("s", "r_0", "r_1", "z"))
    blinded, challenge = number(proof[3], L_N), number(proof[4], 256)
    e, configuration, v = number(proof[5], E), number(proof[6], CONFIGURATION), number(proof[7], V)
    r, order = number(proof[8], GROUP - 1), prime >> 1
    ensure(isinstance(proof[9], list) and len(proof[9]) == len(revoked), "inequalities")
    pairs = [(number(a, GROUP - 1), number(b, GROUP - 1)) for a, b in proof[9]]
    ensure(all(item < order for item in (r, *(x for pair in pairs for x in pair))), "not below the order")
    ensure(1 < blinded < n and gcd(blinded, n) == 1, "not invertible")
    name = int.from_bytes(hashlib.sha256(dump(["tc1-pba-property", given["property"]])).digest(), "big")
    left = z * pow(r_1, -name, n) % n
    signature = pow(left, -challenge, n) * pow(blinded, e + (challenge << L_E - 1), n) * pow(r_0, configuration, n)
    firsts = [octets(signature * pow(s, v, n) % n, L_N)]
    g, h = generator(given["group"], prime, "g"), generator(given["group"], prime, "h")
    element = int(given["commitment"], 16)
    opened = pow(element, -challenge, prime) * pow(g, configuration, prime) * pow(h, r, prime) % prime
    firsts.append(octets(opened, GROUP))
    for one, (a, b) in zip(revoked, pairs, strict=True):
        apart = element * pow(g, -one, prime) % prime
        firsts.append(octets(pow(g, -challenge, prime) * pow(apart, a, prime) * pow(h, b, prime) % prime, GROUP))
    public = [bytes.fromhex(given[part]) for part in ("token_digest", "binder", "thumbprint")]
    bound = [octets(element, GROUP), *public, proof[2]]
    group = [given["group"], *(octets(value, GROUP) for value in (prime, g, h))]
    key_id, sent = bytes.fromhex(given["key_id"]), [octets(blinded, L_N), *firsts]
    expected = shake(256, "tc1-pba-proof", given["suite"], key_id, group, given["property"], bound, sent)
    ensure(expected == challenge, "does not verify")
