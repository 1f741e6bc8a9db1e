"""What the branches of a search share: the instances of runs, and the limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from .compiled import CompiledRole, Instance, Position
from .flow import Flow
from .state import State
from .terms import App, Atom, Term, Var


class TimeLimit(Exception):
    """The search took longer than it may."""


@dataclass(slots=True)
class Stats:
    """Counters of one claim, over all its searches."""

    states: int = 0
    deadline: float = float("inf")

    def tick(self) -> None:
        """Count a state.

        Raises:
            TimeLimit: the deadline has passed.
        """
        self.states += 1
        if not self.states & 31 and time.perf_counter() > self.deadline:
            raise TimeLimit


class Pool:
    """Instances of roles by run number, made once and shared by all branches of one search."""

    def __init__(self, roles: list[CompiledRole], flow: Flow) -> None:
        self.roles, self.flow = roles, flow
        self._made: dict[tuple[int, int], Instance] = {}
        self._sent: dict[str, bool] = {}

    def get(self, role: int, index: int) -> Instance:
        key = (role, index)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self.roles[role].instance(index)
        return found

    def sent(self, term: App) -> bool:
        """Whether an application of this symbol can come out of some send."""
        found = self._sent.get(term.symbol)
        if found is None:
            found = any(self.get(i, 0).positions.get(term.symbol) for i in range(len(self.roles))) or any(
                carried.wild for carried in self.flow.values()
            )
            self._sent[term.symbol] = found
        return found

    def keeps(self, exponent: Atom) -> bool:
        """Whether no role gives away its fresh exponent of that name; an exponent is never received."""
        return not any(
            key.name == exponent.name
            for number in range(len(self.roles))
            for key in self.get(number, 0).positions
            if type(key) is Atom
        )

    def places(self, instance: Instance, head: object, term: Term, state: State) -> Iterator[Position]:
        """Positions of a run from which the term may come, forwarded variables only if they can carry it."""
        yield from instance.positions.get(head, ())
        origin = state.runs[term.run].role.name if type(term) is Atom and term.run >= 0 else ""
        for position in instance.positions.get(Var, ()):
            assert type(position.term) is Var
            if self.flow[instance.role.number, position.term.name].may_be(term, origin):
                yield position
