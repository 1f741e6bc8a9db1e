"""One scenario being played: the connections that it makes, what it did, and how both ends saw it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..iut.control import ControlTimeout
from ..tester.conversation import Conversation
from ..tester.deviation import Deviation
from ..tester.session import Role
from ..verdict.transcript import Transcript
from .binding import DATA
from .cast import Cast
from .ends import Pair
from .view import View
from .wire import Intruder, Leg, Middle

RETRIES = 2
"""New connections that a device may begin by itself after an error: one for a suite, one for a credential."""
Stage = Callable[[Middle], None]


class Scene:
    """Everything that is drawn is drawn under `name`: the same seed, the same decisions."""

    def __init__(self, pair: Pair, cast: Cast, name: str) -> None:
        self.pair, self.cast, self.name = pair, cast, name
        self.legs: list[Leg] = []
        self.reached = ""
        """What the scenario did, once it did it."""
        self.late = False
        """An end still spoke when the tester thought that nothing more would come."""
        self.unreported: list[str] = []
        self.closed_unasked = False
        """An end closed before anybody asked it to."""
        self._said = 0

    # --- passing on --------------------------------------------------------------------------------------------------

    def leg(self, role: Role) -> Leg:
        """A new connection to an end."""
        leg = Leg(self.pair, role)
        self.legs.append(leg)
        return leg

    def meet(self, intruder: Intruder | None = None) -> Middle:
        """A device that dialled and a service that was dialled, with an intruder between them."""
        device = self.leg("device")
        return Middle(self.pair, intruder or Intruder(), device, self.leg("service"))

    def through(self, intruder: Intruder) -> Middle:
        """A whole conversation through an intruder; also the one that a device begins anew by itself."""
        middle = self.meet(intruder)
        middle.settle()
        for _ in range(RETRIES):
            if (again := self._redialled(middle)) is None:
                break
            middle = again
            middle.settle()
        self.advance(middle, stages=self.stages[1:])
        self.reached = intruder.reached
        return middle

    def advance(
        self, middle: Middle, stages: tuple[Stage, ...] | None = None, until: Callable[[], bool] = lambda: False
    ) -> tuple[Stage, ...]:
        """Go through the stages of a conversation, or until a condition holds behind one; those that are left."""
        left = list(self.stages if stages is None else stages)
        while left and not until():
            left.pop(0)(middle)
        return tuple(left)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Of a conversation: up to OPEN, data both ways, the end."""
        return Middle.settle, self._talk, self._shut

    def _redialled(self, middle: Middle) -> Middle | None:
        before = middle.legs["device"]
        if not before.ended or before.reports("open"):
            return None
        self.pair.barrier()
        connection = self.pair.device.redialled()
        if connection is None:
            return None
        device = Leg(self.pair, "device", connection, since=self._connected_event(before))
        self.legs.append(device)
        return Middle(self.pair, Intruder(), device, self.leg("service"))

    def _connected_event(self, leg: Leg) -> int:
        events = self.pair.device.session.control.events
        return next(int(e["seq"]) for e in events if e["event"] == "connected" and e["connection"] == leg.number)

    # --- the applications --------------------------------------------------------------------------------------------

    def _talk(self, middle: Middle) -> None:
        """Both applications send, the device's first, where their end is open."""
        for leg in middle.legs.values():
            if leg.reports("open"):
                self.speak(leg)
                middle.settle()
        if middle.intruder.before_close(middle):
            middle.settle()

    def _shut(self, middle: Middle) -> None:
        """The device's application closes, or else the service's."""
        self.closed_unasked = any(leg.reports("closed") for leg in middle.legs.values())
        for leg in [leg for leg in middle.legs.values() if leg.reports("open")][:1]:
            leg.ask_to_close()
            middle.settle()

    def speak(self, leg: Leg, count: int = DATA) -> None:
        """One end's application sends: contents that no other scenario has."""
        for _ in range(count):
            self._said += 1
            if not leg.say(f"{self.name}, {leg.role}, {self._said}".encode()):
                return

    # --- terminating -------------------------------------------------------------------------------------------------

    def terminate(self, role: Role, deviation: Deviation | None = None, **options: Any) -> tuple[Leg, Conversation]:
        """The attacker as the peer of the end of `role`: a conversation that has begun, and its leg."""
        leg = self.leg(role)
        label = f"{self.name}/{len(self.legs)}"
        conversation = leg.end.session.converse(deviation, connection=leg.connection, label=label, **options)
        leg.transcript, leg.terminated = conversation.transcript, True
        return leg, conversation

    # --- the end -----------------------------------------------------------------------------------------------------

    def end(self) -> list[View]:
        """End every connection, wait until both ends have reported it, and say what they saw."""
        for leg in self.legs:
            leg.finish()
        for leg in self.legs:
            try:
                leg.end.ended(leg.number, leg.since)
            except ControlTimeout:
                self.unreported.append(f"the {leg.role} did not report the end of connection {leg.number}")
        views = [leg.view() for leg in self.legs]
        for leg in self.legs:
            self.late |= not leg.terminated and bool(leg.take())
            leg.connection.close()
        if not self.pair.device.reconnects and (stray := self.pair.device.redialled()) is not None:
            stray.close()
        return views

    def abandon(self) -> None:
        """Close everything without a word: the scenario could not be played."""
        for leg in self.legs:
            with suppress(OSError):
                leg.connection.close()

    def transcripts(self) -> list[tuple[str, Transcript]]:
        """What passed on each connection."""
        return [(f"{number}: {leg.role}", leg.transcript) for number, leg in enumerate(self.legs, 1)]
