"""A relying party that asks a verifier: every row that judges evidence is cut in two, and the result decides (VER-05).

The first half forwards evidence as it came, with the context of the binder; the second judges the result, and does
what the whole row did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from ..table import Message, Step, Table, Transition
from .background import RESULT, question_about, result_checks
from .forms import BY_TOKENS, Format, Kinds
from .frames import I, R, Side
from .given import given
from .judged import JUDGED
from .tables import profile

ASKING = "_asking"
"""What the state is called in which a result is waited for."""
KEPT = ("cmw_type_was_accepted", "cmw_is_marked_evidence")
"""Checks of evidence that a relying party makes before it asks."""


@dataclass(frozen=True)
class Forwarded:
    """Evidence that is forwarded: the side that it is about, what asks a verifier about it, what that judges."""

    attester: Side
    question: Message
    appraisal: tuple[Step, ...]


def _forwarded(kind: Format, attester: Side) -> tuple[Message, Forwarded]:
    """By its ATT."""
    judged, letter = JUDGED[kind](), attester.letter
    return judged.evidence[letter].att, Forwarded(
        attester, question_about(kind, letter).message, judged.checks(attester)
    )


def _halves(row: Transition, known: Mapping[Message, Forwarded]) -> Iterator[Transition]:
    what = known.get(row.receives)
    judged = set(row.checks).intersection(what.appraisal) if what else set()
    if what is None or not judged:
        yield row
        return
    forwarded = {item for item in judged if item.check.name not in KEPT}
    waiting = f"{row.state}{ASKING}"
    yield replace(
        row, next_state=waiting, checks=tuple(item for item in row.checks if item not in forwarded),
        fresh=(), sets=(), then_sets=(), events=(), sends=(what.question,),
    )  # fmt: skip
    result = RESULT[what.attester.letter].message
    yield replace(row, state=waiting, receives=result, opens=(), checks=result_checks(what.attester))


def asking(table: Table, kinds: Kinds = BY_TOKENS) -> Table:
    """The table of peers that have evidence, of these types, judged by a verifier; results they judge themselves."""
    known = dict(_forwarded(kind, side) for side, kind in zip((I, R), kinds, strict=True) if kind in JUDGED)
    rows = tuple(half for row in table.rows for half in _halves(row, known))
    roles = tuple(replace(role, given=given(rows, role.name)) for role in table.roles)
    return replace(table, name=f"{table.name}, asking", roles=roles, rows=rows)


@cache
def asking_profile(binding: str, kinds: Kinds = BY_TOKENS) -> Table:
    """The profile over a binding, with peers that ask. Raises KeyError."""
    return asking(profile(binding, kinds), kinds)
