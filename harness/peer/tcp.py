"""The tester's end of a TCP connection: blocking, every wait with a deadline, every ending told apart.

A peer can finish (FIN), reset (RST), stay silent, or send more than anyone needs: each is an exception of its own. What
a peer sent before it reset stays readable, because a refusal is often followed by a reset.
"""

import math
import select
import socket
import struct
from types import TracebackType

from ..deadline import Deadline

_CHUNK = 1 << 16
MOST_BYTES = 16 << 20
"""Bytes that one connection accepts by default; the largest test stays far below."""


class TcpError(Exception):
    """The connection cannot go on as asked."""


class NotReachable(TcpError):
    """Nothing accepts connections at the address."""


class TimedOut(TcpError):
    """The deadline passed."""


class PeerFinished(TcpError):
    """The peer ended its direction (FIN), and everything before it was read."""


class PeerReset(TcpError):
    """The peer, or its system, reset the connection (RST)."""


class TooManyBytes(TcpError):
    """The peer sent more than this connection accepts."""


class TcpConnection:
    """One connected socket. `ended` is `PeerFinished` or `PeerReset` once the peer's end was seen, else None."""

    def __init__(self, connected: socket.socket, most_bytes: int = MOST_BYTES) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._most_bytes = connected, most_bytes
        self._unread = bytearray()
        self.sent = self.received = 0
        self.ended: type[PeerFinished | PeerReset] | None = None

    @classmethod
    def connect(cls, host: str, port: int, deadline: Deadline, most_bytes: int = MOST_BYTES) -> "TcpConnection":
        """Dials. Raises `NotReachable` or `TimedOut`."""
        try:
            return cls(socket.create_connection((host, port), deadline.remaining or 1e-6), most_bytes)
        except TimeoutError:
            raise TimedOut(f"{host}:{port} did not answer in time") from None
        except OSError as error:
            raise NotReachable(f"{host}:{port}: {error.strerror or error}") from error

    def send_all(self, data: bytes, deadline: Deadline) -> None:
        """Writes everything, and reads meanwhile, so that a peer that writes first cannot block both.

        Raises:
            PeerReset: the peer does not take data any more; what it sent before is still there for `recv_some`.
            TimedOut: the deadline passed; `sent` tells how much is gone.
            TooManyBytes: as for `recv_some`.
        """
        rest = memoryview(data)
        while rest:
            readable, writable = self._wait(deadline, write=True)
            if readable:
                self._fill()
            if writable:
                try:
                    count = self._socket.send(rest)
                except BlockingIOError:
                    continue
                except (ConnectionError, TimeoutError) as error:
                    raise PeerReset(str(error)) from error
                self.sent += count
                rest = rest[count:]

    def recv_some(self, deadline: Deadline) -> bytes:
        """At least one byte, whatever is there.

        Raises:
            PeerFinished, PeerReset: the peer ended, and nothing is left to read.
            TimedOut: nothing came before the deadline.
            TooManyBytes: the peer sent more than this connection accepts.
        """
        while not self._unread:
            if self.ended:
                raise self.ended
            self._wait(deadline, write=False)
            self._fill()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def recv_until_end(self, deadline: Deadline) -> bytes:
        """Everything up to the peer's end, which `ended` tells. Raises `TimedOut` or `TooManyBytes`."""
        data = bytearray()
        try:
            while True:
                data += self.recv_some(deadline)
        except (PeerFinished, PeerReset):
            return bytes(data)
        except TimedOut:
            self._unread[:0] = data
            raise

    def fileno(self) -> int:
        """Descriptor that can be read once the peer sent something or ended."""
        return self._socket.fileno()

    @property
    def closed(self) -> bool:
        """Whether the peer's end is known now, without waiting; data that came before it stays readable."""
        while not self.ended and self._ready(Deadline.after(0), write=False)[0]:
            self._fill()
        return self.ended is not None

    def half_close(self) -> None:
        """Sends FIN; reading goes on. Raises `PeerReset` when the connection is gone."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise PeerReset(str(error)) from error

    def reset(self) -> None:
        """Closes with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Closes; a second call does nothing."""
        self._socket.close()

    def __enter__(self) -> "TcpConnection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _ready(self, deadline: Deadline, *, write: bool) -> tuple[bool, bool]:
        events = (0 if self.ended else select.POLLIN) | (select.POLLOUT if write else 0)
        poll = select.poll()
        poll.register(self._socket, events)
        found = dict(poll.poll(math.ceil(deadline.remaining * 1000))).get(self._socket.fileno(), 0)
        broken = found & (select.POLLERR | select.POLLHUP)
        readable = not self.ended and bool(found & select.POLLIN or broken)
        return readable, write and bool(found & select.POLLOUT or broken)

    def _wait(self, deadline: Deadline, *, write: bool) -> tuple[bool, bool]:
        ready = self._ready(deadline, write=write)
        if not any(ready):
            raise TimedOut("the peer takes no data" if write else "the peer is silent")
        return ready

    def _fill(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except (ConnectionError, TimeoutError):
            self.ended = PeerReset
            return
        if not data:
            self.ended = PeerFinished
        self.received += len(data)
        if self.received > self._most_bytes:
            raise TooManyBytes(f"more than {self._most_bytes} bytes")
        self._unread += data


class TcpListener:
    """Where the suite listens for a device; `host` and `port` are what was bound."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, backlog: int = 128) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=backlog)
        self._socket.setblocking(False)
        self.host, self.port = self._socket.getsockname()[:2]

    def fileno(self) -> int:
        """Descriptor that can be read once somebody dialled."""
        return self._socket.fileno()

    def accept(self, deadline: Deadline, most_bytes: int = MOST_BYTES) -> TcpConnection:
        """The next connection. Raises `TimedOut`."""
        while True:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            if not poll.poll(math.ceil(deadline.remaining * 1000)):
                raise TimedOut(f"nobody dialled {self.host}:{self.port} in time")
            try:
                return TcpConnection(self._socket.accept()[0], most_bytes)
            except (BlockingIOError, ConnectionError):
                continue

    def close(self) -> None:
        """Stops listening; connections stay."""
        self._socket.close()

    def __enter__(self) -> "TcpListener":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
