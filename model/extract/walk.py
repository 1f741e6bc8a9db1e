"""One role on its way through the rows of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..protocol.attestation import CHANNEL_SECRET, QUOTE_REQUEST, SID, TAM_NAME, WAIVER, binder
from ..protocol.background import QUESTION, RESULT, VERIFIER
from ..protocol.channel import TRAFFIC_KEY
from ..protocol.edhoc import DEVICE, INITIATOR, RESPONDER, SERVICE, handshake
from ..protocol.frames import HELLO, I, R
from ..protocol.labels import LABEL
from ..protocol.local import SEND
from ..protocol.proving import PROVING
from ..symbols import received_slots
from ..table import APP, ASKED, LOCAL, RECORD, Message, Table, Transition
from ..terms import Term
from ..verifier.protocol import Event, Leak, Recv, Role, Send, Template
from ..verifier.protocol import Step as VerifierStep
from . import chains, proofs, psa
from .algebra import local, made_from
from .asked import AFFIRMING, VERDICTS, alike, begin
from .commands import MAKINGS
from .hosts import HOST, VIRTUAL
from .interface import LETTER, shown, taken
from .modes import Mode, in_open
from .modes import to_open as way_to_open
from .reader import EARLY, Reader
from .tpm import IMPORTED, INSIDE, ORIGIN, any_machine
from .view import AGENT, NOTHING, Declarations, Setting, View, tuple_of

SOFTWARE = {DEVICE: "I", SERVICE: "R"}
LEAK_POWER = "session-key"
LEAKING = ("aa", "nn")
"""Modes of the sessions whose keys leak: every kind of frame goes through one of them."""


NAMES: dict[str, Term] = {
    "TH_2": handshake(0).th_2, "CRED_R": RESPONDER.cred, "TH_3": handshake(0).th_3, "CRED_I": INITIATOR.cred,
    "TH_4": handshake(0).th_4, "PRK_2e": handshake(0).prk_2e, "K_I": TRAFFIC_KEY["I"], "K_R": TRAFFIC_KEY["R"],
    "HELLO_R": HELLO["R"].term, "HELLO_I": HELLO["I"].term, "SID": SID, "BINDER_R": binder(R), "BINDER_I": binder(I),
}  # fmt: skip
"""What the specification calls terms, in the order in which a session makes them."""


@dataclass(frozen=True)
class Snapshot:
    """What a role knew when an event happened: enough to translate a term of a claim."""

    role: str
    event: str
    view: Reader
    values: Mapping[Term, Template | None]
    drawn: Mapping[str, int]

    def template(self, term: Term) -> Template | None:
        """The term as the role saw it at the event.

        Raises:
            LookupError: the role does not know it.
        """
        return self._evaluate(term, self.values)

    def meant(self, term: Term) -> Template | None:
        """The term as it should be: received slots in it have their meaning, whatever came in.

        Raises:
            LookupError: the role does not know it.
        """
        slots = {slot for slot in received_slots(term) if slot.means is not None}
        return self._evaluate(term, {slot: value for slot, value in self.values.items() if slot not in slots})

    def _evaluate(self, term: Term, values: Mapping[Term, Template | None]) -> Template | None:
        view = self.view
        before, view.values = view.values, dict(values)
        drawn, view.drawn = view.drawn, dict(self.drawn)
        try:
            return view.value(term)
        finally:
            view.values, view.drawn = before, drawn


@dataclass(frozen=True)
class Moment:
    """A message of the table in a step of a role, and what the role knows then; `row` is the one that receives it."""

    message: Message
    snapshot: Snapshot
    row: Transition | None = None


@dataclass
class Made:
    """What has been extracted so far, and of what."""

    table: Table
    to_open: bool
    """Roles end where they open."""
    with_tpm: frozenset[str]
    """Letters of the attesters whose evidence is a TPM's."""
    with_psa: frozenset[str]
    """Letters of those whose evidence is a PSA token."""
    declared: Declarations = field(default_factory=Declarations)
    roles: list[Role] = field(default_factory=list)
    mode_of: dict[str, Mode] = field(default_factory=dict)
    base_of: dict[str, str] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], Snapshot] = field(default_factory=dict)
    moments: dict[tuple[str, int], Moment] = field(default_factory=dict)

    def beside(self, base: str, role: Role, event: str, reader: Reader) -> None:
        """Add a role that is none of the table."""
        self.roles.append(role)
        self.base_of[role.name] = base
        self.snapshots[role.name, event] = Snapshot(role.name, event, reader, dict(reader.values), {})


class Walk:
    """One role on its way through rows."""

    def __init__(self, work: Made, role: str, name: str, setting: Setting, letter: str = "") -> None:
        self.work, self.role, self.name, self.setting = work, role, name, setting
        self.letter = letter or SOFTWARE.get(role) or next(x for x, tam in TAM_NAME.items() if tam == role)
        self.view = Reader(role, self.letter, setting, work.declared)
        self.steps: list[VerifierStep] = []
        self.counts = {"I": 0, "R": 0}
        self.happened: dict[str, int] = {}
        self.names: dict[str, Template] = {}

    # --- ways --------------------------------------------------------------------------------------------------------

    def software(self) -> None:
        """From the start to CLOSE."""
        view, mode = self.view, self.setting.mode
        view.values.update({register: view.value(v) for register, v in self._initial()})
        if self.role == DEVICE:
            view.variables["SUITES"] = "suites"
            self.steps.append(Recv("SUITES", "error"))
        if mode.waives(self.letter):
            self.steps.append(Recv(view.need(WAIVER[self.letter].term), "waiver"))
        state = ""
        for row in way_to_open(self.work.table, self.role, mode):
            if self._is_early(row):
                break
            self._row(row)
            state = row.next_state
        if state == "OPEN" and not self.work.to_open:
            again = True if self.setting.confirms else False if self.setting.chained else None
            for message in in_open(self.role, mode, again):
                state = self._next(state, message)
        elif state != "OPEN":
            self._row(self._find("OPEN", f"DATA_{'R' if self.letter == 'I' else 'I'}"))
        self._finish(("D", "S"))

    def _is_early(self, row: Transition) -> bool:
        return self.setting.choices.get("data") == EARLY and row.receives.name.startswith(("VERDICT", "ATT"))

    def tam(self) -> None:
        """One request and its answer."""
        (row,) = (r for r in self.work.table.rows if r.role == self.role)
        if self.letter in self.work.with_tpm:
            self._start()
        if self.letter in self.work.with_psa:
            self.view.values.update(psa.start(self.view, self.letter))
            self.steps.append(Recv(("tuple", *self.view.variables), "start"))
        self._row(row)
        self._finish((AGENT[self.letter],))

    def verifier(self, status: str, policy: str) -> None:
        """One request and its answer. What it affirms nothing about it need not read."""
        view, letter = self.view, self.letter
        (row,) = self.work.table.candidates(VERIFIER, "ready", QUESTION[letter].message.name)
        begin(view, letter, status, policy)
        view.hidden = frozenset() if status == AFFIRMING else frozenset({self.setting.forwarded[letter]})
        self._receive(row)
        alike(view, letter)
        if (status, policy) == VERDICTS[0]:
            self._events(row)
        self._send(RESULT[letter].message)
        self._finish((AGENT[letter],))

    def _start(self) -> None:
        """A start of a platform with a TPM, whose identity key was made inside, unless it was not."""
        view, letter = self.view, self.letter
        inside = self.setting.choices.get("identity key made") != IMPORTED
        if inside:
            self.steps.append(Recv((INSIDE, AGENT[letter]), ORIGIN))
        view.values.update(any_machine(view, letter, inside=inside))
        self.steps.append(Recv(("tuple", *view.variables), "start"))

    def _initial(self) -> tuple[tuple[Term, Term], ...]:
        return self.work.table.role(self.role).initial

    def _next(self, state: str, message: str) -> str:
        row = self._find(state, message)
        self._row(row)
        return row.next_state

    def _find(self, state: str, message: str) -> Transition:
        for row in self.work.table.candidates(self.role, state, message):
            if row.next_state != "REFUSED" and all(self._fits(row, i) for i in range(len(row.when))):
                return row
        raise LookupError(f"{self.role} takes no {message} in {state}")

    def _fits(self, row: Transition, number: int) -> bool:
        guard = row.when[number]
        chosen = self.setting.mode.guard(guard)
        if chosen is not None:
            return chosen
        if guard.term.op == "present":
            carrier = guard.term.args[0]
            return dict(row.opens).get(carrier) is not None and self._carried(carrier)
        if guard.term in row.receives.slots:
            return True  # The way goes on with what the first row asks for.
        return self.view.value(guard.term) == self.view.value(guard.equals)

    def _carried(self, carrier: Term) -> bool:
        """A label always; an environment object once after each quote."""
        if not carrier.label.startswith("DATA_ENVIRONMENT"):
            return True
        if self.setting.choices.get("data") == EARLY:
            return False
        quoted = "label_accepted" not in self.happened or str(self.setting.mode) == "aa"
        return quoted and self.setting.mode.attests(carrier.label[-1])

    # --- one row -----------------------------------------------------------------------------------------------------

    def _row(self, row: Transition) -> None:
        view = self.view
        self._receive(row)
        view.renew(row.fresh)
        self._assign(row.sets)
        self._events(row)
        if str(self.setting.mode) in LEAKING and any(register is CHANNEL_SECRET for register, _ in row.sets):
            self.steps.append(Leak(self.traffic_keys(), LEAK_POWER))
        for message in row.sends:
            self._send(message)
        self._name_terms()
        self._assign(row.then_sets)

    def _name_terms(self) -> None:
        """Remember what the specification calls the terms that exist by now."""
        for name in [n for n in NAMES if n not in self.names]:
            try:
                found = self.view.value(NAMES[name])
            except LookupError:
                return
            if isinstance(found, tuple):
                self.names[name] = found

    def traffic_keys(self) -> Template:
        """The record keys of both directions."""
        return ("tuple", *(self.view.need(key) for key in TRAFFIC_KEY.values()))

    def _assign(self, pairs: tuple[tuple[Term, Term], ...]) -> None:
        self.view.values.update([(register, self.view.value(source)) for register, source in pairs])

    def _events(self, row: Transition) -> None:
        for event in row.events:
            number = self.happened[event.name] = self.happened.get(event.name, 0) + 1
            self._event(event.name if number == 1 else f"{event.name} {number}")
        if self.letter in self.work.with_tpm and self.role in TAM_NAME.values():
            for name in MAKINGS:
                self._event(name)

    def _event(self, name: str) -> None:
        self.steps.append(Event(name))
        self.work.snapshots[self.name, name] = self._snapshot(name)

    def _snapshot(self, event: str) -> Snapshot:
        return Snapshot(self.name, event, self.view, dict(self.view.values), dict(self.view.drawn))

    def _moment(self, message: Message, row: Transition | None = None) -> None:
        """Remember what the role knows at the step that was just added."""
        self.work.moments[self.name, len(self.steps) - 1] = Moment(message, self._snapshot(message.name), row)

    def _receive(self, row: Transition) -> None:
        message, view = row.receives, self.view
        self._hide(message)
        if message.channel == LOCAL and message.blind:
            self.steps.append(self._answer(message))
            self._moment(message, row)
            return
        pattern, asked = view.take(row)
        if message.channel == APP:
            self.steps.extend(Recv(view.need(s), "application") for s in message.slots if s.label == "CONTENT")
            if self.setting.chained and message is SEND:
                self.steps.extend(chains.sent(view))
        elif pattern is not None:
            self.steps.extend(view.before)
            self.steps.append(Recv(self._carry(message, pattern), message.name, message.sender, self.role))
            self._moment(message, row)
        self.steps.extend(asked)
        if self.setting.chained and message.name.startswith("DATA_"):
            self.steps.extend(chains.judged(view, message.name[-1]))
        if self.setting.confirms and self.role == SERVICE and message is LABEL[LETTER].data:
            self.steps.extend(taken(view))
        for evidence in view.hidden:
            view.values.update(dict.fromkeys(received_slots(evidence)))

    def _hide(self, message: Message) -> None:
        """Evidence that a verifier judges goes to it straight from its attester."""
        if self.role in SOFTWARE and self.setting.forwarded:
            judged = message.channel in (RECORD, ASKED)
            self.view.hidden = frozenset(self.setting.forwarded.values()) if judged else frozenset()

    def _answer(self, message: Message) -> VerifierStep:
        """The TAM's answer to the request that was just made: the local channel keeps order."""
        tam = View(message.sender, self.letter, self.setting, self.view.declared)
        request = QUOTE_REQUEST[self.letter]
        tam.values.update({s: self.view.need(s) for s in (request.binder, request.epoch, request.sid)})
        if self.letter in self.work.with_tpm:
            tam.values.update(any_machine(self.view, self.letter))
        if PROVING[self.letter].opening in message.blind:
            tam.values.update(proofs.any_machine(self.view, self.letter))
        if self.letter in self.work.with_psa:
            tam.values.update(psa.any_machine(self.view, self.letter))
        self.view.values.update({term: tam.need(term) for term in message.blind})
        content = tuple_of(self.view.values[term] for term in message.blind)
        assert content is not None
        return Recv(self._carry(message, content), message.name, message.sender, self.role)

    def _send(self, message: Message) -> None:
        self._hide(message)
        for evidence in self.view.hidden:
            if message.name == f"ATT_{self.letter}" and evidence in self.view.values:
                self.steps.append(Send(self.view.values[evidence] or NOTHING, "evidence", self.role))
        template = self.view.value(message.term)
        if self.setting.confirms and message is LABEL[LETTER].data:
            self.steps.append(Send(shown(self.view), "transaction", self.role))
        if template is not None:
            self.steps.append(Send(self._carry(message, template, sending=True), message.name, self.role))
            self._moment(message)

    def _carry(self, message: Message, content: Template, *, sending: bool = False) -> Template:
        """A message as its channel carries it."""
        if message.channel == LOCAL:
            key = "tam" if self.setting.choices.get("software", "expected") == "expected" else "rogue"
            return (self.view.declared.symbol(local(message.name[:-2])), (key, AGENT[self.letter]), content)
        return self._record(message.name[-1], content, sending) if message.channel == RECORD else content

    def _record(self, letter: str, content: Template, sending: bool) -> Template:
        """A frame at its place in the sequence of its direction: part of the symbol while the place is judged."""
        number, declared = self.counts[letter], self.view.declared
        self.counts[letter] += 1
        weak = "~" if not sending and "record_tag_verifies" in self.setting.off else ""
        place = "" if "record_is_in_sequence" in self.setting.off else f" {letter}{number}"
        symbol = declared.symbol(replace(made_from("seal"), name=f"record{place}"))
        return (symbol + weak, self.view.need(TRAFFIC_KEY[letter]), content)

    def _finish(self, agents: tuple[str, ...]) -> None:
        view = self.view
        helper = self.role not in SOFTWARE or bool(self.setting.choices.keys() - {VIRTUAL})
        agents += (HOST,) if VIRTUAL in self.setting.choices else ()
        agents += tuple(chains.PARTIES.values()) if self.setting.chained and self.role in SOFTWARE else ()
        role = Role(
            self.name,
            agents,
            AGENT[self.letter],
            tuple(self.steps),
            view.fresh,
            view.variables,
            self.names,
            helper=helper,
        )
        self.work.roles.append(role)
        self.work.base_of[self.name] = self.role
        self.work.mode_of[self.name] = self.setting.mode
