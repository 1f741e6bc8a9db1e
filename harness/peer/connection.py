"""One TCP connection of a reference peer: an `Endpoint` driven by an asyncio transport.

The endpoint decides, this class moves bytes, runs its timers and reports its events. Real time bounds a connection on
which nothing arrives, whatever the endpoint's own clock shows.
"""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .report import translate

if TYPE_CHECKING:
    from ..identity.credentials import TrustAnchors
    from .endpoint import Endpoint

IDLE = 120.0
"""Real seconds without a byte from the peer after which a connection is dropped, by default."""
LINGER = 2.0
"""Real seconds for the peer to end its side after ours: closing earlier could reset what it has not read yet."""

Report = Callable[[str, Mapping[str, Any]], None]


class PeerConnection(asyncio.Protocol):
    """`report` gets each event; `ended` is called once, when the transport is gone."""

    def __init__(
        self, endpoint: "Endpoint", clock: Clock, report: Report, ended: Callable[[], None], idle: float = IDLE
    ) -> None:
        self.endpoint = endpoint
        self._clock, self._report, self._ended, self._bound = clock, report, ended, idle
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._last_byte = self._loop.time()
        self._reported = 0
        self._finished = self._told_end = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the endpoint. asyncio has set TCP_NODELAY."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._finished:
            transport.abort()
            return
        host, port = transport.get_extra_info("peername")[:2]
        self._report("connected", {"host": host, "port": port})
        self._idle = self._loop.call_later(self._bound, self._judge_idle)
        self._act(self.endpoint.start)

    def data_received(self, data: bytes) -> None:
        """Feeds the endpoint, unless it has finished: then bytes are read and dropped until the peer ends too."""
        self._last_byte = self._loop.time()
        if not self._finished:
            self._act(lambda: self.endpoint.receive_data(data))

    def eof_received(self) -> None:
        """The peer's FIN; the transport closes itself after what is still to be written."""
        if not self._finished:
            self._act(self.endpoint.receive_eof)

    def connection_lost(self, error: Exception | None) -> None:
        """The transport is gone, cleanly or not: for the endpoint both are the end of what it receives."""
        if not self._finished:
            self._act(self.endpoint.receive_eof)
        for handle in (self._timer, self._idle):
            if handle:
                handle.cancel()
        self._ended()

    def pause_writing(self) -> None:
        """A peer that does not read is not read either."""
        assert self._transport
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        assert self._transport
        self._transport.resume_reading()

    @property
    def local_address(self) -> tuple[str, int]:
        """Host and port of this end."""
        assert self._transport
        address: tuple[str, int] = self._transport.get_extra_info("sockname")[:2]
        return address

    def command(self, action: Callable[[], None]) -> None:
        """Runs one step that the application asks for; what the endpoint objects to goes to the caller."""
        action()
        self._follow()

    def tick(self) -> None:
        """Judges the timers against the clock; before the connection is made none runs."""
        if self._transport is not None and not self._finished:
            self._act(self.endpoint.tick)

    def learn(self, anchors: "TrustAnchors") -> None:
        """Goes by other trust anchors and CRLs from now on."""
        if self._transport is not None and not self._finished:
            self._act(lambda: self.endpoint.learn(anchors))

    def abort(self) -> None:
        """Drops the connection without a word."""
        self._finished = True
        if self._transport:
            self._transport.abort()

    def _act(self, action: Callable[[], None]) -> None:
        """Runs one step that the transport or a timer causes. An exception here is a defect: told, never hidden."""
        try:
            action()
            self._follow()
        except Exception as error:
            traceback.print_exc()
            self.abort()
            self._report("error", {"message": f"defect: {error!r}"[:1000]})

    def _follow(self) -> None:
        assert self._transport
        data = self.endpoint.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
        events = self.endpoint.events
        while self._reported < len(events):
            told = translate(events[self._reported])
            self._reported += 1
            if told:
                self._tell(*told)
        if self.endpoint.closed and not self._finished:
            if not self._told_end:
                self._tell("closed", {"how": "refused"})
            self._finish()
        self._arm()

    def _tell(self, name: str, fields: Mapping[str, Any]) -> None:
        self._told_end |= name == "closed"
        self._report(name, fields)

    def _finish(self) -> None:
        assert self._transport
        self._finished = True
        if not self._transport.is_closing():
            self._transport.write_eof()
        if self._idle:
            self._idle.cancel()
        self._idle = self._loop.call_later(LINGER, self._transport.abort)

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline = None if self._finished else self.endpoint.next_deadline
        if deadline is not None and (seconds := self._clock.seconds_until(deadline)) is not None:
            self._timer = self._loop.call_later(seconds, self.tick)

    def _judge_idle(self) -> None:
        left = self._last_byte + self._bound - self._loop.time()
        if left > 0:
            self._idle = self._loop.call_later(left, self._judge_idle)
        elif self._transport:
            self._report("error", {"message": f"no byte for {self._bound:g} s"})
            self._transport.abort()
