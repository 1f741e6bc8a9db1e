"""Goals before they are branched on: what is public falls away, tuples fall apart, known terms only need an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .pool import Pool
from .protocol import Symbol
from .query import Query, at
from .signature import INVERSE, Signature, inverse
from .state import Known, State
from .terms import App, Atom, Group, Multi, Term, Var, deref, equal, exponents, fresh_atoms
from .unify import TUPLE, Equation, unify

Work = list[tuple[Term | Known, int]]
"""Goals, each with the node before which it must be met."""

Meet = Callable[[State, Term, int, Work], bool | None]
"""Meets a goal if there is one way: False when there is none, None when there are several."""


class Context:
    """What stays the same during one search: the signature, the powers, and the classes of the named agents."""

    def __init__(self, signature: Signature, query: Query, agents: Mapping[str, Atom], powers: frozenset[str]) -> None:
        self.signature, self.query, self.powers = signature, query, powers
        self.classes: dict[Atom, str] = {agents[name]: kind for name, kind in query.classes.items()}
        self.agents = agents
        self.pool: Pool

    def first_send(self, state: State, atom: Atom) -> int | None:
        """The step that first sends something with a fresh value, if all roles that its run may be agree on it."""
        instance = state.runs[atom.run]
        first = instance.first_send.get(atom)
        height = len(state.events[atom.run])
        if atom.run < len(self.query.premises) or (first is not None and first < height):
            return first
        roles = [self.pool.roles[n] for n in self.pool.members(instance.role, height)]
        if first is not None and all(
            r.prefix[first + 1 : first + 2] == [instance.role.prefix[first + 1]] for r in roles
        ):
            return first
        return None

    def never_sent(self, state: State, atom: Atom) -> bool:
        """Whether no role that the run of a fresh value may be sends anything with it."""
        instance = state.runs[atom.run]
        if atom.run < len(self.query.premises):
            return atom not in instance.first_send
        numbers = self.pool.members(instance.role, len(state.events[atom.run]))
        return not any(atom in self.pool.get(n, atom.run).first_send for n in numbers)

    def reveal_modes(self, term: App) -> tuple[bool, ...]:
        """How a long-term key may be given away: `False` at any time, `True` only after the claim."""
        symbol: Symbol = self.signature.symbols[term.symbol]
        if symbol.owners is None:
            return ()
        modes = set()
        for place in symbol.owners:
            owner = deref(term.args[place])
            if not self._may_own(owner):
                continue
            kind = self.classes.get(owner) if type(owner) is Atom else None
            if kind is None:
                if self.powers & symbol.revealed_by:
                    modes.add(False)
            elif kind in symbol.revealed_by:
                modes.add(False)
            elif self.query.late:
                modes.add(True)
        return tuple(sorted(modes))

    def _may_own(self, owner: Term) -> bool:
        """Whether an owner may be an agent: nothing else gives keys away."""
        bit = self.signature.agent_bit
        return bool(owner.mask & bit) if type(owner) is Var else type(owner) is Atom and owner.bit == bit

    def turning_out(self, term: App) -> Iterator[tuple[int, Atom, bool]]:
        """Owners still unknown that may be named agents who give the key away otherwise than strangers do.

        Each with its place among the arguments, the agent, and whether it is after the claim only.
        """
        symbol = self.signature.symbols[term.symbol]
        for place in symbol.owners or ():
            if type(deref(term.args[place])) is not Var:
                continue
            for agent, kind in self.classes.items():
                if kind not in symbol.revealed_by:
                    if self.query.late:
                        yield place, agent, True
                elif not self.powers & symbol.revealed_by:
                    yield place, agent, False

    def revealable(self, term: App) -> int:
        """In how many ways a long-term key may be given away."""
        return len(self.reveal_modes(term)) + sum(1 for _ in self.turning_out(term))

    def given_away(self, key: App, reveals: list[tuple[Term, bool]]) -> bool:
        """Whether an owner of a long-term key is dishonest: known by name, or because all his keys are known."""
        symbol = self.signature.symbols[key.symbol]
        if symbol.owners is None or not self.signature.shortcuts:
            return False
        owners = [deref(key.args[place]) for place in symbol.owners]
        for owner in owners:
            if type(owner) is Atom and self._may_own(owner):
                kind = self.classes.get(owner)
                if kind in symbol.revealed_by or (kind is None and self.powers & symbol.revealed_by):
                    return True
        for term, late in reveals:
            assert type(term) is App
            other = self.signature.symbols[term.symbol]
            assert other.owners is not None
            if not late and self.powers & other.revealed_by <= symbol.revealed_by:
                giving = [deref(term.args[place]) for place in other.owners]
                if all(self._covered(g, other, owners, symbol) for g in giving):
                    return True
        return False

    def _covered(self, giver: Term, revealed: Symbol, owners: list[Term], symbol: Symbol) -> bool:
        """Whether `giver` either did not reveal the one key, or owns and reveals the other one too."""
        kind = self.classes.get(giver) if type(giver) is Atom else None
        if kind is not None and kind not in revealed.revealed_by:
            return True
        kinds = {*self.classes.values()} if type(giver) is Var else {kind} - {None}
        return any(giver is o for o in owners) and kinds & revealed.revealed_by <= symbol.revealed_by

    def is_public(self, term: Term) -> bool:
        """Whether everybody knows the term, whatever its variables turn out to be."""
        term = deref(term)
        if type(term) is Atom:
            return term.public and term.run < 0
        if type(term) is Var:
            return term.mask == self.signature.agent_bit
        if type(term) is App:
            if term.symbol == TUPLE:
                return all(self.is_public(a) for a in term.args)
            symbol = self.signature.symbols.get(term.symbol)
            return symbol is not None and any(all(self.is_public(term.args[i]) for i in alt) for alt in symbol.builds)
        return exponents(term) == ([], None)


def settle(state: State, context: Context, pending: list[Equation], meet: Meet, fresh: Work | None = None) -> bool:
    """Simplify all goals until only those are left that need a branch or wait for a binding. False: no such trace.

    `meet` meets goals that have one way to be met.

    Equations with several solutions are left in `pending`: the caller branches on them, then settles again.
    """
    kept = [] if fresh is None else state.open
    work = state.open if fresh is None else fresh
    state.open = []
    while work:
        while state.match:
            if not unify(*state.match.pop(), pending):
                return False
        goal, node = work.pop()
        if type(goal) is Known:
            _known(goal, node, work, kept)
            continue
        if not _simplify(state, context, deref(goal), node, work, kept, meet):
            return False
        if state.open:
            work.extend(state.open)
            state.open = []
    while state.match:
        if not unify(*state.match.pop(), pending):
            return False
    state.open = kept
    return _consistent(state, context)


def _known(goal: Known, node: int, work: Work, kept: Work) -> None:
    rest: Var | None = goal.rest
    while rest is not None and rest.ref is not None:
        multi: Multi = rest.ref
        work.extend((atom, node) for atom in multi.atoms)
        rest = multi.rest
    if rest is not None:
        kept.append((Known(rest), node))


def _simplify(
    state: State,
    context: Context,
    term: Term,
    node: int,
    work: Work,
    kept: Work,
    meet: Meet,
) -> bool:
    if type(term) is App and _taken_apart(context.signature, term, node, work, kept):
        return True
    if type(term) is Var:
        if term.mask != context.signature.agent_bit:
            kept.append((term, node))
        return True
    if context.is_public(term):
        return True
    if not _originates(state, context, term, node):
        return False
    source = state.knows(term)
    if source is not None:
        return state.before(source, node)
    if type(term) is App and context.given_away(term, state.reveals):
        state.learn(term, node, "reveal")
        state.reveals.append((term, False))
        return True
    met = meet(state, term, node, work)
    if met is None:
        kept.append((term, node))
    return met is not False


def _taken_apart(
    signature: Signature,
    term: App,
    node: int,
    work: Work,
    kept: Work,
) -> bool:
    """Tuples become their components; the inverse of a key becomes a key once that is known."""
    if term.symbol == TUPLE or term.symbol in signature.transparent:
        work.extend((arg, node) for arg in term.args)
        return True
    if term.symbol != INVERSE:
        return False
    key = inverse(term.args[0], signature)
    if type(key) is App and key.symbol == INVERSE:
        kept.append((key, node))
    else:
        work.append((key, node))
    return True


def _is_protected(state: State, context: Context, leak: Term) -> bool:
    """Whether a leak gives away what the claim says is not leaked."""
    kept = (part for i, t in context.query.unleaked for part in components(at(state, i, t)))
    given = components(leak)
    return any(equal(part, one) for part in kept for one in given)


def _originates(state: State, context: Context, term: Term, node: int) -> bool:
    """A fresh value is nowhere before its run has sent something with it."""
    for atom in sorted(fresh_atoms(term), key=lambda a: (a.run, a.name)):  # Always the same search.
        first = context.first_send(state, atom)
        if first is None:
            if context.never_sent(state, atom):
                return False
            continue
        state.reach(atom.run, first + 1)
        if not state.before(state.events[atom.run][first], node):
            return False
    return True


def _consistent(state: State, context: Context) -> bool:
    """Facts that can only become false: reveals are allowed, terms differ, nothing protected is leaked."""
    for term, late in state.reveals:
        if type(term) is App and late not in context.reveal_modes(term):
            return False
    if any(equal(left, right) for left, right in state.differ):
        return False
    for keys, node in state.forwards:
        if all(_had(state, context, key, node) for key in keys):
            return False
    for run, _, leak in state.leaks:
        if run < len(context.query.premises) or _is_protected(state, context, leak):
            return False
    return True


def components(term: Term) -> tuple[Term, ...]:
    """What a leak of the term gives away: each part of a tuple."""
    term = deref(term)
    return term.args if type(term) is App and term.symbol == TUPLE else (term,)


def _had(state: State, context: Context, key: Term, node: int) -> bool:
    """Whether the attacker has `key` before `node` in every trace of the pattern."""
    key = deref(key)
    if context.is_public(key):
        return True
    if type(key) is App:
        if key.symbol == INVERSE:
            key = inverse(key.args[0], context.signature)
            if type(key) is App and key.symbol == INVERSE:
                return False
            return _had(state, context, key, node)
        if key.symbol == TUPLE:
            return all(_had(state, context, part, node) for part in key.args)
        if context.given_away(key, state.reveals):
            return True
    return any(equal(term, key) and state.precedes(when, node) for term, when in state.learned)


def waiting(term: Term | Known) -> bool:
    """Whether a goal can wait: the attacker chooses it, unless it is bound later."""
    if type(term) is Var or type(term) is Known:
        return True
    if type(term) is Group:
        return not exponents(term)[0]
    return type(term) is App and term.symbol == INVERSE
