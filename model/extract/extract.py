"""Roles of the verifier from rows of the table: one linear role for each way through the modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from ..checks import CHECKS
from ..protocol.attestation import CHANNEL_SECRET, QUOTE_REQUEST, SID, TAM_NAME, WAIVER, binder
from ..protocol.channel import TRAFFIC_KEY
from ..protocol.edhoc import DEVICE, INITIATOR, RESPONDER, SERVICE, handshake
from ..protocol.frames import HELLO, ROLE_NAME, SIDES, I, R
from ..symbols import received_slots
from ..table import APP, LOCAL, RECORD, Message, Table, Transition, Verifies
from ..terms import Term
from ..verifier.protocol import Event, Leak, Protocol, Recv, Role, Send, Template
from ..verifier.protocol import Step as VerifierStep
from .algebra import PRIVATE_KEY, local, made_from
from .looked_at import erased
from .modes import MODES, Mode, in_open, to_open
from .reader import ANY, EARLY, IDENTITY, MEETS, OTHER, Reader
from .view import AGENT, AUTHORITY, KIND, ZERO_SHARE, Declarations, Setting, View, tuple_of

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


@dataclass(frozen=True)
class Extracted:
    """The roles of a table with some checks off. `snapshots`: by verifier role and name of the event there."""

    protocol: Protocol
    modes: Mapping[str, Mode]
    base: Mapping[str, str]
    """Verifier role to role of the table."""
    snapshots: Mapping[tuple[str, str], Snapshot]
    moments: Mapping[tuple[str, int], Moment]
    """By verifier role and number of the step with which a message comes or goes."""

    def roles(self, base: str) -> tuple[str, ...]:
        """Verifier roles that come from one role of the table."""
        return tuple(name for name, role in self.base.items() if role == base)


class Extraction:
    """The work of one extraction."""

    def __init__(self, table: Table, without: frozenset[str], modes: tuple[Mode, ...]) -> None:
        self.table, self.modes = table, modes
        self.off = without | {n for n, c in CHECKS.items() if not c.beside_table and n not in table.checks}
        self.declared = Declarations()
        self.erased = erased(table)
        self.signed = {
            s.form.slot: s.check.name for row in table.rows for s in row.checks if isinstance(s.form, Verifies)
        }
        self.roles: list[Role] = []
        self.mode_of: dict[str, Mode] = {}
        self.base_of: dict[str, str] = {}
        self.snapshots: dict[tuple[str, str], Snapshot] = {}
        self.moments: dict[tuple[str, int], Moment] = {}

    def run(self) -> Extracted:
        """All roles."""
        for role in SOFTWARE:
            for mode in self.modes:
                for suffix, choices in self._choices(role, mode):
                    Walk(self, role, f"{role} {mode}{suffix}", self._setting(mode, choices)).software()
        attested = [letter for letter in SIDES if any(mode.attests(letter) for mode in self.modes)]
        for letter in attested:
            for software in ("expected", "unexpected"):
                setting = self._setting(self.modes[0], {"software": software})
                name = TAM_NAME[letter] + ("" if software == "expected" else " of other software")
                Walk(self, TAM_NAME[letter], name, setting).tam()
        for letter in SIDES:
            if any(mode.waives(letter) for mode in self.modes):
                self._authority(letter)
        return Extracted(self._protocol(), self.mode_of, self.base_of, self.snapshots, self.moments)

    def _setting(self, mode: Mode, choices: Mapping[str, str]) -> Setting:
        return Setting(mode, self.off, self.erased, self.signed, choices)

    def _choices(self, role: str, mode: Mode) -> Iterator[tuple[str, dict[str, str]]]:
        """Readings beside the plain one that switched off checks allow: a role for each."""
        peer = "R" if role == DEVICE else "I"
        attests = mode.attests(peer)
        shares = (f"g_{'y' if role == DEVICE else 'x'}_is_valid", f"key_share_{peer.lower()}_is_valid")
        checks: list[tuple[bool, set[str], tuple[str, str]]] = [
            (True, {share for share in shares if share in self.table.checks}, ("share", ZERO_SHARE)),
            (True, {f"cred_{peer.lower()}_has_{KIND[peer]}_role"}, ("usage", OTHER)),
            (True, {f"cred_{peer.lower()}_path_verifies"}, ("identity key", ANY)),
            (attests, {"ak_path_verifies"}, ("attestation key", ANY)),
            (attests, {"ak_is_for_eat", "ak_is_not_the_identity_key"}, ("attestation key", IDENTITY)),
            (attests, {"env_ak_is_the_attested_one"}, ("environment key", ANY)),
            (mode.waives(peer), {"waiver_authority_is_pinned"}, ("waiver authority", ANY)),
            (True, {"frame_is_expected"}, ("data", EARLY)),
        ]
        points = [point for possible, off, point in checks if possible and off <= self.off]
        for taken in product((False, True), repeat=len(points)):
            chosen = [point for point, yes in zip(points, taken, strict=True) if yes]
            if len({what for what, _ in chosen}) == len(chosen):
                yield "".join(f", {how} {what}" for what, how in chosen), dict(chosen)

    def _authority(self, letter: str) -> None:
        """Who signs waivers: it names the leaf of any agent. No role of the table, because it speaks to nobody."""
        setting = self._setting(self.modes[0], {})
        view = View(ROLE_NAME[letter], letter, setting, self.declared)
        waiver, agent = WAIVER[letter], AGENT[letter]
        symbol, key, content = view.signature(AUTHORITY, view.need(waiver.tbs))
        steps = (Event("signed", (key, content)), Send((symbol, key, content), "waiver"))
        name = f"authority of {KIND[letter]}s"
        self.base_of[name] = "authority"
        self.roles.append(Role(name, (agent,), agent, steps))

    def _protocol(self) -> Protocol:
        for constant, sort in MEETS.values():
            self.declared.constant(constant, sort)
        secrets = {AUTHORITY: PRIVATE_KEY}
        name = self.table.name + "".join(f" without {check}" for check in sorted(self.off))
        return Protocol(name, tuple(self.roles), self.declared.symbols, self.declared.constants, secrets)


class Walk:
    """One role on its way through rows."""

    def __init__(self, work: Extraction, role: str, name: str, setting: Setting) -> None:
        self.work, self.role, self.name, self.setting = work, role, name, setting
        self.letter = SOFTWARE.get(role) or next(x for x, tam in TAM_NAME.items() if tam == role)
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
        for row in to_open(self.work.table, self.role, mode):
            if self._is_early(row):
                break
            self._row(row)
            state = row.next_state
        if state == "OPEN":
            for message in in_open(self.role, mode):
                state = self._next(state, message)
        else:
            self._row(self._find("OPEN", f"DATA_{'R' if self.letter == 'I' else 'I'}"))
        self._finish(("D", "S"))

    def _is_early(self, row: Transition) -> bool:
        return self.setting.choices.get("data") == EARLY and row.receives.name.startswith(("VERDICT", "ATT"))

    def tam(self) -> None:
        """One request and its answer."""
        (row,) = (r for r in self.work.table.rows if r.role == self.role)
        self._row(row)
        self._finish((AGENT[self.letter],))

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
        return self.setting.mode.attests(carrier.label[-1])

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
            name = event.name if number == 1 else f"{event.name} {number}"
            self.steps.append(Event(name))
            self.work.snapshots[self.name, name] = self._snapshot(name)

    def _snapshot(self, event: str) -> Snapshot:
        return Snapshot(self.name, event, self.view, dict(self.view.values), dict(self.view.drawn))

    def _moment(self, message: Message, row: Transition | None = None) -> None:
        """Remember what the role knows at the step that was just added."""
        self.work.moments[self.name, len(self.steps) - 1] = Moment(message, self._snapshot(message.name), row)

    def _receive(self, row: Transition) -> None:
        message, view = row.receives, self.view
        if message.channel == LOCAL and message.blind:
            self.steps.append(self._answer(message))
            self._moment(message, row)
            return
        pattern, asked = view.take(row)
        if message.channel == APP:
            self.steps.extend(Recv(view.need(s), "application") for s in message.slots if s.label == "CONTENT")
        elif pattern is not None:
            self.steps.append(Recv(self._carry(message, pattern), message.name, message.sender, self.role))
            self._moment(message, row)
        self.steps.extend(asked)

    def _answer(self, message: Message) -> VerifierStep:
        """The TAM's answer to the request that was just made: the local channel keeps order."""
        tam = View(message.sender, self.letter, self.setting, self.view.declared)
        request = QUOTE_REQUEST[self.letter]
        tam.values.update({s: self.view.need(s) for s in (request.binder, request.epoch, request.sid)})
        self.view.values.update({term: tam.need(term) for term in message.blind})
        content = tuple_of(self.view.values[term] for term in message.blind)
        assert content is not None
        return Recv(self._carry(message, content), message.name, message.sender, self.role)

    def _send(self, message: Message) -> None:
        template = self.view.value(message.term)
        if template is not None:
            self.steps.append(Send(self._carry(message, template, sending=True), message.name, self.role))
            self._moment(message)

    def _carry(self, message: Message, content: Template, *, sending: bool = False) -> Template:
        """A message as its channel carries it."""
        if message.channel == LOCAL:
            key = "rogue" if self.setting.choices.get("software") == "unexpected" else "tam"
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
        helper = self.role in TAM_NAME.values() or bool(self.setting.choices)
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


def extract(table: Table, *, without: frozenset[str] = frozenset(), modes: tuple[Mode, ...] = MODES) -> Extracted:
    """The verifier's roles for a table in which some checks are off.

    Raises:
        LookupError: a role of the table has no way to OPEN, or a row needs what its role does not know.
    """
    return Extraction(table, without, modes).run()


__all__ = ["Extracted", "Snapshot", "extract"]
