"""The results of a run. They are computed from its events alone, so that an interrupted run loses nothing."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .events import EventLogError, read_events
from .records import Header, Json, RequirementRecord, TestCase, TestResult, status_label, status_reason
from .schema import validate_results
from .verdict import Judgement, NotExercised, Status, Verdict, requirement_status, worst

RESULTS = "results.json"
"""Name of the results file."""
FORMAT = 1
"""Version of the results file; raised when its meaning changes."""
STATUSES = ("pass", "inconc", "fail", "error", "not exercised", "not implemented", "not applicable")


@dataclass(frozen=True, slots=True)
class Results:
    """A run: circumstances, requirements, and one result for each selected test, in the plan's order."""

    header: Header
    requirements: tuple[RequirementRecord, ...]
    tests: tuple[TestResult, ...]
    complete: bool
    """All selected tests had their turn."""

    @staticmethod
    def of(events: Iterable[Json]) -> Results:
        """From a log's events. Raises `EventLogError` when it does not begin with a run or names an unplanned test."""
        stream = iter(events)
        first = next(stream, None)
        if first is None or first["event"] != "run started":
            raise EventLogError("the log does not begin with a run")
        plan = [TestCase.from_json(case) for case in first["plan"]]
        requirements = [RequirementRecord.from_json(data) for data in first["requirements"]]
        tally = Tally()
        tally.run_started(Header.from_json(first["header"]), requirements, plan, first["time"])
        for event in stream:
            if event["event"] == "run finished":
                tally.run_finished(event["interrupted"], event["time"])
            elif event["event"] == "test finished":
                tally.test_finished(TestResult.from_json(event["test"]), event["time"])
        return tally.results()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all tests; `Verdict.NONE` when no test ran."""
        return worst(test.status for test in self.tests if isinstance(test.status, Verdict))

    def by_requirement(self) -> dict[str, tuple[Status, tuple[TestResult, ...]]]:
        """Each requirement's status and the tests that cite it."""
        cited: dict[str, list[TestResult]] = {}
        for test in self.tests:
            for requirement in test.case.requirements:
                cited.setdefault(requirement, []).append(test)
        return {
            requirement.id: (
                requirement_status((test.status for test in cited.get(requirement.id, ())), requirement.otherwise),
                tuple(cited.get(requirement.id, ())),
            )
            for requirement in self.requirements
        }

    def to_json(self) -> Json:
        """As in the schema."""
        counts = Counter(status_label(test.status) for test in self.tests)
        return {
            "format": FORMAT,
            "header": self.header.to_json(),
            "complete": self.complete,
            "verdict": self.verdict.label,
            "counts": {label: counts[label] for label in STATUSES if label != "not implemented"},
            "requirements": [
                _requirement_json(record, status, tests)
                for record, (status, tests) in zip(self.requirements, self.by_requirement().values(), strict=True)
            ],
            "tests": [test.to_json() for test in self.tests],
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """From a results file's object. Raises `SchemaError`."""
        validate_results(data)
        requirements = tuple(RequirementRecord.from_json(requirement) for requirement in data["requirements"])
        tests = tuple(TestResult.from_json(test) for test in data["tests"])
        return cls(Header.from_json(data["header"]), requirements, tests, data["complete"])

    def save(self, path: Path) -> None:
        """Writes the results file, whole or not at all. Whoever reads it validates it."""
        scratch = path.with_suffix(".part")
        scratch.write_text(_written(self.to_json()), encoding="utf-8")
        os.replace(scratch, path)


class Tally:
    """Adds up the events of a run as they happen: told the same as an `EventLog`, it has what that log would tell.

    A run asks this one for its results rather than read its own log again.
    """

    def __init__(self) -> None:
        self._plan: dict[str, TestCase] = {}
        self._found: dict[str, TestResult] = {}
        self._interrupted: bool | None = None

    def run_started(
        self, header: Header, requirements: Sequence[RequirementRecord], plan: Sequence[TestCase], _time: float
    ) -> None:
        """The run begins."""
        self._header, self._requirements = header, tuple(requirements)
        self._plan = {case.id: case for case in plan}

    def test_started(self, _test_id: str, _time: float) -> None:
        """A test begins: nothing to count yet."""

    def test_finished(self, result: TestResult, _time: float) -> None:
        """A test ended. Raises `EventLogError` for one that nobody planned."""
        name = result.case.id
        if name not in self._plan:
            raise EventLogError(f"test {name} is not in the plan")
        self._found[name] = _never_better(self._found.get(name), result)

    def run_finished(self, interrupted: bool, _time: float) -> None:
        """The run ended."""
        self._interrupted = interrupted

    def results(self) -> Results:
        """What is known now; a log that says nothing about its end was interrupted."""
        complete = self._interrupted is False
        tests = tuple(self._found.get(name) or _unfinished(case, complete) for name, case in self._plan.items())
        return Results(self._header, self._requirements, tests, complete)


def _written(data: Json) -> str:
    """An object as JSON, with a line of its own for each entry and each element of a list in it."""
    entries = []
    for key, value in data.items():
        if isinstance(value, list):
            text = "[\n  " + ",\n  ".join(json.dumps(element, ensure_ascii=False) for element in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        entries.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def rebuild(folder: Path) -> Results:
    """Computes a run's results from `events.jsonl` in its folder and writes `results.json` beside it."""
    results = Results.of(read_events(folder / "events.jsonl"))
    results.save(folder / RESULTS)
    return results


def _unfinished(case: TestCase, complete: bool) -> TestResult:
    """A planned test without a result: the interruption's doing, or else the suite's own fault."""
    if complete:
        return TestResult(case, Judgement(Verdict.ERROR, case.negative, reason="the suite gave no verdict"))
    return TestResult(case, NotExercised("not reached before the interruption"))


def _never_better(before: TestResult | None, after: TestResult) -> TestResult:
    if before is None or not isinstance(before.status, Verdict):
        return after
    if not isinstance(after.status, Verdict):
        return before
    return after if after.status > before.status else before


def _requirement_json(record: RequirementRecord, status: Status, tests: tuple[TestResult, ...]) -> Json:
    return record.to_json() | {
        "status": status_label(status),
        "status_reason": status_reason(status),
        "tests": [test.case.id for test in tests],
    }
