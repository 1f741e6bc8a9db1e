"""HELLO of a peer, with a waiver or without: chapters 5, 6, 8 and 14."""

from __future__ import annotations

from typing import Any

from . import pki
from .identifiers import IDS
from .pki import Certificate
from .refusal import Refused, ensure
from .sign1 import Sign1, names
from .strict import Tag, dump, load

DENIED, MALFORMED = "alert:28", "alert:11"
REQUIRES, WAIVER, ANONYMOUS = 1, 2, 4


def hello(given: dict[str, Any]) -> dict[str, str]:
    """Operation `hello`."""
    frame = load(bytes.fromhex(given["frame"]))
    ensure(isinstance(frame, list) and len(frame) == 2, "no frame", MALFORMED)
    ensure(type(frame[0]) is int and frame[0] == 1, "another frame")
    body = frame[1]
    _form(body)
    ensure(body[1] == IDS["protocol_version"], "version", "alert:12")
    waives = bool(body[5] & WAIVER)
    ensure(waives == (9 in body), "waiver and its flag", MALFORMED)
    leaf, issuer = (Certificate(bytes.fromhex(given[name])) for name in ("leaf", "issuer"))
    ensure(bool(body[5] & ANONYMOUS) == pki.is_pseudonym(leaf), "flag 4 and tc-anon", "alert:24")
    proofs = dump(body[8]) if 8 in body else b""
    if given["requires_evidence"] and not waives:
        ensure(body[3], "no evidence is offered", "alert:20")
        ensure(any(kind in given["accepted"] for kind in body[3]), "no common type", "alert:21")
    pki.certain(leaf, issuer, proofs, [], given["now"], given["max_age"], given["tolerance"])
    if not given["requires_evidence"]:
        return {"direction": "not-required"}
    if waives:
        _waiver(body[9], leaf, given)
    return {"direction": "waived" if waives else "attests"}


def _form(body: Any) -> None:
    ensure(isinstance(body, dict) and {1, 2, 3, 4, 5, 6, 7} <= set(body) <= set(range(1, 11)), "grammar", MALFORMED)
    ensure(all(_unsigned(body[key]) for key in (1, 5, 6, 7)), "numbers", MALFORMED)
    ensure(isinstance(body[2], bytes) and len(body[2]) == 32, "nonce", MALFORMED)
    for key in (3, 4):
        kinds = body[key]
        ensure(isinstance(kinds, list) and all(_unsigned(k) or isinstance(k, str) for k in kinds), "types", MALFORMED)
    ensure(body[5] < 16 and all(body[key] < 1 << 32 for key in (6, 7)), "numbers", MALFORMED)
    if 8 in body:
        proofs = body[8]
        ensure(isinstance(proofs, list) and proofs, "proofs", MALFORMED)
        ensure(all(isinstance(proof, list) and len(proof) == 2 for proof in proofs), "proofs", MALFORMED)
        ensure(
            all(p[0] in (0, 1) and type(p[0]) is int and isinstance(p[1], bytes) for p in proofs), "proofs", MALFORMED
        )
    ensure(isinstance(body.get(10, ""), str), "purpose", MALFORMED)


def _unsigned(value: Any) -> bool:
    return type(value) is int and value >= 0


def _waiver(item: Any, leaf: Certificate, given: dict[str, Any]) -> None:
    ensure(isinstance(item, Tag), "no statement")
    try:
        found = Sign1(item)
        claims = load(found.payload)
    except (Refused, ValueError):
        raise Refused("no statement") from None
    header = found.protected
    ensure(set(header) == {1, 16, 34} and not found.unprotected, "header")
    ensure(header[1] == -7 and type(header[1]) is int and header[16] == IDS["media_type"]["waiver"], "header", DENIED)
    authorities = pki.certificates(given["waiver_authorities"])
    authority = next((one for one in authorities if names(header[34], one)), None)
    if authority is None or not authority.valid_at(given["now"]):
        raise Refused("authority", DENIED)
    found.verify(authority.key, IDS["external_aad"]["waiver"], DENIED)
    ensure(isinstance(claims, dict) and set(claims) == set(range(1, 9)), "claims")
    ensure(all(_unsigned(claims[key]) for key in (3, 5, 6)), "numbers")
    ensure(all(isinstance(claims[key], str) for key in (2, 4)), "names")
    ensure(claims[1] == leaf.digest, "another leaf", DENIED)
    ensure(given["minimum_level"] <= claims[3] <= 4, "level", DENIED)
    ensure(claims[5] <= given["now"] + given["tolerance"] and given["now"] < claims[6], "not in force", DENIED)
    ensure(claims[7] is True, "the key can be exported")
    ensure(isinstance(claims[8], bytes) and len(claims[8]) == 16, "statement id")
    ensure(claims[8].hex() not in given["revoked_waivers"], "revoked", DENIED)
