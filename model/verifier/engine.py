"""The answer for one query: searches under bounds on the number of runs, until there is a proof or an attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .attack import Attack
from .certificate import Tree
from .choice import Order
from .compiled import compile_roles
from .goals import Context
from .grounding import build
from .pool import BudgetSpent, Pool, Stats, TimeLimit
from .protocol import Protocol
from .query import Query
from .replay import replay
from .search import Search
from .signature import Signature
from .state import State
from .terms import Atom

PROOF, ATTACK, BOUNDED = "proof", "attack", "bounded"

EAGER = 150
"""States for the attempt to do without deepening."""

PATIENCE = 100
"""States that the first attempt under a bound may take."""

DEEP, DEEPLY = 400, 1600
"""Once an attempt may take so many states, one follows each goal to its end; and the most that one may take."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class Answer:
    """What is said of one query: `bound` as in a verdict."""

    kind: str
    bound: int
    attack: Attack | None = None
    trees: tuple[Tree, ...] = ()


def deepening(least: int, most: int) -> list[int]:
    """Bounds on the number of runs, in the order in which they are tried."""
    wanted = [b for b in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if least <= b < most]
    return [*wanted, most] if most >= least else []


class Engine:
    """One protocol under some powers: what is compiled once and used for all claims.

    Without `shortcuts` the search looks also where theorems say that nothing is: slower, for comparison. What is
    compiled is the same for all powers that grant the same leaks: it may be that of an engine `like` this one.
    """

    def __init__(
        self, protocol: Protocol, powers: frozenset[str], shortcuts: bool = True, like: Engine | None = None
    ) -> None:
        self.protocol, self.powers = protocol, powers
        self.signature: Signature = Signature(protocol, shortcuts) if like is None else like.signature
        self.pool: Pool = self._compiled() if like is None else like.pool

    def _compiled(self) -> Pool:
        return Pool(compile_roles(self.signature, self.powers), self.signature)

    def solve(
        self,
        query: Query,
        stats: Stats,
        max_runs: int,
        progress: Progress,
        record: bool = False,
        smallest: bool = True,
    ) -> Answer:
        """A proof, an attack, or no room for either. Any attack will do unless it must be the `smallest`."""
        constants = self.signature.constants
        agents = {name: constants.get(name) or Atom(name, self.signature.agent_bit) for name in query.classes}
        context = Context(self.signature, query, agents, self.powers)
        answer = _Hunt(Search(context, self.pool, stats, record, smallest), max_runs, progress, self.protocol).answer()
        if answer.attack is not None:
            replay(self.protocol, answer.attack, query, self.powers)
        return answer


class _Hunt:
    """The searches for one query."""

    def __init__(self, search: Search, max_runs: int, progress: Progress, protocol: Protocol) -> None:
        self._search, self._progress, self._protocol = search, progress, protocol
        self._query, self._stats = search.context.query, search.stats
        self._least = len(self._query.premises)
        self._most = max(self._least, max_runs)
        self._attack: Attack | None = None
        self._patience, self._order = PATIENCE, Order.OLDEST
        search.found = self._keep

    def _keep(self, state: State) -> None:
        self._attack = build(state, self._protocol, self._query)
        self._most = len(state.runs) - 1

    def answer(self) -> Answer:
        """The answer to the query."""
        limit = self._most
        try:
            none = self._bounds()
        except TimeLimit:
            if self._attack is None:
                raise
            none = None
        if none is not None and self._attack is None:
            return none
        return Answer(ATTACK, len(self._attack.runs), self._attack) if self._attack else Answer(BOUNDED, limit)

    def _bounds(self) -> Answer | None:
        """Look for ever fewer runs; the answer if there is no attack at all."""
        most = self._most
        self._stats.bound = 0
        if self._eager(most):
            return self._none(most)
        for bound in deepening(max(self._least, self._stats.bound + 1), self._most):
            self._progress(f"up to {bound} runs, {self._stats.states} states")
            self._attempt(bound)
            if not self._search.cut or (self._attack is not None and self._most <= bound):
                return self._none(bound)
            self._stats.bound = bound
        return self._none(self._most) if self._attack is None and self._deeply(max(self._patience, DEEP)) else None

    def _deeply(self, states: int) -> bool:
        """Follow each goal to its end, with all runs at once; whether so many states show that there is no trace."""
        self._search.choice.order, self._stats.budget = Order.DEEPEST, self._stats.states + states
        try:
            with self._search.choice.aside():
                self._search.run(self._most)
        except BudgetSpent:
            return False
        return self._attack is None and not self._search.cut

    def _none(self, bound: int) -> Answer:
        """There is no trace: whatever the number of runs, unless the bound cut one off."""
        search = self._search
        return Answer(BOUNDED, bound) if search.cut else Answer(PROOF, search.widest, trees=tuple(search.trees))

    def _eager(self, bound: int) -> bool:
        """Search with all runs at once: a proof needs no deepening. Whether few states sufficed."""
        self._stats.budget = self._stats.states + EAGER
        try:
            self._search.run(bound)
        except BudgetSpent:
            return False
        return True

    def _attempt(self, bound: int) -> None:
        """Search with either order of goals in turn, each time with twice the budget: often one takes far less."""
        while True:
            self._search.choice.order = self._order
            self._stats.budget = self._stats.states + self._patience
            try:
                self._search.run(min(bound, self._most))
                return
            except BudgetSpent:
                self._order = Order.OLDEST if self._order is Order.NEWEST else Order.NEWEST
                self._patience *= 2
            if self._patience >= DEEP and self._deeply(min(self._patience, DEEPLY)):
                return
