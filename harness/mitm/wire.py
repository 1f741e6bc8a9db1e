"""A session through the tester: what one end sends comes to the intruder, who decides what reaches the other."""

from __future__ import annotations

import math
import select
import time
from dataclasses import replace
from hashlib import sha256

from ..deadline import Deadline
from ..iut.control import ControlRefused
from ..peer.tcp import PeerFinished, PeerReset, TcpConnection, TimedOut
from ..tester.session import OPPOSITE, Role
from ..verdict.transcript import Transcript
from .ends import End, Pair
from .view import View

ROUNDS = 2
"""Answers of both control planes without an octet in between that show that nothing is."""


class Leg:
    """One connection of the tester to a live end."""

    def __init__(self, pair: Pair, role: Role, connection: TcpConnection | None = None, since: int = 0) -> None:
        """Connects, unless the end has dialled already. Raises what `End.connect` and `connection_after` raise."""
        self.end: End = pair.end(role)
        self.role, self.pair = role, pair
        if connection is None:
            connection, since = self.end.connect()
        self.connection, self.since = connection, since
        self.number = self.end.connection_after(since)
        self.cutter = pair.binding.cutter()
        self.units: list[bytes] = []
        """What the end sent, unit by unit."""
        self.transcript = Transcript()
        self.ended = ""
        """`finished` or `reset` once the end has ended its direction."""
        self.finished = False
        """The tester has ended its own."""
        self.terminated = False
        """An endpoint of the tester speaks here."""
        self.said: list[str] = []
        self.asked_to_close = False
        self._started = time.monotonic()

    def take(self) -> bytes:
        """What the end has sent by now; empty when nothing, or when it has ended."""
        if self.ended:
            return b""
        try:
            data = self.connection.recv_some(Deadline.after(0))
        except TimedOut:
            return b""
        except (PeerFinished, PeerReset) as end:
            self.ended = "finished" if isinstance(end, PeerFinished) else "reset"
            return b""
        self.transcript.add(time.monotonic() - self._started, self.role, data)
        return data

    def send(self, data: bytes) -> None:
        """To the end, unless one of both has ended."""
        if not data or self.finished or self.ended == "reset":
            return
        self.transcript.add(time.monotonic() - self._started, OPPOSITE[self.role], data)
        try:
            self.connection.send_all(data, Deadline.after(self.end.session.reply))
        except (PeerReset, TimedOut):
            self.ended = self.ended or "reset"

    def finish(self, *, reset: bool = False) -> None:
        """FIN, or RST; a second call does nothing."""
        if self.finished:
            return
        self.finished = True
        if reset:
            self.connection.reset()
            self.ended = self.ended or "reset"
            return
        try:
            self.connection.half_close()
        except PeerReset:
            self.ended = self.ended or "reset"

    def reports(self, event: str) -> bool:
        """Whether the end has reported such an event about this connection."""
        return self.end.reports(self.number, self.since, event)

    def say(self, content: bytes) -> bool:
        """Make the end's application send data. False when its state does not allow it. Raises NeedNotMet."""
        try:
            self.end.session.need_verb("send").send(self.number, content)
        except ControlRefused:
            return False
        self.said.append(sha256(content).hexdigest())
        return True

    def ask_to_close(self) -> None:
        """Make the end's application close. Raises NeedNotMet."""
        try:
            self.end.session.need_verb("close").close_connection(self.number)
            self.asked_to_close = True
        except ControlRefused:
            return

    def view(self) -> View:
        """What the end has reported, and what its application was asked to do."""
        view = self.end.view(self.number, self.since)
        return replace(view, said=tuple(self.said), asked_to_close=self.asked_to_close)


class Intruder:
    """Passes everything on. `reached` says what it did, once it did it."""

    reached = ""

    def unit(self, middle: Middle, sender: Role, number: int, unit: bytes) -> None:
        """The `number`th unit of `sender` has come."""
        middle.send(OPPOSITE[sender], unit)

    def end(self, middle: Middle, sender: Role) -> None:
        """`sender` has ended its direction."""
        middle.legs[OPPOSITE[sender]].finish(reset=middle.legs[sender].ended == "reset")

    def quiet(self, middle: Middle) -> bool:
        """Nothing comes any more; whether something was sent that may change that."""
        return False

    def before_close(self, middle: Middle) -> bool:
        """The conversation has been had, and will be closed now; whether something was sent."""
        return False


class Middle:
    """One session: a leg to each end, and the intruder between them."""

    def __init__(self, pair: Pair, intruder: Intruder, device: Leg, service: Leg) -> None:
        self.pair, self.intruder = pair, intruder
        self.legs: dict[str, Leg] = {"device": device, "service": service}
        self._passed: set[str] = set()
        """Roles whose end has been passed on."""

    def send(self, receiver: str, data: bytes) -> None:
        """Octets to an end."""
        self.legs[receiver].send(data)

    @property
    def over(self) -> bool:
        """Both ends have ended."""
        return all(leg.ended for leg in self.legs.values())

    def settle(self) -> None:
        """Go on until nothing more comes."""
        idle = 0
        while True:
            if self._move() or (not idle and self._wait(self.pair.grace) and self._move()):
                idle = 0
            elif self.over or idle == ROUNDS:
                if not self.intruder.quiet(self):
                    return
                idle = 0
            else:
                self.pair.barrier()
                idle += 1

    def _wait(self, seconds: float) -> bool:
        poll = select.poll()
        open_legs = [leg for leg in self.legs.values() if not leg.ended]
        for leg in open_legs:
            poll.register(leg.connection, select.POLLIN)
        return bool(open_legs and poll.poll(math.ceil(seconds * 1000)))

    def _move(self) -> bool:
        """Take what is there on both sides; whether something was."""
        moved = [self._moved(leg) for leg in self.legs.values()]
        return any(moved)

    def _moved(self, leg: Leg) -> bool:
        data = leg.take()
        for unit in leg.cutter.feed(data) if data else ():
            leg.units.append(unit)
            self.intruder.unit(self, leg.role, len(leg.units) - 1, unit)
        if leg.ended and leg.role not in self._passed:
            self._passed.add(leg.role)
            self.send(OPPOSITE[leg.role], leg.cutter.rest())
            self.intruder.end(self, leg.role)
            return True
        return bool(data)
