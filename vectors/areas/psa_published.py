"""The token that RFC 9783 publishes, and the same with one thing wrong: its COSE_Sign1 alone, as its key judges it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cbor2 import CBORTag

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ..vector import Group, Json, Vector, octets

FILE = Path(__file__).parents[1] / "published" / "rfc9783.json"
NAMES = ("header", "unprotected", "payload", "signature")


def _tokens(token: CBORTag) -> Iterator[tuple[str, str, str, bytes, str]]:
    """Requirement, field, operator, token and comment of each fault."""
    parts = dict(zip(NAMES, token.value, strict=True))
    r, s = parts["signature"][:32], parts["signature"][32:]
    changed = (
        ("ATT-38", "header", "other", cbor.encode({1: -35}), "another algorithm, to be read as ES256"),
        ("ATT-36", "header", "empty", b"", "no protected header, and so no algorithm"),
        ("ATT-38", "payload", "bit-flipped", one_bit_other(parts["payload"]), "one bit the other way"),
        ("ATT-38", "payload", "empty", b"", "no claims under the same signature"),
        ("ATT-38", "signature", "bit-flipped", one_bit_other(parts["signature"]), "one bit the other way"),
        ("ATT-38", "signature", "exchanged", s + r, "s in front of r"),
        ("ATT-38", "signature", "zeros", bytes(64), "r and s are zero"),
        ("ATT-38", "signature", "empty", b"", "no signature"),
        ("ATT-38", "signature", "truncate", parts["signature"][:-1], "an octet too short"),
        ("ATT-38", "signature", "extend", parts["signature"] + b"\x00", "an octet too long"),
    )
    for requirement, field, operator, data, comment in changed:
        whole = CBORTag(18, list({**parts, field: data}.values()))
        yield requirement, field, operator, cbor.encode(whole), comment
    yield "ATT-36", "token", "untagged", cbor.encode(token.value), "without its tag"
    yield "ATT-36", "token", "other-tag", cbor.encode(CBORTag(17, token.value)), "with the tag of COSE_Mac0"
    yield "ATT-36", "token", "too-few", cbor.encode(CBORTag(18, token.value[:3])), "without its signature"
    yield "ATT-36", "token", "trailing-octet", cbor.encode(token) + b"\x00", "an octet follows"


def groups() -> Iterator[Group]:
    """The published token as witness, and its faults."""
    published = json.loads(FILE.read_text(encoding="utf-8"))
    data, key = bytes.fromhex(published["token"]), published["key"]
    token = cbor.decode(data)
    given: dict[str, Json] = {"token": octets(data), "external_aad": ""}
    output: dict[str, Json] = {"payload": octets(token.value[2])}
    vectors = [Vector("ATT-38", "token", "published", True, "the example of the RFC", given, output)]
    for requirement, field, operator, faulty, comment in _tokens(token):
        vectors.append(Vector(requirement, field, operator, False, comment, {**given, "token": octets(faulty)}))
    domain = {**given, "external_aad": octets(b"tc1-eat")}
    vectors.append(Vector("ATT-38", "external_aad", "other-external-aad", False, "the domain of an EAT", domain))
    yield Group("rfc9783", "cose-sign1", "RFC 9783 appendix A", tuple(vectors), {"key": key})
