"""The tester's side of a conversation: the reference peer of the opposite role, without any check of its own.

It has at most one deviation. What it sees is kept, so that the reaction to the deviation can be told from what came
before.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal

from ...model.checks import CHECKS
from ...model.table import Message, Table
from ..codec import cbor
from ..crypto.random import Random
from ..evaluator.run import Run
from ..identity.world import World
from ..peer.binding import DEFAULT
from ..peer.channel import ChannelOf
from ..peer.endpoint import Endpoint
from ..peer.keylog import KeyLog
from ..verdict.speech import FRAME, OCTETS, UNIT, Speech
from .deviation import Deviation, TesterFault

LENIENT = frozenset(
    name
    for name in CHECKS
    if not name.startswith("frame_has") and name not in ("frame_is_deterministic", "frame_depth_is_bounded")
)
"""The tester refuses nothing that it can read: the implementation under test has to."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One message of the implementation under test; `code` of an error, ALERT or RECEIPT."""

    name: str
    data: bytes
    code: int | None = None

    @property
    def action(self) -> str | None:
        """A refusal in the words of the register of refusals, None for anything else."""
        kind = self.name.partition("_")[0]
        if self.name == "edhoc_error":
            return f"edhoc-error:{self.code}"
        if self.name == "tls_alert":
            return f"tls-alert:{self.code}"
        if kind == "ALERT":
            return f"alert:{self.code}"
        if kind == "RECEIPT" and self.code:
            return f"receipt:{self.code}"
        if kind == "CLOSE":
            return "close-frame"
        return None


class TesterEndpoint(Endpoint):
    """A peer that deviates. `observations` are what the implementation under test sent, in order."""

    def __init__(
        self,
        role: Literal["device", "service"],
        world: World,
        deviation: Deviation,
        *,
        rng: Random,
        off: frozenset[str] = LENIENT,
        suites: tuple[int, ...] = (3, 2, 5),
        suites_i: tuple[int, ...] = (),
        table: Table | None = None,
        binding: str = DEFAULT,
        channel: ChannelOf | None = None,
        key_log: KeyLog | None = None,
    ) -> None:
        super().__init__(
            role, world, off=off, rng=rng, suites=suites, suites_i=suites_i, table=table, binding=binding,
            channel=channel, key_log=key_log,
        )  # fmt: skip
        self.deviation = deviation
        self.observations: list[Observation] = []
        self.sent: dict[str, bytes] = {}
        """The latest message of each name, as it went out."""
        self.marked: int | None = None
        self.speech = Speech()
        """What both sides said."""
        self._speaking = False
        deviation.attach(self)

    @property
    def completed(self) -> bool:
        """Whether all that can be waited for has come: who is silent from here on has accepted."""
        return False

    # --- sending -----------------------------------------------------------------------------------------------------

    def emit(self, message: Message, data: bytes) -> None:
        try:
            self.deviation.emit(self, message, data)
        except Exception as error:  # A deviation may call anything; what it raises must not count for the other side.
            raise TesterFault(f"{type(self.deviation).__name__} at {message.name}: {error!r}") from error

    def put(self, message: Message, data: bytes) -> None:
        """Send a message as the table would."""
        self.sent[message.name] = data
        inside, self._speaking = self._say(message.name, data), True
        try:
            super().emit(message, data)
        finally:
            self._speaking = inside

    def send_frame(self, frame: bytes) -> None:
        inside, self._speaking = self._say(FRAME, frame), True
        try:
            super().send_frame(frame)
        finally:
            self._speaking = inside

    def end_channel(self) -> None:
        """Not by itself: what comes behind the end of a session is for a test to say."""

    def send_unit(self, kind: int, payload: bytes) -> None:
        self.deviation.unit(self, kind, payload)

    def put_unit(self, kind: int, payload: bytes) -> None:
        """Send a unit."""
        inside, self._speaking = self._say(UNIT, bytes([kind]) + payload), True
        try:
            super().send_unit(kind, payload)
        finally:
            self._speaking = inside

    def put_octets(self, data: bytes) -> None:
        if data:
            self._say(OCTETS, data)
        super().put_octets(data)

    def _say(self, name: str, data: bytes) -> bool:
        """Note what goes out, unless it is part of what is noted already: messages go out as frames, units, octets."""
        if not self._speaking:
            self.speech.add(self.role, name, data)
        return self._speaking

    def put_frame(self, kind: int, body: Any) -> None:
        """Send a frame with a body of our own making."""
        self.send_frame(cbor.encode([kind, body]))

    def mark(self) -> None:
        """What comes from here on is the reaction."""
        if self.marked is None:
            self.marked = len(self.observations)
            self.speech.fault_comes(self.role, now=self._speaking)

    def knowledge(self) -> Run:
        """What this party and its own trust anchor module know together: tokens can be taken apart and put together."""
        both = copy.copy(self.run)
        both.values = {**self.tam.run.values, **self.run.values}
        return both

    # --- watching ----------------------------------------------------------------------------------------------------

    def observe(self, name: str, data: bytes) -> None:
        self.observations.append(Observation(name, data, _code(name, data)))
        self.speech.add("service" if self.role == "device" else "device", name, data)

    @property
    def reaction(self) -> list[Observation]:
        """Observations since the deviation went out."""
        return [] if self.marked is None else self.observations[self.marked :]

    @property
    def channel_stands(self) -> bool:
        """Whether frames can be exchanged."""
        return self.channel.stands

    @property
    def probe_is_legal(self) -> bool:
        """Whether the peer must answer PING by now: both HELLOs are through."""
        mine, peers = f"HELLO_{self.letter}", f"HELLO_{self.peer}"
        sent = any(e.name == "state" and e.fields["state"] in _AFTER_HELLO for e in self.events)
        return self.channel_stands and (sent or mine == peers)


_AFTER_HELLO = ("wait_ATT_R", "wait_VERDICT_R", "quoting", "wait_VERDICT_I", "wait_ATT_I", "OPEN")


def _code(name: str, data: bytes) -> int | None:
    try:
        if name == "edhoc_error":
            code = cbor.decode_sequence(data)[0]
        elif name == "tls_alert":
            code = data[1]
        elif name.startswith("ALERT"):
            code = cbor.decode(data)[1][1]
        elif name.startswith("RECEIPT"):
            code = cbor.decode(data)[1][2]
        else:
            return None
    except (ValueError, LookupError, TypeError):
        return None
    return code if isinstance(code, int) else None
