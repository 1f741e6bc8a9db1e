"""Values that must be new each time: nonces, ephemeral keys, identifiers. Which those are is read off the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ...harness.evaluator.run import Run
from ...harness.tester.fields import fields
from ...model.protocol.tables import profile
from ...model.table import Message
from ...model.terms import Term

LEAST = 16
"""Octets below which a value may repeat by chance."""


@cache
def fresh_slots() -> dict[str, tuple[Term, ...]]:
    """Message to those of its slots that an honest sender draws anew, or computes from such a draw alone."""
    table = profile()
    atoms = {atom for role in table.roles for atom in role.fresh} | {atom for row in table.rows for atom in row.fresh}
    atoms = {atom for atom in atoms if isinstance(atom.sort.size, int) or atom.label in ("x", "y")}
    return {
        message.name: tuple(item for item in _slots(message) if _is_fresh(item, message.sender, atoms))
        for message in table.messages.values()
    }


def _slots(message: Message) -> set[Term]:
    """Slots of a message, those inside its tokens and labels included."""
    return {item.term for item in fields(message, message.sender) if item.term.op == "slot"}


def _is_fresh(item: Term, sender: str, atoms: set[Term]) -> bool:
    source = item.defs.get(sender) or item.means
    return source in atoms or (source is not None and source.op == "share" and source.args[0] in atoms)


def fresh_values(run: Run, messages: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The fresh values of messages that were just received, by name and octets.

    A message that the receiver did not take apart, in a state that ignores it, has none.
    """
    slots = ((item, data) for name, data in messages for item in fresh_slots().get(name, ()))
    values = ((item.label, run.values.get(item), data) for item, data in slots)
    return [
        (label, value)
        for label, value, data in values
        if isinstance(value, bytes) and len(value) >= LEAST and value in data
    ]


def repeated(values: Sequence[tuple[str, bytes]]) -> str:
    """What two values have in common that should be drawn anew; nothing if they have not."""
    for position, (label, value) in enumerate(values):
        for other_label, other in values[:position]:
            same = sum(a == b for a, b in zip(value, other, strict=False))
            if len(value) == len(other) and 2 * same >= len(value):
                return f"{label} and {other_label} share {same} of {len(value)} octets"
    return ""
