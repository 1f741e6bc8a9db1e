"""Messages in another encoding, and units altered on their way: the level below terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...harness.transport.units import Kind, write_unit
from ..encodings import BYTE_STRINGS, DETERMINISM, DUPLICATES, FORM, SEVERAL_PAIRS, TRAILING, nested

Change = Callable[[bytes], bytes]
Units = Callable[[int, bytes], list[bytes]]


def _bit(position: float) -> Change:
    """One bit flipped, at a position from 0 to 1."""

    def change(data: bytes) -> bytes:
        at = min(int(len(data) * position), len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if data else data

    return change


_OCTETS: dict[str, Change] = {
    **{f"bit-{percent}": _bit(percent / 100) for percent in (0, 3, 10, 25, 50, 75, 90, 99)},
    "cut": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "none": lambda data: b"",
    "grow": lambda data: data + b"\x00",
    "twice": lambda data: data + data,
    "zero": lambda data: bytes(len(data)),
    "great-string": lambda data: b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff",
    "great-list": lambda data: b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    "great-map": lambda data: b"\xbb\x00\x00\x00\x01\x00\x00\x00\x00",
    "deep-lists": lambda data: nested(10_000),
    "deep-tags": lambda data: nested(10_000, b"\xc1"),
    "deep-maps": lambda data: nested(5_000, b"\xa1\x00"),
}
FRAMES: dict[str, Change] = {
    **DETERMINISM, **SEVERAL_PAIRS, **BYTE_STRINGS, **DUPLICATES, **TRAILING, **FORM, **_OCTETS,
}  # fmt: skip
"""Another encoding of a message, by name. Those of the codec's rules are for frames `[type, {...}]`."""
MESSAGES = (*_OCTETS, "trailing-octet")
"""Those that any message can suffer."""


def _payload(change: Change) -> Units:
    return lambda kind, payload: [write_unit(kind, change(payload))]


def _length(delta: int) -> Units:
    """A length that is not that of the payload."""

    def change(kind: int, payload: bytes) -> list[bytes]:
        return [(1 + len(payload) + delta).to_bytes(4, "big") + bytes([kind]) + payload]

    return change


def _announced(length: int) -> Units:
    return lambda kind, payload: [length.to_bytes(4, "big") + bytes([kind]) + payload[:100]]


def _kind(other: int) -> Units:
    return lambda kind, payload: [write_unit(other, payload)]


def _around(before: bytes, after: bytes = b"") -> Units:
    return lambda kind, payload: [before, write_unit(kind, payload), after]


def _cut(kind: int, payload: bytes) -> list[bytes]:
    data = write_unit(kind, payload)
    return [data[:3], data[3:]]


UNITS: dict[str, Units] = {
    **{
        f"payload-{name}": _payload(change)
        for name, change in _OCTETS.items()
        if not name.startswith(("great", "deep"))
    },
    **{f"kind-{kind}": _kind(kind) for kind in (0, 1, 2, 3, 4, 128, 255)},
    "longer": _length(1),
    "shorter": _length(-1),
    "length-zero": lambda kind, payload: [bytes(4)],
    "length-one": lambda kind, payload: [write_unit(kind, b"")],
    "length-greatest": _announced(2**32 - 1),
    "length-16385": _announced(16_385),
    "length-16449": _announced(16_449),
    "length-65537": _announced(65_537),
    "length-million": _announced(1 << 20),
    "twice": lambda kind, payload: [write_unit(kind, payload)] * 2,
    "behind-an-empty-unit": _around(bytes(4)),
    "behind-an-error": _around(write_unit(Kind.EDHOC_ERROR, b"\x01\x61x")),
    "before-an-error": _around(b"", write_unit(Kind.EDHOC_ERROR, b"\x01\x61x")),
    "before-a-message": _around(b"", write_unit(Kind.EDHOC_MESSAGE, b"\x00")),
    "behind-a-message": _around(write_unit(Kind.EDHOC_MESSAGE, b"\x00")),
    "behind-a-record": _around(write_unit(Kind.RECORD, bytes(40))),
    "before-a-record": _around(b"", write_unit(Kind.RECORD, bytes(40))),
    "behind-an-unknown-unit": _around(write_unit(9, b"x")),
    "cut-in-two": _cut,
}
"""What goes out in the place of one unit, by name."""

ERRORS: dict[str, Any] = {
    "code-0": "0001", "unspecified": "016178", "no-info": "01", "wrong-suite-2": "0202", "wrong-suite-3": "0203",
    "wrong-suites": "02820305", "wrong-suite-list": "02820203", "unknown-suite": "021903e8", "code-3": "03f5",
    "code-4": "0400", "negative": "20", "text": "6178", "nothing": "", "suites-none": "0280", "suite-text": "026178",
}  # fmt: skip
"""EDHOC error messages, in hexadecimal digits."""
