"""Which slots a check, a guard or a claim looks at. Of all others nothing is kept: they are erased on both sides.

Erasing a field everywhere is a homomorphism: every trace of the table, erased, is a trace of what is left, so that no
attack is lost. It only adds power: peers that agreed on an erased field need not agree on it any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..checks import CheckClass
from ..claims import STATEMENTS
from ..statements import Agree, Secret, Signed, Unique
from ..symbols import SHARE, received_slots
from ..table import LOCAL, Equals, Holds, Step, Table, Transition, Verifies
from ..terms import Term
from .tpm import ALIKE

REPRESENTATIVE = ("OFFERED_I", "OFFERED_R")
"""One field of each HELLO stands for all that nobody looks at: the HELLOs are compared as wholes."""
IN_THE_WORLD = (
    "PROOFS_", "ENDORSEMENTS_", "WAIVER_X5T_", "EAR_X5T_", "TPM_AK_PUBLIC_", "EAT_FURTHER_", "LABEL_ACTION_",
    "LABEL_INPUTS_", "DATA_INPUTS_",
)  # fmt: skip
"""Revocation data is asked of the world, the authority or verifier that a statement names is its key, and so is the
public area of an attestation key. What a label says that data was made from, and a confirmation among it, goes beside
DATA, where it is looked at."""


def erased(table: Table) -> frozenset[str]:
    """Labels of slots that are received somewhere and that nothing looks at."""
    received = {slot for row in table.rows for p in _patterns(row) for slot in received_slots(p)}
    kept = set(_looked_at(table))
    ways = {way for slot in kept if slot.op == "slot" for way in slot.defs.values()}
    kept |= ways | {slot for way in ways if way.op == "map" for slot in received_slots(way)}
    fields = {field for slot in kept for field in _fields(slot)}
    kept |= {slot for slot in received if not fields.isdisjoint(_fields(slot))}
    return frozenset(
        slot.label
        for slot in received
        if slot.label.startswith(IN_THE_WORLD) or (slot not in kept and slot.label not in REPRESENTATIVE)
    )


def _fields(slot: Term) -> frozenset[str]:
    """The field of a structure of a TPM that a slot is, whatever the kind of structure."""
    if slot.op != "slot":
        return frozenset()
    return frozenset(slot.label.removeprefix(kind) for kind in ALIKE if slot.label.startswith(f"{kind}_"))


def _patterns(row: Transition) -> tuple[Term, ...]:
    return (row.receives.term, *(pattern for _, pattern in row.opens))


def _looked_at(table: Table) -> Iterator[Term]:
    judged = [t for row in table.rows for s in row.checks if s.check.cls is CheckClass.SYMBOLIC for t in _subjects(s)]
    claimed = list(_claimed())
    yield from judged
    yield from claimed
    registers = {leaf for term in (*judged, *claimed) for leaf in term.reach}
    for row in table.rows:
        asked = row.receives.channel == LOCAL and not row.receives.blind
        yield from (slot for slot in row.receives.slots if slot.sort is SHARE or asked)
        yield from (carrier for carrier, _ in row.opens)
        for guard in row.when:
            yield from (guard.term, *guard.term.args)
        yield from (source for register, source in (*row.sets, *row.then_sets) if register in registers)


def _subjects(step: Step) -> tuple[Term, ...]:
    form = step.form
    if isinstance(form, Equals):
        return (form.slot,) if form.expected is None else (form.slot, form.expected)
    if isinstance(form, Verifies):
        return (form.slot,)
    return form.arguments if isinstance(form, Holds) else ()


def _claimed() -> Iterator[Term]:
    for statement in (s for each in STATEMENTS.values() for s in each):
        if isinstance(statement, Agree):
            yield from (*statement.data, *statement.peers)
        elif isinstance(statement, Unique):
            yield from (*statement.keys, *statement.agree)
        elif isinstance(statement, Secret):
            yield statement.term
        elif isinstance(statement, Signed):
            yield statement.message
