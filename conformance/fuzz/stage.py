"""Where traces are played: one step after the other, until there is no talking to the implementation any more."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ...harness.iut.control import ControlClosed, ControlGarbage, ControlTimeout
from ...harness.iut.launch import LaunchError
from ...harness.iut.process import ProcessError
from ...harness.peer.tcp import TcpError
from .record import Record
from .trace import Step, Trace


class Impossible(Exception):
    """A step that makes no sense where it stands."""


class Crash(Exception):
    """The implementation in this process raised an exception."""


BROKEN = (Crash, TcpError, LaunchError, ProcessError, ControlTimeout, ControlClosed, ControlGarbage)
"""What the implementation does when there is no talking to it any more."""


class Stage(ABC):
    """`record` is what the trace has shown so far."""

    def __init__(self) -> None:
        self.record = Record()
        self.patient = False
        """Wait as long for each message as an answer may take at all."""
        self._guide: Record | None = None
        """What complete peers showed when they were told the same."""
        self._at = 0
        """The number of the step that is being played."""

    def _play(self, trace: Trace) -> None:
        """To its end, or to where there is no talking any more."""
        try:
            self._steps(trace)
        finally:
            self._end()

    def _steps(self, trace: Trace) -> None:
        for self._at, item in enumerate(trace.steps):
            try:
                self._step(item)
            except BROKEN as error:
                self.record.crashed, self.record.trouble = self._at, f"{type(error).__name__}: {error}"
            self.record.marks.append(self._marks())
            if self.record.stalled or self.record.crashed is not None:
                return

    @abstractmethod
    def _step(self, item: Step) -> None:
        """Do it, and take all that comes of it."""

    @abstractmethod
    def _end(self) -> None:
        """Close what is open."""

    @abstractmethod
    def _marks(self) -> dict[int, tuple[int, bool]]:
        """Of each telling: how many messages have come, and whether the implementation has ended it."""

    def _expected(self, number: int) -> tuple[int, bool]:
        """What a complete peer's marks are after this step."""
        marks = self._guide.marks if self._guide is not None else []
        known = marks[self._at] if self._at < len(marks) else {}
        return known.get(number, (0, False))
