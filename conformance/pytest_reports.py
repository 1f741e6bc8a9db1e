"""Verdicts of the suite as reports of pytest."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import pytest

from ..harness.verdict.expected import Expectations
from ..harness.verdict.records import TestResult, status_label
from ..harness.verdict.verdict import Judgement, Verdict
from ..spec import requirements
from .progress import Progress

if TYPE_CHECKING:
    from .pytest_plugin import SuiteItem
    from .suite import SuiteRun

When = Literal["setup", "call", "teardown"]
Outcome = Literal["passed", "failed", "skipped"]


class Teller(Progress):
    """Tells pytest each result as it comes, and stops the suite when pytest has had enough."""

    def __init__(
        self, session: pytest.Session, suite: SuiteRun, items: Mapping[str, SuiteItem], expected: Expectations
    ) -> None:
        super().__init__(silent=True)
        self._session, self._suite, self._items, self._expected = session, suite, items, expected
        self._lock = threading.Lock()  # Results of another role come on a thread of their own.

    def advance(self, result: TestResult) -> None:
        """The reports that pytest makes of a test that it runs itself: what came of it, and that it has ended."""
        item = self._items[result.case.id]
        with self._lock:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for report in (report_of(item, result, self._expected), _report(item, result, "teardown", "passed")):
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            if self._session.shouldfail or self._session.shouldstop:
                self._suite.interruption.asked = True


def report_of(item: SuiteItem, result: TestResult, expected: Expectations) -> pytest.TestReport:
    """What came of a test.

    A failure that is expected is an `xfail`, a pass against expectation a failure. An inconclusive test has failed, the
    tester's own error is an error, and what was not exercised is skipped with its reason.
    """
    status = result.status
    if why := expected.met(result):
        report = _report(item, result, "call", "skipped", (str(item.path), None, why))
        report.wasxfail = why
        return report
    if status is Verdict.PASS:
        if why := expected.tests.get(result.case.id):
            return _report(item, result, "call", "failed", f"expected to fail, and passed: {why}")
        return _report(item, result, "call", "passed")
    if not isinstance(status, Verdict):
        reason = f"Skipped: {status_label(status)}: {status.reason}"
        return _report(item, result, "setup", "skipped", (str(item.path), None, reason))
    return _report(item, result, "setup" if status is Verdict.ERROR else "call", "failed", "\n".join(_told(result)))


def _told(result: TestResult) -> Iterator[str]:
    """A failure for its reader: verdict, sentences of the specification, witness, and the command that repeats it."""
    yield f"{status_label(result.status).upper()}: {result.judgement.reason}"
    for name in result.case.requirements:
        yield f"{name}: {requirements()[name].sentence}"
    yield from _witness(result)
    yield f"again: {result.case.rerun}"


def _witness(result: TestResult) -> Iterator[str]:
    known = result.judgement if isinstance(result.judgement, Judgement) else None
    if known and known.grade:
        yield f"grade: {known.grade.value}"
    for part, shown in asdict(known.witness).items() if known and known.witness else ():
        if shown:
            yield f"{part.replace('_', ' ')}: {shown}"


def _report(item: SuiteItem, result: TestResult, when: When, outcome: Outcome, told: Any = None) -> pytest.TestReport:
    case = result.case
    known = {
        "requirements": " ".join(case.requirements), "seed": str(result.seed), "rerun": case.rerun,
        "transcript": result.transcript or "", "witness": "\n".join(_witness(result)),
    }  # fmt: skip
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), outcome, told, when,
        sections=[("witness", known["witness"])] if known["witness"] and when == "call" else [],
        duration=result.duration if when != "teardown" else 0.0,
        user_properties=[(name, value) for name, value in known.items() if value],
    )  # fmt: skip
