"""A run as its folder keeps it: results, and what was said in conversations of tests that did not pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...harness.verdict.events import EventLogError, read_events
from ...harness.verdict.expected import NOTHING, Expectations, load
from ...harness.verdict.records import TestResult, status_label
from ...harness.verdict.reports import EXPECTED
from ...harness.verdict.request import RequestError
from ...harness.verdict.results import STATUSES, Results
from ...harness.verdict.schema import SchemaError
from ...harness.verdict.speech import Speech, SpeechError, read_speeches
from ...harness.verdict.verdict import Status, UnwitnessedPass, Verdict

RESULTS, EVENTS = "results.json", "events.jsonl"
BAD = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONC)


class RunError(Exception):
    """A folder that holds no run, or a damaged one. The message is one line that names the file."""


@dataclass(frozen=True)
class Run:
    """A run. `speeches` are the conversations of a test by its id, each with its name."""

    folder: Path
    results: Results
    speeches: Mapping[str, list[tuple[str, Speech]]] = field(default_factory=dict)
    expected: Expectations = NOTHING
    """Failures that the run was told to expect."""

    @cached_property
    def status_of(self) -> Mapping[str, str]:
        """The word for the status of each test, by id."""
        return {test.case.id: status_label(test.status) for test in self.results.tests}

    @property
    def bad(self) -> list[TestResult]:
        """Tests that ran and did not pass, the worst first."""
        found = [test for test in self.results.tests if test.status in BAD]
        return sorted(found, key=lambda test: BAD.index(test.status))

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the implementations under test."""
        return tuple(dict.fromkeys(iut.role for iut in self.results.header.iuts))


def read_results(folder: Path) -> Results:
    """The results in a folder; those of an interrupted run are computed from its events.

    Raises:
        RunError: there are none, or they are damaged.
    """
    path = folder / RESULTS
    try:
        if not path.is_file() and (folder / EVENTS).is_file():
            path = folder / EVENTS
            return Results.of(read_events(path))
        return Results.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}; expected the results of `trustconn run --out`") from error
    except (ValueError, SchemaError, EventLogError, UnwitnessedPass) as error:
        raise RunError(f"{path}: {error}") from error


def read_run(folder: Path) -> Run:
    """The results in a folder, and what was said.

    Raises:
        RunError: there are no results, or something is damaged.
    """
    results = read_results(folder)
    speeches: dict[str, list[tuple[str, Speech]]] = {}
    for path in sorted(folder.glob("messages-*.jsonl")):
        try:
            for test, conversation, speech in read_speeches(path):
                speeches.setdefault(test, []).append((conversation, speech))
        except (OSError, SpeechError) as error:
            raise RunError(f"{path}: {error}") from error
    return Run(folder, results, speeches, _expected(folder))


def _expected(folder: Path) -> Expectations:
    path = folder / EXPECTED
    try:
        return load(path) if path.is_file() else NOTHING
    except RequestError as error:
        raise RunError(str(error)) from error


def counts(statuses: Mapping[str, str] | list[str]) -> dict[str, int]:
    """How many there are of each status, in the order of the statuses."""
    found = Counter(statuses.values() if isinstance(statuses, Mapping) else statuses)
    return {status: found[status] for status in STATUSES if found[status]}


def together(statuses: list[Status]) -> str:
    """The status of requirements taken together: the worst verdict, else the first standing."""
    verdicts = [status for status in statuses if isinstance(status, Verdict)]
    if verdicts:
        return max(verdicts).label
    return min((status_label(s) for s in statuses), key=STATUSES.index, default="not exercised")
