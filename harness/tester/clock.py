"""The clock of a conversation: the tester's and, through the control plane, the implementation's."""

from __future__ import annotations

import time
from collections.abc import Callable


class TesterClock:
    """Unix seconds. A fixed clock moves only by `advance`; without a start it is the system's."""

    def __init__(self, start: int | None) -> None:
        self._moment = start
        self._offset = 0
        self.followers: list[Callable[[int], object]] = []
        """Called with every advance, in seconds: the implementation's clock."""

    def now(self) -> int:
        """Unix seconds."""
        return (int(time.time()) if self._moment is None else self._moment) + self._offset

    def advance(self, seconds: int) -> None:
        """Let time pass, for both sides at once."""
        self._offset += seconds
        for follow in self.followers:
            follow(seconds)

    def rewind(self, moment: int) -> None:
        """Back to an earlier moment, on the tester's side alone."""
        self._offset += moment - self.now()
