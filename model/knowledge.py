"""What a role knows: which terms it can compute from what it holds, and what a message adds."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from .symbols import SYMBOLS, received_slots, structural
from .table import Equals, Message, Step, TagVerifies, Transition, Verifies
from .terms import Term

Known = frozenset[Term]


def missing(role: str, term: Term, known: Set[Term]) -> Term | None:
    """The first leaf that `role` lacks to compute `term`; None if it can."""
    if term in known:
        return None
    if term.op == "name":
        return term
    if term.op == "slot":
        way = term.defs.get(role) or term.means
        return term if way is None else missing(role, way, known)
    return next((lack for argument in term.args if (lack := missing(role, argument, known)) is not None), None)


def bound_by(message: Message) -> Known:
    """What receiving a message binds: slots, and what is taken as opaque octets."""
    return frozenset(_bound(message.term, message.blind))


def _bound(pattern: Term, blind: tuple[Term, ...]) -> Iterator[Term]:
    if pattern in blind or pattern.op == "slot":
        yield pattern
    elif pattern.op in structural():
        for argument in pattern.args:
            yield from _bound(argument, blind)
    else:
        yield from received_slots(pattern)


def lacking_to_read(role: str, pattern: Term, known: Set[Term]) -> Term | None:
    """The first leaf that `role` lacks to take `pattern` apart, left to right."""
    learned = set(known)

    def walk(term: Term) -> Term | None:
        if term.op == "slot":
            learned.add(term)
            return None
        if term.op in structural():
            return next((lack for a in term.args if (lack := walk(a)) is not None), None)
        for opening in SYMBOLS[term.op].opens:
            for place in opening.needs:
                if (lack := missing(role, term.args[place], learned)) is not None:
                    return lack
            if (lack := walk(term.args[opening.yields])) is not None:
                return lack
        return None

    return walk(pattern)


@dataclass(frozen=True, slots=True)
class Use:
    """A term that a row needs, and for what."""

    term: Term
    purpose: str


def uses(row: Transition) -> Iterator[tuple[Use, Known]]:
    """What a row computes, in order, with what the row itself has added by then."""
    added = set(bound_by(row.receives))
    for guard in row.when:
        yield Use(guard.term, "guard"), frozenset(added)
    for carrier, pattern in row.opens:
        yield Use(carrier, "opens"), frozenset(added)
        added |= set(received_slots(pattern))
    for check in row.checks:
        for term in judged_terms(check):
            yield Use(term, check.check.name), frozenset(added)
    added |= set(row.fresh)
    for _, source in row.sets:
        yield Use(source, "sets"), frozenset(added)
    added |= {register for register, _ in row.sets}
    for message in row.sends:
        yield Use(message.term, f"sends {message.name}"), frozenset(added)
    for event in row.events:
        for label, term in event.data:
            yield Use(term, f"event {event.name}.{label}"), frozenset(added)
    for _, source in row.then_sets:
        yield Use(source, "sets"), frozenset(added)


def judged_terms(step: Step) -> tuple[Term, ...]:
    """Every term that a check computes."""
    form = step.form
    if isinstance(form, Verifies):
        return (form.slot, form.key, form.message)
    if isinstance(form, TagVerifies):
        return form.term.args[:3]
    if isinstance(form, Equals):
        expected = form.expected if form.expected is not None else form.slot.means
        return (form.slot,) if expected is None else (form.slot, expected)
    return form.arguments


def learned(row: Transition) -> Known:
    """What a role holds after a row that it did not hold before."""
    opened = (s for _, pattern in row.opens for s in received_slots(pattern))
    registers = (register for register, _ in (*row.sets, *row.then_sets))
    code = (row.receipt_code,) if row.receipt_code is not None else ()
    return bound_by(row.receives).union(opened, row.fresh, registers, code)
