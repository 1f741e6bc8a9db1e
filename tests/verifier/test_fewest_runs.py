"""The attack that is shown has the fewest runs."""

from __future__ import annotations

from typing import Any

import pytest

from trustconn.model.verifier.claims import Claim
from trustconn.model.verifier.compiled import Common, compile_roles
from trustconn.model.verifier.engine import Answer, Engine
from trustconn.model.verifier.instances import Copy, Renaming
from trustconn.model.verifier.pool import Stats
from trustconn.model.verifier.protocol import Protocol, Template
from trustconn.model.verifier.published.rows import ROWS, Row
from trustconn.model.verifier.signature import Signature
from trustconn.model.verifier.terms import Atom
from trustconn.model.verifier.verify import ATTACK, Verifier

POWERS = frozenset({"dishonest", "stolen"})
TO_B: Template = ("aenc", "n", ("pk", "B"))
BROKEN = [(row.protocol, claim) for row in ROWS for claim, kind in row.claims.values() if kind == ATTACK]


def answer(protocol: Protocol, claim: Claim, *powers: str, **more: Any) -> tuple[Answer, Stats]:
    """That to the first query of a claim, and what it took."""
    stats = Stats()
    query = next(iter(claim.queries(protocol)))
    return Engine(protocol, frozenset(powers)).solve(query, stats, 8, lambda _: None, **more), stats


@pytest.mark.parametrize(("protocol", "claim"), BROKEN)
def test_no_attack_has_fewer_runs_than_the_one_that_is_shown(protocol: Protocol, claim: Claim) -> None:
    verifier = Verifier(protocol)
    shown = verifier.verify(claim, powers=POWERS)
    assert shown.attack is not None and shown.bound == len(shown.attack.runs)
    fewer = verifier.verify(claim, powers=POWERS, max_runs=shown.bound - 1)
    assert fewer.kind != ATTACK or fewer.bound == shown.bound  # The runs that the claim itself names are always there.


@pytest.mark.parametrize(("protocol", "claim"), BROKEN)
def test_any_attack_is_found_after_no_more_states_than_the_smallest(protocol: Protocol, claim: Claim) -> None:
    smallest, all_states = answer(protocol, claim, *POWERS)
    some, first_states = answer(protocol, claim, *POWERS, smallest=False)
    assert some.kind == smallest.kind
    assert some.bound >= smallest.bound
    assert first_states.states <= all_states.states


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_copy_of_a_run_is_the_run_with_other_variables_and_values(row: Row) -> None:
    signature = Signature(row.protocol)
    common, renaming = Common(), Renaming(signature, 7)
    for role in compile_roles(signature, POWERS):
        first = role.first(common)
        copy = Copy(first, renaming)
        assert [repr(step).replace("#7", "#0") for step in copy.steps] == [repr(step) for step in first.steps]
        for head in first.heads:
            own = copy.positions(renaming.term(head) if isinstance(head, Atom) else head)
            assert [repr(p).replace("#7", "#0") for p in own] == [repr(p) for p in first.positions(head)]
