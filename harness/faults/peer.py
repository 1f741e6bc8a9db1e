"""The reference peer with faults: an `Endpoint` whose table, run, world or methods are distorted at their seams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, ClassVar

from ...model.protocol.tables import profile
from ...model.table import Form, Table
from ...model.terms import Term
from ..evaluator.run import Run
from ..identity.world import World
from ..peer.binding import DEFAULT
from ..peer.endpoint import Endpoint
from ..peer.parsing import rules_without
from .fault import Fault, Judge, Lie


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


class FaultyEndpoint(Endpoint):
    """An endpoint with the faults of its class."""

    faults: ClassVar[tuple[Fault, ...]] = ()

    def __init__(self, role: Any, world: World, **options: Any) -> None:
        for one in self.faults:
            world = one.seams.world(world) if one.seams.world else world
        channels = tuple(one.seams.channel for one in self.faults if one.seams.channel)
        if channels and options.get("binding", DEFAULT) == DEFAULT:
            options["channel"] = type("FaultyChannel", channels, {})
        super().__init__(role, world, table=_table(self.faults, options.get("binding", DEFAULT)), **options)

    def new_run(self, role: str) -> Run:
        judges = {name: judge for one in self.faults for name, judge in one.seams.judges.items()}
        lies = {term: lie for one in self.faults for term, lie in one.seams.lies.items()}
        honest = Run(role, self.provider, self.provider.rng, off=self.off, rules=rules_without(self.off))
        return FaultyRun(honest, self.world, judges, lies)


@cache
def _table(faults: tuple[Fault, ...], binding: str) -> Table:
    table = profile(binding)
    for one in faults:
        table = one.seams.table(table) if one.seams.table else table
    return table


@cache
def faulty_endpoint(faults: tuple[Fault, ...]) -> Callable[..., Endpoint]:
    """The class of endpoints with these faults; `off` that it is given is added to what they leave out."""
    bases = tuple(one.seams.endpoint for one in faults if one.seams.endpoint)
    return type("FaultyPeer", (*bases, FaultyEndpoint), {"faults": faults})
