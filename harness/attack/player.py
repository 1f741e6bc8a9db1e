"""Plays an attack: delivers to each run what the trace says, in its order, and watches the implementation under test.

One run of the trace is the implementation under test. All other honest runs are reference peers in this process. In
between is the attacker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ...model.protocol.frames import ATT_REQ, CLOSE, NOT_REQUIRED, PONG
from ...model.protocol.labels import LABEL
from ...model.table import NET, Message
from ..codec import cbor
from ..deadline import Deadline
from ..evaluator.errors import Unbound
from ..peer.endpoint import NotOpen
from ..tester.conversation import Conversation
from ..tester.frames import quote, what_if
from ..tester.peer import TesterEndpoint
from ..tester.session import Iut
from ..verdict.verdict import Outcome, Reaction
from .handshakes import played_as
from .mirror import Mirror, valued
from .stage import OFFERED_AGAIN, PREFERENCE, Stage
from .story import APPLICATION, OTHER, RECEIVE, SEND, Inexpressible, Line, Story

TEXT = "text/plain"
PATIENCE = 256
"""Pieces that an implementation may send without a word that decides."""
BY_ITSELF = {
    **{message.message.name: TesterEndpoint.reattest for message in ATT_REQ.values()},
    **{message.name: TesterEndpoint.close for message in CLOSE.values()},
}
"""What a run sends because its application asks for it."""


class Lost(Exception):
    """An honest run of the suite does not do what the trace says: the replay is at fault, not the implementation."""


class Stopped(Exception):
    """The implementation under test goes no further."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it. `reached` says that the line went out that a complete implementation refuses.

    `later` says that the implementation went on from there, whatever it did in the end. `shown` are the messages that
    it sent from there on; `notes` say where octets do less than terms.
    """

    outcome: Outcome
    reached: bool
    later: bool
    conversation: Conversation
    shown: tuple[str, ...]
    notes: tuple[str, ...]
    honest: Mapping[int, TesterEndpoint]
    """Runs of the suite by number."""


@contextmanager
def configured(story: Story, iut: Iut) -> Iterator[None]:
    """The implementation in the mode of the trace.

    Raises:
        NeedNotMet: it does not have it, or cannot be configured.
    """
    mode, letter = story.victim.mode, story.victim.letter
    for suite in OFFERED_AGAIN if PREFERENCE in story.checks else ():
        iut.need_feature("suites", suite)
    if mode.attests("I") and mode.attests("R"):
        yield
        return
    if mode.waives(letter):
        iut.need_feature("presents_waiver")
    if mode.waives(OTHER[letter]):
        iut.need_feature("accepts_waiver")
    asks = mode.direction(OTHER[letter]) is not NOT_REQUIRED
    with iut.configured(requires_evidence=asks, presents_waiver=mode.waives(letter)):
        yield


class Performance:
    """One attack on one implementation."""

    def __init__(self, story: Story, iut: Iut) -> None:
        if story.victim.role != iut.role:
            raise Inexpressible(f"the attack is on a {story.victim.role}")
        self.story, self.iut = story, iut
        self.stage = Stage(story, iut)
        self._notes: list[str] = []

    def play(self) -> Played:
        """Play it to its end, or to where the implementation stops it.

        Raises:
            Inexpressible: something in it has no octets.
            Lost: a run of the suite's own does not follow.
        """
        try:
            with suppress(Stopped):
                for line in self.story.lines:
                    self.stage.enter(line.run)
                    self._line(line)
            outcome, mirror = self._outcome(), self.stage.victim
        finally:
            self.stage.close()
        reached, conversation = mirror.deviation.reached, self.stage.conversation
        shown = tuple(dict.fromkeys(o.name for o in mirror.reaction))
        return Played(outcome, reached, self._went_on(), conversation, shown, tuple(self._notes), self.stage.honest)

    def _went_on(self) -> bool:
        """Whether the implementation took what it should refuse: it sent its next message, or answered PING."""
        mirror, handshake = self.stage.victim, self.story.refused.message.channel == NET
        for observation in mirror.reaction:
            if observation.action is not None:
                return False
            if handshake or observation.name == PONG[mirror.peer].name:
                return True
        return False

    def _line(self, line: Line) -> None:
        if line.kind in (RECEIVE, SEND) and self._message(line) is None:
            return
        if line.kind == RECEIVE:
            self._deliver(line)
        elif line.kind == SEND:
            mirror = self.stage.mirrors[line.run]
            if line.message.channel == NET or not mirror.passing or mirror.channel_stands:
                self._seen(line)  # What is still sealed to the attacker is waited for when he needs it.
        elif line.kind == APPLICATION:
            self._apply(line)

    def _message(self, line: Line) -> Message | None:
        """What stands for the message of a line over this binding; None where nothing does."""
        return played_as(line.message, self.iut.binding)

    # --- what a run sends --------------------------------------------------------------------------------------------

    def _seen(self, line: Line) -> bytes:
        """The octets of a message that a run has sent."""
        message, run = self._message(line), line.run
        assert message is not None
        name, mirror = message.name, self.stage.mirrors[run]
        if self.stage.is_victim(run):
            there = self.stage.conversation.until(lambda: len(mirror.seen[name]) > line.nth or self._has_refused())
            if not there or self._has_refused():
                raise Stopped
            self.stage.unlock()
            return mirror.seen[name][line.nth]
        honest = self.stage.honest[run]
        if len(mirror.seen[name]) <= line.nth and name in BY_ITSELF:
            BY_ITSELF[name](honest)
        self.stage.exchange(run)
        while len(mirror.seen[name]) <= line.nth and mirror.passing and self._more():
            self.stage.exchange(run)
        if len(mirror.seen[name]) <= line.nth:
            raise Lost(f"the {honest.role} of run {run} is in {honest.state} and has not sent {name}{_why(honest)}")
        return mirror.seen[name][line.nth]

    def _more(self) -> bool:
        """Whether the implementation says more, of a message that is passed on in pieces."""
        there = not self._has_refused() and self.stage.conversation.receive(Deadline.after(self.iut.silence))
        self.stage.unlock()
        return there

    def _apply(self, line: Line) -> None:
        content = self.stage.wording.content(line.term)
        if self.stage.is_victim(line.run):
            self.iut.sends(self.stage.conversation, content)
            return
        try:
            self.stage.honest[line.run].send_data(content, TEXT)
        except NotOpen as error:
            raise Lost(f"run {line.run}: {error}") from error
        self.stage.exchange(line.run)

    # --- what a run receives -----------------------------------------------------------------------------------------

    def _deliver(self, line: Line) -> None:
        mirror = self.stage.mirrors[line.run]
        octets = self._octets(line, mirror)
        if line is self.story.refused:
            self.stage.victim.deviation.happened(mirror)
        message = self._message(line)
        assert message is not None
        mirror.tell(message, octets, damaged=line.weak and self.stage.is_victim(line.run))
        self.stage.exchange(line.run)
        if line is self.story.refused and mirror.probe_is_legal:
            self._probe()

    def _octets(self, line: Line, mirror: Mirror) -> bytes:
        if line.source is not None:
            return self._seen(line.source)
        if line.weak:
            return self._coaxed(line, mirror)
        if mirror.passing and line.message.channel == NET:
            raise Inexpressible(f"{line.message.name} is made in a handshake that is passed on")
        try:
            if line.message is LABEL[mirror.letter].data:
                return self._data(line, mirror)
            message = self._message(line)
            assert message is not None
            pins = {} if message.by_library else self.stage.wording.pins(line, mirror.knowledge())
            return mirror.make(message, pins)
        except Unbound as error:
            raise Inexpressible(f"{line.message.name}: {error}") from error

    def _data(self, line: Line, mirror: Mirror) -> bytes:
        """DATA, whatever the state; its sequence number counts as used."""
        run, label = what_if(mirror), LABEL[mirror.letter]
        quote(mirror, run)
        run.values = {**mirror.tam.run.values, **run.values}
        octets = valued(run, line.message.term, self.stage.wording.pins(line, run))
        mirror.world.memory.sent_sequence(cbor.decode(run.value(label.sequence)))
        return octets

    def _coaxed(self, line: Line, mirror: Mirror) -> bytes:
        """A record whose content nobody has sent yet: an honest run is led on until it sends it."""
        name, partner = line.message.name, self.stage.partner(line.run)
        if partner is None:
            raise Inexpressible(f"{name} under a key that the attacker does not have")
        other, wanted = self.stage.mirrors[partner], mirror.told[name]
        self._notes.append(
            f"{name} is the honest record with another tag, which shows that such records are taken: nobody can choose"
            " what a record says whose keystream is unknown"
        )
        self._feed(mirror, partner)
        for _ in range(PATIENCE):
            if len(other.seen[name]) > wanted:
                return other.seen[name][wanted]
            if not self.stage.conversation.receive(Deadline.after(self.iut.silence)):
                break
            self._feed(mirror, partner)
        raise Lost(f"run {partner} does not come to send {name}")

    def _feed(self, mirror: Mirror, partner: int) -> None:
        """Give a run everything that its partner has sent and that it has not got."""
        other = self.stage.mirrors[partner]
        for name in [observation.name for observation in mirror.observations]:
            message = mirror.table.messages.get(name)
            if message is not None and message.channel != NET and other.told[name] < len(mirror.seen[name]):
                other.tell(message, mirror.seen[name][other.told[name]])
                self.stage.exchange(partner)

    # --- what comes of it --------------------------------------------------------------------------------------------

    def _has_refused(self) -> bool:
        refusals = (o for o in self.stage.victim.observations if o.action is not None)
        return any(refusals) or self.stage.conversation.ended is not None

    def _is_over(self) -> bool:
        """Whether no answer to PING comes any more: after a receipt one does."""
        words = (o.action for o in self.stage.victim.observations if o.action is not None)
        return self.stage.conversation.ended is not None or any(not w.startswith("receipt:") for w in words)

    def _await_answer(self, answers: int, seconds: float | None = None) -> None:
        """One more answer to PING than so many, or none any more."""
        self.stage.conversation.until(lambda: self.stage.victim.answers > answers or self._is_over(), seconds)

    def _probe(self) -> None:
        """Whether the implementation goes on after what it should refuse: it answers PING, or it has refused."""
        mirror, conversation = self.stage.victim, self.stage.conversation
        answers = mirror.answers
        mirror.probe()
        conversation.flush()
        self._await_answer(answers)
        if self._has_refused():
            raise Stopped

    def _outcome(self) -> Outcome:
        """The reaction, in the words of the register of refusals: refused, or still there to answer PING."""
        mirror, conversation = self.stage.victim, self.stage.conversation
        asked: int | None = None
        for _ in range(PATIENCE):
            refusals = [o.action for o in mirror.observations if o.action is not None]
            if refusals or conversation.ended:
                if asked is not None:
                    self._await_answer(asked, self.iut.silence)
                return self._alive(Outcome(Reaction.REFUSED, (*refusals, "close")[0]))
            if asked is not None and mirror.answers > asked:
                return self._alive(Outcome(Reaction.ACCEPTED))
            if asked is None and mirror.probe_is_legal:
                asked = mirror.answers
                mirror.probe()
                conversation.flush()
            conversation.timed_out = False
            if not conversation.receive(Deadline.after(self.iut.silence)) and not conversation.ended:
                break
        silent = asked is None and conversation.timed_out
        return self._alive(Outcome(Reaction.REFUSED, "drop") if silent else Outcome(Reaction.HUNG))

    def _alive(self, outcome: Outcome) -> Outcome:
        return outcome if self.iut.is_alive() else Outcome(Reaction.CRASHED)


def _why(honest: TesterEndpoint) -> str:
    """The last refusal of an honest run, if there is one."""
    refused = [f" ({e.fields['check']}: {e.fields['reason']})" for e in honest.events if e.name == "refused"]
    return refused[-1] if refused else ""
