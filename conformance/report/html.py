"""The report of a run as one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from ... import spec
from ...harness.faults.register import FAULTS
from ...harness.page.page import Section, render
from ...harness.verdict.records import TestResult, status_label, status_reason
from ...harness.verdict.results import Results
from ...harness.verdict.summary import headline
from ...harness.verdict.verdict import Judgement, Status, Verdict
from .figures import kills, matrix_date, removals
from .findings import groups, worded
from .machine import MachineOf, Role, machine
from .machine_drawing import drawn
from .run import Run, counts, together


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """A requirement with its status and its tests."""

    requirement: spec.Requirement
    status: str
    reason: str
    passed: int
    tests: int
    """All that cite it, whether they ran or not."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """A clause or threat: the requirements behind it, and what they come to."""

    id: str
    title: str
    status: str
    reason: str
    decided: int
    requirements: tuple[tuple[str, str], ...]
    """Id and status."""


def page(run: Run) -> str:
    """The HTML document. Raises what `page.render` raises."""
    results = run.results
    by_requirement = {name: found[0] for name, found in results.by_requirement().items()}
    listed, machines, found = list(_requirements(results)), list(_machines(run)), list(groups(run))
    values: dict[str, Any] = {
        "run": run, "header": results.header, "headline": headline(results), "verdict": results.verdict.label,
        "tests": [(t, status_label(t.status), worded(t.judgement.reason), _met(t)) for t in results.tests],
        "counts": counts(run.status_of), "requirement_counts": counts([row.status for row in listed]),
        "groups": found, "requirements": listed, "statuses": {row.requirement.id: row.status for row in listed},
        "machines": machines, "kills": kills(run), "removals": removals(run),
        "clauses": list(_clauses(by_requirement)), "threats": list(_threats(by_requirement)),
        "matrix_date": matrix_date(), "faults": [FAULTS[name] for name in results.header.faults if name in FAULTS],
    }  # fmt: skip
    return render(
        files(__package__), "report.html", title=f"Conformance report: {results.verdict.label}",
        sections=list(_sections(values)), values=values, styles=["report.css"],
    )  # fmt: skip


def _met(test: TestResult) -> str:
    """How a fault was met: the grade, and the refusal that the witness names."""
    judged = test.judgement
    if not isinstance(judged, Judgement) or judged.grade is None:
        return ""
    refusal = judged.witness.refused_for_reason if judged.witness else None
    return judged.grade.value + (f": {worded(refusal)}" if refusal else "")


def _sections(values: dict[str, Any]) -> Iterator[Section]:
    bad = sum(len(group.findings) for group in values["groups"])
    yield Section("summary", "Summary")
    if bad:
        yield Section("findings", "Not passed", f"{bad:,}")
    for name, heading in (("requirements", "Requirements"), ("clauses", "Clauses"), ("threats", "Threats")):
        yield Section(name, heading, f"{len(values[name]):,}")
    if values["machines"]:
        yield Section("machine", "State machine")
    yield Section("faults", "Known faults")
    yield Section("removals", "Missing checks")
    yield Section("tests", "All tests", f"{len(values['tests']):,}")
    yield Section("circumstances", "Circumstances")


def _requirements(results: Results) -> Iterator[RequirementRow]:
    for name, (status, tests) in results.by_requirement().items():
        if (requirement := spec.requirements().get(name)) is not None:
            passed = sum(test.status is Verdict.PASS for test in tests)
            yield RequirementRow(requirement, status_label(status), _why(status, tests), passed, len(tests))


def _why(status: Status, tests: tuple[TestResult, ...]) -> str:
    """Why there is no verdict, or the worst test's complaint."""
    if not isinstance(status, Verdict) or status is Verdict.PASS:
        return status_reason(status)
    worst = next(test for test in tests if test.status is status)
    return worded(worst.judgement.reason)


def _clauses(statuses: dict[str, Status]) -> Iterator[Rolled]:
    for row in spec.iso_register().values():
        reason = row.not_wire_testable or ""
        yield _rolled(row.id, row.label, row.requirements, statuses, reason)


def _threats(statuses: dict[str, Status]) -> Iterator[Rolled]:
    for threat in spec.threats().values():
        yield _rolled(threat.id, threat.title, threat.requirements, statuses, "")


def _rolled(name: str, title: str, requirements: tuple[str, ...], statuses: dict[str, Status], reason: str) -> Rolled:
    known = [(one, statuses[one]) for one in requirements if one in statuses]
    decided = sum(isinstance(status, Verdict) for _, status in known)
    listed = tuple((one, status_label(status)) for one, status in known)
    return Rolled(name, title, together([status for _, status in known]), reason, decided, listed)


def _machines(run: Run) -> Iterator[tuple[MachineOf, str]]:
    """The machine of each role of a session, and its picture; of none where only the handshake was tested."""
    for role in run.roles:
        if role in ("device", "service"):
            made = machine(cast(Role, role), run.results.header.binding, run.status_of)
            yield made, drawn(made)
