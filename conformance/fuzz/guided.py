"""The guided part: Hypothesis changes traces that reached something new, and steers towards OPEN.

It only makes traces here, in this process; those that reach something new in a complete peer are played to the
implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis import strategies as st

from .trace import SESSIONS, Step, Trace

Reach = Callable[[Trace], tuple[int, bool]]
"""How far a complete peer comes with a trace, the more the nearer to OPEN, and whether it shows something new."""
EXAMPLES = 20
LENGTH = 60
"""Steps that a trace may have."""
RECENT = 200
"""Traces of the corpus that are changed further."""


def traces(corpus: Sequence[Trace], vocabulary: Sequence[Trace]) -> st.SearchStrategy[Trace]:
    """Traces made from others: steps left out, repeated, swapped, inserted; another trace behind or beside."""
    source = st.sampled_from(corpus)
    other = st.one_of(source, st.sampled_from(vocabulary))
    change = st.tuples(
        st.sampled_from(sorted(CHANGES)),
        st.integers(0, LENGTH),
        st.integers(0, LENGTH),
        st.integers(0, SESSIONS - 1),
        other,
    )
    return st.builds(_changed, source, st.lists(change, min_size=1, max_size=4))


def _changed(trace: Trace, changes: Sequence[tuple[str, int, int, int, Trace]]) -> Trace:
    for name, first, second, session, other in changes:
        steps = CHANGES[name](trace.steps, first % len(trace.steps), second, session, other.steps)
        configuration = {**other.configuration, **trace.configuration}
        if steps:
            trace = Trace(trace.role, steps[:LENGTH], configuration)
    return trace


Steps = tuple[Step, ...]


def _skip(steps: Steps, at: int, *_: Any) -> Steps:
    return steps[:at] + steps[at + 1 :]


def _repeat(steps: Steps, at: int, *_: Any) -> Steps:
    return (*steps[: at + 1], *steps[at:])


def _swap(steps: Steps, at: int, to: int, *_: Any) -> Steps:
    moved = list(steps)
    other = to % len(steps)
    moved[at], moved[other] = moved[other], moved[at]
    return tuple(moved)


def _insert(steps: Steps, at: int, which: int, session: int, other: Steps) -> Steps:
    """One deed of another trace."""
    deeds = [item for item in other if item.do not in ("open", "go")] or list(other)
    deed = deeds[which % len(deeds)]
    return (*steps[:at], Step(deed.do, steps[at].session, deed.arguments), *steps[at:])


def _reopen(steps: Steps, at: int, which: int, session: int, other: Steps) -> Steps:
    """A session with the party of another trace."""
    opening = next((item for item in other if item.do == "open"), None)
    if opening is None:
        return steps
    first = next((n for n, item in enumerate(steps) if item.do == "open"), 0)
    return (*steps[:first], Step("open", steps[first].session, opening.arguments), *steps[first + 1 :])


def _go_on(steps: Steps, at: int, which: int, session: int, other: Steps) -> Steps:
    return (*steps[: at + 1], *(Step(item.do, session, item.arguments) for item in other))


def _beside(steps: Steps, at: int, which: int, session: int, other: Steps) -> Steps:
    """Another trace in another session, step by step."""
    moved = [Step(item.do, 1 + session % (SESSIONS - 1), item.arguments) for item in other]
    mixed: list[Step] = []
    for number in range(max(len(steps), len(moved))):
        mixed += [*steps[number : number + 1], *moved[number : number + 1]]
    return tuple(mixed)


CHANGES = {
    "skip": _skip, "repeat": _repeat, "swap": _swap, "insert": _insert, "reopen": _reopen, "go-on": _go_on,
    "beside": _beside,
}  # fmt: skip


def explore(corpus: Sequence[Trace], vocabulary: Sequence[Trace], reach: Reach, number: int) -> Iterator[Trace]:
    """Traces made from the latest of `corpus` that reach something new; `number` is the seed of this go."""
    recent = tuple(corpus[-RECENT:])
    if not recent:
        return
    chosen: list[Trace] = []

    @seed(number)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(traces(recent, vocabulary))
    def steer(trace: Trace) -> None:
        states, new = reach(trace)
        target(float(states), label="distance to OPEN")
        if new:
            chosen.append(trace)

    steer()
    yield from chosen
