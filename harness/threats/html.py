"""The review as one page that needs no network: what stands in the way of a sign-off, each threat, and its proofs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ...model.verifier import charts
from ...spec import Requirement, powers, requirements
from ..page.page import Section, render, slug
from ..verdict.records import TestResult, status_label
from ..verdict.verdict import Verdict, worst
from . import diagram
from .exercise import Exercise, State
from .review import Finding, Review, ShownAttack, claim_verdicts, shown_attacks

_LOOKS = {
    State.FAILED: "fail", State.NOT_EXERCISED: "not exercised", State.UNDECIDED: "inconc", State.PARTLY: "error",
    State.WITHSTOOD: "pass",
}  # fmt: skip
"""The status of a test whose mark and colour a state has."""
_NEITHER = {"ics": "statement", "attested": "attested claim", "laboratory": "laboratory"}
"""What decides a requirement that no conversation does."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a requirement at a component: a status as of a test, or what decides it instead, and tests run."""

    status: str
    tests: int


def to_html(review: Review, signed: Mapping[str, Any] | None = None) -> str:
    """The page; `signed` is the sign-off that holds for it."""
    blockers = tuple(review.blockers())
    sections = [
        Section("sign-off", "Sign-off", "given" if signed else f"{len(blockers)} open" if blockers else "possible"),
        Section("system", "The system"),
        Section("threats", "Threats", str(len(review.findings))),
        Section("scenarios", "Scenarios", str(len(review.scenarios))),
        Section("not-applicable", "What does not apply", str(len(review.inapplicable))),
        Section("words", "What the words mean"),
    ]
    values = {
        "review": review, "blockers": blockers, "signed": signed, "states": State, "looks": _LOOKS,
        "counts": Counter(finding.state for finding in review.findings), "claims": claim_verdicts,
        "attack": _attack, "attacks": shown_attacks, "rows": _rows, "complaints": _complaints, "powers": powers(),
        "anchor": anchor, "label": status_label, "diagram": diagram.svg(review.system), "requirements": requirements(),
    }  # fmt: skip
    title = f"Threat review: {review.system.about.name}"
    return render(
        files(__package__), "review.html", title=title, sections=sections, values=values, styles=("review.css",)
    )


def anchor(finding: Finding) -> str:
    """The id of a finding in the page."""
    return f"threat-{slug(finding.threat.id)}-{finding.applies.element}"


def _attack(finding: Finding) -> dict[str, Any] | None:
    """The most telling attack, one that a run succeeded with before all others: its picture, and the same in words."""
    found = sorted(shown_attacks(finding.threat.id), key=lambda attack: not _succeeded(finding, attack))
    if not found:
        return None
    shown = found[0]
    tip = f"tip-{anchor(finding)}"
    picture = charts.svg(shown.attack).replace('id="tip"', f'id="{tip}"').replace("#tip)", f"#{tip})")
    played = [(one.component, one.played(shown.removed)) for one in finding.exercises]
    return {
        "shown": shown, "picture": picture, "text": charts.text(shown.attack), "others": found[1:],
        "played": [(component, test) for component, test in played if test is not None],
    }  # fmt: skip


def _succeeded(finding: Finding, attack: ShownAttack) -> bool:
    played = [one.played(attack.removed) for one in finding.exercises]
    return any(test.status is Verdict.FAIL for test in played if test is not None)


def _rows(finding: Finding) -> list[tuple[Requirement, list[Cell]]]:
    """Every requirement that meets the threat, with a cell for each component that tests of it were for."""
    columns = [_by_requirement(one) for one in finding.exercises]
    rows = []
    for name in finding.threat.requirements:
        requirement = requirements()[name]
        pairs = zip(finding.exercises, columns, strict=True)
        cells = [_cell(requirement, one, tests.get(name, [])) for one, tests in pairs]
        if any(cell.status for cell in cells):
            rows.append((requirement, cells))
    return rows


def _by_requirement(one: Exercise) -> dict[str, list[TestResult]]:
    found: dict[str, list[TestResult]] = {}
    for test in one.tests:
        for name in test.case.requirements:
            found.setdefault(name, []).append(test)
    return found


def _cell(requirement: Requirement, one: Exercise, tests: Sequence[TestResult]) -> Cell:
    verdicts = [test.status for test in tests if isinstance(test.status, Verdict)]
    return Cell(worst(verdicts).label if verdicts else _without(requirement, tests, one), len(verdicts))


def _without(requirement: Requirement, tests: Sequence[TestResult], one: Exercise) -> str:
    """The status of a requirement that no test decided; empty where it does not bind the component."""
    if tests:
        return status_label(tests[0].status)
    if requirement.testability.value in _NEITHER:
        return _NEITHER[requirement.testability.value]
    return "not exercised" if any(requirement.id in gap.requirements for gap in one.gaps) else ""


def _complaints(one: Exercise) -> Sequence[TestResult]:
    """The tests of an exercise that ran and did not pass."""
    return [test for test in one.tests if isinstance(test.status, Verdict) and test.status is not Verdict.PASS]
