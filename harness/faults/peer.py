"""The reference peer with faults: an `Endpoint` whose table, run, world or methods are distorted at their seams."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from ...model.protocol.tables import profile
from ...model.table import Table
from ..evaluator.run import Run
from ..identity.world import World
from ..peer.asking import AskingEndpoint
from ..peer.binding import DEFAULT
from ..peer.endpoint import Endpoint
from ..peer.parsing import rules_without
from ..verifier.appraisal import Verifier
from ..verifier.provider import VerifierProvider
from .fault import Fault
from .run import FaultyRun


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
def faulty_endpoint(faults: tuple[Fault, ...], *, asking: bool = False) -> Callable[..., Endpoint]:
    """The class of endpoints with these faults; `off` that it is given is added to what they leave out.

    Endpoints that are `asking` a verifier are given how.
    """
    bases = tuple(one.seams.endpoint for one in faults if one.seams.endpoint)
    plain = (AskingEndpoint,) if asking else ()
    return type("FaultyPeer", (*bases, FaultyEndpoint, *plain), {"faults": faults})


class FaultyVerifier(Verifier):
    """A verifier with the faults of its class."""

    faults: ClassVar[tuple[Fault, ...]] = ()

    def new_run(self, provider: VerifierProvider) -> Run:
        judges = {name: judge for one in self.faults for name, judge in one.seams.judges.items()}
        lies = {term: lie for one in self.faults for term, lie in one.seams.lies.items()}
        return FaultyRun(super().new_run(provider), provider.world, judges, lies)


@cache
def faulty_verifier(faults: tuple[Fault, ...]) -> Callable[..., Verifier]:
    """The class of verifiers with these faults."""
    bases = tuple(one.seams.verifier for one in faults if one.seams.verifier)
    return type("OtherVerifier", (*bases, FaultyVerifier), {"faults": faults})
