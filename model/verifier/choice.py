"""Which goal of a pattern to branch on: the one that is the hardest to meet.

A goal costs as much as its ways. What the attacker can make of what is easy to have is met in any case, so it comes
last; a term that he has to make of one that is hard to have is as hard as that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from .goals import waiting
from .sources import Source
from .state import Known, State
from .terms import TRAIL, App, Atom, Group, Term, Var, deref, exponents, undo
from .unify import TUPLE, unify
from .ways import Ways

FREE = 256
"""What a way costs that nothing is in."""

OPEN_ENDED = 32
"""What a send costs that does not bring a run to where an alternative of the claim wants it; one that does costs 1."""


class Order(Enum):
    """Which of the goals is looked at first. Two of them take the one that costs least and differ in ties."""

    OLDEST = "oldest"
    NEWEST = "newest"
    DEEPEST = "deepest"
    """Fresh values and keys, then the newest, whatever they cost.

    What is cheap to explain may have no end: each message of an honest run comes from another one. This follows what
    the attacker must know to its end first.
    """


@dataclass(frozen=True, slots=True)
class Picked:
    """What to branch on: a goal and the sends that it may come from, or the number of a variable to look inside of.

    `only`: there is one way to meet the goal, which binds nothing.
    """

    goal: tuple[Term, int] | int | None
    fits: list[Source]
    only: bool = False


@dataclass(slots=True)
class _Ways:
    """`own` ways to make a term, and the sends that it may come from; not all of them if it costs `most` or more."""

    cost: int
    own: int
    fits: list[Source]
    most: int


class Choice:
    """Picks goals in the patterns of one query."""

    def __init__(self, ways: Ways) -> None:
        self.ways, self.context, self.sources = ways, ways.context, ways.sources
        self.order = Order.OLDEST
        self._bound = 0
        self._counted: dict[Term, _Ways] = {}
        self._costs: dict[Term | Known, int] = {}
        """What each goal cost when last looked at: a guess of what it costs."""
        self._settling = self._beyond()

    def _beyond(self) -> frozenset[int]:
        """Ways of roles past the event of an alternative: with a send from there, the claim likely holds."""
        wanted: dict[str, int] = {}
        for alternative in self.context.query.alternatives:
            for name, height in alternative.cast:
                wanted[name] = min(height, wanted.get(name, height))
        roles = (role for role in self.ways.pool.roles if role.name in wanted)
        return frozenset(way for role in roles for way in role.prefix[wanted[role.name] + 1 :])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Forget afterwards what goals cost: in another order they cost something else."""
        costs, self._costs = self._costs, {}
        try:
            yield
        finally:
            self._costs = costs

    def start(self, bound: int) -> None:
        """Forget what was counted: variables were bound, or runs have come further."""
        self._bound = bound
        self._counted.clear()

    def pick(self, state: State) -> Picked:
        """The goal that is first in order, or the number of a bound variable to look inside of."""
        for i, (variable, _, _) in enumerate(state.inside):
            if type(deref(variable)) is not Var:
                return Picked(i, [])
        full = len(state.runs) >= self._bound
        best, least = Picked(None, []), 1 << 30
        for goal, node in self._likely_first(state):
            if not full and (least <= self._costs.get(goal, 0) or (best.goal and self.order is Order.DEEPEST)):
                break
            found = self._ways(state, goal, least)
            self._costs[goal] = found.cost
            if found.cost < least:
                only = found.own == 1 and not found.fits and self.ways.plain(goal)
                best, least = Picked((goal, node), found.fits, only), found.cost
                if only or least <= (0 if full else 1):
                    break
        return best

    def _likely_first(self, state: State) -> list[tuple[Term, int]]:
        """The goals that do not wait, those first that are likely to be picked."""
        goals = state.open if self.order is Order.OLDEST else reversed(state.open)
        active = [(g, n) for g, n in goals if not isinstance(g, Known) and not waiting(g)]
        if self.order is Order.DEEPEST:
            active.sort(key=lambda goal: self._rank(goal[0]) > 0)
        else:
            active.sort(key=lambda goal: (self._costs.get(goal[0], 0), self._rank(goal[0])))
        return active

    def _rank(self, term: Term) -> int:
        """Of goals that cost as much: keys and fresh values first, then what opens, shares, and hashes last."""
        if type(term) is not App:
            return 0 if type(term) is Atom else 2
        symbol = self.context.signature.symbols[term.symbol]
        return 0 if not symbol.builds else 1 if symbol.opens else 3

    def _ways(self, state: State, term: Term, most: int) -> _Ways:
        known = self._counted.get(term)
        if known is None or known.most <= known.cost < most:
            known = self._counted[term] = self._count(state, term, most)
        return known

    def _count(self, state: State, term: Term, most: int) -> _Ways:
        """The ways to a term; counting stops when they cost `most`."""
        found = self._own(state, term, most)
        if type(term) is Group and len(exponents(term)[0]) + (exponents(term)[1] is not None) > 1:
            return found
        for run, instance, position in self.sources.candidates(state, term):
            if found.cost >= most:
                return found
            mark = len(TRAIL)
            if position.inside or unify(position.term, term, []):
                found.fits.append((run, instance, position))
                if run < self._bound:
                    found.cost += 1 if instance.role.prefix[position.step + 1] in self._settling else OPEN_ENDED
            undo(mark)
        if not found.own and len(found.fits) == 1:
            found.cost = min(found.cost, 1)
        return found

    def _own(self, state: State, term: Term, most: int) -> _Ways:
        """The ways to make a term, without sends."""
        if type(term) is Group:
            own = len(self.ways.powers(term))
            return _Ways(FREE * own, own, [], most)
        if type(term) is not App:
            return _Ways(0, 0, [], most)
        own = self.context.revealable(term)
        found = _Ways(FREE * own, own, [], most)
        if term.symbol.endswith("~"):
            found.own += 1
            found.cost += self._hardest(state, [self.context.signature.strong(term)])
        for _, needed in self.ways.buildable(term):
            found.own += 1
            found.cost += self._hardest(state, [term.args[i] for i in needed])
        return found

    def _hardest(self, state: State, parts: list[Term]) -> int:
        """The cost of the part that is the hardest to have, of those that the attacker does not have."""
        least = FREE
        while parts:
            term = deref(parts.pop())
            if type(term) is App and (term.symbol == TUPLE or term.symbol in self.context.signature.transparent):
                parts.extend(term.args)
            elif not waiting(term) and not self.context.is_public(term) and state.knows(term) is None:
                cost = None if len(state.runs) >= self._bound else self._costs.get(term)
                if cost is None:
                    cost = self._costs[term] = self._ways(state, term, least).cost
                least = min(least, cost)
        return least
