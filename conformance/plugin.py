"""pytest collects the suite; this plugin chooses the tests, and plays those of every role at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from ..harness.memory import settle_memory
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RequestError, RunRequest
from .case import Case
from .collect import SuiteTest
from .fleet import Fleet
from .interrupt import Interruption, listening
from .parallel import Companion, Log
from .player import Player
from .progress import Progress
from .selection import chooses

FIRST = "test_basic"
"""The module that runs first: if an honest conversation fails, that is the finding."""


LAST = ("test_resources",)
"""Modules that run last, for what all the others leave behind."""


class SuitePlugin:
    """One run. The items are played without pytest's set-up, call, tear-down and reports: they have none of these."""

    def __init__(self, request: RunRequest, fleet: Fleet, log: Log) -> None:
        self.request, self.fleet, self.log = request, fleet, log
        self.interruption = Interruption()
        self.interrupted = False
        self.refused = ""
        self.progress = Progress()
        self._plan: dict[str, TestCase] = {}
        self._tests: dict[str, list[SuiteTest]] = {}
        self._companions: list[Companion] = []
        self._started = time.monotonic()

    # --- choosing ----------------------------------------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what the request selects, and say what is going to be played."""
        try:
            tests = [test for item in items if self._selected(test := _test(item))]
        except RequestError as error:
            self.refused = str(error)
            items.clear()
            return
        tests.sort(key=lambda test: (test.case.role, _place(test.id)))
        for test in tests:
            self._plan[test.id] = self._record(test)
            self._tests.setdefault(test.case.role, []).append(test)
        items.clear()  # They would take memory for nothing while their tests are played.
        plan = list(self._plan.values())
        self.log.run_started(self.fleet.header(self.request), self.fleet.requirements(), plan, self._now())
        self.progress.begin(len(tests))

    def _selected(self, test: SuiteTest) -> bool:
        case = test.case
        if case.role not in self.fleet.roles or not case.fits(self.fleet.binding):
            return False
        if self.fleet.handshake_only and not case.handshake:
            return False
        return chooses(self.request, test.id, case.requirements)

    def _record(self, test: SuiteTest) -> TestCase:
        case, request = test.case, self.request
        options = f" --iut {request.iut}" if request.iut else ""
        options += " --slow" if request.slow else ""
        options += f" --binding {request.binding}" if request.binding else ""
        rerun = f"trustconn run{options} --seed {request.seed} --rerun '{test.id}'"
        return TestCase(test.id, case.requirements, case.role, case.operator, case.field, case.negative, rerun)

    # --- playing -----------------------------------------------------------------------------------------------------

    def pytest_runtestloop(self) -> bool:
        """Play the tests of the last role here, those of another in a process of its own.

        A device costs more, since it is told to dial, and this process writes the log for both.
        """
        if not self.request.list_only:
            settle_memory()
            *others, mine = self._tests or ("",)
            for role in others:
                companion = Companion(partial(self._beside, role), self.log, self.progress.advance)
                self._companions.append(companion)
                companion.start()
            self._play(mine, self.log, self.progress.advance)
        return True

    def _play(self, role: str, log: Log, told: Callable[[TestResult], None]) -> None:
        Player(self.request, self.fleet, log, self._plan, self._now).play(
            self._tests.get(role, ()), self.interruption, told
        )

    def _beside(self, role: str, log: Log) -> None:
        try:
            with listening() as self.interruption:
                self._play(role, log, lambda _: None)
        finally:
            self.fleet.stop()

    def pytest_keyboard_interrupt(self) -> None:
        """Asked twice: results so far are kept all the same."""
        self.interrupted = True

    def pytest_sessionfinish(self) -> None:
        """End the log and everything that was started."""
        self.interrupted |= self.interruption.asked
        for companion in self._companions:
            if self.interrupted:
                companion.stop()
            companion.join()
        self.progress.end()
        if not self.refused:
            self.log.run_finished(self.interrupted, self._now())

    def _now(self) -> float:
        return time.monotonic() - self._started


def _test(item: pytest.Item) -> SuiteTest:
    """What pytest collected: `module::function[case]`, without folders."""
    assert isinstance(item, pytest.Function)
    case = item.callspec.params["case"]
    assert isinstance(case, Case)
    return SuiteTest(item.nodeid.rpartition("/")[2].replace(".py::", "::"), case, item.obj)


def _place(test: str) -> int:
    return 0 if test.startswith(FIRST) else 2 if test.startswith(LAST) else 1
