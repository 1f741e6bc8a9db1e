"""One run of the suite: the tests that a request selects, those of every role played at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ..harness.memory import settle_memory
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RunRequest
from .asking import ROLE as VERIFIER
from .collect import SuiteTest, suite_tests
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


class SuiteRun:
    """The tests of a request, played against the implementations of a fleet; what happens is in the log."""

    def __init__(self, request: RunRequest, fleet: Fleet, log: Log) -> None:
        self.request, self.fleet, self.log = request, fleet, log
        self.interruption = Interruption()
        self.interrupted = False
        self.progress = Progress()
        self._plan: dict[str, TestCase] = {}
        self._tests: dict[str, list[SuiteTest]] = {}
        self._companions: list[Companion] = []
        self._started = time.monotonic()

    def run(self) -> None:
        """Play the selected tests, or those that begin before an interruption; asked twice, results are kept as well.

        Raises:
            RequestError: a selection that cannot be used.
        """
        self._choose()
        try:
            if not self.request.list_only:
                self._play_all()
        except KeyboardInterrupt:
            self.interrupted = True
        except OSError:
            self._abandon()
            raise
        self._finish()

    # --- choosing ----------------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        tests = [test for test in suite_tests() if self._selected(test)]
        tests.sort(key=lambda test: (test.case.role, _place(test.id)))
        for test in tests:
            self._plan[test.id] = self._record(test)
            self._tests.setdefault(test.case.role, []).append(test)
        plan = list(self._plan.values())
        self.log.run_started(self.fleet.header(self.request), self.fleet.requirements(), plan, self._now())
        self.progress.begin(len(tests))

    def _selected(self, test: SuiteTest) -> bool:
        return self.fleet.fits(test.case) and chooses(self.request, test.id, test.case.requirements)

    def _record(self, test: SuiteTest) -> TestCase:
        case = test.case
        rerun = self.request.again(test.id, VERIFIER if case.role == VERIFIER else None)
        return TestCase(test.id, case.requirements, case.role, case.operator, case.field, case.negative, rerun)

    # --- playing -----------------------------------------------------------------------------------------------------

    def _play_all(self) -> None:
        """Play the tests of the last role here, those of another in a process of its own.

        A device costs more, since it is told to dial, and this process writes the log for both.
        """
        settle_memory()
        *others, mine = self._tests or ("",)
        for role in others:
            companion = Companion(partial(self._beside, role), self.log, self.progress.advance)
            self._companions.append(companion)
            companion.start()
        self._play(mine, self.log, self.progress.advance)

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

    def _finish(self) -> None:
        """End the log and everything that was started."""
        self.interrupted |= self.interruption.asked
        for companion in self._companions:
            if self.interrupted:
                companion.stop()
            companion.join()
        self.progress.end()
        self.log.run_finished(self.interrupted, self._now())

    def _abandon(self) -> None:
        """Nothing can be written any more: no process goes on."""
        for companion in self._companions:
            companion.stop()
            with suppress(Exception):
                companion.join()
        self.progress.end()

    def _now(self) -> float:
        return time.monotonic() - self._started


def _place(test: str) -> int:
    return 0 if test.startswith(FIRST) else 2 if test.startswith(LAST) else 1
