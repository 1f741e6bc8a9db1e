"""One encoding of a frame or a map made another, each with exactly one rule broken: octets in, octets out."""

from __future__ import annotations

from collections.abc import Callable

from ..harness.codec import cbor

Change = Callable[[bytes], bytes]
UNKNOWN_KEY = b"\x18\x63"


def pairs_of(data: bytes) -> list[bytes]:
    """Key and value of a map, together, in their order."""
    return [key + value for key, value in cbor.split_map(data).items()]


def map_of(pairs: list[bytes]) -> bytes:
    """A map of encoded pairs as they stand."""
    return cbor.head(cbor.MAP, len(pairs)) + b"".join(pairs)


def nested(depth: int, opening: bytes = b"\x81") -> bytes:
    """An integer inside `depth` arrays, maps or tags."""
    return opening * depth + b"\x00"


# --- maps ------------------------------------------------------------------------------------------------------------


def long_head(data: bytes) -> bytes:
    """The head of a map with fewer than 24 pairs in two octets."""
    return bytes([0xB8, data[0] & 31]) + data[1:]


def indefinite(data: bytes) -> bytes:
    """A map of indefinite length."""
    return b"\xbf" + data[1:] + b"\xff"


def unsorted(data: bytes) -> bytes:
    """The last pair first."""
    pairs = pairs_of(data)
    return map_of([pairs[-1], *pairs[:-1]])


def doubled(data: bytes) -> bytes:
    """The first pair twice."""
    pairs = pairs_of(data)
    return map_of([pairs[0], *pairs])


def long_key(data: bytes) -> bytes:
    """The first key, below 24, in two octets, where the order wants that."""
    first, *others = pairs_of(data)
    return map_of([*others, b"\x18" + first])


def unknown_key(data: bytes) -> bytes:
    """One pair more, with a key that no grammar has."""
    return map_of([*pairs_of(data), UNKNOWN_KEY + b"\x00"])


def text_key(data: bytes) -> bytes:
    """One pair more, with a text as key."""
    return map_of([*pairs_of(data), b"\x61a\x00"])


def chunked(data: bytes) -> bytes:
    """The first byte string among the values in one chunk of indefinite length."""
    for key, value in (entries := cbor.split_map(data)).items():
        if value[0] >> 5 == cbor.BSTR:
            return map_of([k + (b"\x5f" + v + b"\xff" if k == key else v) for k, v in entries.items()])
    raise ValueError("no byte string")


def first_value(value: bytes) -> Change:
    """Another first value."""

    def change(data: bytes) -> bytes:
        (key, _), *others = cbor.split_map(data).items()
        return map_of([key + value, *(k + v for k, v in others)])

    return change


def trailing(data: bytes) -> bytes:
    """One octet more, an item of its own."""
    return data + b"\x00"


# --- frames [type, body] ---------------------------------------------------------------------------------------------


def body(change: Change) -> Change:
    """A frame whose body is changed."""
    return lambda frame: frame[:2] + change(frame[2:])


def kind(encoded: bytes) -> Change:
    """A frame whose type, one octet so far, is changed."""
    return lambda frame: frame[:1] + encoded + frame[2:]


DETERMINISM: dict[str, Change] = {
    "long-array-head": lambda frame: b"\x98\x02" + frame[1:],
    "indefinite-array": lambda frame: b"\x9f" + frame[1:] + b"\xff",
    "long-type": lambda frame: frame[:1] + b"\x18" + frame[1:],
    "longest-type": lambda frame: frame[:1] + b"\x1b" + bytes(7) + frame[1:],
    "long-map-head": body(long_head),
    "indefinite-map": body(indefinite),
    "long-key": body(long_key),
}
SEVERAL_PAIRS: dict[str, Change] = {"unsorted-keys": body(unsorted)}
BYTE_STRINGS: dict[str, Change] = {"chunked-string": body(chunked)}
DUPLICATES: dict[str, Change] = {"duplicate-key": body(doubled)}
TRAILING: dict[str, Change] = {
    "trailing-octet": trailing,
    "trailing-frame": lambda frame: frame + frame,
    "early-end": lambda frame: frame[:-1],
    "head-alone": lambda frame: frame[:1],
}
FORM: dict[str, Change] = {
    "no-octets": lambda frame: b"",
    "no-body": lambda frame: b"\x81" + frame[1:2],
    "extra-element": lambda frame: b"\x83" + frame[1:] + b"\x00",
    "empty-array": lambda frame: b"\x80",
    "map-for-array": lambda frame: b"\xa1" + frame[1:],
    "in-byte-string": cbor.bstr,
    "tagged": lambda frame: b"\xd9\xd9\xf7" + frame,
    "text-type": kind(b"\x611"),
    "negative-type": kind(b"\x20"),
    "float-type": kind(b"\xf9\x3c\x00"),
    "nan-type": kind(b"\xf9\x7e\x00"),
    "bignum-type": kind(b"\xc2\x41\x01"),
    "true-type": kind(b"\xf5"),
    "null-body": body(lambda _: b"\xf6"),
    "array-body": body(lambda data: b"\x80"),
    "text-body": body(lambda data: b"\x60"),
    "reserved-head": body(lambda data: b"\x1c"),
    "break": body(lambda data: b"\xff"),
    "unknown-key": body(unknown_key),
    "text-key": body(text_key),
    "null-value": body(first_value(b"\xf6")),
    "nan-value": body(first_value(b"\xf9\x7e\x00")),
    "float-value": body(first_value(b"\xf9\x3c\x00")),
    "bignum-value": body(first_value(b"\xc2\x41\x01")),
    "ill-formed-text": body(lambda data: map_of([*pairs_of(data), b"\x61\xff\x00"])),
}
