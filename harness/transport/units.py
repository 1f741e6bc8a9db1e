"""Units on TCP: `len : u32 | kind : u8 | payload`, integers big-endian, len = 1 + octets of payload.

EDHOC wants of its transport that messages keep their bounds and order (RFC 9528 section 3.4); TCP keeps the order.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from .errors import UnitError


class Kind(IntEnum):
    """What a unit carries."""

    EDHOC_MESSAGE = 1
    EDHOC_ERROR = 2
    RECORD = 3


class Unit(NamedTuple):
    """One unit. `kind` is a `Kind` unless unknown kinds are let through."""

    kind: int
    payload: bytes


HEAD_LENGTH = 5
"""Octets of `len` and `kind`."""

_KNOWN = frozenset(Kind)


def write_unit(kind: int, payload: bytes) -> bytes:
    """The unit in octets. Raises OverflowError when kind or length do not fit their fields."""
    return (1 + len(payload)).to_bytes(4, "big") + kind.to_bytes(1, "big") + payload


class UnitReader:
    """Cuts the octets of a connection into units, however they were split on the way.

    `limit_of(kind)` is the largest `len` acceptable now; it is asked for each unit when its head is complete, so it may
    depend on the units before. It answers for unknown kinds too where `off`, the names of the checks not made, lets
    them through. No memory is set aside for octets that have not come.
    """

    def __init__(self, limit_of: Callable[[int], int], off: frozenset[str] = frozenset()) -> None:
        self._limit_of = limit_of
        self._buffer = bytearray()
        self._off = off
        self._error: UnitError | None = None

    @property
    def pending(self) -> int:
        """Octets of a unit that is not complete: more than zero at the end of a connection is truncation."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Unit]:
        """The units completed by `data`, cut as they are asked for; raises UnitError, and from then on always.

        Units before a bad one are thus delivered, and what is not asked for comes with the next call.
        """
        if not self._error:
            self._buffer += data
        return self._units()

    def _units(self) -> Iterator[Unit]:
        while (end := self._end()) is not None:
            content = bytes(self._buffer[4:end])
            del self._buffer[:end]
            if content:
                yield Unit(content[0], content[1:])

    def _end(self) -> int | None:
        """Where the first unit ends, None when it is not complete."""
        if self._error:
            raise self._error
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if not length:
            self._refuse("unit_length_is_bounded", "a unit without a kind")
        elif len(self._buffer) < HEAD_LENGTH:
            return None
        else:
            self._check_head(length, self._buffer[4])
        return 4 + length if len(self._buffer) >= 4 + length else None

    def _check_head(self, length: int, kind: int) -> None:
        if kind not in _KNOWN:
            self._refuse("unit_kind_is_known", f"kind {kind}")
        if length > (limit := self._limit_of(kind)):
            self._refuse("unit_length_is_bounded", f"length {length}; {limit} is the most")

    def _refuse(self, check: str, detail: str) -> None:
        """Unless the check is not made."""
        if check not in self._off:
            self._buffer.clear()
            self._error = UnitError(check, detail)
            raise self._error
