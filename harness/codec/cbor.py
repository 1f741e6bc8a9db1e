"""Deterministic CBOR (RFC 8949 section 4.2.1), strict by default.

The rules can be switched off one by one (`Strictness`); what is then accepted is read as a lenient decoder reads it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import cbor2

from .cbor_build import ARRAY, BSTR, MAP, NINT, SIMPLE, SIMPLE_VALUES, TAG, TSTR, UINT, build, encode_float
from .cbor_walk import (
    STRICT,
    CborError,
    DuplicateKey,
    Malformed,
    NotDeterministic,
    Strictness,
    TooDeep,
    TrailingBytes,
    Truncated,
    UnexpectedType,
    UnsupportedKey,
    array_bounds,
    long_head,
    map_bounds,
    walk,
    walk_whole,
)

__all__ = [
    "ARRAY",
    "BSTR",
    "MAP",
    "NINT",
    "SIMPLE",
    "STRICT",
    "TAG",
    "TSTR",
    "UINT",
    "CborError",
    "DuplicateKey",
    "Malformed",
    "NotDeterministic",
    "Strictness",
    "TooDeep",
    "TrailingBytes",
    "Truncated",
    "UnexpectedType",
    "UnsupportedKey",
    "bstr",
    "decode",
    "decode_sequence",
    "encode",
    "head",
    "item_end",
    "sequence_ends",
    "split_array",
    "split_map",
    "split_sequence",
    "unbstr",
]


SMALL = 64
"""Octets up to which a decoded number or string is kept."""
_FIRST_CONTAINER = bytes((ARRAY << 5,))


def _rules(rules: Strictness, max_depth: int | None) -> Strictness:
    if max_depth is None or max_depth == rules.depth:
        return rules
    return replace(rules, depth=max_depth)


def item_end(data: bytes, offset: int = 0, *, max_depth: int | None = None, rules: Strictness = STRICT) -> int:
    """Offset just after the item that starts at `offset`. Raises `CborError`; what follows the item is not looked at.

    `max_depth`, here and below, overrides `rules.depth`.
    """
    return walk(data, offset, _rules(rules, max_depth))


def sequence_ends(data: bytes, *, max_depth: int | None = None, rules: Strictness = STRICT) -> list[int]:
    """Offset after each item of a CBOR sequence (RFC 8742); the last one is the length. Raises `CborError`."""
    rules = _rules(rules, max_depth)
    ends: list[int] = []
    at = 0
    while at < len(data):
        at = walk(data, at, rules)
        ends.append(at)
    return ends


# --- splitting: items keep their encoding ----------------------------------------------------------------------------


def split_sequence(data: bytes, *, rules: Strictness = STRICT) -> list[bytes]:
    """The encoded items of a CBOR sequence. Raises `CborError`."""
    items: list[bytes] = []
    at = 0
    while at < len(data):
        end = walk(data, at, rules)
        items.append(data[at:end])
        at = end
    return items


def split_array(data: bytes, *, rules: Strictness = STRICT) -> list[bytes]:
    """The encoded items of one encoded array. Raises `CborError`, `UnexpectedType` if it is no array."""
    return [data[start:end] for start, end in pairwise(_container(data, ARRAY, rules))]


def split_map(data: bytes, *, rules: Strictness = STRICT) -> dict[bytes, bytes]:
    """Encoded key to encoded value of one encoded map. Raises `CborError`, `UnexpectedType` if it is no map."""
    bounds = _container(data, MAP, rules)
    items = [data[start:end] for start, end in pairwise(bounds)]
    return dict(zip(items[::2], items[1::2], strict=True))


def unbstr(data: bytes, *, rules: Strictness = STRICT) -> bytes:
    """The content of one encoded byte string. Raises `CborError`, `UnexpectedType` if it is no byte string."""
    if data[:1] == b"\x58" and len(data) > 25 and len(data) == 2 + data[1]:
        return data[2:]  # The common case: 24 to 255 octets, and nothing that a rule could object to.
    end = walk_whole(data, rules)
    _expect(data, BSTR)
    content: bytes = build(data[:end], 0)[0]
    return content


def _expect(data: bytes, major: int) -> None:
    if data[0] >> 5 != major:
        raise UnexpectedType(f"item has major type {data[0] >> 5}, not {major}", 0)


@lru_cache(8)
def _container(data: bytes, major: int, rules: Strictness) -> Sequence[int]:
    """Bounds of the direct items of the array or map that is the whole of `data`, in the one walk that checks it."""
    if not data or data[0] >> 5 != major or not rules.depth:
        walk_whole(data, rules)
        _expect(data, major)
    bounds_of = array_bounds if major == ARRAY else map_bounds
    count, at = data[0] & 31, 1
    try:
        if count >= 24:
            count, at = long_head(data, 0, rules)
        bounds = bounds_of(data, at, count, rules.depth - 1, rules)
    except IndexError:
        raise Truncated("input ends inside an item", len(data)) from None
    except RecursionError:
        raise TooDeep("nesting exceeds the stack", 0) from None
    end = bounds[-1] + (count < 0)
    if end > len(data):
        raise Truncated("input ends inside an item", len(data))
    if rules.trailing and end != len(data):
        raise TrailingBytes("octets follow the item", end)
    return bounds


# --- values ----------------------------------------------------------------------------------------------------------


def decode(data: bytes, *, max_depth: int | None = None, rules: Strictness = STRICT) -> Any:
    """The value of one encoded item, which is the whole of `data`. Raises `CborError`.

    Arrays become lists, tags `cbor2.CBORTag`, simple values without a meaning `cbor2.CBORSimpleValue`.
    """
    if max_depth is not None:
        rules = _rules(rules, max_depth)
    if len(data) <= SMALL and data < _FIRST_CONTAINER:
        return _small(data, rules)
    walk_whole(data, rules)
    return build(data, 0)[0]


@lru_cache(1024)
def _small(data: bytes, rules: Strictness) -> Any:
    """A number or a string: a session decodes the same few of them again and again."""
    walk_whole(data, rules)
    return build(data, 0)[0]


def decode_sequence(data: bytes, *, max_depth: int | None = None, rules: Strictness = STRICT) -> list[Any]:
    """The values of a CBOR sequence (RFC 8742). Raises `CborError`."""
    ends = sequence_ends(data, max_depth=max_depth, rules=rules)
    return [build(data, start)[0] for start in [0, *ends][:-1]]


# --- encoding --------------------------------------------------------------------------------------------------------


_OCTETS = tuple(bytes((octet,)) for octet in range(256))


def head(major: int, argument: int) -> bytes:
    """Shortest head, 1 to 9 bytes (RFC 8949 section 3). Raises `OverflowError` for an argument beyond 64 bits."""
    if argument < 24:
        return _OCTETS[major << 5 | argument]
    for minor, size in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << 8 * size:
            return bytes((major << 5 | minor,)) + argument.to_bytes(size, "big")
    return bytes((major << 5 | 27,)) + argument.to_bytes(8, "big")


def bstr(data: bytes) -> bytes:
    """`data` as an encoded byte string."""
    length = len(data)
    if length < 24:
        return _OCTETS[BSTR << 5 | length] + data
    if length < 256:
        return b"\x58" + _OCTETS[length] + data
    return head(BSTR, length) + data


def encode(value: Any) -> bytes:
    """Deterministic encoding, map keys in bytewise order of their encodings (RFC 8949 section 4.2.1).

    Takes what `decode` returns, and tuples. Raises `TypeError` for anything else, also as a map key, and
    `OverflowError` for integers beyond 64 bits.
    """
    known = _ENCODERS.get(type(value))
    return known(value) if known else _encode_other(value)


def _encode_int(value: int) -> bytes:
    return head(UINT, value) if value >= 0 else head(NINT, -1 - value)


def _encode_str(value: str) -> bytes:
    text = value.encode()
    return head(TSTR, len(text)) + text


def _encode_items(value: Sequence[Any]) -> bytes:
    return head(ARRAY, len(value)) + b"".join([encode(item) for item in value])


def _encode_map(value: Mapping[Any, Any]) -> bytes:
    pairs = sorted([(_encode_key(key), encode(item)) for key, item in value.items()])
    return head(MAP, len(pairs)) + b"".join([part for pair in pairs for part in pair])


_FALSE, _TRUE = b"\xf4", b"\xf5"
_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    bytes: bstr, int: _encode_int, str: _encode_str, list: _encode_items, tuple: _encode_items, dict: _encode_map,
    bool: lambda value: _TRUE if value else _FALSE,
}  # fmt: skip


def _encode_other(value: Any) -> bytes:
    """What is none of the plain types, but perhaps of a class under one."""
    if value is None or isinstance(value, cbor2.CBORSimpleValue) or value is cbor2.undefined:
        return _encode_simple(value)
    if isinstance(value, int):
        return _encode_int(value)
    if isinstance(value, bytes):
        return head(BSTR, len(value)) + value
    if isinstance(value, str):
        return _encode_str(value)
    if isinstance(value, list | tuple):
        return _encode_items(value)
    if isinstance(value, Mapping):
        return _encode_map(value)
    if isinstance(value, cbor2.CBORTag):
        return head(TAG, value.tag) + encode(value.value)
    if isinstance(value, float):
        return encode_float(value)
    raise TypeError(f"no CBOR encoding for {type(value).__name__}")


def _encode_key(key: Any) -> bytes:
    if type(key) is not int and (isinstance(key, bool) or not isinstance(key, int | bytes | str)):
        raise TypeError(f"{type(key).__name__} is no map key of the profile")
    return encode(key)


def _encode_simple(value: Any) -> bytes:
    if isinstance(value, cbor2.CBORSimpleValue):
        return head(SIMPLE, value.value)
    return head(SIMPLE, next(number for number, meaning in SIMPLE_VALUES.items() if meaning is value))
