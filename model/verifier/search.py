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
from .compiled import openable
from .detours import Detours
from .goals import Context, components, settle, waiting
from .instances import Instance, Position
from .pool import Pool, Stats
from .protocol import GROUP
from .query import at, holds
from .sources import Source, Sources, parts
from .state import GOAL_NODE, Known, Node, State
from .terms import TRAIL, App, Atom, Group, Term, Var, bind, deref, equal, exponents, undo
from .unify import Equation, solutions, unifiers, unify

PATIENCE = 100
"""States that the first attempt at a query may take."""

OPEN_ENDED = 32
"""What a way to meet a goal counts that does not bring a run to where an alternative of the claim wants it."""

Branch = tuple[list[Any], State]
"""How a goal is met, for the certificate, and the pattern in which it is."""


class Search:
    """One query under one bound on the number of runs."""

    def __init__(
        self, context: Context, pool: Pool, stats: Stats, found: Callable[[State], None], record: bool = False
    ) -> None:
        self.context, self.pool, self.stats, self.found, self.record = context, pool, stats, found, record
        context.pool = pool
        self.sources = Sources(context, pool)
        self._detours = Detours(pool, context.query, context.signature)
        self.trees: list[Tree] = []
        self._counts: dict[Term | Known, int] = {}
        """How many ways each goal had when last looked at: a guess of how many it has."""
        self._fitting: list[Source] = []
        self._fits: tuple[Term | None, list[Source]] = (None, [])
        """The goal that was picked, and where it may come from: found when its ways were counted."""
        self._protected: list[Term] = []
        self._secrets: list[Term] = []
        query = context.query
        self._any_trace = not (query.learned or query.alternatives or query.equal)
        """Any trace is wanted: runs that follow the protocol are the shortest way to one."""
        self._settling = self._beyond()
        self.newest_first = False
        self.patience = PATIENCE
        self.bound = 0
        self.widest = 0
        """Runs in the largest pattern that was looked at."""
        self.cut = False
        self.done = False

    def run(self, bound: int) -> bool:
        """Look for a trace with at most `bound` runs; True when one was found (and given to `found`)."""
        self.bound, self.widest, self.cut, self.done, self.trees = bound, 0, False, False, []
        mark = len(TRAIL)
        try:
            for state in self._initial():
                self.trees.append(self._explore(state))
                if self.done:
                    break
        finally:
            undo(mark)
        return self.done

    def _beyond(self) -> frozenset[int]:
        """Ways of roles past the event of an alternative: with a send from there, the claim likely holds."""
        wanted: dict[str, int] = {}
        for alternative in self.context.query.alternatives:
            for name, height in alternative.cast:
                wanted[name] = min(height, wanted.get(name, height))
        roles = (role for role in self.pool.roles if role.name in wanted)
        return frozenset(way for role in roles for way in role.prefix[wanted[role.name] + 1 :])

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
        self._protected = [part for place in query.unleaked for part in components(at(state, *place))]
        self._secrets = [at(state, *place) for place in query.secrets]
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
        self.widest = max(self.widest, len(state.runs))
        pending: list[Equation] = []
        if not settle(state, self.context, pending):
            return DEAD
        if pending:
            return self._solve(state, pending)
        if holds(state, self.context.query):
            return HOLDS
        if self._detours.taken(state):
            return DETOUR
        if not self.record and any(not waiting(goal) and self._dead(goal, {}) for goal, _ in state.open):
            return DEAD
        goal = self._pick(state)
        if goal is None:
            if state.inside:
                return STUCK
            self.done = True
            self.found(state)
            return DEAD
        children: list[Tree] = []
        named = self._named(state, goal) if self.record else []
        for key, child in self._branches(state, goal):
            tree = self._explore(child)
            if self.done:
                break
            if self.record and tree is not DEAD:
                children.append([key, tree])
        return [*named, children]

    def _solve(self, state: State, pending: list[Equation]) -> Tree:
        """Go on with each solution of equations that have several."""
        trees: list[Tree] = []
        for _ in solutions(pending):
            trees.append(self._explore(state.copy()))
            if self.done:
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

    def _pick(self, state: State) -> tuple[Term, int] | int | None:
        """The goal with the fewest ways to be met, or the number of a bound variable to look inside of."""
        for i, (variable, _, _) in enumerate(state.inside):
            if type(deref(variable)) is not Var:
                return i
        goals = reversed(state.open) if self.newest_first else state.open
        active = [(g, n) for g, n in goals if not waiting(g)]
        for goal, node in active:
            if type(goal) is Group and self._dead(goal, {}):
                return goal, node
        counts = self._counts
        active.sort(key=lambda goal: (counts.get(goal[0], 0), self._rank(goal[0])))
        best: tuple[Term, int] | None = None
        least = 1 << 30
        for goal, node in active:
            if best is not None and least <= counts.get(goal, 0):
                break
            assert not isinstance(goal, Known)
            cost = counts[goal] = self._ways(state, goal, least)
            if cost < least:
                best, least, self._fits = (goal, node), cost, (goal, self._fitting)
                if cost <= 1:
                    break
        return best

    def _rank(self, term: Term | Known) -> int:
        """Of goals with as many ways: keys and fresh values first, then what opens, shares, and hashes last."""
        if type(term) is not App:
            return 0 if type(term) is Atom else 2
        symbol = self.context.signature.symbols[term.symbol]
        return 0 if not symbol.builds else 1 if symbol.opens else 3

    def _ways(self, state: State, term: Term, most: int) -> int:
        """What the branches of a goal will cost; counting stops at `most`."""
        count = 0
        if type(term) is App:
            own = self.context.revealable(term) + sum(1 for _ in self._buildable(term))
            count = OPEN_ENDED * (own + term.symbol.endswith("~"))
        elif type(term) is Group:
            count = OPEN_ENDED * len(self._powers(term))
            if len(exponents(term)[0]) + (exponents(term)[1] is not None) > 1:
                return count
        self._fitting = fitting = []
        for source in self.sources.candidates(state, term):
            if count >= most:
                break
            _, instance, position = source
            mark = len(TRAIL)
            if position.inside or unify(position.term, term, []):
                fitting.append(source)
                count += 1 if instance.role.prefix[position.step + 1] in self._settling else OPEN_ENDED
            undo(mark)
        return count

    def _buildable(self, term: App, memo: dict[Term, bool] | None = None) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The ways to build a term that need nothing which the attacker can never have."""
        memo = {} if memo is None else memo
        for number, needed in enumerate(self.context.signature.symbols[term.symbol].builds):
            if not any(self._dead(deref(term.args[i]), memo) for i in needed):
                yield number, needed

    def _dead(self, term: Term | Known, memo: dict[Term, bool]) -> bool:
        """Whether the attacker can never have the term: nobody sends it, and it cannot be built."""
        if not self.context.signature.shortcuts:
            return False
        if type(term) is Atom:
            return self._kept(term)
        if any(type(secret) is type(term) and equal(secret, term) for secret in self._secrets):
            return True
        if type(term) is Group:
            return sum(map(self._kept, exponents(term)[0])) > 1
        if type(term) is not App or term.symbol not in self.context.signature.symbols or term.symbol.endswith("~"):
            return False
        if term not in memo:
            memo[term] = not (
                self.context.revealable(term) or self._sent(term) or next(self._buildable(term, memo), None) is not None
            )
        return memo[term]

    def _sent(self, term: App) -> bool:
        """Whether some send can give the term away; what the claim protects is not leaked."""
        if not self.pool.sent(term):
            return False
        protected = not self.record and self.pool.only_leaked(term)
        return not (protected and any(equal(term, part) for part in self._protected))

    def _kept(self, atom: Term) -> bool:
        """Whether an atom is a secret that no run gives away, not even under a key; a product of two such stays one."""
        return type(atom) is Atom and (atom.run >= 0 or not atom.public) and self.pool.keeps(atom)

    def _branches(self, state: State, goal: tuple[Term, int] | int) -> Iterator[Branch]:
        """Every way to meet a goal; bindings are undone between them."""
        if isinstance(goal, int):
            yield from self._inside(state, goal)
            return
        term, node = goal
        (counted, fits), self._fits = self._fits, (None, [])
        mark = len(TRAIL)
        base = state.copy()
        base.open.remove(goal)
        sources = self._sources(base, term, node, fits if counted is term else None)
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
        learned = child.learn(term, node, "late" if late else "reveal")
        claim = child.events[0][self.context.query.premises[0].height - 1]
        if not late or child.before(claim, learned):
            child.reveals.append((term, late))
            yield key, child

    def _build(self, state: State, term: App, node: int) -> Iterator[Branch]:
        for number, needed in self._buildable(term):
            child = state.copy()
            learned = child.learn(term, node, "build")
            child.open.extend((term.args[i], learned) for i in needed)
            yield ["b", number], child

    def _strong(self, state: State, term: App, node: int) -> Iterator[Branch]:
        """What is not verified may be as good as what is."""
        if term.symbol.endswith("~"):
            strong = self.context.signature.symbols[term.symbol[:-1]]
            child = state.copy()
            learned = child.learn(term, node, "strong")
            child.open.append((self.context.signature.apply(strong, term.args), learned))
            yield ["strong"], child

    def _group(self, state: State, term: Group, node: int) -> Iterator[Branch]:
        """A secret of several exponents: the share of some is obtained, all others are known."""
        atoms, rest = exponents(term)
        single = len(atoms) + (rest is not None) == 1
        for base, known in self._powers(term):
            child = state.copy()
            learned = child.learn(term, node, "build" if single else "power")
            if base is not None:
                child.open.append((base, learned))
            child.open.extend((goal, learned) for goal in known)
            yield ["e" if single else "p"], child

    def _powers(self, term: Group) -> list[tuple[Group | None, list[Term | Known]]]:
        """The ways to compute a group element from another one: that, and the exponents that this takes.

        Those that need two secrets which no run gives away, or one beside a share, are none.
        """
        atoms, rest = exponents(term)
        kept = sum(map(self._kept, atoms)) if self.context.signature.shortcuts else 0
        if len(atoms) == 1 and rest is None:
            return [] if kept else [(None, [atoms[0]])]
        bit, known = self.context.signature.bit(GROUP), [Known(rest)] if rest is not None else []
        ways: list[tuple[Group | None, list[Term | Known]]] = [
            (Group((atom,), None, bit), [*atoms[:i], *atoms[i + 1 :], *known])
            for i, atom in enumerate(atoms)
            if kept <= (1 if self._kept(atom) else 0) or not self.context.signature.shortcuts
        ]
        if rest is not None and not kept:
            ways.append((Group((), rest, bit), list(atoms)))
        return ways

    def _sources(self, state: State, term: Term, node: int, fits: list[Source] | None) -> Iterator[Branch]:
        """The term comes out of a send."""
        for run, instance, position in self.sources.candidates(state, term) if fits is None else fits:
            if position.inside:
                yield from self._use(state, term, node, run, instance, position)
                continue
            for _ in unifiers(position.term, term):
                yield from self._use(state, term, node, run, instance, position)

    def _use(
        self, state: State, term: Term, node: int, run: int, instance: Instance, position: Position
    ) -> Iterator[Branch]:
        if run == len(state.runs) == self.bound:
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
