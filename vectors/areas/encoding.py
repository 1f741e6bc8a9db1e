"""Encoding: deterministic CBOR (RFC 8949 section 4.2.1) as chapter 15 demands it of everything that is received."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cbor2

from ...harness.codec import cbor
from ...harness.codec.cbor_build import encode_float
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .appendix_a import APPENDIX_A

MAJORS = {"unsigned": 0, "negative": 1, "bytes": 2, "text": 3, "array": 4, "map": 5, "tag": 6}
LIMITS = (0, 1, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1)
"""Arguments around which the width of a head changes."""
MOST_CONTENT = 256
DEPTH = 16
SOURCE = "generated; RFC 8949 sections 3, 4.2.1 and 5"
EAT = Path(__file__).parents[1] / "published" / "rfc9711.json"


def tree(value: object) -> Json:
    """A decoded item as JSON that keeps types apart: `[type, value]`."""
    match value:
        case bool() | None:
            return ["simple", {False: 20, True: 21, None: 22}[value]]
        case int():
            return ["int", str(value)]
        case bytes():
            return ["bytes", octets(value)]
        case str():
            return ["text", value]
        case float():
            return ["float", octets(struct.pack(">d", value)) if value == value else "7ff8000000000000"]
        case list():
            return ["array", [tree(item) for item in value]]
        case dict():
            return ["map", [[tree(key), tree(item)] for key, item in value.items()]]
        case cbor2.CBORTag():
            return ["tag", str(value.tag), tree(value.value)]
        case cbor2.CBORSimpleValue():
            return ["simple", value.value]
    return ["simple", 23]


def good(field: str, operator: str, data: bytes, comment: str, requirement: str = "ERR-05") -> Vector:
    """A vector with octets that must be accepted."""
    output = {"value": tree(cbor.decode(data))}
    return Vector(requirement, field, operator, True, comment, {"octets": octets(data)}, output)


def bad(requirement: str, field: str, operator: str, data: bytes, comment: str) -> Vector:
    """A vector with octets that must be refused, which the reference does for the same reason."""
    expected = {"ERR-04": cbor.TooDeep, "ERR-05": cbor.NotDeterministic, "ERR-06": cbor.DuplicateKey}.get(requirement)
    try:
        cbor.decode(data)
    except cbor.CborError as error:
        if expected is not None and type(error) is not expected:
            raise GeneratorError(f"{data.hex()} is refused as {error!r}, not for {requirement}") from error
    else:
        raise GeneratorError(f"{data.hex()} is accepted")
    return Vector(requirement, field, operator, False, comment, {"octets": octets(data)})


def _wide(major: int, argument: int, width: int) -> bytes:
    """A head whose argument stands in `width` octets, needed or not."""
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]]) + argument.to_bytes(width, "big")


def _content(name: str, count: int) -> bytes | None:
    """What follows a head with that argument; None for more than a vector should hold."""
    if name in ("unsigned", "negative"):
        return b""
    if name == "tag":
        return b"\x00"
    if count > MOST_CONTENT:
        return None
    if name == "map":
        return b"".join(cbor.encode(key) + b"\x00" for key in range(count))
    return {"bytes": b"\x07", "text": b"t", "array": b"\x00"}[name] * count


def _needed(argument: int) -> int:
    return next(
        width for width, limit in ((0, 24), (1, 1 << 8), (2, 1 << 16), (4, 1 << 32), (8, 1 << 64)) if argument < limit
    )


def _heads() -> Iterator[Vector]:
    for name, major in MAJORS.items():
        for argument in LIMITS:
            content = _content(name, argument)
            if content is None:
                continue
            field = f"{name} {argument}"
            yield good(field, "shortest", cbor.head(major, argument) + content, "the shortest head")
            for width in (1, 2, 4, 8):
                if width > _needed(argument):
                    data = _wide(major, argument, width) + content
                    yield bad(
                        "ERR-05", field, f"head-of-{width}", data, f"the argument in {width} octets, not the fewest"
                    )


def _heads_cut() -> Iterator[Vector]:
    yield good("unsigned 24", "whole", b"\x18\x18", "a whole item")
    for name, major in MAJORS.items():
        for width in (1, 2, 4, 8):
            data = _wide(major, 1 << 8 * (width - 1) | 0x18, width)[:-1]
            yield bad("ERR-07", f"{name} head of {width}", "truncated", data, "the input ends inside the head")
        for info in (28, 29, 30):
            data = bytes([major << 5 | info])
            yield bad("ERR-08", f"{name} head", f"reserved-{info}", data, "additional information that is reserved")
    for info in (28, 29, 30):
        yield bad(
            "ERR-08", "simple head", f"reserved-{info}", bytes([0xE0 | info]), "additional information that is reserved"
        )
    for name, major in (("unsigned", 0), ("negative", 1), ("tag", 6)):
        yield bad(
            "ERR-08", f"{name} head", "indefinite", bytes([major << 5 | 31]), "a type that has no indefinite length"
        )
    yield bad("ERR-08", "break", "alone", b"\xff", "a break outside of an item of indefinite length")
    yield bad("ERR-07", "item", "empty", b"", "no item at all")


def _contents_cut() -> Iterator[Vector]:
    yield good("bytes", "whole", b"\x43abc", "a whole string")
    for name, whole in (
        ("bytes", b"\x43abc"),
        ("text", b"\x63abc"),
        ("array", b"\x83\x01\x02\x03"),
        ("map", b"\xa2\x01\x02\x03\x04"),
        ("tag", b"\xc1\x00"),
        ("array in array", b"\x81\x82\x01\x02"),
        ("bytes in map", b"\xa1\x01\x42ab"),
    ):
        yield bad("ERR-07", name, "truncated", whole[:-1], "the input ends before the item does")
        yield bad("ERR-07", name, "nothing-follows", whole[:1], "nothing follows the head")
        yield bad("ERR-07", name, "trailing-octet", whole + b"\x00", "one octet follows the item")
        yield bad("ERR-07", name, "trailing-item", whole + whole, "the item twice")
        yield bad("ERR-07", name, "trailing-break", whole + b"\xff", "a break follows the item")
    for name, major in (("bytes", 2), ("text", 3), ("array", 4), ("map", 5)):
        for width, count in ((4, 2**31), (8, 2**63), (8, 2**64 - 1)):
            data = _wide(major, count, width) + b"\x00"
            yield bad(
                "ERR-07",
                name,
                f"declares-{count}",
                data,
                "declares far more than there is: nothing may be set aside for it",
            )


def _indefinite() -> Iterator[Vector]:
    yield good("array", "definite", b"\x82\x01\x02", "definite length")
    for name, data in (
        ("bytes", b"\x5f\x41a\x41b\xff"),
        ("bytes without chunks", b"\x5f\xff"),
        ("text", b"\x7f\x61a\xff"),
        ("text without chunks", b"\x7f\xff"),
        ("array", b"\x9f\x01\x02\xff"),
        ("empty array", b"\x9f\xff"),
        ("map", b"\xbf\x01\x02\xff"),
        ("empty map", b"\xbf\xff"),
        ("array in array", b"\x81\x9f\xff"),
        ("bytes in map", b"\xa1\x01\x5f\x41a\xff"),
        ("map in tag", b"\xc1\xbf\xff"),
    ):
        yield bad("ERR-05", name, "indefinite", data, "indefinite length")
    for name, data in (("chunk of text", b"\x5f\x61a\xff"), ("chunk of chunks", b"\x5f\x5f\x41a\xff\xff")):
        yield Vector("ERR-08", name, "indefinite", False, "chunks of another kind", {"octets": octets(data)})


def _maps() -> Iterator[Vector]:
    keys = {
        "1": b"\x01",
        "23": b"\x17",
        "24": b"\x18\x18",
        "256": b"\x19\x01\x00",
        "-1": b"\x20",
        "-25": b"\x38\x18",
        "h'00'": b"\x41\x00",
        "'a'": b"\x61a",
        "'b'": b"\x61b",
        "'aa'": b"\x62aa",
        "''": b"\x60",
    }
    whole = b"\xa2\x01\x00\x20\x00"
    yield good("1, -1", "sorted", whole, "bytewise order of encoded keys")
    names = sorted(keys, key=lambda name: keys[name])
    for lower, higher in pairwise(names):
        pair = (keys[lower] + b"\x00", keys[higher] + b"\x00")
        field = f"{lower}, {higher}"
        if field != "1, -1":
            yield good(field, "sorted", b"\xa2" + pair[0] + pair[1], "bytewise order of encoded keys")
        yield bad("ERR-05", field, "unsorted", b"\xa2" + pair[1] + pair[0], "the greater key first")
    for shorter, longer in (("-1", "24"), ("-1", "256"), ("'a'", "256"), ("h'00'", "-25"), ("''", "256")):
        data = b"\xa2" + keys[shorter] + b"\x00" + keys[longer] + b"\x00"
        yield bad("ERR-05", f"{shorter}, {longer}", "length-first", data, "the order of RFC 7049, shorter keys first")
    for name, key in keys.items():
        yield bad("ERR-06", name, "twice", b"\xa2" + 2 * (key + b"\x00"), "one key twice")
        yield bad(
            "ERR-06",
            name,
            "twice-other-value",
            b"\xa2" + key + b"\x00" + key + b"\x01",
            "one key twice, with two values",
        )
    others = {"array": b"\x80", "map": b"\xa0", "tag": b"\xc1\x01", "true": b"\xf5", "1.5": b"\xf9\x3e\x00"}
    for name, key in others.items():
        yield bad("ERR-08", name, "as-key", b"\xa1" + key + b"\x00", "a key that is neither an integer nor a string")
    yield bad("ERR-06", "1 inside", "twice", b"\x81\xa2\x01\x00\x01\x00", "one key twice, in an inner map")


def _texts() -> Iterator[Vector]:
    for name, text in (
        ("two octets", "ü"),
        ("three octets", "水"),
        ("four octets", "𐅑"),
        ("nul", "\0"),
        ("bom", "\ufeff"),
        ("last", "\U0010ffff"),
    ):
        yield good(f"text, {name}", "utf-8", cbor.encode(text), "UTF-8")
    for name, encoded in (
        ("overlong slash", b"\xc0\xaf"),
        ("overlong nul", b"\xc0\x80"),
        ("overlong in three", b"\xe0\x80\xaf"),
        ("overlong in four", b"\xf0\x80\x80\xaf"),
        ("high surrogate", b"\xed\xa0\x80"),
        ("low surrogate", b"\xed\xbf\xbf"),
        ("surrogate pair", b"\xed\xa0\x80\xed\xb0\x80"),
        ("beyond the last", b"\xf4\x90\x80\x80"),
        ("lone continuation", b"\x80"),
        ("cut short", b"\xe6\xb0"),
        ("latin-1", b"\xfc"),
        ("five octets", b"\xf8\x88\x80\x80\x80"),
        ("octet ff", b"\xff"),
    ):
        yield bad("ERR-08", f"text, {name}", "not-utf-8", cbor.head(3, len(encoded)) + encoded, "not UTF-8")


def _simple() -> Iterator[Vector]:
    for name, data in (
        ("false", b"\xf4"),
        ("true", b"\xf5"),
        ("null", b"\xf6"),
        ("undefined", b"\xf7"),
        ("simple 16", b"\xf0"),
        ("simple 32", b"\xf8\x20"),
        ("simple 255", b"\xf8\xff"),
    ):
        yield good(name, "shortest", data, "a simple value")
    for value in (0, 19, 20, 23, 24, 31):
        data = bytes([0xF8, value])
        yield Vector(
            "ERR-08",
            f"simple {value}",
            "two-octets",
            False,
            "a simple value below 32 in two octets",
            {"octets": octets(data)},
        )
    numbers = {
        "0.0": 0.0,
        "-0.0": -0.0,
        "1.5": 1.5,
        "65504.0": 65504.0,
        "2^-24": 2.0**-24,
        "100000.0": 100000.0,
        "2^-149": 2.0**-149,
        "1.1": 1.1,
        "1e300": 1e300,
        "infinity": float("inf"),
        "-infinity": float("-inf"),
    }
    for name, number in numbers.items():
        shortest = encode_float(number)
        yield good(f"float {name}", "shortest", shortest, "the shortest float that keeps the value")
        for first, form, width in ((0xFA, ">f", 4), (0xFB, ">d", 8)):
            if width > len(shortest) - 1:
                data = bytes([first]) + struct.pack(form, number)
                yield bad("ERR-05", f"float {name}", f"float-of-{width}", data, "a longer float than the value needs")
    yield good("float NaN", "shortest", b"\xf9\x7e\x00", "the one NaN")
    for name, data in (
        ("payload", b"\xf9\x7e\x01"),
        ("signalling", b"\xf9\x7d\x00"),
        ("sign", b"\xf9\xfe\x00"),
        ("single", b"\xfa\x7f\xc0\x00\x00"),
        ("double", b"\xfb\x7f\xf8" + bytes(6)),
    ):
        yield bad(
            "ERR-05", f"float NaN, {name}", "other-nan", data, "another NaN than the one of deterministic encoding"
        )


def _depths() -> Iterator[Vector]:
    openings = {"arrays": b"\x81", "maps": b"\xa1\x00", "tags": b"\xc1"}
    mixed = b"\x81\xa1\x00\xc1"
    for name, opening in openings.items():
        yield good(name, f"depth-{DEPTH}", opening * DEPTH + b"\x00", "as deep as allowed", "ERR-04")
        for depth in (DEPTH + 1, 100, 5000):
            yield bad("ERR-04", name, f"depth-{depth}", opening * depth + b"\x00", "deeper than allowed")
    yield good("mixed", f"depth-{DEPTH - 1}", mixed * 5 + b"\x00", "arrays, maps and tags by turns", "ERR-04")
    yield bad(
        "ERR-04",
        "mixed",
        f"depth-{DEPTH + 2}",
        mixed * 6 + b"\x00",
        "arrays, maps and tags by turns, deeper than allowed",
    )
    yield bad(
        "ERR-04",
        "second element",
        f"depth-{DEPTH + 1}",
        b"\x82\x00" + b"\x81" * DEPTH + b"\x00",
        "deep in the second element",
    )


def _published() -> Iterator[Vector]:
    for encoded, shown in APPENDIX_A:
        data = bytes.fromhex(encoded)
        try:
            yield good(shown, "published", data, "an example of RFC 8949 in deterministic encoding")
        except cbor.NotDeterministic:
            flag = "IndefiniteLength" if "_ " in shown else "OtherNaN" if shown == "NaN" else "NonShortestHead"
            comment = "an example of RFC 8949, well-formed but not deterministic"
            yield replace(bad("ERR-05", shown, f"published-{encoded}", data, comment), flags=(flag,))


def _published_token() -> Iterator[Vector]:
    """The CWT of RFC 9711: deterministic outside, and its claims not in bytewise order of their keys."""
    data = bytes.fromhex(json.loads(EAT.read_text(encoding="utf-8"))["token"])
    yield good("token", "published", data, "an EAT as an RFC publishes it, with two tags")
    payload = cbor.decode(data).value.value[2]
    yield bad("ERR-05", "payload", "unsorted", payload, "its claims: well-formed, with key 260 behind key 263")


def _groups() -> Iterator[Group]:
    for name, vectors in (
        ("heads", _heads()),
        ("cut-heads", _heads_cut()),
        ("cut-contents", _contents_cut()),
        ("indefinite", _indefinite()),
        ("maps", _maps()),
        ("texts", _texts()),
        ("simple", _simple()),
        ("depth", _depths()),
    ):
        yield Group(name, "cbor", SOURCE, tuple(vectors))
    yield Group("rfc8949", "cbor", "RFC 8949 appendix A, table 6", tuple(_published()))
    yield Group("rfc9711", "cbor", "RFC 9711 appendix A", tuple(_published_token()))


AREA = Area("encoding", "One CBOR item in deterministic encoding, or octets that are none.", _groups)
