"""Traces over both roles at once: a live device and a live service, and the attacker on the wire between them.

He passes units on, or alters, drops, holds back and reuses them, in up to three relayed sessions. He has no key at all:
what both ends report afterwards must be two views of the same sessions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ...harness.deadline import Deadline
from ...harness.iut.control import ControlRefused
from ...harness.mitm.agreement import Allowed, disagreements
from ...harness.mitm.edhoc import cutter
from ...harness.mitm.ends import End
from ...harness.mitm.view import View, view_of
from ...harness.peer.endpoint import NotOpen
from ...harness.peer.report import translate
from ...harness.peer.tcp import PeerFinished, PeerReset, TimedOut
from ...harness.tester.conversation import Connection
from ...harness.tester.live import IutSession
from ...harness.tester.local import LocalConnection
from ...harness.tester.session import Iut, NeedNotMet, Role
from ...harness.transport.cutter import LengthCutter
from ...harness.transport.units import HEAD_LENGTH
from .encoding import UNITS
from .oracle import Difference
from .record import Record, Seen, Told, refusals
from .stage import Crash, Impossible, Stage
from .trace import Step, Trace

BOTH = "both"
"""The role of a trace that both roles play."""
ROLES: tuple[Role, ...] = ("device", "service")
MOMENT = 0.005
"""Seconds for which one end is listened to before the other is."""
NOT_POSSIBLE = (Impossible, LookupError, NotOpen, NeedNotMet, ControlRefused)
"""Of a step where it stands: what it acts upon is not there yet or any more, or an application cannot be told."""
AGREE = "CLM-05"
"""The claim that both ends of a session agree about it."""


@dataclass
class Side:
    """One end of a relayed session."""

    role: Role
    connection: Connection
    told: Told
    cutter: LengthCutter = field(default_factory=cutter)
    waiting: deque[bytes] = field(default_factory=deque)
    """Units from this end that have not been passed on."""
    units: list[bytes] = field(default_factory=list)
    ended: bool = False
    closed: bool = False
    """Its end has been passed on."""
    report: Callable[[], View] | None = None
    say: Callable[[bytes], None] | None = None
    """Its application sends data."""


Sides = dict[str, Side]


class Relay(Stage):
    """Plays traces of both roles, one after the other. Shows the same as `player.Player`."""

    def __init__(self, iuts: dict[str, Iut]) -> None:
        super().__init__()
        self.iuts = iuts
        self.sessions: dict[int, Sides] = {}
        self.views: list[View] = []

    def play(self, trace: Trace, guide: Record | None = None) -> Record:
        """The record of a trace, and `views` of what both ends report. `guide` is the complete pair's."""
        self.sessions, self.record, self._guide, self.views = {}, Record(), guide, []
        with ExitStack() as stack:
            for iut in self.iuts.values():
                if trace.configuration:
                    stack.enter_context(iut.configured(**trace.configuration))
            self._play(trace)
        return self.record

    def _step(self, item: Step) -> None:
        try:
            if item.do not in ACTIONS:
                raise Impossible(item.do)
            ACTIONS[item.do](self, item)
        except NOT_POSSIBLE:
            self.record.passed_over.add(self._at)
        self._settle()

    # --- the wire ----------------------------------------------------------------------------------------------------

    def connect(self, number: int) -> None:
        """A relayed session: both ends are connected to the attacker."""
        self._close(number)
        sides: Sides = {}
        for position, role in enumerate(ROLES):
            iut = self.iuts[role]
            told = self.record.told.setdefault(2 * number + position, Told())
            end = End(iut) if isinstance(iut, IutSession) else None
            since = end.mark() if end else 0
            connection = iut.connect()
            side = sides[role] = Side(role, connection, told)
            side.report = self._report(side, end, since)
            side.say = self._speaker(side, end, since)
        self.sessions[number] = sides

    def _report(self, side: Side, end: End | None, since: int) -> Callable[[], View]:
        if end is not None:
            return lambda: _reported(end, since)
        connection = side.connection
        assert isinstance(connection, LocalConnection)
        endpoint = connection.endpoint
        identity = endpoint.world.credentials.leaf.identity

        def view() -> View:
            told = [t for e in endpoint.events if (t := translate(e))]
            return view_of(side.role, identity, ({"event": name, **fields} for name, fields in told))

        return view

    def _speaker(self, side: Side, end: End | None, since: int) -> Callable[[bytes], None]:
        if end is not None:
            return lambda content: end.session.need_verb("send").send(end.connection_after(since), content)
        connection = side.connection
        assert isinstance(connection, LocalConnection)
        return connection.endpoint.send_data

    def sides(self, item: Step) -> Sides:
        """Both ends of a step's session.

        Raises:
            Impossible: it has not been opened.
        """
        if item.session not in self.sessions:
            raise Impossible("no such session")
        return self.sessions[item.session]

    def put(self, to: Side, octets: bytes) -> None:
        """Octets to one end."""
        if to.ended or not octets:
            return
        try:
            to.connection.send_all(octets, Deadline.after(self.iuts[to.role].reply))
        except (PeerReset, TimedOut):
            to.ended = True
        except Exception as error:  # Whatever a peer in this process raises is its crash.
            if isinstance(to.connection, LocalConnection):
                raise Crash(repr(error)) from error
            raise

    def _settle(self) -> None:
        for number in self.sessions:
            while self.receive(number):
                pass

    def receive(self, number: int) -> bool:
        """Take what comes from either end of a session; false when all has come that a complete pair would send."""
        ends = [(2 * number + n, side) for n, side in enumerate(self.sessions[number].values())]
        waits = (iut.reply if self.patient else iut.silence for iut in self.iuts.values())
        patience = Deadline.after(max(waits))
        while awaited := [(n, side) for n, side in ends if not side.ended and self._awaits(side, n)]:
            took = [self._take(side) for _, side in awaited]
            if any(took):
                return True
            if self._guide is None:
                return False
            if patience.passed:
                self.record.stalled = (self._at, awaited[0][0])
                return False
        return False

    def _take(self, side: Side) -> bool:
        """What one end says within a moment: which of the two speaks next is not known."""
        try:
            data = side.connection.recv_some(Deadline.after(0 if self._guide is None else MOMENT))
        except (PeerFinished, PeerReset):
            side.ended = True
            side.told.ended = self._at
            return True
        except TimedOut:
            return False
        for unit in side.cutter.feed(data):
            side.waiting.append(unit)
            side.units.append(unit)
            kind = unit[HEAD_LENGTH - 1] if len(unit) >= HEAD_LENGTH else -1
            side.told.seen.append(Seen(f"unit of kind {kind}", None, (), self._at, unit))
            side.told.log.append((self._at, "seen", f"unit of kind {kind} by {side.role}"))
        return True

    def _awaits(self, side: Side, number: int) -> bool:
        if self._guide is None:
            return True
        count, ended = self._expected(number)
        return len(side.told.seen) < count or ended

    def _marks(self) -> dict[int, tuple[int, bool]]:
        return {
            2 * number + position: self._mark(side)
            for number, sides in self.sessions.items()
            for position, side in enumerate(sides.values())
        }

    def _mark(self, side: Side) -> tuple[int, bool]:
        if isinstance(side.connection, LocalConnection):
            events = side.connection.endpoint.events
            side.told.states = [str(e.fields["state"]) for e in events if e.name == "state"]
            known = refusals(events)
            side.told.refused += [(self._at, check) for check in known[len(side.told.refused) :]]
        return len(side.told.seen), side.ended

    def _close(self, number: int) -> None:
        for side in self.sessions.pop(number, {}).values():
            side.connection.close()
            if isinstance(side.connection, LocalConnection) and not side.connection.endpoint.closed:
                side.connection.endpoint.receive_eof()
            if side.report is not None and self.record.crashed is None:
                self.views.append(side.report())

    def _end(self) -> None:
        for number in list(self.sessions):
            self._close(number)


def _reported(end: End, since: int) -> View:
    """What a live end has reported, once it has read what was sent."""
    end.barrier()
    return end.view(end.connection_after(since), since)


def _other(role: str) -> str:
    return ROLES[1 - ROLES.index(role)]


# --- what is done ----------------------------------------------------------------------------------------------------


def _pass(relay: Relay, item: Step) -> None:
    """Units go on as they are, until the `nth` one of `of` would be next, or nothing more comes."""
    sides = relay.sides(item)
    until, nth = item.arguments.get("of"), item.arguments.get("nth", 0)
    while True:
        for role, side in sides.items():
            other = sides[_other(role)]
            while side.waiting:
                if role == until and len(side.units) - len(side.waiting) >= nth:
                    return
                relay.put(other, side.waiting.popleft())
            if side.ended and not side.closed:
                side.closed = True
                if not other.ended:
                    other.connection.half_close()
        if not relay.receive(item.session):
            return


def _next(relay: Relay, item: Step) -> tuple[Side, Side, bytes]:
    """From whom, to whom, and the next unit, which is taken."""
    sides = relay.sides(item)
    role = item.arguments["of"]
    if not sides[role].waiting:
        raise Impossible("nothing to pass on")
    return sides[role], sides[_other(role)], sides[role].waiting.popleft()


def _bend(relay: Relay, item: Step) -> None:
    _, to, unit = _next(relay, item)
    for octets in UNITS[item.arguments["by"]](unit[HEAD_LENGTH - 1], unit[HEAD_LENGTH:]):
        relay.put(to, octets)


def _drop(relay: Relay, item: Step) -> None:
    _next(relay, item)


def _hold(relay: Relay, item: Step) -> None:
    """The next unit comes behind the one after it."""
    side, _, unit = _next(relay, item)
    if not side.waiting:
        side.waiting.appendleft(unit)
        raise Impossible("one unit alone")
    side.waiting.insert(1, unit)


def _reuse(relay: Relay, item: Step) -> None:
    """A unit that some end sent in some session, to one end: `unit` is session, role and number."""
    session, role, nth = item.arguments["unit"]
    if session not in relay.sessions:
        raise Impossible("no such session")
    relay.put(relay.sides(item)[item.arguments["to"]], relay.sessions[session][role].units[nth])


def _say(relay: Relay, item: Step) -> None:
    """An application sends data."""
    side = relay.sides(item)[item.arguments["of"]]
    assert side.say is not None
    side.say(b"21.5 degrees")


ACTIONS: dict[str, Callable[[Relay, Step], None]] = {
    "relay": lambda relay, item: relay.connect(item.session),
    "pass": _pass,
    "bend": _bend,
    "drop": _drop,
    "hold": _hold,
    "reuse": _reuse,
    "say": _say,
}


def disagreement(trace: Trace, relay: Relay) -> Difference | None:
    """What the two ends do not agree about. Data is not compared: both applications are the tester."""
    said = [_dataless(view) for view in relay.views]
    honest = frozenset(view.identity for view in said)
    wrong = disagreements(said, Allowed(honest=honest, closes_unasked=True))
    return Difference("disagreement", AGREE, wrong[0], len(trace.steps) - 1, check=wrong[0]) if wrong else None


def _dataless(view: View) -> View:
    return View(
        view.role, view.identity, view.peer, view.sid, view.suite, view.sent, view.received, sequences=view.sequences
    )


# --- which traces ----------------------------------------------------------------------------------------------------

UNITS_OF = {"device": 8, "service": 8}
"""Units of each end of an honest life that are interfered with."""


def relays() -> Iterator[tuple[int, Trace]]:
    """Every unit of both ends interfered with, and sessions side by side whose units change places."""
    life = (_step("relay"), _step("pass"), _step("say", of="device"), _step("pass"), _step("say", of="service"))
    yield 0, Trace(BOTH, (*life, _step("pass")))
    for role, count in UNITS_OF.items():
        for nth in range(count):
            before = (_step("relay"), _step("pass", of=role, nth=nth))
            after = (_step("pass"), _step("say", of="device"), _step("pass"), _step("say", of="service"), _step("pass"))
            yield 0, Trace(BOTH, (*before, _step("drop", of=role), *after))
            yield 0, Trace(BOTH, (*before, _step("hold", of=role), *after))
            for rank, name in enumerate(UNITS):
                if nth or not name.startswith("payload"):  # Whether an altered share is a point, chance decides.
                    yield 1 + rank // 8, Trace(BOTH, (*before, _step("bend", of=role, by=name), *after))
            for to in ROLES:
                again, spliced = (Step("reuse", n, {"unit": [0, role, nth], "to": to}) for n in range(2))
                yield 1, Trace(BOTH, (*life, _step("pass"), again, _step("pass")))
                yield 1, Trace(BOTH, (*_second(role, nth), spliced, *_end()))
                drop = Step("drop", 1, {"of": role})
                yield 1, Trace(BOTH, (*_second(role, nth), drop, spliced, *_end()))


def _second(role: str, nth: int) -> tuple[Step, ...]:
    """One session after the other, the second one up to a unit."""
    return (_step("relay"), _step("pass"), Step("relay", 1, {}), Step("pass", 1, {"of": role, "nth": nth}))


def _end() -> tuple[Step, ...]:
    return (Step("pass", 1, {}), Step("say", 1, {"of": "device"}), Step("pass", 1, {}))


def _step(do: str, **arguments: Any) -> Step:
    return Step(do, 0, arguments)
