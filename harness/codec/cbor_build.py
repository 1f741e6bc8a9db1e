"""Values from encoded CBOR that the walk of `cbor_walk` has accepted: nothing is checked a second time.

Tags are never interpreted, so that no tag number can start a computation.
"""

import struct
from typing import Any

import cbor2

UINT, NINT, BSTR, TSTR, ARRAY, MAP, TAG, SIMPLE = range(8)
"""Major types, RFC 8949 section 3.1."""

BREAK = 0xFF
_FLOAT_FORMS = ((0xF9, ">e"), (0xFA, ">f"), (0xFB, ">d"))
_CANONICAL_NAN = bytes.fromhex("f97e00")
SIMPLE_VALUES = {20: False, 21: True, 22: None, 23: cbor2.undefined}


def build(data: bytes, at: int) -> tuple[Any, int]:
    """Value and end of an item that the walk has accepted."""
    major, argument = data[at] >> 5, data[at] & 31
    start, at = at, at + 1
    if argument == 31:
        return _build_indefinite(data, at, major)
    if argument >= 24:
        at += 1 << (argument - 24)
        argument = int.from_bytes(data[start + 1 : at], "big")
    if major < BSTR:
        return (argument if major == UINT else -1 - argument), at
    if major < ARRAY:
        content = data[at : at + argument]
        return (content if major == BSTR else content.decode()), at + argument
    if major == SIMPLE:
        return _build_simple(data[start:at], argument), at
    if major == TAG:
        value, at = build(data, at)
        return cbor2.CBORTag(argument, value), at
    items = []
    for _ in range(argument if major == ARRAY else 2 * argument):
        item, at = build(data, at)
        items.append(item)
    return (items if major == ARRAY else _pairs(items)), at


def _build_indefinite(data: bytes, at: int, major: int) -> tuple[Any, int]:
    items = []
    while data[at] != BREAK:
        item, at = build(data, at)
        items.append(item)
    value: Any = items
    if major == MAP:
        value = _pairs(items)
    elif major != ARRAY:
        value = (b"" if major == BSTR else "").join(items)
    return value, at + 1


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _build_simple(encoded: bytes, argument: int) -> Any:
    if encoded[0] > 0xF8:
        return float_value(encoded)
    if argument in SIMPLE_VALUES:
        return SIMPLE_VALUES[argument]
    return cbor2.CBORSimpleValue(argument)


def float_value(encoded: bytes) -> float:
    value: float = struct.unpack(dict(_FLOAT_FORMS)[encoded[0]], encoded[1:])[0]
    return value


def encode_float(value: float) -> bytes:
    if value != value:
        return _CANONICAL_NAN
    for first, form in _FLOAT_FORMS:
        try:
            encoded = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, encoded)[0] == value:
            return bytes((first,)) + encoded
    raise AssertionError("a double holds every float")
