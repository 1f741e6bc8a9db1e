"""A file that is read as a stream, with a bar on a terminal and a line now and then elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..harness.labels.stream import Source
from .errors import UsageError

LONG = 1 << 28
"""Octets from which on a file takes long enough to tell how far it is."""
LINES = 10


@contextmanager
def reading(file: Path) -> Iterator[tuple[Source, Callable[[int], None]]]:
    """The file, and what to tell about octets that were read. Raises UsageError."""
    try:
        with file.open("rb") as source:
            total = file.stat().st_size
            if sys.stderr.isatty():
                with _bar(file.name, total) as advance:
                    yield source, advance
            else:
                yield source, _lines(file.name, total)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=total)
        yield lambda octets: progress.advance(task, octets)


def _lines(name: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(octets: int) -> None:
        nonlocal done
        before, done = done, done + octets
        if total >= LONG and done * LINES // total > before * LINES // total:
            print(f"{name}: {done * 100 // total} % read", file=sys.stderr, flush=True)

    return advance
