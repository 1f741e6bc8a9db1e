"""The answer for one claim: a proof, an attack, a bound, or that the model says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .attack import Attack, build
from .claims import Claim, Executable
from .compiled import Signature, compile_roles
from .flow import analyse
from .goals import Context
from .protocol import Protocol
from .query import Query
from .replay import replay
from .search import Pool, Search, Stats, TimeLimit
from .state import State
from .terms import Atom

DEFAULT_POWERS = frozenset({"dishonest"})
PROOF, ATTACK, BOUNDED, VACUOUS = "proof", "attack", "bounded", "vacuous"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a claim, with the number of patterns looked at and the seconds it took."""

    kind: str
    states: int
    seconds: float
    bound: int
    attack: Attack | None = None
    timed_out: bool = False


def deepening(least: int, most: int) -> list[int]:
    """Bounds on the number of runs, in the order in which they are tried."""
    wanted = [b for b in (2, 3, 4, 6, 8, 12, 16, 24, 32) if least <= b < most]
    return [*wanted, most]


class Engine:
    """One protocol under some powers: what is compiled once and used for all claims."""

    def __init__(self, protocol: Protocol, powers: frozenset[str] = DEFAULT_POWERS) -> None:
        self.protocol, self.powers = protocol, powers
        self.signature = Signature(protocol)
        self.roles = compile_roles(self.signature, powers)
        self.flow = analyse(self.roles, self.signature)

    def solve(self, query: Query, stats: Stats, max_runs: int) -> tuple[str, Attack | None, int]:
        """Deepen until there is a proof, an attack, or no room."""
        agents = {name: Atom(name, self.signature.agent_bit) for name in query.classes}
        context = Context(self.signature, query, agents, self.powers)
        found: list[Attack] = []

        def keep(state: State) -> None:
            attack = build(state, self.protocol, query)
            replay(self.protocol, attack, query, self.powers)
            found.append(attack)

        search = Search(context, Pool(self.roles, self.flow), stats, keep)
        for bound in deepening(len(query.premises), max_runs):
            if search.run(bound):
                return ATTACK, found[0], bound
            if not search.cut:
                return PROOF, None, bound
        return BOUNDED, None, max_runs


def verify(
    protocol: Protocol,
    claim: Claim,
    *,
    powers: frozenset[str] = DEFAULT_POWERS,
    max_runs: int = 6,
    time_limit: float = 60.0,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """Decide a claim."""
    start = time.perf_counter()
    stats = Stats(deadline=start + time_limit)
    engine = Engine(protocol, powers)
    kind, bound = PROOF, 0
    try:
        for query in claim.queries(protocol):
            verdict, attack, depth = engine.solve(query, stats, max_runs)
            bound = max(bound, depth)
            if verdict == ATTACK:
                return Verdict(ATTACK, stats.states, time.perf_counter() - start, depth, attack)
            if verdict == BOUNDED:
                kind = BOUNDED
    except TimeLimit:
        return Verdict(BOUNDED, stats.states, time.perf_counter() - start, bound, timed_out=True)
    return Verdict(kind, stats.states, time.perf_counter() - start, bound)


__all__ = ["Executable", "Verdict", "verify"]
