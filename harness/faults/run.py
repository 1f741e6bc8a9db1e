"""The run of a faulty peer: some checks are judged otherwise, some terms evaluate to something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...model.table import Form
from ...model.terms import Term
from ..evaluator.run import Run
from ..identity.world import World


class FaultyRun(Run):
    """A run that judges some checks by judges of its own, and evaluates some terms to something else."""

    __slots__ = ("judges", "world")

    def __init__(self, honest: Run, world: World, judges: Mapping[str, Judge], lies: Mapping[Term, Lie]) -> None:
        super().__init__(honest.role, honest.provider, honest.rng, off=honest.off, rules=honest.rules)
        self.world, self.judges = world, judges
        self.pinned = {term: partial(lie, self) for term, lie in lies.items()}

    def _judge(self, name: str, form: Form) -> None:
        honest = partial(super()._judge, name, form)
        judge = self.judges.get(name)
        if judge is None:
            honest()
        else:
            judge(self, name, form, honest)


Judge = Callable[[FaultyRun, str, Form, Callable[[], None]], None]
"""Decides a check: the run, the check's name, what it compares, and the honest decision to call; raises CheckFailed."""
Lie = Callable[[FaultyRun, Any], Any]
"""What a term evaluates to, given its honest value."""
