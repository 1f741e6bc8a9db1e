"""What two relying parties could compare of what they have seen: values that stand in both, numbers that differ.

A third device of the same make is the control: what it shows too is a constant, of the profile or of the make.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cbor2 import CBORTag

from ..codec import cbor

SHORT = 4
"""Octets of a value from which on it is compared as a whole."""
RUN = 6
"""Octets of the runs by which parts of values are compared. So many common runs may come of one octet that is alike by
chance beside constant ones; for one more it takes two octets."""
_TIMES = frozenset({4, 6})
"""Claims exp and iat, which stand in what is encoded in a byte string."""
_CONSTRUCTED, _BITS, _OCTETS, _SEQUENCE = 0x20, 0x03, 0x04, 0x30
"""Of DER: the bit of what holds others, and tags."""

DEPTH = 32
"""Of what is taken apart; deeper down octets are a value."""
HANDSHAKE = "message_"
"""Its numbers, connection identifiers of one octet, are drawn anew: one alone says nothing."""
Value = tuple[str, int | bytes]
"""Where it stands, and what it is; a text as octets."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a relying party has seen of one session."""

    values: frozenset[bytes]
    """Whole values."""
    runs: frozenset[bytes]
    """Every run of `RUN` octets within a value."""
    numbers: frozenset[tuple[str, int]]
    """By where they stand."""

    @classmethod
    def of(cls, messages: Iterable[tuple[str, bytes]], whole: bytes = b"") -> Seen:
        """From messages by their names, and from octets that are neither CBOR nor DER."""
        values, runs, numbers = set[bytes](), set(_runs(whole)), set[tuple[str, int]]()
        for name, data in messages:
            for where, value in _values(name, data):
                if isinstance(value, bytes):
                    runs.update(_runs(value))
                    values.update([value] if len(value) >= SHORT else [])
                elif not name.startswith(HANDSHAKE):
                    numbers.add((where, value))
        return cls(frozenset(values), frozenset(runs), frozenset(numbers))


def _runs(value: bytes) -> Iterator[bytes]:
    return (value[i : i + RUN] for i in range(len(value) - RUN + 1))


def links(one: Seen, other: Seen, control: Seen) -> list[str]:
    """What tells that two sessions are of one device, given one of another device; nothing if they cannot be linked.

    A number links where it is the device's own: alike in both and not in the control, or counted on from one session to
    the next.
    """
    found = [f"the value {value.hex()}" for value in sorted((one.values & other.values) - control.values)]
    common = (one.runs & other.runs) - control.runs
    if len(common) > RUN and not found:
        found = [f"{len(common)} runs of octets, {min(common).hex()} among them"]
    own = {where for where, _ in (one.numbers | other.numbers) ^ control.numbers}
    return found + [f"the number {where}" for where in sorted(own)]


def _values(where: str, data: bytes) -> Iterator[Value]:
    """The values in octets, taken apart as far as they are CBOR or DER."""
    try:
        items = cbor.decode_sequence(data)
    except ValueError:
        yield where, data
        return
    for index, item in enumerate(items):
        yield from _in_item(f"{where}/{index}", item)


def _in_item(where: str, item: Any) -> Iterator[Value]:
    if isinstance(item, int) and not isinstance(item, bool):
        yield where, item
    elif isinstance(item, str):
        yield where, item.encode()
    elif isinstance(item, bytes):
        yield from _in_octets(where, item)
    elif isinstance(item, CBORTag):
        yield from _in_item(f"{where}#{item.tag}", item.value)
    elif isinstance(item, dict):
        for key, value in item.items():
            if key not in _TIMES or "'" not in where:
                yield from _in_item(f"{where}[{key}]", value)
    elif isinstance(item, list | tuple):
        for index, value in enumerate(item):
            yield from _in_item(f"{where}.{index}", value)


def _in_octets(where: str, data: bytes) -> Iterator[Value]:
    """A byte string may hold an encoded item, or a certificate."""
    if data[:1] == bytes([_SEQUENCE]) and (primitives := _der(data)) is not None:
        yield from ((where, octets) for octets in primitives)
        return
    try:
        inner = cbor.decode(data)
    except ValueError:
        inner = None
    if isinstance(inner, dict | list | tuple | CBORTag):
        yield from _in_item(f"{where}'", inner)
    else:
        yield where, data


def _der(data: bytes, depth: int = DEPTH) -> list[bytes] | None:
    """Contents of the primitive elements in DER, those inside strings of bits and octets too; None for no DER."""
    found: list[bytes] = []
    while data:
        if len(data) < 2 or not depth:
            return None
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        content, data = data[start : start + length], data[start + length :]
        if len(content) != length:
            return None
        inside = content[1:] if tag == _BITS else content
        nested = tag & _CONSTRUCTED or (tag in (_BITS, _OCTETS) and inside[:1] == bytes([_SEQUENCE]))
        inner = _der(inside, depth - 1) if nested else None
        if tag & _CONSTRUCTED and inner is None:
            return None
        found += [inside] if inner is None else inner
    return found
