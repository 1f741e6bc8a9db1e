"""Reading items of the grammar: closed maps of members whose type and length are known."""

from collections.abc import Callable, Mapping
from typing import Any

from ..codec import cbor
from .errors import Malformed

Reader = Callable[[Any], Any]
"""Turns a decoded member into what it means, or raises Malformed."""


def read_map(data: bytes, what: str, limit: int, readers: Mapping[int, Reader]) -> dict[int, Any]:
    """The members of the one map in `data`, at most `limit` octets, with exactly the keys of `readers`.

    Raises Malformed.
    """
    if len(data) > limit:
        raise Malformed(f"{what}: {len(data)} octets, {limit} at most")
    try:
        members = cbor.decode(data)
    except cbor.CborError as error:
        raise Malformed(f"{what}: {error}") from error
    return read_members(members, what, readers)


def read_members(members: Any, what: str, readers: Mapping[int, Reader]) -> dict[int, Any]:
    """The same for a map that is decoded. Raises Malformed."""
    if not isinstance(members, dict) or members.keys() != readers.keys():
        raise Malformed(f"{what}: not a map with the keys {', '.join(map(str, sorted(readers)))}")
    found = {}
    for key, read in readers.items():
        try:
            found[key] = read(members[key])
        except Malformed as error:
            raise Malformed(f"{what}, {key}: {error}") from error
    return found


def octets(length: int) -> Reader:
    """A byte string of so many octets."""

    def read(value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != length:
            raise Malformed(f"not {length} octets")
        return value

    return read


def number(bits: int) -> Reader:
    """An integer below 2^bits, big-endian in as many octets as that takes."""
    read_octets = octets((bits + 7) // 8)

    def read(value: Any) -> int:
        found = int.from_bytes(read_octets(value), "big")
        if found >> bits:
            raise Malformed(f"longer than {bits} bits")
        return found

    return read


def text(limit: int) -> Reader:
    """A text of 1 to `limit` octets in UTF-8."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value.encode()) <= limit:
            raise Malformed(f"not a text of 1 to {limit} octets")
        return value

    return read


def unsigned(value: Any) -> int:
    """An unsigned integer of 64 bits."""
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise Malformed("not an unsigned integer of 64 bits")
    return value


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Malformed("not a boolean")
    return value


def encoded(value: Any) -> bytes:
    """A byte string of any length: its own reader knows the limit."""
    if not isinstance(value, bytes):
        raise Malformed("not a byte string")
    return value


def listed(read: Reader, least: int, most: int) -> Reader:
    """An array of `least` to `most` members that `read` takes."""

    def read_list(value: Any) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Malformed(f"not an array of {least} to {most}")
        return [read(member) for member in value]

    return read_list
