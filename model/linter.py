"""What every table must satisfy before anything is proved over it or run from it.

`lint` returns findings; those that a table waives by name (`Table.waived`, as `rule place`) are left out. A waiver that
waives nothing is a finding too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from .checks import Check
from .knowledge import Known, bound_by, lacking_to_read, learned, missing, uses
from .sizes import size_of
from .symbols import matched, received_slots
from .table import APP, LOCAL, NET, RECORD, TIMER, Equals, Guard, Holds, Role, Table, TagVerifies, Transition, Verifies
from .terms import Term

FINAL = frozenset({"CLOSED", "completed"})
"""States that a session may end in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: the rule, where, and what."""

    rule: str
    place: str
    text: str

    @property
    def name(self) -> str:
        """What a waiver calls it."""
        return f"{self.rule} {self.place}"


Rule = Callable[[Table], Iterator[Finding]]


def lint(table: Table, register: Mapping[str, Check] | None = None) -> list[Finding]:
    """All findings that the table does not waive. With a register of checks, every check must be used where it says."""
    found = list(dict.fromkeys(finding for rule in RULES for finding in rule(table)))
    if register is not None:
        found += _checks_are_used(table, register)
    names = {finding.name for finding in found}
    stale = [Finding("stale-waiver", name, "waives nothing") for name in sorted(table.waived - names)]
    return [finding for finding in found if finding.name not in table.waived] + stale


# --- names -----------------------------------------------------------------------------------------------------------


def _names_are_unique(table: Table) -> Iterator[Finding]:
    for row_id, times in Counter(row.id for row in table.rows).items():
        if times > 1:
            yield Finding("row-id", row_id, f"{times} rows have this id")
    messages = {message for row in table.rows for message in (row.receives, *row.sends)}
    for name, times in Counter(message.name for message in messages).items():
        if times > 1:
            yield Finding("message-name", name, f"{times} messages have this name")
    for message in messages:
        for slot, times in Counter(message.slots).items():
            if times > 1:
                yield Finding("slot-once", f"{message.name} {slot.label}", f"received {times} times in one message")


def _checks_are_used(table: Table, register: Mapping[str, Check]) -> Iterator[Finding]:
    for name, check in register.items():
        if (name in table.checks) == check.beside_table:
            where = "listed in a row though beside the table" if check.beside_table else "in no row"
            yield Finding("check-used", name, where)


def _sizes_match(table: Table) -> Iterator[Finding]:
    for slot in _slots(table):
        for source in (slot.means, *slot.defs.values()):
            if source is not None and _differ(slot, source):
                yield Finding("slot-size", slot.label, f"{size_of(slot)}, but {source!r} is {size_of(source)}")
    for row in table.rows:
        for register, source in (*row.sets, *row.then_sets):
            if _differ(register, source):
                yield Finding("slot-size", register.label, f"{size_of(register)}, assigned {size_of(source)}")


def _differ(slot: Term, source: Term) -> bool:
    mine, its = size_of(slot), size_of(source)
    absent = its == 0  # An optional item that is not there.
    return its is not None and not absent and mine != its and mine not in ("rest", "items")


def _slots(table: Table) -> set[Term]:
    terms = {m.term for row in table.rows for m in (row.receives, *row.sends)}
    terms |= {pattern for row in table.rows for _, pattern in row.opens}
    return {leaf for term in terms for leaf in term.reach if leaf.op == "slot"}


# --- states ----------------------------------------------------------------------------------------------------------


def _states_lead_on(table: Table) -> Iterator[Finding]:
    for role in table.roles:
        rows = [row for row in table.rows if row.role == role.name]
        reached = _reachable(role.start, rows)
        for state in table.states(role.name):
            place = f"{role.name}:{state}"
            leaving = [row for row in rows if row.state == state]
            if state not in reached:
                yield Finding("state-reachable", place, "no row leads there")
            if state in FINAL or _only_serves(rows):
                continue
            if all(row.next_state == state for row in leaving):
                yield Finding("state-exit", place, "no row leads away")
            if _waits_for_peer(leaving) and not any(row.receives.channel == TIMER for row in leaving):
                yield Finding("state-timer", place, "waits for its peer without a deadline")


def _reachable(start: str, rows: list[Transition]) -> set[str]:
    reached, pending = set[str](), [start]
    while pending:
        state = pending.pop()
        if state not in reached:
            reached.add(state)
            pending += [row.next_state for row in rows if row.state == state]
    return reached


def _only_serves(rows: list[Transition]) -> bool:
    """A role that answers local requests has no session to end."""
    return all(row.receives.channel == LOCAL and row.state == row.next_state for row in rows)


def _waits_for_peer(rows: list[Transition]) -> bool:
    """The software waits for its own TAM without a deadline: both are one platform."""
    return any(row.receives.channel in (NET, RECORD) for row in rows)


# --- guards ----------------------------------------------------------------------------------------------------------


def _guards_choose(table: Table) -> Iterator[Finding]:
    """Rows of one state and message: disjoint, or the more general one later. What fits none is `frame_is_expected`."""
    groups: dict[tuple[str, str, str], list[Transition]] = defaultdict(list)
    for row in table.rows:
        groups[row.role, row.state, row.receives.name].append(row)
    for (role, state, message), rows in groups.items():
        for first, second in combinations(rows, 2):
            earlier, later = set(first.when), set(second.when)
            if earlier <= later:
                yield Finding("guard-shadowed", second.id, f"{first.id} takes everything before it")
            elif not (later < earlier or _disjoint(earlier, later)):
                yield Finding("guard-overlap", f"{role}:{state}:{message}", f"{first.id} and {second.id} both may fit")


def _disjoint(one: set[Guard], other: set[Guard]) -> bool:
    return any(a.term is b.term and a.equals is not b.equals for a in one for b in other)


# --- knowledge -------------------------------------------------------------------------------------------------------


def _everything_is_known(table: Table) -> Iterator[Finding]:
    """Whatever a row computes is given, fresh, assigned, defined or received earlier, on every path."""
    for role in table.roles:
        known = known_in_states(table, role)
        for row in table.rows:
            if row.role == role.name and row.state in known:
                yield from _row_knows(row, known[row.state])


def known_in_states(table: Table, role: Role) -> dict[str, Known]:
    """State of a role to what is known on every path that leads there; without states that none leads to."""
    rows = [row for row in table.rows if row.role == role.name]
    start = frozenset((*role.given, *role.fresh, *(register for register, _ in role.initial)))
    known, pending = {role.start: start}, [role.start]
    while pending:
        state = pending.pop()
        for row in (r for r in rows if r.state == state):
            after, before = known[state] | learned(row), known.get(row.next_state)
            merged = after if before is None else before & after
            if merged != before:
                known[row.next_state] = merged
                pending.append(row.next_state)
    return known


def _row_knows(row: Transition, known: Known) -> Iterator[Finding]:
    if not row.receives.blind and (lack := lacking_to_read(row.role, row.receives.term, known)) is not None:
        yield Finding("known", f"{row.id} {lack.label}", "needed to read the message")
    for use, added in uses(row):
        lack = missing(row.role, use.term, known | added)
        if lack is not None:
            yield Finding("known", f"{row.id} {lack.label}", f"needed for {use.purpose}")


# --- meanings --------------------------------------------------------------------------------------------------------


def _meanings_are_enforced(table: Table) -> Iterator[Finding]:
    """A received slot whose meaning the receiver can compute is judged in the row that receives it."""
    for role in table.roles:
        known = known_in_states(table, role)
        for row in table.rows:
            if row.role == role.name and not _discards(row):
                yield from _row_enforces(row, known.get(row.state, frozenset()) | learned(row))


def _row_enforces(row: Transition, known: Known) -> Iterator[Finding]:
    judged = _judged(row)
    for slot in _received(row):
        if slot in judged or slot.means is None:
            continue
        verifiable = slot.means.op == "sign"  # Whoever has the public key can judge what only the owner computes.
        if verifiable or missing(row.role, slot.means, known - {slot}) is None:
            yield Finding("enforced", slot.label, f"{row.id} does not compare it with its meaning")
    for term in _sealed(row.receives.term):
        if term not in judged:
            yield Finding("enforced", f"{row.id} tag", "no check verifies the tag")


def _received(row: Transition) -> tuple[Term, ...]:
    blind = row.receives.blind
    slots = [s for s in bound_by(row.receives) if s.op == "slot" and s not in blind]
    return (*slots, *(s for _, pattern in row.opens for s in received_slots(pattern)))


def _judged(row: Transition) -> set[Term]:
    """Terms that a check of the row takes a stand on; a slot stands for itself inside a byte string too."""
    judged: set[Term] = set()
    for step in row.checks:
        form = step.form
        if isinstance(form, Holds):
            judged.update(a.args[0] if a.op == "bstr" else a for a in form.arguments)
        elif isinstance(form, TagVerifies):
            judged.add(form.term)
        elif isinstance(form, Equals | Verifies):
            judged.add(form.slot)
    return judged


def _sealed(pattern: Term) -> Iterator[Term]:
    if pattern.op == "aead":
        yield pattern
    for argument in matched(pattern):
        yield from _sealed(argument)


def _discards(row: Transition) -> bool:
    """Nothing that was received is used."""
    return not (row.sends or row.sets or row.then_sets or row.events or row.next_state != row.state)


# --- forwarding ------------------------------------------------------------------------------------------------------


def _nothing_is_forwarded_blindly(table: Table) -> Iterator[Finding]:
    """What a role hands on readable to others, it has judged when it received it, or a message names it as opaque."""
    for role in table.roles:
        rows = [row for row in table.rows if row.role == role.name]
        remote = [row for row in rows if row.receives.channel not in (APP, TIMER)]
        judged = {slot for row in remote for slot in _judged(row)}
        received = {slot for row in remote for slot in _received(row)}
        named = {term for row in remote for term in row.receives.blind}
        for message in {message for row in rows for message in row.sends}:
            for slot in _readable(role.name, message.term, frozenset(named)):
                if slot in received and slot not in judged:
                    yield Finding("blind-forwarding", f"{role.name} {slot.label}", f"handed on in {message.name}")


def _readable(role: str, term: Term, named: frozenset[Term]) -> Iterator[Term]:
    """Slots that whoever reads the message can see, in the sender's view of it."""
    if term in named:
        return
    if term.op == "slot":
        yield term
        way = term.defs.get(role) or term.means
        if way is not None:
            yield from _readable(role, way, named)
        return
    for argument in matched(term):
        yield from _readable(role, argument, named)


RULES: tuple[Rule, ...] = (
    _names_are_unique,
    _sizes_match,
    _states_lead_on,
    _guards_choose,
    _everything_is_known,
    _meanings_are_enforced,
    _nothing_is_forwarded_blindly,
)
