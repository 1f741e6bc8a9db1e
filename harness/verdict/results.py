"""The results of a run. They are always computed from its events, so that an interrupted run loses nothing."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .events import EventLogError, read_events
from .records import Header, Json, RequirementRecord, TestCase, TestResult, status_label, status_reason
from .schema import validate_results
from .verdict import Judgement, NotExercised, Status, Verdict, requirement_status, worst

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

    @classmethod
    def of(cls, events: Iterable[Json]) -> Self:
        """From a log's events. Raises `EventLogError` when it does not begin with a run or names an unplanned test."""
        stream = iter(events)
        first = next(stream, None)
        if first is None or first["event"] != "run started":
            raise EventLogError("the log does not begin with a run")
        plan = {case["id"]: TestCase.from_json(case) for case in first["plan"]}
        found, interrupted = _collect(stream, plan)
        complete = interrupted is False
        tests = tuple(found.get(name) or _unfinished(case, complete) for name, case in plan.items())
        requirements = tuple(RequirementRecord.from_json(data) for data in first["requirements"])
        return cls(Header.from_json(first["header"]), requirements, tests, complete)

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
    results.save(folder / "results.json")
    return results


def _collect(events: Iterable[Json], plan: dict[str, TestCase]) -> tuple[dict[str, TestResult], bool | None]:
    """Results by test id, and whether the run says that it was interrupted; `None` when it says nothing."""
    found: dict[str, TestResult] = {}
    interrupted = None
    for event in events:
        if event["event"] == "run finished":
            interrupted = event["interrupted"]
        elif event["event"] == "test finished":
            result = TestResult.from_json(event["test"])
            if result.case.id not in plan:
                raise EventLogError(f"test {result.case.id} is not in the plan")
            found[result.case.id] = _never_better(found.get(result.case.id), result)
    return found, interrupted


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
