"""Cutting the octets of one direction where its channel cuts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator


class LengthCutter:
    """Cuts at lengths that stand in heads; from one that is none on, everything is passed on as it comes.

    `end_of` says from the `head` first octets of a unit where it ends, None where that is no length.
    """

    def __init__(self, head: int, end_of: Callable[[bytes], int | None]) -> None:
        self._head, self._end_of = head, end_of
        self._buffer = bytearray()
        self._uncut = False

    def feed(self, data: bytes) -> list[bytes]:
        """The units that `data` completes, as they stood on the wire."""
        self._buffer += data
        return list(self._units())

    def rest(self) -> bytes:
        """Octets of a unit that is not complete; taken once."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _units(self) -> Iterator[bytes]:
        while len(self._buffer) >= self._head:
            end = None if self._uncut else self._end_of(bytes(self._buffer[: self._head]))
            if end is None:
                self._uncut = True
                yield self.rest()
            elif len(self._buffer) < end:
                return
            else:
                unit = bytes(self._buffer[:end])
                del self._buffer[:end]
                yield unit
