"""What time it is for a reference peer: the system's clock, or one that the tester sets."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970-01-01T00:00:00Z."""

    def now(self) -> int:
        """The present time."""

    def seconds_until(self, moment: int) -> float | None:
        """Real seconds until `moment`; None when only the tester brings it about."""


class SystemClock:
    """The system's real-time clock."""

    def now(self) -> int:
        """The present time."""
        return int(time.time())

    def seconds_until(self, moment: int) -> float:
        """Real seconds until `moment`, at least 0."""
        return max(0.0, moment - time.time())


class ControlledClock:
    """Stands still at `moment` until it is set or advanced."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        """The present time."""
        return self.moment

    def seconds_until(self, moment: int) -> None:
        """Nothing happens by itself."""
