"""Interruption: a run stops between two tests, so that no test, configuration or clock is left half-way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked to stop; `told` is called once then. The second time, at once."""

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        self.asked = False
        self._told = told

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._told()


@contextmanager
def listening(told: Callable[[], None] = lambda: None) -> Iterator[Interruption]:
    """SIGINT and SIGTERM ask to stop, where signals can be heard: in the main thread."""
    interruption = Interruption(told)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def pass_on(process: int | None) -> None:
    """Ask another process to stop, if it still runs."""
    if process is not None:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGINT)
