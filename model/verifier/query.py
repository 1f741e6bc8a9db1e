"""What a search looks for: runs that have come so far, terms that the attacker knows, and no alternative that holds.

A claim is one or more queries. A place `(i, template)` is a template of the i-th premise, or, in an alternative, of the
premises followed by its cast; `(i, step)` is the event of that step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .protocol import Template
from .state import State
from .terms import Term, equal

Place = tuple[int, Template]
Moment = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Premise:
    """A run of `role` that has executed `height` steps; `agents` fixes some of its agents."""

    role: str
    height: int
    agents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alternative:
    """There are runs of the roles in `cast`, so far, with these equalities and this order."""

    cast: tuple[tuple[str, int], ...] = ()
    equal: tuple[tuple[Place, Place], ...] = ()
    before: tuple[tuple[Moment, Moment], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A violation to look for. `classes` gives the class of each agent that the premises name.

    `late`: long-term keys are revealed after the last step of premise 0. `unleaked`: no run gives these terms away, nor
    a component of them. `secrets`: what another proof has shown that the attacker never has in such a trace.
    """

    premises: tuple[Premise, ...]
    classes: Mapping[str, str]
    learned: tuple[Place, ...] = ()
    equal: tuple[tuple[Place, Place], ...] = ()
    before: tuple[tuple[Moment, Moment], ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    unleaked: tuple[Place, ...] = ()
    late: bool = False
    secrets: tuple[Place, ...] = ()


def at(state: State, run: int, template: Template) -> Term:
    """The term that `template` stands for in a run."""
    instance = state.runs[run]
    return instance.role.signature.term(template, instance.env, instance.memo)


def holds(state: State, query: Query) -> bool:
    """Whether an alternative holds in every trace of the pattern."""
    premises = list(range(len(query.premises)))
    return any(_facts(state, a, premises, 0) and _holds(state, a, premises, 0) for a in query.alternatives)


def _holds(state: State, alternative: Alternative, runs: list[int], chosen: int) -> bool:
    if chosen == len(alternative.cast):
        return True
    role, height = alternative.cast[chosen]
    for number, instance in enumerate(state.runs):
        if len(state.events[number]) >= height and instance.role.plays(role, height):
            runs.append(number)
            if _facts(state, alternative, runs, len(runs) - 1) and _holds(state, alternative, runs, chosen + 1):
                return True
            runs.pop()
    return False


def _facts(state: State, alternative: Alternative, runs: list[int], first: int) -> bool:
    """Check the facts that speak of the runs chosen so far, and of at least one from `first` on."""
    last = len(runs) - 1
    for (i, left), (j, right) in alternative.equal:
        if first <= max(i, j) <= last and not equal(at(state, runs[i], left), at(state, runs[j], right)):
            return False
    for (i, early), (j, then) in alternative.before:
        if first <= max(i, j) <= last and not state.precedes(state.events[runs[i]][early], state.events[runs[j]][then]):
            return False
    return True
