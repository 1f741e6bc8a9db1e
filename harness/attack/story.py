"""An attack of the removal matrix as something to play: who talks to whom, and what each message is made of.

The roles are extracted from the table once more, without the same checks, so that each step of the trace has its
message of the table, and each term of that message a ground value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ...model.checks import CHECKS
from ...model.extract.extract import Extracted, Moment, extract
from ...model.extract.modes import MODES, Mode
from ...model.protocol.edhoc import DEVICE, SERVICE
from ...model.protocol.tables import profile
from ...model.table import NET, RECORD, Message
from ...model.terms import Term
from ...model.verifier.attack import Attack, AttackEvent
from ...model.verifier.protocol import Recv, Send, Template
from ...model.verifier.replay import Value, Values

Role = Literal["device", "service"]
LETTER = {DEVICE: "I", SERVICE: "R"}
ROLE: Mapping[str, Role] = {"I": "device", "R": "service"}
OTHER = {"I": "R", "R": "I"}
_MODES = {str(mode): mode for mode in MODES}
WEAK = "~"
"""Ends the symbol of a ciphertext whose tag nobody verifies, and begins the attacker's own names."""
RECEIVE, SEND, APPLICATION, WAIVER, HINT = "receive", "send", "application", "waiver", "error"


class Inexpressible(Exception):
    """A term or a run of this attack has no counterpart in octets, and the sentence says why."""


@dataclass(frozen=True, slots=True)
class Player:
    """A run of device or service software. `agents` are the names of both parties by letter."""

    number: int
    letter: str
    mode: Mode
    agents: Mapping[str, Value]

    @property
    def role(self) -> Role:
        """Role of the table."""
        return ROLE[self.letter]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One event of a run: a message, or what its application, its authority or its configuration gives it.

    `source` is the line in which another run sent what is received here; `weak` says that the tag does not fit. A
    message is the `nth` of its name that its run sends, from 0.
    """

    kind: str
    run: int
    term: Value
    moment: Moment | None = None
    source: Line | None = None
    weak: bool = False
    nth: int = 0

    @property
    def message(self) -> Message:
        """The message of the table."""
        assert self.moment is not None
        return self.moment.message


class Story:
    """One attack. `lines` are its events in their order; `refused` is where a complete implementation stops it."""

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        self.name = name
        self.checks = tuple(name.split(" + "))
        self.claim, self.claimant, self.event = data["claim"], data["role"], data["event"]
        self.text: str = data["text"]
        self.attack = Attack.from_json(data["attack"])
        self.values = Values()
        self._grounds = {
            run.number: {n: self.values.of(t) for n, t in {**run.agents, **run.values}.items()}
            for run in self.attack.runs
        }

    def __repr__(self) -> str:
        return f"Story({self.name!r})"

    # --- who ---------------------------------------------------------------------------------------------------------

    @cached_property
    def players(self) -> Mapping[int, Player]:
        """The runs of device and service software by number: their roles are called like `device aa`."""
        found = {}
        for run in self.attack.runs:
            base, mode = (*run.role.replace(",", "").split(), "")[:2]
            if base in LETTER:
                if mode not in _MODES or not {"D", "S"} <= set(run.agents):
                    raise Inexpressible(f"the table has no role {run.role}")
                agents = {"I": self._grounds[run.number]["D"], "R": self._grounds[run.number]["S"]}
                found[run.number] = Player(run.number, LETTER[base], _MODES[mode], agents)
        return found

    @cached_property
    def extracted(self) -> Extracted:
        """The roles without the checks, in the modes of the trace."""
        modes = tuple(dict.fromkeys(player.mode for player in self.players.values()))
        return extract(profile(), without=frozenset(self.checks), modes=modes)

    @cached_property
    def victim(self) -> Player:
        """The run that the implementation under test plays: the first one whose role makes most of the checks."""
        listed = profile().checks
        makes = {check: {row.role for row in listed.get(check, ())} or set(LETTER) for check in self.checks}
        return max(self.players.values(), key=lambda p: (sum(p.role in roles for roles in makes.values()), -p.number))

    @property
    def claiming(self) -> int:
        """The number of the run that comes to the event of the claim."""
        return next((run.number for run in self.attack.runs if run.role == self.claimant), -1)

    @property
    def made(self) -> tuple[str, ...]:
        """The checks that the victim's role makes; the others are missing on the other side."""
        listed = profile().checks
        rows = {check: listed.get(check, ()) for check in self.checks}
        return tuple(c for c in self.checks if not rows[c] or any(row.role == self.victim.role for row in rows[c]))

    # --- what happens ------------------------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What happens to device and service software, in order; local messages are their own affair."""
        found: list[Line] = []
        for event in self.attack.events:
            if event.run not in self.players or event.kind not in (RECEIVE, SEND):
                continue
            term = self.values.of(event.term)
            if event.label in (APPLICATION, WAIVER, HINT):
                found.append(Line(event.label, event.run, term))
                continue
            moment = self._moment(event, term)
            if moment is not None and moment.message.channel in (NET, RECORD):
                found.append(self._line(event.kind, event.run, term, moment, found))
        return tuple(found)

    def _moment(self, event: AttackEvent, term: Value) -> Moment | None:
        """What the table says about a step of the trace; it must say the same as when the attack was found."""
        role = self.attack.runs[event.run].role
        moment = self.extracted.moments.get((role, event.step))
        if moment is not None:
            step = self.extracted.protocol.role(role).steps[event.step]
            assert isinstance(step, Send | Recv)
            if self._value(event.run, step.message) is term:
                return moment
        elif event.label not in self._messages:
            return None
        raise Inexpressible(f"{event.label} of {role} is not what the table says: the attacks are to be found anew")

    @cached_property
    def _messages(self) -> frozenset[str]:
        """Messages between parties."""
        return frozenset(m.name for m in profile().messages.values() if m.channel in (NET, RECORD))

    def _line(self, kind: str, run: int, term: Value, moment: Moment, before: list[Line]) -> Line:
        earlier = (x for x in before if x.moment is not None and (x.kind, x.run) == (kind, run))
        nth = sum(x.message is moment.message for x in earlier)
        if kind == SEND:
            return Line(kind, run, term, moment, nth=nth)
        strong, channel = self._strong(term), moment.message.channel
        others = (x for x in before if x.kind == SEND and x.run != run and x.message.channel == channel)
        source = next((sent for sent in others if self._strong(sent.term) is strong), None)
        return Line(kind, run, term, moment, source, term.head.endswith(WEAK), nth)

    def _strong(self, term: Value) -> Value:
        """The same ciphertext with a tag that fits."""
        return self.values.make(term.head.removesuffix(WEAK), term.args) if term.args else term

    @cached_property
    def refused(self) -> Line:
        """What a complete implementation refuses: the first line that one of the checks stands against."""
        places = [self._judged(check) for check in self.checks]
        found = [line for line in self.lines if any(line is place for place in places)]
        if not found:
            raise Inexpressible(f"{self.name} is judged on nothing that the {self.victim.role} receives")
        return found[0]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The checks that refuse there."""
        return tuple(check for check in self.checks if self._judged(check) is self.refused)

    def _judged(self, check: str) -> Line | None:
        """The line that a check refuses: the last that its rows receive, else what has a tag that does not fit."""
        received = [line for line in self.lines if line.run == self.victim.number and line.kind == RECEIVE]
        if CHECKS[check].beside_table:
            return next((line for line in received if line.weak), received[-1])
        names = {r.receives.name for r in profile().checks.get(check, ()) if r.role == self.victim.role}
        fitting = [line for line in received if line.message.name in names]
        return next((line for line in fitting if line.weak), fitting[-1] if fitting else None)

    # --- of what -----------------------------------------------------------------------------------------------------

    def ground(self, line: Line, term: Term) -> Value | None:
        """The value of a term of the table as the run of a line sees it; None when nothing of it is kept."""
        return self._evaluate(line, term, meant=False)

    def meant(self, line: Line, term: Term) -> Value | None:
        """What an honest sender would put into a hole, where that is one thing."""
        return None if term.means is None else self._evaluate(line, term, meant=True)

    def _evaluate(self, line: Line, term: Term, *, meant: bool) -> Value | None:
        assert line.moment is not None
        snapshot = line.moment.snapshot
        try:
            template = snapshot.meant(term) if meant else snapshot.template(term)
        except LookupError:
            return None
        return None if template is None else self._value(line.run, template)

    def _value(self, run: int, template: Template) -> Value:
        if isinstance(template, str):
            return self._grounds[run].get(template) or self.values.make(template, None)
        return self.values.make(str(template[0]), tuple(self._value(run, part) for part in template[1:]))

    def of_run(self, run: int, *kinds: str) -> Iterator[Line]:
        """Lines of a run, of these kinds."""
        return (line for line in self.lines if line.run == run and line.kind in kinds)

    def about(self, run: int, term: Term) -> Value | None:
        """The first value that a run has for a term in the course of the trace."""
        grounds = (self.ground(line, term) for line in self.of_run(run, RECEIVE))
        return next((value for value in grounds if value is not None), None)

    # --- with which powers -------------------------------------------------------------------------------------------

    @cached_property
    def given(self) -> frozenset[Value]:
        """Keys and statements that the attacker is given."""
        return frozenset(self.values.of(event.term) for event in self.attack.events if event.kind == "reveal")

    @cached_property
    def driven(self) -> frozenset[Value]:
        """Platforms whose trust anchor module answers the attacker: the request comes from no honest software."""
        asked = {id(self.values.of(e.term)) for e in self.attack.events if e.kind == SEND and e.run in self.players}
        return frozenset(
            self.values.of(next(iter(self.attack.runs[e.run].agents.values())))
            for e in self.attack.events
            if e.kind == RECEIVE and e.label.startswith("quote_request") and id(self.values.of(e.term)) not in asked
        )

    def holds(self, key: Value) -> bool:
        """Whether the attacker can sign with a private key: it is his own, or he is given it, or asks its module."""
        if key.args is None:
            return key.head.startswith(WEAK)
        owner = key.args[-1]
        return key in self.given or owner.head.startswith(WEAK) or (key.head == "ak" and owner in self.driven)
