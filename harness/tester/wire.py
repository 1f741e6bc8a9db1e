"""Deviations on the wire itself: units, records, and the way in which both are cut into segments."""

from __future__ import annotations

from collections.abc import Callable

from ...model.protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from ...model.table import Message
from ..codec import cbor
from ..deadline import Deadline
from ..evaluator.machine import Effects
from ..transport.frames import write_frame
from ..transport.record import RecordSealer
from ..transport.units import Kind
from .conversation import Connection
from .deviation import Deviation, OnMessage
from .peer import TesterEndpoint

Send = Callable[[TesterEndpoint], None]
GREASE_TYPE = 200
"""A frame type that every peer ignores."""


class Before(OnMessage):
    """Something else is sent first, then the message."""

    def __init__(self, message: str, send: Send, nth: int = 0) -> None:
        super().__init__(message, nth)
        self._send = send

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self._send(peer)
        peer.put(message, data)


class Mark(OnMessage):
    """The message is sent as it is: an option of the endpoint is the fault, and this is where it shows."""

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put(message, data)


class OnDemand(Deviation):
    """Something is sent when the test says so."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send

    def act(self, peer: TesterEndpoint) -> None:
        """Now."""
        self.happened(peer)
        self._send(peer)


class AlterRecords(Deviation):
    """The next `count` records after `begin` are held back and sent as `change` makes them."""

    def __init__(self, count: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
        super().__init__()
        self._count, self._change = count, change
        self._held: list[bytes] | None = None

    def begin(self) -> None:
        """From the next record on."""
        self._held = []

    def unit(self, peer: TesterEndpoint, kind: int, payload: bytes) -> None:
        if kind != Kind.RECORD or self._held is None or self.reached:
            peer.put_unit(kind, payload)
            return
        self._held.append(payload)
        if len(self._held) == self._count:
            self.happened(peer)
            for changed in self._change(self._held):
                peer.put_unit(kind, changed)


class Resend(OnDemand):
    """A record that was sent before is sent again: the one `back` records before the last."""

    def __init__(self, back: int) -> None:
        super().__init__(lambda peer: peer.put_unit(Kind.RECORD, self._sent[-1 - back]))
        self._sent: list[bytes] = []

    def unit(self, peer: TesterEndpoint, kind: int, payload: bytes) -> None:
        if kind == Kind.RECORD:
            self._sent.append(payload)
        peer.put_unit(kind, payload)


# --- records and frames of our own making ----------------------------------------------------------------------------


def own_sealer(peer: TesterEndpoint, letter: str | None = None) -> RecordSealer:
    """A sealer without limits at the number of the peer's next record; `letter` is whose key it uses."""
    run, letter = peer.run, letter or peer.letter
    off = frozenset({"record_length_is_bounded", "record_limit_holds"})
    key, iv = run.value(TRAFFIC_KEY[letter]), run.value(TRAFFIC_IV[letter])
    sealer = RecordSealer(run.suite.aead, key, iv, off=off)
    sealer.sequence = peer.edhoc.protect().sealer.sequence
    return sealer


def put_error(peer: TesterEndpoint, code: int, info: object) -> None:
    """An EDHOC error message (RFC 9528, Section 6)."""
    peer.put_unit(Kind.EDHOC_ERROR, cbor.encode(code) + cbor.encode(info))


def put_record(peer: TesterEndpoint, plaintext: bytes, *, sealer: RecordSealer | None = None) -> None:
    """One record with exactly this plaintext; it counts as one of the peer's."""
    if sealer is None:
        peer.channel.send_stream(plaintext)
        return
    peer.edhoc.protect().sealer.sequence += 1
    peer.put_unit(Kind.RECORD, sealer.seal(plaintext))


def ignored_frame(length: int) -> bytes:
    """A well-formed frame of `length` octets that is to be ignored; raises ValueError for the few that none has."""
    for head_length in (1, 2, 3, 5):
        frame = cbor.encode([GREASE_TYPE, bytes(max(0, length - 3 - head_length))])
        if len(frame) == length:
            return frame
    raise ValueError(f"no such frame of {length} octets")


def put_ping(peer: TesterEndpoint, payload: bytes = b"8 octets") -> None:
    """PING, whatever the state."""
    peer.put_frame(8, {1: payload})


# --- cutting ---------------------------------------------------------------------------------------------------------


class Sliced(TesterEndpoint):
    """Frames cut into records of few octets, their length included."""

    slice = 7

    def send_frame(self, frame: bytes) -> None:
        """One record after another; the first ends inside the frame's length."""
        stream = write_frame(frame)
        for start, end in [(0, 2), *((at, at + self.slice) for at in range(2, len(stream), self.slice))]:
            put_record(self, stream[start:end])


class Packed(TesterEndpoint):
    """All frames of one step in one record."""

    _step_frames: bytearray | None = None

    def send_frame(self, frame: bytes) -> None:
        """Kept until the step ends."""
        if self._step_frames is None:
            super().send_frame(frame)
        else:
            self._step_frames += write_frame(frame)

    def _apply(self, effects: Effects) -> None:
        if self._step_frames is not None:
            super()._apply(effects)
            return
        self._step_frames = bytearray()
        try:
            super()._apply(effects)
            if self._step_frames:
                put_record(self, bytes(self._step_frames))
        finally:
            self._step_frames = None


class Trickle:
    """A connection that writes `size` octets at a time."""

    def __init__(self, connection: Connection, size: int = 1) -> None:
        self._connection, self._size = connection, size

    def send_all(self, data: bytes, deadline: Deadline) -> None:
        """In as many writes as it takes."""
        for at in range(0, len(data), self._size):
            self._connection.send_all(data[at : at + self._size], deadline)

    def recv_some(self, deadline: Deadline) -> bytes:
        """As the connection."""
        return self._connection.recv_some(deadline)

    def half_close(self) -> None:
        """As the connection."""
        self._connection.half_close()

    def reset(self) -> None:
        """As the connection."""
        self._connection.reset()

    def close(self) -> None:
        """As the connection."""
        self._connection.close()
