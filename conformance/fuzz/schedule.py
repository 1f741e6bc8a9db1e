"""In which order traces are played: kinds take turns, the plain before the far-fetched, the rest by the seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .trace import Trace

TURNS = {
    "scenarios": 3, "parties": 6, "lied": 8, "altered": 4, "ordered": 6, "encoded": 3, "cut": 3, "late": 3, "again": 3,
    "replayed": 2,
}  # fmt: skip
"""Traces of each kind in one round."""

SPREAD = 3
"""Ranks that chance mixes."""


def in_turn(kinds: dict[str, list[tuple[int, Trace]]], random: Random) -> Iterator[Trace]:
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
