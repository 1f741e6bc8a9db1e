"""The clock of a conversation: the tester's and, through the control plane, the implementation's."""

from __future__ import annotations

import time
from collections.abc import Callable


class TesterClock:
    """Unix seconds. A fixed clock moves only by `advance`; without a start it is the system's."""

    before, after = 1, 0
    """How near to a deadline a test goes, in seconds, on either side of it."""

    def __init__(self, start: int | None) -> None:
        self._moment = start
        self._offset = 0
        self.followers: list[Callable[[int], object]] = []
        """Called with every advance, in seconds: the implementation's clock."""

    def now(self) -> int:
        """Unix seconds."""
        return (int(time.time()) if self._moment is None else self._moment) + self._offset

    def advance(self, seconds: int) -> None:
        """Let time pass, for both sides at once; a negative number turns both clocks back."""
        self._offset += seconds
        for follow in self.followers:
            follow(seconds)

    def rewind(self, moment: int) -> None:
        """Back to an earlier moment, on the tester's side alone."""
        self._offset += moment - self.now()


class RealClock(TesterClock):
    """The system's clock, for an implementation whose own nobody can advance: to advance it is to wait.

    Other clocks may count whole seconds, hence the larger distance from deadlines. Moments are counted from the first
    one: what a test does between two of them takes nothing from either.
    """

    before, after = 2, 1

    def __init__(self) -> None:
        super().__init__(None)
        self._reached: float | None = None

    def advance(self, seconds: int) -> None:
        """Wait until that time has passed: the passing of time is the one event of this clock."""
        self._reached = (time.monotonic() if self._reached is None else self._reached) + seconds
        time.sleep(max(0.0, self._reached - time.monotonic()))

    def rewind(self, moment: int) -> None:
        """Time does not go back."""
