"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections import Counter

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from ..harness.verdict.records import TestResult, status_label

LINES = 10
"""Plain lines of progress in a whole run."""


class Progress:
    """Counts verdicts as they come."""

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._bar: Bar | None = None

    def begin(self, total: int) -> None:
        """A run of `total` tests."""
        self._total = total
        if sys.stdout.isatty() and not self._silent:
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            self._bar = Bar(*columns, transient=True)
            self._bar.add_task("", total=total)
            self._bar.start()

    def advance(self, result: TestResult) -> None:
        """One more test."""
        self._counts[status_label(result.status)] += 1
        done = self._counts.total()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=self._described())
        elif (
            not self._silent
            and self._total >= LINES
            and done * LINES // self._total > (done - 1) * LINES // self._total
        ):
            self._tell(f"{done}/{self._total} tests: {self._described()}")

    def _tell(self, line: str) -> None:
        try:
            print(line, flush=True)
        except OSError:  # Whoever read this has gone; what is found is kept all the same.
            self._silent = True

    def _described(self) -> str:
        return ", ".join(f"{count} {label}" for label, count in sorted(self._counts.items()))

    def end(self) -> None:
        """Nothing more comes."""
        if self._bar is not None:
            self._bar.stop()
