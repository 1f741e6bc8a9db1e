"""Lines over a pair of pipes or a socket, with deadlines; nothing here waits without one, and nothing polls.

A send also reads, so that two sides that both write cannot block each other.
"""

import errno
import math
import os
import select
import socket
from collections import deque

from ..deadline import Deadline
from .messages import MAX_LINE, quoted

_CHUNK = 1 << 16


class ChannelError(Exception):
    """The line channel cannot go on."""


class ChannelTimeout(ChannelError):
    """The deadline passed."""


class ChannelClosed(ChannelError):
    """The other side closed, or is gone."""


class LineTooLong(ChannelError):
    """More than a line's length came without a line feed."""


class LineChannel:
    """Owns two file descriptors, or one socket; `close` closes them."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._partial = bytearray()
        self._lines: deque[bytes] = deque()
        self._ended = False
        for descriptor in {reader, writer}:
            os.set_blocking(descriptor, False)

    @classmethod
    def of_socket(cls, connection: socket.socket) -> "LineChannel":
        """Takes over a connected socket."""
        descriptor = connection.detach()
        return cls(descriptor, descriptor)

    def send(self, line: bytes, deadline: Deadline) -> None:
        """Writes a whole line. Raises `ChannelTimeout` or `ChannelClosed`."""
        rest = memoryview(line)
        while rest:
            readable, writable = self._wait(deadline, write=True)
            if readable:
                self._read()
            if writable:
                try:
                    rest = rest[os.write(self._writer, rest) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise ChannelClosed(_reason(error)) from error

    def receive(self, deadline: Deadline) -> bytes:
        """The next line without its line feed. Raises `ChannelTimeout`, `ChannelClosed` or `LineTooLong`."""
        while not self._lines:
            if self._ended:
                raise ChannelClosed(f"inside the line {quoted(bytes(self._partial))}" if self._partial else "")
            self._wait(deadline, write=False)
            self._read()
        return self._lines.popleft()

    def _wait(self, deadline: Deadline, *, write: bool) -> tuple[bool, bool]:
        poll, read_events = select.poll(), select.POLLIN | select.POLLHUP | select.POLLERR
        if write:
            poll.register(self._writer, select.POLLOUT)
        if not self._ended:
            poll.register(self._reader, select.POLLIN | (select.POLLOUT if write and self._one else 0))
        ready = dict(poll.poll(math.ceil(deadline.remaining * 1000)))
        if not ready:
            raise ChannelTimeout
        readable = not self._ended and bool(ready.get(self._reader, 0) & read_events)
        return readable, bool(ready.get(self._writer, 0) & (select.POLLOUT | select.POLLERR | select.POLLHUP))

    @property
    def _one(self) -> bool:
        return self._reader == self._writer

    def _read(self) -> None:
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EIO):
                raise
            data = b""
        if not data:
            self._ended = True
            return
        *whole, rest = (bytes(self._partial) + data).split(b"\n")
        self._lines.extend(whole)
        self._partial = bytearray(rest)
        for line in (*whole, rest):
            if len(line) >= MAX_LINE:
                raise LineTooLong(quoted(line))

    def close(self) -> None:
        """Closes both directions; a second call does nothing."""
        for descriptor in {self._reader, self._writer} - {-1}:
            os.close(descriptor)
        self._reader = self._writer = -1
        self._ended = True


def _reason(error: OSError) -> str:
    return "" if error.errno == errno.EPIPE else error.strerror or str(error)
