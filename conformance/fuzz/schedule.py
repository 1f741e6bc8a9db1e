"""In which order traces are played: kinds take turns, the plain before the far-fetched, the rest by the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random

from .sweep import Kinds
from .trace import Trace

TURNS = {
    "scenarios": 3, "parties": 6, "lied": 8, "altered": 3, "ordered": 8, "encoded": 3, "cut": 3, "late": 3, "again": 3,
    "replayed": 2, "stale": 2,
}  # fmt: skip
"""Traces of each kind in one round."""

SPREAD = 3
"""Ranks that chance mixes."""


HERE, THERE = 40, 20
"""Traces of the first source, and of one of the others, in turn."""


def ordered(first: Kinds, others: Sequence[Callable[[], Kinds]], random: Random) -> Iterator[Trace]:
    """Every trace of every source once; a source is asked when its turn comes for the first time."""
    here, there = in_turn(first, random), [_asked(other, random) for other in others]
    taken = [True]
    while any(taken):
        taken = [False]
        for source, count in ((here, HERE), *((other, THERE) for other in there[:1])):
            for trace in islice(source, count):
                taken.append(True)
                yield trace
        there = [*there[1:], *there[:1]]
        if not any(taken) and len(there) > 1:
            there.pop()
            taken = [True]


def _asked(source: Callable[[], Kinds], random: Random) -> Iterator[Trace]:
    yield from in_turn(source(), random)


def in_turn(kinds: Kinds, random: Random) -> Iterator[Trace]:
    """Every trace once."""
    queues = {kind: _sorted(traces, random) for kind, traces in kinds.items()}
    while queues:
        for kind in list(queues):
            for _ in range(TURNS.get(kind, 1)):
                if kind in queues:
                    trace = next(queues[kind], None)
                    if trace is None:
                        del queues[kind]
                    else:
                        yield trace


def _sorted(traces: list[tuple[int, Trace]], random: Random) -> Iterator[Trace]:
    order = sorted(range(len(traces)), key=lambda n: traces[n][0] + SPREAD * random.random())
    return (traces[n][1] for n in order)
