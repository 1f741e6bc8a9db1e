"""Deterministic CBOR, read by recursive descent over a cursor; RFC 8949 sections 3, 4.2.1 and 5."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from .refusal import Refused, ensure

DEPTH = 16
_WIDTH = {24: 1, 25: 2, 26: 4, 27: 8}


@dataclass(frozen=True)
class Tag:
    """A tagged item; `raw` is its encoding."""

    number: int
    value: Any
    raw: bytes


@dataclass(frozen=True)
class Simple:
    """A simple value other than the booleans and null."""

    number: int


@dataclass(frozen=True)
class Float:
    """A floating-point number, apart from the integers."""

    value: float


class Reader:
    """A cursor over octets."""

    def __init__(self, octets: bytes) -> None:
        self.octets, self.at = octets, 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self.octets)

    def take(self, count: int) -> bytes:
        """The next octets."""
        ensure(count <= len(self.octets) - self.at, "item ends early")
        self.at += count
        return self.octets[self.at - count : self.at]

    def item(self, depth: int = 0) -> Any:
        """The next item."""
        start = self.at
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._special(info)
        argument = self._argument(info)
        if major >= 4:
            depth += 1
            ensure(depth <= DEPTH, "nested too deep")
        if major < 2:
            return argument if major == 0 else ~argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.take(argument).decode("utf-8")
        if major == 6:
            value = self.item(depth)
            return Tag(argument, value, self.octets[start : self.at])
        ensure(argument <= len(self.octets), "declares more than there is")
        return [self.item(depth) for _ in range(argument)] if major == 4 else self._map(argument, depth)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        ensure(info in _WIDTH, "indefinite length or reserved head")
        width = _WIDTH[info]
        value = int.from_bytes(self.take(width), "big")
        ensure(value >= (24 if width == 1 else 1 << 4 * width), "head is not the shortest")
        return value

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        last = b""
        for _ in range(count):
            start = self.at
            ensure(self.octets[start : start + 1] and self.octets[start] >> 5 < 4, "key is neither integer nor string")
            key = self.item(depth)
            encoded = self.octets[start : self.at]
            ensure(encoded > last, "keys repeated or out of order")
            last = encoded
            found[key] = self.item(depth)
        return found

    def _special(self, info: int) -> Any:
        if info in (20, 21, 22):
            return {20: False, 21: True, 22: None}[info]
        if info < 24:
            return Simple(info)
        if info == 24:
            value = self.take(1)[0]
            ensure(value >= 32, "simple value is not the shortest")
            return Simple(value)
        ensure(info in (25, 26, 27), "reserved head or stray break")
        raw = self.take(1 << info - 24)
        number = struct.unpack({25: ">e", 26: ">f", 27: ">d"}[info], raw)[0]
        ensure(raw == _shortest(number), "float is not the shortest")
        return Float(number)


class Lenient(Reader):
    """Any encoding of definite lengths without duplicate keys: for what others have encoded (ATT-36)."""

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        ensure(info in _WIDTH, "indefinite length or reserved head")
        return int.from_bytes(self.take(_WIDTH[info]), "big")

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(count):
            key = self.item(depth)
            ensure(key not in found, "keys repeated")
            found[key] = self.item(depth)
        return found


def _shortest(number: float) -> bytes:
    if math.isnan(number):
        return b"\x7e\x00"
    for form in (">e", ">f"):
        try:
            raw = struct.pack(form, number)
        except OverflowError:
            continue
        if struct.unpack(form, raw)[0] == number:
            return raw
    return struct.pack(">d", number)


def load(octets: bytes) -> Any:
    """The one item that the octets are."""
    reader = Reader(octets)
    value = reader.item()
    ensure(reader.done, "octets follow the item")
    return value


def load_leniently(octets: bytes) -> Any:
    """The one item that the octets are, in any valid encoding."""
    reader = Lenient(octets)
    value = reader.item()
    ensure(reader.done, "octets follow the item")
    return value


def load_sequence(octets: bytes) -> list[Any]:
    """The items of a sequence."""
    reader, items = Reader(octets), []
    while not reader.done:
        items.append(reader.item())
    return items


def split(octets: bytes) -> list[bytes]:
    """The encoded items of a sequence."""
    reader, items = Reader(octets), []
    while not reader.done:
        start = reader.at
        reader.item()
        items.append(octets[start : reader.at])
    return items


def head(major: int, argument: int) -> bytes:
    """The shortest head."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, width in _WIDTH.items():
        if argument < 1 << 8 * width:
            return bytes([major << 5 | info]) + argument.to_bytes(width, "big")
    raise Refused("too big for a head")


def dump(value: Any) -> bytes:
    """The deterministic encoding of integers, strings, booleans, null, lists, maps and tags."""
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, ~value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(dump, value))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(sorted(dump(k) + dump(v) for k, v in value.items()))
    if isinstance(value, Tag):
        return head(6, value.number) + dump(value.value)
    raise Refused(f"no encoding for {value!r}")


def tree(value: Any) -> Any:
    """An item as vectors show it: `[type, value]`."""
    if isinstance(value, bool) or value is None:
        return ["simple", {False: 20, True: 21, None: 22}[value]]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, list):
        return ["array", [tree(item) for item in value]]
    if isinstance(value, dict):
        return ["map", [[tree(k), tree(v)] for k, v in value.items()]]
    if isinstance(value, Tag):
        return ["tag", str(value.number), tree(value.value)]
    if isinstance(value, Float):
        return ["float", "7ff8000000000000" if math.isnan(value.value) else struct.pack(">d", value.value).hex()]
    return ["simple", value.number]
