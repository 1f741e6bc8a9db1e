"""The clock of a search. The model has none: whoever starts a search says what time is, once for the process.

Until then time stands still: nothing is measured, and no limit is ever hit.
"""

from collections.abc import Callable

_clock: list[Callable[[], float]] = [lambda: 0.0]


def use(clock: Callable[[], float]) -> None:
    """Seconds from `clock` from now on, such as `time.perf_counter`."""
    _clock[0] = clock


def now() -> float:
    """Seconds since some moment."""
    return _clock[0]()
