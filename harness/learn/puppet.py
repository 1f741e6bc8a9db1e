"""A tester's endpoint that follows a conversation and says nothing by itself: what it would say is kept until asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Any

from ...model.protocol.frames import FrameType
from ...model.table import Message
from ..codec import cbor
from ..evaluator.errors import CheckFailed
from ..peer.channel import ChannelOf
from ..tester.deviation import Deviation
from ..tester.peer import LENIENT, TesterEndpoint

FOLLOWED = LENIENT - {"frame_is_expected"}
"""Only what the table expects moves the puppet's own machine; the rest is watched."""
NOT_FOLLOWED = frozenset({"ALERT", "CLOSE", "PONG"})
"""Frames that are watched alone: the learner decides when a conversation is over."""
UNREADABLE = "unreadable"


class Watching(ABC):
    """What the channel of a puppet does beside what every channel does."""

    @abstractmethod
    def put_early(self, frame: bytes) -> None:
        """A frame before the channel stands: protected where that can be computed, else in the clear."""


class Withhold(Deviation):
    """Every message is kept instead of sent."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, list[tuple[Message, bytes]]] = defaultdict(list)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self.kept[message.name].append((message, data))


class Puppet(TesterEndpoint):
    """Keeps what the table would send; reads whatever comes, and never ends a conversation."""

    def __init__(self, *arguments: Any, channel: ChannelOf, **options: Any) -> None:
        super().__init__(*arguments, off=FOLLOWED, channel=channel, **options)
        assert isinstance(self.deviation, Withhold)
        self.kept = self.deviation.kept

    def take(self, name: str) -> list[tuple[Message, bytes]]:
        """The kept messages of that name, which are kept no longer."""
        return self.kept.pop(name, [])

    def put_handshake(self, name: str, data: bytes) -> None:
        """Octets as this message of the handshake."""
        self.channel.send_handshake(self.table.messages[name], data)

    @property
    def sid(self) -> bytes:
        """Session id, or nothing before the channel stands."""
        return super().sid if self.channel_stands else b""

    def receive_frame(self, frame: bytes) -> None:
        """A frame that the table does not expect, or cannot read, is watched, and moves nothing."""
        kind = _kind(frame)
        if kind in NOT_FOLLOWED:
            self.observe(f"{kind}_{self.peer}", frame)
            return
        seen = len(self.observations)
        try:
            super().receive_frame(frame)
        except CheckFailed:
            if len(self.observations) == seen:
                self.observe(UNREADABLE, frame)

    def receive_eof(self) -> None:
        """The end of the protected stream; that of the connection is what counts."""

    def _refuse(self, failure: CheckFailed) -> None:
        """A puppet refuses nothing."""

    def put_anyhow(self, frame: bytes) -> None:
        """A frame in a record: protected if the keys are known, or can be computed early; else in the clear."""
        if self.channel_stands:
            self.send_frame(frame)
        else:
            assert isinstance(self.channel, Watching)
            self.channel.put_early(frame)


def _kind(frame: bytes) -> str:
    try:
        return FrameType(cbor.decode(frame)[0]).name
    except (ValueError, LookupError, TypeError):
        return ""
