"""Frames over a pair of pipes, with deadlines: how a verifier is asked over its standard input and output."""

from __future__ import annotations

import math
import os
import select

from ..deadline import Deadline
from ..transport.errors import FrameError
from ..transport.frames import LIMIT_AFTER_OPEN, FrameReader, write_frame
from .channel import ChannelClosed, ChannelTimeout

_CHUNK = 1 << 16


class FrameChannel:
    """Owns two file descriptors; `close` closes them."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader(LIMIT_AFTER_OPEN)
        os.set_blocking(writer, False)

    def ask(self, frame: bytes, deadline: Deadline) -> bytes:
        """The answer to a frame.

        Raises:
            ChannelTimeout: none came in time.
            ChannelClosed: the other side closed, or answered with what is no frame.
        """
        rest = memoryview(write_frame(frame))
        try:
            while rest:
                self._wait(self._writer, select.POLLOUT, deadline)
                rest = rest[os.write(self._writer, rest) :]
        except OSError:
            pass  # It reads no more; what it said before that counts.
        return self._receive(deadline)

    def _receive(self, deadline: Deadline) -> bytes:
        while True:
            self._wait(self._reader, select.POLLIN, deadline)
            data = os.read(self._reader, _CHUNK)
            if not data:
                raise ChannelClosed("the verifier closed its standard output")
            try:
                for frame in self._frames.feed(data):
                    return frame
            except FrameError as error:
                raise ChannelClosed(str(error)) from error

    def _wait(self, descriptor: int, event: int, deadline: Deadline) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(math.ceil(deadline.remaining * 1000)):
            raise ChannelTimeout

    def close(self) -> None:
        """Close both directions; a second call does nothing."""
        for descriptor in {self._reader, self._writer} - {-1}:
            os.close(descriptor)
        self._reader = self._writer = -1
