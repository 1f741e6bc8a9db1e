"""What a run says about faults that are known: which ones it excludes, and what the missing checks would allow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ...harness.faults.register import FAULTS
from ...model.checks import CHECKS
from ...model.extract.committed import expected
from ..collect import suite_tests
from .run import Run

EXCLUDED, SUSPECTED, OPEN = "excluded", "suspected", "open"


@dataclass(frozen=True, slots=True)
class Kills:
    """The known faults that break a requirement, counted for each role under test.

    A fault is excluded when the test that kills it passed, suspected when it did not, else open.
    """

    requirement: str
    excluded: int
    suspected: int
    open: int
    killers: int
    """Tests that tell one of them, by the full kill matrix."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.excluded + self.suspected + self.open


@dataclass(frozen=True, slots=True)
class Removal:
    """A check, the claims of which attacks are found when it is missing, and the tests about it in this run."""

    check: str
    requirement: str
    claims: tuple[str, ...]
    verdict: str
    status: str
    passed: int
    ran: int


def kills(run: Run) -> tuple[Kills, ...]:
    """One entry for each requirement that a known fault breaks."""
    index, found = _index(), dict[str, Counter[str]]()
    for fault in FAULTS.values():
        for role in set(fault.roles).intersection(run.roles):
            status = run.status_of.get(index.get(f"{fault.name}/{role}", ""), "")
            what = EXCLUDED if status == "pass" else SUSPECTED if status in ("fail", "inconc", "error") else OPEN
            found.setdefault(fault.requirement, Counter())[what] += 1
    killers = _killers(run.roles)
    return tuple(
        Kills(name, tally[EXCLUDED], tally[SUSPECTED], tally[OPEN], killers.get(name, 0))
        for name, tally in sorted(found.items())
    )


def matrix_date() -> str:
    """When the full kill matrix was made."""
    return str(_matrix()["date"])


@cache
def _index() -> Mapping[str, str]:
    """Fault and role to a test that kills it."""
    read: dict[str, str] = json.loads((files(__package__).joinpath("..", "kills.json")).read_text(encoding="utf-8"))
    return read


@cache
def _matrix() -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads((files(__package__).joinpath("..", "kill_matrix.json")).read_text("utf-8"))
    return read


def _killers(roles: tuple[str, ...]) -> Mapping[str, int]:
    """How many tests tell a fault that breaks a requirement."""
    told: dict[str, set[tuple[str, int]]] = {}
    for key, entry in _matrix()["faults"].items():
        role = key.rpartition("/")[2]
        if role in roles:
            told.setdefault(entry["requirement"], set()).update((role, n) for n in _numbers(entry["killed_by"]))
    return {requirement: len(tests) for requirement, tests in told.items()}


def _numbers(ranges: str) -> range | list[int]:
    """The numbers that `matrix.ranges` has written."""
    found: list[int] = []
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def removals(run: Run) -> tuple[Removal, ...]:
    """Every single check that the verifier was asked to leave out."""
    about: dict[str, list[str]] = {}
    for test in suite_tests():
        status = run.status_of.get(test.id)
        if test.case.check and status in ("pass", "fail", "inconc", "error"):
            about.setdefault(test.case.check, []).append(status)
    return tuple(
        _removal(check, entry, about.get(check, [])) for check, entry in expected()["matrix"].items() if check in CHECKS
    )


def _removal(check: str, entry: Mapping[str, Any], statuses: list[str]) -> Removal:
    order = ("pass", "inconc", "fail", "error")
    status = max(statuses, key=order.index, default="not exercised")
    claims = tuple(sorted({claim.partition(" ")[0] for claim in entry["broken"]}))
    return Removal(
        check, CHECKS[check].requirement, claims, entry["verdict"], status, statuses.count("pass"), len(statuses)
    )
