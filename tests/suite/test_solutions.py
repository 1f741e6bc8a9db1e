"""The table of Annex B: complete, and true about what is in the checkout."""

from __future__ import annotations

import pytest

from trustconn.conformance.solution_table import Solution, modules, rows, solution_table, solutions
from trustconn.spec.prose import FOLDER
from trustconn.spec.records import IsoRow

CHECKOUT = FOLDER.resolve().parent
DECLARED = {"B.1/2"}
"""A restriction that this version declares: a TCM."""


def test_every_solution_of_the_annex_has_its_line() -> None:
    assert list(solutions()) == [row.id for row in rows()]
    assert [row.id for row in rows() if f"| {row.id} |" not in solution_table()] == []


@pytest.mark.parametrize("name", solutions())
def test_what_is_named_is_there(name: str) -> None:
    solution = solutions()[name]
    assert [path for path in (*solution.code, *solution.tests) if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("row", [row for row in rows() if row.id not in DECLARED], ids=lambda row: row.id)
def test_what_is_implemented_is_tested(row: IsoRow) -> None:
    """By the suite, or with a reason by tests of this project, or with a reason by an examination."""
    solution: Solution = solutions()[row.id]
    assert modules(row) or row.not_wire_testable
    assert bool(solution.code) == bool(solution.tests)
