"""Shorter traces that show the same: steps left out, options left out, as long as the finding stays the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .trace import Step, Trace

PATIENCE = 120
"""Traces that are tried."""

Shows = Callable[[Trace], bool]


def shortened(trace: Trace, shows: Shows) -> Trace:
    """The shortest trace that was come upon; `shows` plays one and says whether it still shows the finding."""
    left = PATIENCE
    improved = True
    while improved:
        improved = False
        for candidate in _shorter(trace):
            if not left:
                return trace
            left -= 1
            if shows(candidate):
                trace, improved = candidate, True
                break
    return trace


def _shorter(trace: Trace) -> Iterator[Trace]:
    count = len(trace.steps)
    size = count // 2
    while size:
        for start in range(count - size, -1, -size):
            yield trace.with_steps((*trace.steps[:start], *trace.steps[start + size :]))
        size //= 2
    for key in trace.configuration:
        yield Trace(trace.role, trace.steps, {k: v for k, v in trace.configuration.items() if k != key})
    for position, item in enumerate(trace.steps):
        for key in item.arguments:
            if item.do == "open":
                less = Step(item.do, item.session, {k: v for k, v in item.arguments.items() if k != key})
                yield trace.with_steps((*trace.steps[:position], less, *trace.steps[position + 1 :]))
