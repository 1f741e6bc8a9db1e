"""The sessions of a trace that is played to one implementation: what its actions do to them, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...harness.attack.handshakes import HANDSHAKES
from ...harness.crypto.random import SeededRandom
from ...harness.deadline import Deadline
from ...harness.tester.clock import TesterClock
from ...harness.tester.conversation import Conversation
from ...harness.tester.local import LocalConnection, LocalIut
from ...harness.tester.peer import LENIENT
from ...harness.tester.session import Iut
from ...harness.tester.telling import tell
from ...model.protocol.tables import profile
from .freshness import fresh_values
from .party import party
from .puppet import Puppet
from .record import Seen, Told, detail, refusals
from .stage import Crash, Impossible, Stage
from .telling import lies_of, repeats_of, value_at
from .trace import Step

FLOOD = 4 << 20
"""Octets that an implementation may send in one session of a trace."""


@dataclass
class Playing:
    """A session while it lasts."""

    conversation: Conversation
    puppet: Puppet
    told: Told
    before: int = 0
    """Messages of an earlier session of this number."""
    counted: int = 0
    objected: int = 0


class Sessions(Stage):
    """`sessions` by number. With the same seed the testers of two make the same choices."""

    def __init__(self, iut: Iut, seed: int = 0) -> None:
        super().__init__()
        self.iut = iut
        self.iut.rng = SeededRandom(f"fuzz/{iut.role}/{seed}".encode())
        self.number = 0
        self.clock: TesterClock | None = None
        self.sessions: dict[int, Playing] = {}
        self._identities: dict[int, int] = {}
        self._configure: Callable[[], None] = lambda: None

    # --- sessions ----------------------------------------------------------------------------------------------------

    def session(self, item: Step) -> Playing:
        """The session of a step.

        Raises:
            Impossible: it has not been opened.
        """
        return self.known(item.session)

    def known(self, session: int) -> Playing:
        """A session by number.

        Raises:
            Impossible: it has not been opened.
        """
        if session not in self.sessions:
            raise Impossible("no such session")
        return self.sessions[session]

    def value(self, of: tuple[int, str, int, Sequence[int]]) -> bytes:
        """A field of a message that the tester made: session, message, its number, path.

        Raises:
            Impossible: there is no such message.
        """
        session, message, nth, path = of
        if message.startswith("quote_"):  # The module's own, of which the software knows the octets alone.
            module = self.known(session).conversation.peer.tam.run
            return value_at(module, profile().messages[message], tuple(path))
        for pending in self.known(session).puppet.history:
            if pending.message.name == message and pending.nth == nth:
                return value_at(pending.knowledge, pending.message, tuple(path))
        raise Impossible("no such message")

    def open(self, item: Step, connection: Any = None) -> None:
        """A session begins, in the place of an earlier one of its number."""
        told = dict(item.arguments)
        number = self._identity(item.session, told.pop("same", None))
        strict = told.pop("strict", False)
        suites = tuple(told.pop("suites", (3, 2, 5)))
        lies = told.pop("lies", ())
        repeats = [(message, path, self.value(of)) for message, path, of in told.pop("repeats", ())]
        made = party(self.iut, told, number)
        earlier = self.sessions.pop(item.session, None)
        if earlier is not None:
            self._look(earlier)
            earlier.conversation.close()
        puppet = Puppet(lambda peer: self._tell(peer, made.tales, lies, repeats))
        conversation = self.guarded(
            lambda: self.iut.converse(
                puppet,
                world=made.world,
                off=frozenset() if strict else LENIENT,
                suites=suites,
                channel=HANDSHAKES[self.iut.binding].own,
                connection=connection,
                label=f"trace {self.number}, {self._at}",
            )
        )
        told_by = self.record.told.setdefault(item.session, Told())
        self.sessions[item.session] = Playing(conversation, puppet, told_by, len(told_by.seen))

    def _identity(self, session: int, same: int | None) -> int:
        """The number of a new identity, or of the one of another session."""
        if same is None or same not in self._identities:
            self.number += 1
            same_number = self.number
        else:
            same_number = self._identities[same]
        self._identities[session] = same_number
        return same_number

    def _tell(self, peer: Any, tales: Any, lies: Any, repeats: Any) -> None:
        tell(peer, tales)
        for message, path, operator in lies:
            tell(peer, *lies_of(peer, message, tuple(path), operator))
        for message, path, value in repeats:
            tell(peer, *repeats_of(message, tuple(path), value))

    def restart(self) -> None:
        """The implementation starts again, with the configuration of the trace."""
        self.iut.restart()
        self._configure()

    def retried(self) -> Any:
        """The connection that the implementation dials by itself."""
        if self.iut.role != "device":
            raise Impossible("only a device dials")
        expected = self._guide is None or self._at in self._guide.retried
        connection = self.iut.retried(expected=expected)
        if connection is not None:
            self.record.retried.add(self._at)
        return connection

    def flush(self, playing: Playing) -> None:
        """What the tester has to say goes out."""
        self.guarded(playing.conversation.flush)

    def guarded(self, action: Callable[[], Any]) -> Any:
        """An implementation in this process that raises has crashed; the tester's own exceptions are its own."""
        if not isinstance(self.iut, LocalIut):
            return action()
        try:
            return action()
        except Exception as error:
            if _inside_implementation(error):
                raise Crash(repr(error)) from error
            raise

    # --- waiting -----------------------------------------------------------------------------------------------------

    def go(self, playing: Playing, until: str | None, nth: int) -> None:
        """Honest messages go out until the named one would be next, or until nothing more comes."""
        while not playing.conversation.ended:
            while playing.puppet.pending:
                head = playing.puppet.pending[0]
                if head.message.name == until and head.nth >= nth:
                    return
                self.release(playing)
            if not self._receive(playing):
                return
            self._look(playing)

    def release(self, playing: Playing) -> None:
        """The next message goes out as it is."""
        head = playing.puppet.pending.popleft()
        playing.puppet.put(playing.conversation.peer, head.message, head.data)
        self.flush(playing)
        self._look(playing)

    def _receive(self, playing: Playing) -> bool:
        """Take what comes; false when all has come that a complete peer would have sent."""
        conversation = playing.conversation
        if self._guide is None:
            return bool(self.guarded(lambda: conversation.receive(Deadline.after(0))))
        count, ended = self._expected(self._number_of(playing))
        if self._diverged(playing):
            self.record.stalled = (self._at, self._number_of(playing))
            return False
        if len(conversation.peer.observations) >= count and (conversation.ended or not ended):
            return False
        deadline = Deadline.after(self.iut.reply if self.patient else self.iut.silence)
        if self.guarded(lambda: conversation.receive(deadline)) or conversation.ended:
            return True
        self.record.stalled = (self._at, self._number_of(playing))
        return False

    def _diverged(self, playing: Playing) -> bool:
        """Whether the last message already is another than the complete peer's: there is nothing to wait for."""
        assert self._guide is not None
        reference, seen = self._guide.told.get(self._number_of(playing)), playing.conversation.peer.observations
        if reference is None or not seen or len(seen) + playing.before > len(reference.seen):
            return False
        other = reference.seen[len(seen) + playing.before - 1]
        if seen[-1].name.startswith("RECEIPT") and other.name.startswith("RECEIPT"):
            return False
        return (seen[-1].name, seen[-1].action) != (other.name, other.action)

    def _number_of(self, playing: Playing) -> int:
        return next((n for n, p in self.sessions.items() if p is playing), -1)

    def _settle(self) -> None:
        for playing in self.sessions.values():
            while not playing.conversation.ended and self._receive(playing):
                if sum(len(o.data) for o in playing.conversation.peer.observations[-64:]) > FLOOD:
                    raise Crash("a flood")
            self._look(playing)
            if self.record.stalled:
                return

    def _marks(self) -> dict[int, tuple[int, bool]]:
        return {
            number: (len(playing.conversation.peer.observations), playing.conversation.ended is not None)
            for number, playing in self.sessions.items()
        }

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self, playing: Playing) -> None:
        """Write down what is new."""
        conversation, told = playing.conversation, playing.told
        peer = conversation.peer
        new = peer.observations[playing.counted :]
        told.seen += [Seen(o.name, o.action, detail(o.name, o.data), self._at, o.data) for o in new]
        told.log += [(self._at, "sent", name) for name in playing.puppet.took()]
        told.log += [(self._at, "seen", o.action or o.name) for o in new]
        told.fresh += fresh_values(peer.run, [(o.name, o.data) for o in new])
        playing.counted += len(new)
        told.tester = peer.state
        if conversation.ended and told.ended is None:
            told.ended = self._at
        events = peer.events
        told.objections += [(self._at, check) for check in refusals(events[playing.objected :])]
        playing.objected = len(events)
        if isinstance(conversation.connection, LocalConnection):
            self._look_inside(conversation.connection, told)

    def _look_inside(self, connection: LocalConnection, told: Told) -> None:
        events = connection.endpoint.events
        refused = refusals(events)
        told.refused += [(self._at, check) for check in refused[len(told.refused) :]]
        told.states = [str(e.fields["state"]) for e in events if e.name == "state"]


def _inside_implementation(error: BaseException) -> bool:
    """Whether an exception comes from the implementation's own endpoint in this process."""
    trace, inside = error.__traceback__, False
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        inside = inside or isinstance(owner, LocalConnection)
        trace = trace.tb_next
    return inside
