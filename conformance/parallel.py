"""Two roles at the same time: the second one's tests run in a process of their own, their results join the one log.

What is tested does not depend on it: every role has its own implementation, randomness and order of tests.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.queues import SimpleQueue
from typing import Any, Protocol

from ..harness.verdict.records import Header, RequirementRecord, TestCase, TestResult
from .interrupt import pass_on

_CONTEXT = multiprocessing.get_context("fork")
END = None
MOMENT = 0.05
"""Seconds; what happens within one is told together."""
Event = tuple[str, Any, float]
"""A method of a log and its arguments."""


class Log(Protocol):
    """What a run writes; see `EventLog`."""

    def run_started(
        self, header: Header, requirements: Sequence[RequirementRecord], plan: Sequence[TestCase], time: float
    ) -> None:
        """The run begins."""

    def test_started(self, test_id: str, time: float) -> None:
        """A test begins."""

    def test_finished(self, result: TestResult, time: float) -> None:
        """A test ended."""

    def run_finished(self, interrupted: bool, time: float) -> None:
        """The run ended."""


class SharedLog:
    """Logs that several threads write to; each is told everything."""

    def __init__(self, *logs: Log) -> None:
        self._logs, self._lock = logs, threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., None]:
        writers: list[Callable[..., None]] = [getattr(log, name) for log in self._logs]

        def locked(*arguments: Any) -> None:
            with self._lock:
                for write in writers:
                    write(*arguments)

        return locked


class _QueueLog:
    """The other process's end: tests are told, the run itself is the first process's affair.

    What happens within a moment is told in one piece: each piece wakes the first process from its own tests. If this
    process is killed, what it had not told yet is reported as not reached.
    """

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        self._queue = queue
        self._untold: list[Event] = []
        self._told = time.monotonic()

    def run_started(self, *_: object) -> None:
        """Said once, by the first process."""

    def test_started(self, test_id: str, now: float) -> None:
        """Pass on."""
        self._add(("test_started", test_id, now))

    def test_finished(self, result: TestResult, now: float) -> None:
        """Pass on."""
        self._add(("test_finished", result, now))

    def run_finished(self, *_: object) -> None:
        """Said once, by the first process."""

    def _add(self, event: Event) -> None:
        self._untold.append(event)
        if time.monotonic() - self._told >= MOMENT:
            self.flush()

    def flush(self) -> None:
        """Tell what is not told yet."""
        if self._untold:
            self._queue.put(self._untold)
        self._untold, self._told = [], time.monotonic()


class Companion:
    """A second process that runs `play` with a log of its own; `told` gets each result as it comes."""

    def __init__(self, play: Callable[[Log], object], log: Log, told: Callable[[TestResult], None]) -> None:
        self._queue: SimpleQueue[Any] = _CONTEXT.SimpleQueue()
        self._log, self._told = log, told
        self._failure: Exception | None = None
        self._process = _CONTEXT.Process(target=_run, args=(play, self._queue))
        self._thread = threading.Thread(target=self._drain, daemon=True)

    def start(self) -> None:
        """Begin. The process is forked first: threads do not survive a fork."""
        self._process.start()
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop after its present test."""
        pass_on(self._process.pid)

    def join(self) -> None:
        """Wait until its last result is in the log. Raises what kept it, or the log, from going on."""
        self._process.join()
        self._queue.put(END)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _drain(self) -> None:
        while (events := self._queue.get()) is not END:
            try:
                self._pass_on(events)
            except Exception as error:  # The process would wait for ever if its queue were not emptied.
                self._failure = self._failure or error
                self.stop()

    def _pass_on(self, events: Any) -> None:
        if isinstance(events, Exception):
            raise events
        for what, subject, now in events:
            getattr(self._log, what)(subject, now)
            if what == "test_finished":
                self._told(subject)


def _run(play: Callable[[Log], object], queue: SimpleQueue[Any]) -> None:
    log = _QueueLog(queue)
    with suppress(KeyboardInterrupt):
        try:
            play(log)
        except OSError as error:  # A full disk: to be told once, by the first process.
            queue.put(error)
        finally:
            log.flush()
