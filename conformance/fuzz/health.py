"""What an implementation holds of the machine while it is told traces: open files and memory, if that can be seen."""

from __future__ import annotations

from collections.abc import Callable

from ...harness.iut.usage import Usage, usage
from ...harness.tester.live import IutSession
from ...harness.tester.session import Iut

FILES = 48
"""More open files than at the start: a leak, whatever is still about to be closed."""
MEMORY = 256 << 20
"""Octets more than at the start."""
ROUNDS = 24
"""How often a trace is played again to see whether it leaks."""


class Resources:
    """Of the implementation's process; nothing is seen of one that was started elsewhere, or of one in this process."""

    def __init__(self, iut: Iut) -> None:
        self._process = iut.launched.process if isinstance(iut, IutSession) else None
        self._first: Usage | None = None

    def _now(self) -> Usage | None:
        return None if self._process is None else usage(self._process, 0)

    def grown(self) -> str:
        """What has grown beyond measure since the first call; nothing if nothing has."""
        now = self._now()
        if now is None:
            return ""
        self._first = self._first or now
        if now.files - self._first.files > FILES:
            return "files that stay open"
        return "memory that is not given back" if now.memory - self._first.memory > MEMORY else ""

    def grows(self, play: Callable[[], object]) -> bool:
        """Whether playing a trace again and again takes more and more."""
        before = self._now()
        for _ in range(ROUNDS):
            play()
        after = self._now()
        if before is None or after is None:
            return False
        return after.files - before.files >= ROUNDS // 2 or after.memory - before.memory >= MEMORY // 8

    def forget(self) -> None:
        """Measure anew."""
        self._first = None
