"""Plays an attack: delivers to each run what the trace says, in its order, and watches the implementation under test.

One run of the trace is the implementation under test. All other honest runs are reference peers in this process, which
lack the same checks, as in the model. In between is the attacker.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from ...model.protocol.attestation import CHANNEL_SECRET
from ...model.protocol.edhoc import SUITES_I
from ...model.protocol.frames import NOT_REQUIRED
from ...model.protocol.labels import LABEL
from ...model.table import NET
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..deadline import Deadline
from ..evaluator.errors import Unbound
from ..evaluator.run import Run
from ..peer.edhoc_errors import wrong_suite
from ..peer.endpoint import NotOpen
from ..tester.conversation import Conversation
from ..tester.deviation import Deviation
from ..tester.frames import what_if
from ..tester.peer import TesterEndpoint
from ..tester.session import Iut
from ..transport.units import Kind
from ..verdict.verdict import Outcome, Reaction
from .cast import Cast
from .mirror import Mirror, valued
from .story import APPLICATION, HINT, OTHER, RECEIVE, SEND, WAIVER, Inexpressible, Line, Player, Story
from .wording import Wording

OFFERED_AGAIN = (3, 2)
"""SUITES_I that selects the second although both sides prefer the first."""
TEXT = "text/plain"
BEGUN_BY_ITSELF = {"ATT_REQ": TesterEndpoint.reattest, "CLOSE": TesterEndpoint.close}
"""What a run sends because its application asks for it."""


class Lost(Exception):
    """An honest run of the suite does not do what the trace says: the replay is at fault, not the implementation."""


class Stopped(Exception):
    """The implementation under test goes no further."""


@dataclass(slots=True)
class Played:
    """What came of it. `reached` says that the line came where a complete implementation refuses.

    `shown` are the messages that the implementation sent from there on; `notes` say where octets do less than terms.
    """

    outcome: Outcome
    reached: bool
    conversation: Conversation
    shown: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@contextmanager
def configured(story: Story, iut: Iut) -> Iterator[None]:
    """The implementation in the mode of the trace.

    Raises:
        NeedNotMet: it cannot be configured.
    """
    victim = story.victim
    letter = victim.letter
    if str(victim.mode) == "aa":
        yield
        return
    asks = victim.mode.direction(OTHER[letter]) is not NOT_REQUIRED
    with iut.configured(requires_evidence=asks, presents_waiver=victim.mode.waives(letter)):
        yield


class Performance:
    """One attack on one implementation. `play` may be called once."""

    def __init__(self, story: Story, iut: Iut) -> None:
        if story.victim.role != iut.role:
            raise Inexpressible(f"the attack is on a {story.victim.role}")
        self.story, self.iut = story, iut
        self.rng: SeededRandom = iut.rng.child(f"attack {story.name}")
        self.cast = Cast(story, iut, self.rng)
        self.mirrors: dict[int, Mirror] = {}
        self.honest: dict[int, TesterEndpoint] = {}
        self.wording = Wording(story, self.cast, self.mirrors)
        self._conversation: Conversation | None = None
        self._notes: list[str] = []

    # --- the whole trace ---------------------------------------------------------------------------------------------

    def play(self) -> Played:
        """Play it to its end, or to where the implementation stops it.

        Raises:
            Inexpressible: something in it has no octets.
            Lost: a run of the suite's own does not follow.
        """
        with suppress(Stopped):
            for line in self.story.lines:
                self._enter(line.run)
                self._line(line)
        conversation = self.conversation
        outcome = self._outcome()
        shown = tuple(dict.fromkeys(o.name for o in self.victim.reaction))
        return Played(outcome, self.victim.deviation.reached, conversation, shown, self._notes)

    @property
    def victim(self) -> Mirror:
        """The attacker's end towards the implementation under test."""
        return self.mirrors[self.story.victim.number]

    @property
    def conversation(self) -> Conversation:
        """With the implementation under test."""
        assert self._conversation is not None
        return self._conversation

    def _line(self, line: Line) -> None:
        if line.kind == RECEIVE:
            self._deliver(line)
        elif line.kind == SEND:
            self._await(line)
        elif line.kind == APPLICATION:
            self._apply(line)

    # --- runs --------------------------------------------------------------------------------------------------------

    def _enter(self, number: int) -> None:
        if number in self.mirrors:
            return
        player = self.story.players[number]
        world, rng = self.cast.attacker(player), self.rng.child(f"attacker {number}")
        make = partial(Mirror, passing=self._passes(player))
        if number == self.story.victim.number:
            self._conversation = self.iut.converse(
                Deviation(), world=world, label=f"attack {self.story.name}", make=make, **self._options(player)
            )
            mirror = self._conversation.peer
            assert isinstance(mirror, Mirror)
            self.mirrors[number] = mirror
            return
        honest = self._honest(player)
        self.mirrors[number] = make(
            OTHER_ROLE[player.role], world, Deviation(), rng=rng, **self._options(player)
        )
        self.honest[number] = honest
        self.mirrors[number].start()
        honest.start()
        self._exchange(number)

    def _honest(self, player: Player) -> TesterEndpoint:
        world = self.cast.honest(player)
        for line in self.story.of_run(player.number, WAIVER):
            waiver = self.cast.waiver(line.term, self.wording.leaf)
            world = dataclasses.replace(world, credentials=dataclasses.replace(world.credentials, waiver=waiver))
        rng, off = self.rng.child(f"run {player.number}"), frozenset(self.story.checks)
        suites_i = self._retried(player, world) if self._is_misled(player) else ()
        return TesterEndpoint(player.role, world, Deviation(), rng=rng, off=off, suites_i=suites_i)  # type: ignore[arg-type]

    def _is_misled(self, player: Player) -> bool:
        """Whether a device is told to offer its suites otherwise than it would."""
        return "suite_is_most_preferred" in self.story.checks and any(self.story.of_run(player.number, HINT))

    def _retried(self, player: Player, world: object) -> tuple[int, ...]:
        """What a device offers after the attacker's error of EDHOC."""
        first = TesterEndpoint(
            player.role, world, Deviation(), rng=self.rng.child("misled"), off=frozenset(self.story.checks)  # type: ignore[arg-type]
        )
        first.start()
        mirror = TesterEndpoint("service", world, Deviation(), rng=self.rng)  # type: ignore[arg-type]
        mirror.put_unit(Kind.EDHOC_ERROR, wrong_suite(OFFERED_AGAIN[1:]))
        first.receive_data(mirror.data_to_send())
        return first.retry or ()

    def _options(self, player: Player) -> dict[str, tuple[int, ...]]:
        """The attacker as a device offers what the run sees."""
        if player.role == "device" or "suite_is_most_preferred" not in self.story.checks:
            return {}
        return {"suites_i": OFFERED_AGAIN}

    def _passes(self, player: Player) -> bool:
        """Whether the handshake of a run is passed on from another one."""
        received = [x for x in self.story.of_run(player.number, RECEIVE) if x.message.channel == NET]
        passed = [line for line in received if line.source is not None]
        if passed and len(passed) != len(received):
            raise Inexpressible(f"the handshake of the {player.role} is passed on in part")
        return bool(passed)

    def _partner(self, number: int) -> int | None:
        """The run at the other end of a handshake that is passed on."""
        lines = self.story.of_run(number, RECEIVE)
        return next((x.source.run for x in lines if x.source is not None and x.message.channel == NET), None)

    # --- octets between the runs of the suite ------------------------------------------------------------------------

    def _exchange(self, number: int) -> None:
        """Everything that a run and the attacker's end have to say to each other now."""
        if number == self.story.victim.number:
            self.conversation.flush()
            self._unlock()
            return
        honest, mirror = self.honest[number], self.mirrors[number]
        while True:
            out, back = honest.data_to_send(), mirror.data_to_send()
            if not out and not back:
                break
            honest.receive_data(back)
            self._unlock()
            mirror.receive_data(out)
        self._unlock()

    def _unlock(self) -> None:
        for number, mirror in self.mirrors.items():
            partner = self._partner(number)
            if mirror.passing and partner is not None:
                for end in (number, partner):
                    honest = self.honest.get(end)
                    if honest is not None and CHANNEL_SECRET in honest.run.values:
                        mirror.unlock(honest)

    # --- what a run sends --------------------------------------------------------------------------------------------

    def _await(self, line: Line) -> None:
        """Wait until a run has sent what the trace says; what is still sealed to the attacker is waited for later."""
        mirror = self.mirrors[line.run]
        if line.message.channel == NET or not mirror.passing or mirror.channel_stands:
            self._seen(line)

    def _seen(self, line: Line) -> bytes:
        """The octets of a message that a run has sent.

        Raises:
            Stopped: the implementation under test has refused instead.
            Lost: a run of the suite has not sent it.
        """
        name, run, number = line.message.name, line.run, line.nth
        mirror = self.mirrors[run]
        if run == self.story.victim.number:
            there = self.conversation.until(lambda: len(mirror.seen[name]) > number or self._has_refused())
            if not there or self._has_refused():
                raise Stopped
            self._unlock()
            return mirror.seen[name][number]
        honest = self.honest[run]
        begin = BEGUN_BY_ITSELF.get(name[:-2])
        if len(mirror.seen[name]) <= number and begin is not None:
            begin(honest)
        self._exchange(run)
        if len(mirror.seen[name]) <= number:
            raise Lost(f"run {run} of the {honest.role} is in {honest.state} and has not sent {name}{_why(honest)}")
        return mirror.seen[name][number]

    def _apply(self, line: Line) -> None:
        content = self.wording.content(line.term)
        if line.run == self.story.victim.number:
            self.iut.sends(self.conversation, content)
            return
        try:
            self.honest[line.run].send_data(content, TEXT)
        except NotOpen as error:
            raise Lost(f"run {line.run}: {error}") from error
        self._exchange(line.run)

    # --- what a run receives -----------------------------------------------------------------------------------------

    def _deliver(self, line: Line) -> None:
        mirror, message = self.mirrors[line.run], line.message
        damaged = line.weak and line.run == self.story.victim.number
        if line.source is not None:
            octets = self._seen(line.source)
            self._at(line)
            mirror.pass_on(message, octets, damaged=damaged)
        elif line.weak:
            octets = self._coaxed(line)
            self._at(line)
            mirror.pass_on(message, octets, damaged=damaged)
        else:
            octets = self._made(line, mirror)
            self._at(line)
            mirror.pass_on(message, octets)
        self._exchange(line.run)
        if line is self.story.refused and mirror.probe_is_legal:
            self._probe()

    def _at(self, line: Line) -> None:
        """What a complete implementation refuses goes out now."""
        if line is self.story.refused:
            self.victim.deviation.happened(self.victim)

    def _made(self, line: Line, mirror: Mirror) -> bytes:
        """The octets of a message that the attacker makes."""
        message = line.message
        if mirror.passing and message.channel == NET:
            raise Inexpressible(f"{message.name} is made in a handshake that is passed on")
        try:
            if message is LABEL[mirror.letter].data:
                return self._data(line, mirror)
            return mirror.make(message, self.wording.pins(line, mirror.knowledge()))
        except Unbound as error:
            raise Inexpressible(f"{message.name}: {error}") from error

    def _data(self, line: Line, mirror: Mirror) -> bytes:
        """DATA, whatever the state; its sequence number counts as used."""
        run = what_if(mirror)
        run.values = {**mirror.tam.run.values, **run.values}
        pins = self.wording.pins(line, run)
        octets = valued(run, line.message.term, pins)
        mirror.world.memory.sent_sequence(_number(run, mirror))
        return octets

    def _coaxed(self, line: Line) -> bytes:
        """A record whose content nobody has sent yet: its keystream is unknown, so an honest record is taken for it."""
        partner = self._partner(line.run)
        if partner is None:
            raise Inexpressible(f"{line.message.name} under a key that the attacker does not have")
        name, mirror, other = line.message.name, self.mirrors[line.run], self.mirrors[partner]
        self._notes.append(
            f"{name} is the honest record with another tag: nobody can write a chosen text under an unknown keystream"
        )
        wanted = mirror.told[name]
        self._feed(line.run, partner)
        while len(other.seen[name]) <= wanted and line.run == self.story.victim.number:
            if not self.conversation.receive(Deadline.after(self.iut.silence)):
                break
            self._feed(line.run, partner)
        if len(other.seen[name]) <= wanted:
            raise Lost(f"run {partner} does not come to send {name}")
        return other.seen[name][wanted]

    def _feed(self, number: int, partner: int) -> None:
        """Give a run everything that its partner has sent and that it has not got."""
        mirror, other = self.mirrors[number], self.mirrors[partner]
        for observation in list(mirror.observations):
            name = observation.name
            message = mirror.table.messages.get(name)
            if message is not None and message.channel != NET and other.told[name] < len(mirror.seen[name]):
                other.pass_on(message, mirror.seen[name][other.told[name]])
                self._exchange(partner)

    # --- what comes of it --------------------------------------------------------------------------------------------

    def _has_refused(self) -> bool:
        return any(o.action is not None for o in self.victim.observations) or bool(self.conversation.ended)

    def _probe(self) -> None:
        """Whether the implementation goes on after what it should refuse: it answers PING, or it has refused."""
        mirror = self.victim
        answers = len(mirror.seen[f"PONG_{mirror.peer}"])
        mirror.probe()
        self.conversation.flush()
        self.conversation.until(lambda: len(mirror.seen[f"PONG_{mirror.peer}"]) > answers or self._has_refused())
        if self._has_refused():
            raise Stopped

    def _outcome(self) -> Outcome:
        """The reaction since the line that is to be refused, in the words of the register of refusals."""
        mirror, conversation = self.victim, self.conversation
        asked = -1
        while True:
            actions = [o.action for o in mirror.observations if o.action is not None]
            if actions:
                return self._alive(Outcome(Reaction.REFUSED, actions[0]))
            if conversation.ended:
                return self._alive(Outcome(Reaction.REFUSED, "close"))
            if asked >= 0 and len(mirror.seen[f"PONG_{mirror.peer}"]) > asked:
                return self._alive(Outcome(Reaction.ACCEPTED))
            if asked < 0 and mirror.probe_is_legal:
                asked = len(mirror.seen[f"PONG_{mirror.peer}"])
                mirror.probe()
                conversation.flush()
            conversation.timed_out = False
            if not conversation.receive(Deadline.after(self.iut.silence)) and not conversation.ended:
                return self._alive(Outcome(Reaction.HUNG) if asked >= 0 else Outcome(Reaction.REFUSED, "drop"))

    def _alive(self, outcome: Outcome) -> Outcome:
        return outcome if self.iut.is_alive() else Outcome(Reaction.CRASHED)


OTHER_ROLE = {"device": "service", "service": "device"}


def _why(honest: TesterEndpoint) -> str:
    """The last refusal of an honest run, if there is one."""
    refused = [f" ({e.fields['check']}: {e.fields['reason']})" for e in honest.events if e.name == "refused"]
    return refused[-1] if refused else ""


def _number(run: Run, mirror: Mirror) -> int:
    number: int = cbor.decode(run.value(LABEL[mirror.letter].sequence))
    return number


__all__ = ["SUITES_I", "Lost", "Performance", "Played", "configured"]
