"""Frames in the protected stream, `len : u24 big-endian | frame`, the same over both bindings; records may cut them."""

from collections.abc import Iterator

from .errors import FrameError

HEAD_LENGTH = 3
"""Octets of `len`."""
LIMIT_BEFORE_OPEN = 1 << 16
"""Octets of a frame before OPEN."""
LIMIT_AFTER_OPEN = 1 << 20
"""Octets of a frame from OPEN on."""


def write_frame(frame: bytes) -> bytes:
    """The frame behind its length. Raises OverflowError for 2^24 octets and more."""
    return len(frame).to_bytes(HEAD_LENGTH, "big") + frame


class FrameReader:
    """Cuts the protected stream into frames. `max_length` may be raised when the session opens.

    `off` names the checks not made. No memory is set aside for octets that have not come.
    """

    def __init__(self, max_length: int = LIMIT_BEFORE_OPEN, off: frozenset[str] = frozenset()) -> None:
        self.max_length = max_length
        self._off = off
        self._buffer = bytearray()
        self._error: FrameError | None = None

    @property
    def pending(self) -> int:
        """Octets of a frame that is not complete."""
        return len(self._buffer)

    def feed(self, stream: bytes) -> Iterator[bytes]:
        """The frames that `stream` completes, cut as they are asked for; raises FrameError, and from then on always."""
        if not self._error:
            self._buffer += stream
        return self._frames()

    def _frames(self) -> Iterator[bytes]:
        while (end := self._end()) is not None:
            frame = bytes(self._buffer[HEAD_LENGTH:end])
            del self._buffer[:end]
            yield frame

    def _end(self) -> int | None:
        """Where the first frame ends, None when it is not complete."""
        if self._error:
            raise self._error
        if len(self._buffer) < HEAD_LENGTH:
            return None
        length = int.from_bytes(self._buffer[:HEAD_LENGTH], "big")
        if length > self.max_length and "frame_length_is_bounded" not in self._off:
            self._buffer.clear()
            self._error = FrameError("frame_length_is_bounded", f"length {length}; {self.max_length} is the most")
            raise self._error
        end = HEAD_LENGTH + length
        return end if len(self._buffer) >= end else None
