"""A tester's endpoint that follows a conversation and says nothing by itself: what it would say is kept until asked."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ...model.protocol.attestation import CHANNEL_SECRET
from ...model.protocol.edhoc import handshake
from ...model.protocol.frames import FrameType
from ...model.table import NET, Message
from ..codec import cbor
from ..evaluator.errors import CheckFailed, GrammarError
from ..identity.errors import CredentialUnavailable
from ..peer.edhoc_channel import EdhocChannel
from ..peer.protection import Protection
from ..tester.deviation import Deviation
from ..tester.peer import LENIENT, Observation, TesterEndpoint
from ..transport.errors import TransportError
from ..transport.frames import write_frame
from ..transport.units import Kind

FOLLOWED = LENIENT - {"frame_is_expected"}
"""Only what the table expects moves the puppet's own machine; the rest is watched."""
NOT_FOLLOWED = frozenset({"ALERT", "CLOSE", "PONG"})
"""Frames that are watched alone: the learner decides when a conversation is over."""
UNREADABLE, UNEXPECTED = "unreadable", "edhoc_message"


class Withhold(Deviation):
    """Every message is kept instead of sent."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, list[tuple[Message, bytes]]] = defaultdict(list)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self.kept[message.name].append((message, data))


class WatchingChannel(EdhocChannel):
    """Whatever cannot be followed is an observation like any other."""

    def _message(self, payload: bytes) -> None:
        puppet = self._endpoint
        assert isinstance(puppet, Puppet)
        message = puppet.table.messages.get(puppet.state.removeprefix("wait_"))
        at, name = len(puppet.observations), UNEXPECTED
        if message is not None and message.channel == NET:
            try:
                puppet.step(message, payload)
                name = message.name
            except (CheckFailed, GrammarError, cbor.CborError, CredentialUnavailable, LookupError):
                pass
        puppet.observations.insert(at, Observation(name, payload))

    def _error(self, payload: bytes) -> None:
        self._endpoint.observe("edhoc_error", payload)

    def _record(self, payload: bytes) -> None:
        try:
            super()._record(payload)
        except TransportError:
            self._endpoint.observe(UNREADABLE, payload)


class Puppet(TesterEndpoint):
    """Keeps what the table would send; reads whatever comes, and never ends a conversation."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, off=FOLLOWED, channel=WatchingChannel, **options)
        assert isinstance(self.deviation, Withhold)
        self.kept = self.deviation.kept

    def take(self, name: str) -> list[tuple[Message, bytes]]:
        """The kept messages of that name, which are kept no longer."""
        return self.kept.pop(name, [])

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

    def _refuse(self, failure: CheckFailed) -> None:
        """A puppet refuses nothing."""

    def put_anyhow(self, frame: bytes) -> None:
        """A frame in a record: protected if the keys are known, or can be computed early; else in the clear."""
        if self.channel_stands:
            self.send_frame(frame)
            return
        for record in self._early_records(frame):
            self.put_unit(Kind.RECORD, record)

    def _early_records(self, frame: bytes) -> Iterable[bytes]:
        run = copy.copy(self.run)
        run.values, run.bound = dict(self.run.values), set(self.run.bound)
        try:
            run.values[CHANNEL_SECRET] = run.value(handshake(0).prk_exporter)
            return Protection(run, self.letter, self.peer, self.world.policy.record_limit, self.off).seal(frame)
        except (CheckFailed, LookupError):
            return (write_frame(frame) + bytes(16),)


def _kind(frame: bytes) -> str:
    try:
        return FrameType(cbor.decode(frame)[0]).name
    except (ValueError, LookupError, TypeError):
        return ""
