"""The protected stream of one connection: frames, records and their keys, which are exporter terms of the table."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from ..evaluator.run import Run
from ..transport.frames import LIMIT_AFTER_OPEN, FrameReader, write_frame
from ..transport.record import RecordOpener, RecordSealer


class Protection:
    """Both directions of the record layer, from the moment the channel secret is known.

    `limit` is the number of records under one key; `off` names checks that are not made.
    """

    def __init__(self, run: Run, mine: str, peers: str, limit: int, off: frozenset[str]) -> None:
        aead = run.suite.aead
        key, iv = run.value(TRAFFIC_KEY[mine]), run.value(TRAFFIC_IV[mine])
        peer_key, peer_iv = run.value(TRAFFIC_KEY[peers]), run.value(TRAFFIC_IV[peers])
        self.sealer = RecordSealer(aead, key, iv, limit, off)
        self.opener = RecordOpener(aead, peer_key, peer_iv, limit, off)
        self.frames = FrameReader(off=off)

    def seal(self, frame: bytes) -> Iterator[bytes]:
        """Records that carry a frame."""
        return self.sealer.seal_stream(write_frame(frame))

    def open(self, record: bytes) -> Iterator[bytes]:
        """Frames that a record completes. Raises TransportError."""
        return self.frames.feed(self.opener.open(record))

    def session_opened(self) -> None:
        """From OPEN on, frames may be longer."""
        self.frames.max_length = LIMIT_AFTER_OPEN
