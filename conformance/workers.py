"""Independent items of work on all processors, in processes that share nothing but what was loaded before."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_CONTEXT = multiprocessing.get_context("fork")


def answers(work: Callable[[Item], Answer], items: Sequence[Item], processes: int = 0) -> Iterator[Answer]:
    """The answer to each item, as it comes; `processes` is by default the number of processors.

    Whoever stops asking stops the work.
    """
    processes = min(processes or os.cpu_count() or 1, len(items))
    if processes < 2:
        yield from map(work, items)
        return
    with _CONTEXT.Pool(processes, _end_with_the_pool) as pool:
        yield from pool.imap_unordered(work, items)


def _end_with_the_pool() -> None:
    """An interruption is for the process that asks; it ends the others, by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
