"""Backward refinement of patterns: the core loop.

Each goal (a term that the attacker must know before a node) is solved in every way that a trace allows: a long-term
key is given away; the attacker builds the term; or it comes out of a send, of a run that is in the pattern or of a
new one. When no goal is left, the pattern has a trace: an attack. When every branch fails, there is none, for any
number of runs, unless a new run was refused for the bound (`cut`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .certificate import DEAD, DETOUR, HOLDS, STUCK, Tree, written
from .choice import Choice, Picked
from .claims import HONEST
from .compiled import openable
from .detours import Detours
from .goals import Context, Work, components, settle
from .instances import Instance, Position
from .pool import Pool, Stats
from .query import at, holds
from .sources import Source, Sources, parts
from .state import GOAL_NODE, Node, State
from .terms import TRAIL, App, Group, Term, Var, bind, deref, exponents, undo
from .unify import Equation, solutions, unifiers
from .ways import Ways

Branch = tuple[list[Any], State]
"""How a goal is met, for the certificate, and the pattern in which it is."""


class Search:
    """One query under one bound on the number of runs."""

    def __init__(self, context: Context, pool: Pool, stats: Stats, record: bool = False, smallest: bool = True) -> None:
        self.context, self.pool, self.stats, self.record, self.smallest = context, pool, stats, record, smallest
        context.pool = pool
        self.found: Callable[[State], None] = lambda state: None
        """Is given each pattern that has a trace."""
        self.sources = Sources(context, pool)
        self.ways = Ways(context, pool, self.sources, record)
        self.choice = Choice(self.ways)
        self._detours = Detours(pool, context.query, context.signature)
        self.trees: list[Tree] = []
        query = context.query
        honest = {HONEST}.issuperset(query.classes.values())
        self._any_trace = honest and not (query.learned or query.alternatives or query.equal)
        """Any trace is wanted: runs that follow the protocol are the shortest way to one."""
        self.bound = 0
        self.widest = 0
        """Runs in the largest pattern that was looked at."""
        self.cut = False
        self._done = False

    def run(self, bound: int) -> None:
        """Look for traces with at most `bound` runs.

        Once one is found, only those with fewer runs are looked for, unless any but the `smallest` will do.
        """
        self.bound, self.widest, self.cut, self._done, self.trees = bound, 0, False, False, []
        mark = len(TRAIL)
        try:
            for state in self._initial():
                self.trees.append(self._explore(state))
                if self._done:
                    break
        finally:
            undo(mark)

    def _initial(self) -> Iterator[State]:
        """The patterns of the query, one for each choice of role variants."""
        query = self.context.query
        chosen: list[int] = []

        def choose(number: int) -> Iterator[State]:
            if number == len(query.premises):
                yield from self._start(chosen)
                return
            for i, role in enumerate(self.pool.roles):
                if role.name == query.premises[number].role:
                    chosen.append(i)
                    yield from choose(number + 1)
                    chosen.pop()

        yield from choose(0)

    def _start(self, chosen: list[int]) -> Iterator[State]:
        query, state = self.context.query, State()
        mark = len(TRAIL)
        for number, (role, premise) in enumerate(zip(chosen, query.premises, strict=True)):
            instance = self.pool.get(role, number)
            state.add_run(instance)
            for name, agent in premise.agents.items():
                variable = instance.env[name]
                assert isinstance(variable, Var)
                bind(variable, self.context.agents[agent])
        for number, premise in enumerate(query.premises):
            state.reach(number, premise.height)
        ordered = all(
            state.before(state.events[i][first], state.events[j][then]) for (i, first), (j, then) in query.before
        )
        self.ways.protected = [part for place in query.unleaked for part in components(at(state, *place))]
        self.ways.secrets = [at(state, *place) for place in query.secrets]
        for left, right in query.equal:
            state.match.append((at(state, *left), at(state, *right)))
        for place in query.learned:
            state.open.append((at(state, *place), state.node(Node(GOAL_NODE))))
        if ordered:
            yield state
        undo(mark)

    def _explore(self, state: State) -> Tree:
        """Look for a trace of the pattern; the case tree, complete if there is none (empty unless it is recorded)."""
        self.stats.tick()
        if len(state.runs) > self.bound:
            self.cut = True
            return DEAD
        self.widest = max(self.widest, len(state.runs))
        picked = self._settled(state)
        if isinstance(picked, list):
            return picked
        if picked.goal is None:
            if state.inside:
                return STUCK
            self.found(state)
            self.bound = len(state.runs) - 1
            self._done = not self.smallest or self.bound < len(self.context.query.premises)
            return DEAD
        children: list[Tree] = []
        named = self._named(state, picked.goal) if self.record else []
        for key, child in self._branches(state, picked.goal, picked.fits):
            tree = self._explore(child)
            if self._done or len(state.runs) > self.bound:
                break
            if self.record and tree is not DEAD:
                children.append([key, tree])
        return [*named, children]

    def _settled(self, state: State) -> Tree | Picked:
        """Meet the goals that have one way each; then what to branch on, unless that is the end of the pattern."""
        while True:
            pending: list[Equation] = []
            if not settle(state, self.context, pending, self.ways.meet):
                return DEAD
            if pending:
                return self._solve(state, pending)
            if holds(state, self.context.query):
                return HOLDS
            if self._detours.taken(state):
                return DETOUR
            self.choice.start(self.bound)
            picked, met, same = self.choice.pick(state), False, True
            while picked.only and same and not self.record:
                met, before = True, (len(TRAIL), state.events[:])
                if not self._met(state, picked, pending):
                    return DEAD
                if pending:
                    return self._solve(state, pending)
                same = before == (len(TRAIL), state.events)
                picked = self.choice.pick(state) if same else picked
            if same and (picked.goal is not None or not met):  # A trace is one of a pattern that is settled as a whole.
                return picked

    def _met(self, state: State, picked: Picked, pending: list[Equation]) -> bool:
        """Meet a goal in the one way there is, and simplify what is new; whether there may be a trace."""
        assert isinstance(picked.goal, tuple)
        state.open.remove(picked.goal)
        fresh: Work = []
        met = self.ways.made(state, *picked.goal, fresh)
        return met is True and settle(state, self.context, pending, self.ways.meet, fresh)

    def _solve(self, state: State, pending: list[Equation]) -> Tree:
        """Go on with each solution of equations that have several."""
        trees: list[Tree] = []
        for _ in solutions(pending):
            trees.append(self._explore(state.copy()))
            if self._done:
                break
        return ["cases", trees]

    def _named(self, state: State, goal: tuple[Term, int] | int) -> Tree:
        """The goal of a split, for the certificate."""
        if isinstance(goal, int):
            variable, term, _ = state.inside[goal]
            held = next(v for v in self._holders(state) if deref(v) is deref(variable))
            return ["look", [["v", held.name, held.run], written(term, state)]]
        return ["split", written(goal[0], state)]

    def _holders(self, state: State) -> Iterator[Var]:
        for instance in state.runs:
            yield from (term for term in instance.env.values() if type(term) is Var)

    def _branches(self, state: State, goal: tuple[Term, int] | int, fits: list[Source]) -> Iterator[Branch]:
        """Every way to meet a goal; bindings are undone between them."""
        if isinstance(goal, int):
            yield from self._inside(state, goal)
            return
        term, node = goal
        mark = len(TRAIL)
        base = state.copy()
        base.open.remove(goal)
        sources = self._sources(base, term, node, fits)
        if self._any_trace:
            yield from sources
            if type(term) is App:
                yield from self._strong(base, term, node)
        if type(term) is Group:
            yield from self._group(base, term, node)
        elif type(term) is App:
            yield from self._reveal(base, term, node)
            yield from self._build(base, term, node)
            if not self._any_trace:
                yield from self._strong(base, term, node)
        yield from sources
        undo(mark)

    def _reveal(self, state: State, term: App, node: int) -> Iterator[Branch]:
        for late in self.context.reveal_modes(term):
            yield from self._given(state, term, node, late, ["r", late])
        for place, agent, late in self.context.turning_out(term):
            for _ in unifiers(term.args[place], agent):
                yield from self._given(state, term, node, late, ["r", late, place, agent.name])

    def _given(self, state: State, term: App, node: int, late: bool, key: list[Any]) -> Iterator[Branch]:
        child = state.copy()
        if self.ways.reveal(child, term, node, late):
            yield key, child

    def _build(self, state: State, term: App, node: int) -> Iterator[Branch]:
        for number, needed in self.ways.buildable(term):
            child = state.copy()
            learned = child.learn(term, node, "build")
            child.open.extend((term.args[i], learned) for i in needed)
            yield ["b", number], child

    def _strong(self, state: State, term: App, node: int) -> Iterator[Branch]:
        """What is not verified may be as good as what is."""
        if term.symbol.endswith("~"):
            child = state.copy()
            learned = child.learn(term, node, "strong")
            child.open.append((self.context.signature.strong(term), learned))
            yield ["strong"], child

    def _group(self, state: State, term: Group, node: int) -> Iterator[Branch]:
        """A secret of several exponents: the share of some is obtained, all others are known."""
        atoms, rest = exponents(term)
        single = len(atoms) + (rest is not None) == 1
        for base, known in self.ways.powers(term):
            child = state.copy()
            learned = child.learn(term, node, "build" if single else "power")
            if base is not None:
                child.open.append((base, learned))
            child.open.extend((goal, learned) for goal in known)
            yield ["e" if single else "p"], child

    def _sources(self, state: State, term: Term, node: int, fits: list[Source]) -> Iterator[Branch]:
        """The term comes out of a send."""
        for run, instance, position in fits:
            if position.inside:
                yield from self._use(state, term, node, run, instance, position)
                continue
            for _ in unifiers(position.term, term):
                yield from self._use(state, term, node, run, instance, position)

    def _use(
        self, state: State, term: Term, node: int, run: int, instance: Instance, position: Position
    ) -> Iterator[Branch]:
        if run == len(state.runs) >= self.bound:
            self.cut = True
            return
        child = state.copy()
        if run == len(state.runs):
            child.add_run(instance)
        else:
            child.runs[run] = instance
        learned = child.learn(term, node, f"run {run} step {position.step}")
        if not child.extract(run, position, learned):
            return
        if position.inside:
            child.inside.append((position.term, term, learned))
        yield ["s", run, instance.role.number, position.step, list(position.path)], child

    def _inside(self, state: State, number: int) -> Iterator[Branch]:
        """The variable of a forwarding run is bound: the term is its value, or comes out of it."""
        variable, term, node = state.inside[number]
        base = state.copy()
        del base.inside[number]
        for number, (found, keys) in enumerate(parts(deref(variable), (), self.context.signature)):
            if type(found) is Var and openable(found.mask, self.context.signature):
                child = base.copy()
                child.open.extend((key, node) for key in keys)
                child.inside.append((found, term, node))
                yield ["part", number], child
                continue
            for _ in unifiers(found, term):
                child = base.copy()
                child.open.extend((key, node) for key in keys)
                yield ["part", number], child
