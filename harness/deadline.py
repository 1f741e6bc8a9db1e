"""Deadlines: how long a wait may last, as a point in time, so that nested waits share one bound."""

import time
from typing import NamedTuple


class Deadline(NamedTuple):
    """A point of the monotonic clock, in seconds; `remaining` is what a wait may still take."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        left = self.at - time.monotonic()
        return left if left > 0 else 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self.at
