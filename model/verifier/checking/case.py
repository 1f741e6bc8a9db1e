"""One case of a proof: a pattern of traces, as the checker sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..protocol import Match, Recv, Template
from ..query import Alternative, Query
from .model import Model, Run
from .terms import Subst, Term, resolve, subterms, unify

Goal = tuple[Term, int]


@dataclass(slots=True)
class Case:
    """Runs, goals and order of a case; `known` are terms that the attacker has from a node on."""

    model: Model
    query: Query
    classes: Mapping[Term, str]
    runs: list[Run] = field(default_factory=list)
    events: list[tuple[int, ...]] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    open: list[Goal] = field(default_factory=list)
    known: list[Goal] = field(default_factory=list)
    inside: list[tuple[Term, Term, int]] = field(default_factory=list)
    reveals: list[tuple[Term, bool]] = field(default_factory=list)
    leaks: list[tuple[int, Term]] = field(default_factory=list)
    equations: list[tuple[Term, Term]] = field(default_factory=list)
    differ: list[tuple[Term, Term]] = field(default_factory=list)
    forwards: list[tuple[tuple[Term, ...], int]] = field(default_factory=list)
    subst: Subst = field(default_factory=dict)

    def copy(self) -> Case:
        other = replace(self)
        other.runs, other.events, other.before = list(self.runs), list(self.events), list(self.before)
        other.open, other.known, other.inside = list(self.open), list(self.known), list(self.inside)
        other.reveals, other.leaks, other.forwards = list(self.reveals), list(self.leaks), list(self.forwards)
        other.equations, other.differ = list(self.equations), list(self.differ)
        return other

    def at(self, term: Term) -> Term:
        """The term under the bindings of this case."""
        return resolve(term, self.subst)

    def node(self) -> int:
        self.before.append(0)
        return len(self.before) - 1

    def ordered(self, first: int, then: int) -> bool:
        return bool(self.before[then] >> first & 1)

    def order(self, first: int, then: int) -> bool:
        """Put `first` before `then`; False for a cycle."""
        if first == then or self.ordered(then, first):
            return False
        for node, earlier in enumerate(self.before):
            if node == then or earlier >> then & 1:
                self.before[node] = earlier | self.before[first] | 1 << first
        return True

    def learn(self, term: Term, target: int) -> int:
        node = self.node()
        self.order(node, target)
        self.known.append((term, node))
        return node

    def reach(self, run: int, height: int) -> None:
        """Let a run have come at least so far."""
        done = list(self.events[run])
        theory, env = self.model.theory, self.runs[run].env
        for step in self.model.steps(self.runs[run])[len(done) : height]:
            node = self.node()
            if done:
                self.order(done[-1], node)
            done.append(node)
            if isinstance(step, Recv):
                self.open.append((theory.term(step.message, env), node))
            elif isinstance(step, Match):
                pair = theory.term(step.left, env), theory.term(step.right, env)
                (self.equations if step.equal else self.differ).append(pair)
        self.events[run] = tuple(done)

    # --- simplification -------------------------------------------------------------------------------------------

    def settled(self) -> list[Case]:
        """The cases that remain when nothing more follows without a choice; none when there is no such trace."""
        cases = [self.copy()]
        found = []
        while cases:
            case = cases.pop()
            if case.equations:
                left, right = case.equations.pop()
                for subst in unify(left, right, case.subst, case.model.theory):
                    one = case.copy()
                    one.subst = subst
                    cases.append(one)
            elif (more := case._simplify()) is not None:
                if more:
                    cases.append(case)
                elif case._consistent():
                    found.append(case)
        return found

    def _simplify(self) -> bool | None:
        """Work through the goals once: whether to do it again; None for a contradiction."""
        work, self.open = self.open, []
        size = len(self.before)
        for goal, node in work:
            if not self._treat(self.at(goal) if goal[0] != "known" else goal, node):
                return None
        return len(self.before) > size or bool(self.equations) or any(self._reducible(g) for g, _ in self.open)

    def _reducible(self, goal: Term) -> bool:
        if goal[0] == "known":
            return goal[1] in self.subst
        term = self.at(goal)
        model = self.model
        if term[0] == "f" and term[1] == "inverse":
            key: Term = model.inverse(term[2][0])
            return bool(key != term)
        return (term[0] == "f" and model.transparent(term[1])) or model.public(term) or self._has(term)

    def _has(self, term: Term) -> bool:
        return any(self.at(t) == term for t, _ in self.known)

    def _treat(self, term: Term, node: int) -> bool:
        model = self.model
        if term[0] == "known":
            if term[1] not in self.subst:
                self.open.append((term, node))
                return True
            atoms, rest = self.subst[term[1]]
            more = [("known", rest)] if rest is not None else []
            return all(self._treat(goal, node) for goal in (*map(self.at, atoms), *more))
        if term[0] == "f" and term[1] == "inverse":
            key: Term = model.inverse(term[2][0])
            if key != term:
                return self._treat(key, node)
            self.open.append((term, node))
            return True
        if term[0] == "f" and model.transparent(term[1]):
            return all(self._treat(arg, node) for arg in term[2])
        if model.public(term):
            return True
        if term[0] == "v":
            self.open.append((term, node))
            return True
        if not self._originates(term, node):
            return False
        for known, source in self.known:
            if self.at(known) == term:
                return self.ordered(source, node) or self.order(source, node)
        if self._gives(term):
            self.reveals.append((term, False))
            self.learn(term, node)
            return True
        self.open.append((term, node))
        return True

    def _originates(self, term: Term, node: int) -> bool:
        for atom in subterms(term):
            if atom[0] == "n":
                first = self.first_send(atom)
                if first is None:
                    if not self._may_send(atom):
                        return False
                    continue
                self.reach(atom[2], first + 1)
                event = self.events[atom[2]][first]
                if not (self.ordered(event, node) or self.order(event, node)):
                    return False
        return True

    def roles(self, run: int) -> list[int]:
        """The role variants that a run may be."""
        number = self.runs[run].role
        if run < len(self.query.premises):
            return [number]
        return self.model.members(number, len(self.events[run]))

    def first_send(self, atom: Term) -> int | None:
        """The step that first sends something with a fresh value, if all variants that its run may be agree on it."""
        run = self.runs[atom[2]]
        first = first_send(self.model, run, atom)
        if first is None or first < len(self.events[atom[2]]):
            return first
        ways = [self.model.ways[n] for n in self.roles(atom[2])]
        same = all(len(w) > first + 1 and w[first + 1] == self.model.ways[run.role][first + 1] for w in ways)
        return first if same else None

    def _may_send(self, atom: Term) -> bool:
        runs = [self.model.run(n, atom[2]) for n in self.roles(atom[2])]
        return any(first_send(self.model, run, atom) is not None for run in runs)

    def modes(self, key: Term) -> set[bool]:
        """How a long-term key may be given away: at any time (False), after the claim (True)."""
        symbol = self.model.theory.symbols[key[1]]
        found = set()
        for place in symbol.owners or ():
            owner = self.at(key[2][place])
            if not self.model.theory.may_be_agent(owner):
                continue
            kind = self.classes.get(owner)
            if kind is None:
                found |= {False} if self.model.powers & symbol.revealed_by else set()
            elif kind in symbol.revealed_by:
                found.add(False)
            elif self.query.late:
                found.add(True)
        return found

    def turning_out(self, key: Term) -> list[tuple[int, Term, bool]]:
        """Places of owners that are still open, with a named agent who gives the key away as no stranger does."""
        symbol, found = self.model.theory.symbols[key[1]], []
        for place in symbol.owners or ():
            if self.at(key[2][place])[0] == "v":
                for agent, kind in self.classes.items():
                    late = kind not in symbol.revealed_by
                    if self.query.late if late else not self.model.powers & symbol.revealed_by:
                        found.append((place, agent, late))
        return found

    def _gives(self, term: Term) -> bool:
        """Whether an owner of the key is dishonest in every trace of the case."""
        symbol = self.model.theory.symbols.get(term[1]) if term[0] == "f" else None
        if symbol is None or symbol.owners is None:
            return False
        powers, owners = self.model.powers, [self.at(term[2][p]) for p in symbol.owners]
        for owner in owners:
            kind = self.classes.get(owner)
            known = owner[0] != "v" and self.model.theory.may_be_agent(owner)
            if known and (kind in symbol.revealed_by if kind else powers & symbol.revealed_by):
                return True
        for key, late in self.reveals:
            other = self.model.theory.symbols[key[1]]
            givers = [self.at(key[2][p]) for p in other.owners or ()]
            givers = [g for g in givers if self.classes.get(g) is None or self.classes[g] in other.revealed_by]
            if not late and powers & other.revealed_by <= symbol.revealed_by:
                named = {self.classes[g] for g in givers if g in self.classes}
                named |= {kind for g in givers if g[0] == "v" for kind in self.classes.values()} & other.revealed_by
                if all(g in owners for g in givers) and named <= symbol.revealed_by:
                    return True
        return False

    def _consistent(self) -> bool:
        if any(late not in self.modes(key) for key, late in self.reveals):
            return False
        if any(self.at(left) == self.at(right) for left, right in self.differ):
            return False
        protected = {part for i, t in self.query.unleaked for part in _components(self.at(self.place(i, t)))}
        for run, term in self.leaks:
            if run < len(self.query.premises) or not protected.isdisjoint(_components(self.at(term))):
                return False
        return not any(all(self._had(key, node) for key in keys) for keys, node in self.forwards)

    def _had(self, key: Term, node: int) -> bool:
        key = self.at(key)
        if key[0] == "f" and key[1] == "inverse":
            key = self.model.inverse(key[2][0])
        if self.model.public(key) or self._gives(key):
            return True
        return any(self.at(t) == key and self.ordered(when, node) for t, when in self.known)

    def place(self, run: int, template: Template) -> Term:
        """A template in a run, not resolved."""
        return self.model.theory.term(template, self.runs[run].env)

    # --- the claim ------------------------------------------------------------------------------------------------

    def holds(self) -> bool:
        """Whether an alternative of the query holds in every trace of the case."""
        return any(self._cast(a, list(range(len(self.query.premises)))) for a in self.query.alternatives)

    def _cast(self, alternative: Alternative, runs: list[int]) -> bool:
        number = len(runs) - len(self.query.premises)
        if number == len(alternative.cast):
            same = all(
                self.at(self.place(runs[i], a)) == self.at(self.place(runs[j], b))
                for (i, a), (j, b) in alternative.equal
            )
            return same and all(
                self.ordered(self.events[runs[i]][a], self.events[runs[j]][b]) for (i, a), (j, b) in alternative.before
            )
        role, height = alternative.cast[number]
        return any(
            len(self.events[n]) >= height
            and self.model.plays(run, role, height)
            and self._cast(alternative, [*runs, n])
            for n, run in enumerate(self.runs)
        )


def _components(term: Term) -> tuple[Term, ...]:
    return tuple(term[2]) if term[:2] == ("f", "tuple") else (term,)


def first_send(model: Model, run: Run, atom: Term) -> int | None:
    """The first step of its run that sends something with a fresh value."""
    for step in range(len(model.steps(run))):
        message = model.message(run, step)
        if message is not None and atom in subterms(message):
            return step
    return None
