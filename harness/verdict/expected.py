"""Expected failures: a file that says which tests fail for now, and why. It is strict: what is expected must happen.

The results stay as they are: a failure is a failure there. What is expected decides the exit code and what continuous
integration shows. A test that is expected to fail and passes fails the run, so that the file tells the truth.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...spec import requirements
from .records import TestCase, TestResult, one_line
from .request import RequestError
from .verdict import Verdict

HEADER = re.compile(r"^[ \t]*\[\[\s*expected\s*\]\]", re.MULTILINE)
LARGEST = 1 << 22
"""Bytes of a file."""
FAILING = (Verdict.FAIL, Verdict.INCONC)
"""Verdicts that can be expected; an error is the tester's own."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """Test and requirement ids, each to the reason why it fails."""

    tests: Mapping[str, str]
    requirements: Mapping[str, str]

    def reason(self, case: TestCase) -> str | None:
        """Why a test may fail; None where nobody expects it."""
        cited = (self.requirements[name] for name in case.requirements if name in self.requirements)
        return self.tests.get(case.id) or next(cited, None)

    def fails(self, test: TestResult) -> bool:
        """Whether a test failed and nobody expects it."""
        return test.status in FAILING and self.reason(test.case) is None

    def met(self, test: TestResult) -> str | None:
        """Why a test failed as expected; None for one that did not fail, or not as expected."""
        return self.reason(test.case) if test.status in FAILING else None

    def broken(self, tests: Iterable[TestResult]) -> Iterator[str]:
        """What was expected to fail and passed, a sentence each. What did not run breaks nothing."""
        seen: dict[str, set[object]] = {}
        for test in tests:
            if test.case.id in self.tests and test.status is Verdict.PASS:
                yield f"{test.case.id} was expected to fail, and passed: {self.tests[test.case.id]}"
            for name in test.case.requirements:
                seen.setdefault(name, set()).add(test.status)
        for name, reason in self.requirements.items():
            statuses = seen.get(name, set())
            if Verdict.PASS in statuses and not statuses.intersection(FAILING):
                yield f"{name} was expected to fail, and every test of it that ran passed: {reason}"


NOTHING = Expectations({}, {})
"""Where no failure is expected."""


def load(path: Path, known: Collection[str] | None = None) -> Expectations:
    """The expectations of a file; `known` are the ids of all tests, if they are to be compared.

    Raises:
        RequestError: the file cannot be read, or an entry is wrong or names what does not exist.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise RequestError(f"{path}: more than {LARGEST} bytes")
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path}: expected TOML: {error}") from error
    if unknown := sorted(set(data) - {"expected"}):
        raise RequestError(f"{path}: expected tables [[expected]], found {unknown[0]!r}")
    listed = data.get("expected", [])
    if not isinstance(listed, list):
        raise RequestError(f"{path}: expected tables [[expected]], found one [expected]")
    lines = [text.count("\n", 0, found.start()) + 1 for found in HEADER.finditer(text)]
    return _read([(f"{path}:{lines[n]}" if n < len(lines) else f"{path}", row) for n, row in enumerate(listed)], known)


def _read(rows: Iterable[tuple[str, object]], known: Collection[str] | None) -> Expectations:
    found: dict[str, dict[str, str]] = {"test": {}, "requirement": {}}
    for place, row in rows:
        if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
            raise RequestError(f"{place}: expected a table with texts")
        kinds = sorted(set(row) & set(found))
        if len(kinds) != 1 or set(row) != {kinds[0], "reason"}:
            raise RequestError(f"{place}: expected test or requirement, and reason; found {', '.join(sorted(row))}")
        kind, name, reason = kinds[0], row[kinds[0]], row["reason"].strip()
        names = known if kind == "test" else requirements()
        if names is not None and name not in names:
            raise RequestError(f"{place}: {kind}: there is no {name!r}")
        if not reason:
            raise RequestError(f"{place}: reason: say why {name} fails")
        if name in found[kind]:
            raise RequestError(f"{place}: {kind}: {name} is expected already")
        found[kind][name] = reason
    return Expectations(found["test"], found["requirement"])


def written(expected: Expectations) -> str:
    """The expectations as a file that `load` reads."""
    pairs = [("test", expected.tests), ("requirement", expected.requirements)]
    entries = (
        f"[[expected]]\n{kind} = {json.dumps(name)}\nreason = {json.dumps(reason)}\n"
        for kind, found in pairs
        for name, reason in found.items()
    )
    return "\n".join(["# What this run was told to expect.\n", *entries])


def template(tests: Iterable[TestResult]) -> str:
    """A file that expects these tests to fail, once somebody has said why."""
    entries = [
        f'# {one_line(test.judgement.reason)}\n[[expected]]\ntest = {json.dumps(test.case.id)}\nreason = ""\n'
        for test in tests
    ]
    head = "# Failures of this run, for --expected FILE. Each needs its reason; one that passes later fails the run.\n"
    return "\n".join([head, *entries])
