"""What an implementation uses while it is told traces: file descriptors and memory, where the system shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...harness.tester.session import Iut, IutSession

DESCRIPTORS = 48
"""More than at the start: a leak, whatever is still about to be closed."""
MEMORY = 256 << 20
"""Octets more than at the start."""
ROUNDS = 24
"""How often a trace is played again to see whether it leaks."""


class Resources:
    """Of the implementation's process; nothing is seen of one that was started elsewhere, or of one in this process."""

    def __init__(self, iut: Iut) -> None:
        process = iut.launched.process if isinstance(iut, IutSession) else None
        self._folder = Path(f"/proc/{process.pid}") if process is not None else None
        self._first: tuple[int, int] | None = None

    def _now(self) -> tuple[int, int] | None:
        if self._folder is None:
            return None
        try:
            descriptors = sum(1 for _ in (self._folder / "fd").iterdir())
            pages = int((self._folder / "statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return None
        return descriptors, pages * 4096

    def grown(self) -> str:
        """What has grown beyond measure since the first call; nothing if nothing has."""
        now = self._now()
        if now is None:
            return ""
        if self._first is None:
            self._first = now
        descriptors, memory = now[0] - self._first[0], now[1] - self._first[1]
        if descriptors > DESCRIPTORS:
            return "file descriptors that are not closed"
        return "memory that is not given back" if memory > MEMORY else ""

    def grows(self, play: Callable[[], object]) -> bool:
        """Whether playing a trace again and again takes more and more."""
        before = self._now()
        for _ in range(ROUNDS):
            play()
        after = self._now()
        if before is None or after is None:
            return False
        return after[0] - before[0] >= ROUNDS // 2 or after[1] - before[1] >= MEMORY // 8

    def forget(self) -> None:
        """Measure anew."""
        self._first = None
