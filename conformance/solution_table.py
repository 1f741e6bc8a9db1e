"""The solutions of ISO/IEC 27071 Annex B as a table for readers: what implements each, and which tests show it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..model.draw import markdown
from ..spec import iso_register, requirements
from ..spec.records import IsoRow
from .collect import suite_tests

HEAD = ("clause", "solution", "implemented by", "requirements", "tests of the suite", "tests of the project")
ANNEX = "B."


@dataclass(frozen=True, slots=True)
class Solution:
    """Files or folders of a checkout: what implements an item of Annex B, and tests beside the suite's."""

    code: tuple[str, ...]
    tests: tuple[str, ...]


@cache
def solutions() -> dict[str, Solution]:
    """By item of the annex."""
    text = (Path(__file__).parent / "solutions.toml").read_text(encoding="utf-8")
    return {name: Solution(tuple(row["code"]), tuple(row["tests"])) for name, row in tomllib.loads(text).items()}


def rows() -> Iterator[IsoRow]:
    """The items of the annex, in its order."""
    return (row for row in iso_register().values() if row.id.startswith(ANNEX))


def modules(row: IsoRow) -> list[str]:
    """Modules of the suite with a test that cites a requirement of the item."""
    wanted = set(row.requirements)
    return sorted({test.id.partition("::")[0] for test in suite_tests() if wanted.intersection(test.case.requirements)})


def solution_table() -> str:
    """Markdown, from the register of the standard, the suite and `solutions.toml`."""
    return "\n".join(
        (
            "# The solutions of ISO/IEC 27071 Annex B",
            "",
            "Clause numbers are those of the standard, `/n` is the n-th item of a list. Requirements are explained by",
            "`trustconn explain ID`; those in parentheses are specified and not implemented. Beside tests of the suite",
            "stands why they do not show all.",
            "",
            markdown(HEAD, [_cells(row) for row in rows()]),
            "",
        )
    )


def _cells(row: IsoRow) -> tuple[str, ...]:
    solution, known = solutions()[row.id], requirements()
    cited = (id_ if known[id_].implemented else f"({id_})" for id_ in row.requirements)
    tests = [f"`{name}`" for name in modules(row)]
    if row.not_wire_testable:
        tests.append(row.not_wire_testable)
    links = (f"[`{path}`](../{path})" for path in solution.code)
    return row.id, row.label, _lines(links), ", ".join(cited), _lines(tests), _lines(f"`{p}`" for p in solution.tests)


def _lines(items: Iterator[str] | list[str]) -> str:
    return "<br>".join(items) or "-"
