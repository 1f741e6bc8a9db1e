"""A campaign: what is left of a plan is played, and each result kept as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Protocol

from ..interrupt import listening
from .plan import Item
from .play import ERROR, Outcome
from .store import Store

Done = Callable[[Item, Outcome | None, str], None]
"""Told how an item ended: with an outcome, without one for a reason, or, without either, that it was not played."""

ATTEMPTS = 3
"""How often an item is tried whose process was ended by something else."""


class Runner(Protocol):
    """Plays items."""

    capacity: int
    """Items that it takes at a time."""

    def start(self, item: Item, done: Done) -> None:
        """Begin with an item."""

    def stop(self) -> None:
        """End what has begun."""


class View(Protocol):
    """Shows how far a campaign is."""

    def advance(self, item: Item, outcome: Outcome) -> None:
        """One more result was kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a campaign ended: results by status, items that are left, and whether somebody stopped it."""

    statuses: Counter[str]
    left: int
    interrupted: bool


def play_all(items: Iterable[Item], store: Store, runner: Runner, view: View) -> Ended:
    """Play the items that have no result, until all have one, somebody interrupts, or the runner takes no more."""
    items = list(items)
    store.plan(items)
    known = {result.id: result.status for result in store.results()}
    statuses = Counter(known[item.id] for item in items if item.id in known)
    return _Campaign([item for item in items if item.id not in known], statuses, store, runner, view).play()


class _Campaign:
    """One call of `play_all`."""

    def __init__(self, items: list[Item], statuses: Counter[str], store: Store, runner: Runner, view: View) -> None:
        self._waiting = items[::-1]
        self._left = len(items)
        self._statuses, self._store, self._runner, self._view = statuses, store, runner, view
        self._attempts: Counter[str] = Counter()
        self._ended: SimpleQueue[tuple[Item, Outcome | None, str] | None] = SimpleQueue()

    def play(self) -> Ended:
        """Until nothing is in flight."""
        flying, interrupted = 0, False
        with listening(lambda: self._ended.put(None)):
            try:
                while True:
                    while self._waiting and flying < self._runner.capacity:
                        self._runner.start(self._waiting.pop(), lambda *ended: self._ended.put(ended))
                        flying += 1
                    ended = self._ended.get() if flying else None
                    if ended is None:
                        interrupted = flying > 0
                        break
                    flying -= 1
                    self._take(*ended)
            finally:
                self._runner.stop()
        return Ended(self._statuses, self._left, interrupted)

    def _take(self, item: Item, outcome: Outcome | None, reason: str) -> None:
        """Keep a result, or try again."""
        self._attempts[item.id] += 1
        if outcome is None and not reason:
            return  # The cluster is gone, or lets the item go: it is left for the next time.
        if outcome is None:
            outcome = Outcome(ERROR, -1, 0.0, reason)
        if outcome.again and self._attempts[item.id] < ATTEMPTS:
            self._waiting.append(item)
            return
        if outcome.again:
            outcome = replace(outcome, status=ERROR)
        if self._store.keep(item, outcome, self._attempts[item.id]):
            self._left -= 1
            self._statuses[outcome.status] += 1
            self._view.advance(item, outcome)
