"""How far a campaign is: a table that is renewed on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from .campaign import View
from .plan import Item
from .play import Outcome
from .store import Kept

STATUSES = ("pass", "fail", "inconc", "error")

EVERY = 5.0
"""Seconds between plain lines of progress."""

Cells = dict[tuple[str, str], Counter[str]]
"""By implementation and configuration: results by status, and how many items there are (`items`)."""


def cells(items: Iterable[Item], results: Iterable[Kept]) -> Cells:
    """What is known of a plan's items."""
    found: Cells = {}
    places = {}
    for item in items:
        places[item.id] = place = (item.iut, item.configuration)
        found.setdefault(place, Counter())["items"] += 1
    for result in results:
        if result.id in places:
            found[places[result.id]][result.status] += 1
    return found


def table(found: Cells) -> Table:
    """A row for each implementation under each configuration."""
    shown = Table("implementation", "configuration", box=None, pad_edge=False)
    for name in ("items", *STATUSES, "left"):
        shown.add_column(name, justify="right")
    for (iut, configuration), counts in found.items():
        left = counts["items"] - sum(counts[status] for status in STATUSES)
        figures = (counts["items"], *(counts[status] for status in STATUSES), left)
        shown.add_row(iut, configuration, *(str(figure) if figure else "-" for figure in figures))
    return shown


@contextmanager
def watching(found: Cells) -> Iterator[View]:
    """Shows `found` as it grows."""
    if not sys.stdout.isatty():
        yield _Lines(found)
        return
    console = Console()
    with Live(table(found), console=console, refresh_per_second=4, transient=True) as live:
        yield _Table(found, live)


class _Table:
    def __init__(self, found: Cells, live: Live) -> None:
        self._found, self._live = found, live

    def advance(self, item: Item, outcome: Outcome) -> None:
        self._found[item.iut, item.configuration][outcome.status] += 1
        self._live.update(table(self._found))


class _Lines:
    def __init__(self, found: Cells) -> None:
        self._found = found
        self._next = time.monotonic() + EVERY

    def advance(self, item: Item, outcome: Outcome) -> None:
        self._found[item.iut, item.configuration][outcome.status] += 1
        if outcome.status != "pass":
            print(f"{outcome.status}: {item.iut}, {item.configuration}, seed {item.seed} ({item.id})", flush=True)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            total = sum(self._found.values(), Counter[str]())
            done = sum(total[status] for status in STATUSES)
            told = ", ".join(f"{total[status]} {status}" for status in STATUSES if total[status])
            print(f"{done}/{total['items']} items: {told}", flush=True)
