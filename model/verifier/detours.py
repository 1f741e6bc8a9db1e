"""Detours: a run receives late what it could have received sooner.

A variable is loose when all roles that a run may be have it in one place of one receive and nowhere else. A message
that differs from another in loose variables only does the same for the run. So if there is an attack on a secret, there
is one in which each run that the claim does not name receives, of all messages that do the same, the one that the
attacker had first. A pattern in which he had another one sooner need not be looked at: servers that answer each other's
messages for ever are met once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .compiled import RECV, Instance
from .pool import Pool
from .query import Query
from .signature import Signature
from .state import Known, State
from .terms import ANY, EXPONENTS, App, Term, Var, deref, equal, variables
from .unify import TUPLE

Loose = dict[App, frozenset[Var]]
"""By what a run receives: its loose variables."""


class Detours:
    """Finds detours in the patterns of one query."""

    def __init__(self, pool: Pool, query: Query, signature: Signature) -> None:
        self._pool, self._signature = pool, signature
        self._fixed = len(query.premises)
        other = query.alternatives or query.equal or query.before
        self._apply = signature.shortcuts and bool(query.learned) and not other
        self._runs: dict[int, Loose] = {}

    def taken(self, state: State) -> bool:
        """Whether some run of the pattern receives what does the same as a message that was there before."""
        if not self._apply:
            return False
        for run in range(self._fixed, len(state.runs)):
            loose = self._of(run)
            for term, node in state.learned if loose else ():
                if type(term) is App and term in loose and self._sooner(state, term, node, loose[term]):
                    return True
        return False

    def _sooner(self, state: State, term: App, node: int, loose: frozenset[Var]) -> bool:
        return any(
            other is not term
            and not isinstance(other, Known)
            and state.precedes(then, node)
            and _same(term, other, loose)
            for other, then in (*state.learned, *state.open)
        )

    def _of(self, run: int) -> Loose:
        if run not in self._runs:
            instances = [self._pool.get(role.number, run) for role in self._pool.roles]
            self._runs[run] = _loose(instances, self._signature)
        return self._runs[run]


def _loose(instances: list[Instance], signature: Signature) -> Loose:
    """The loose variables in what a run may receive, whatever role it plays."""
    received: set[App] = set()
    free: set[Var] = set()
    bound: set[Var] = set()
    for instance in instances:
        steps = [frozenset[Var]().union(*map(variables, step.terms)) for step in instance.steps]
        often = Counter(v for found in steps for v in found)
        own = {term for name, term in instance.env.items() if name in instance.role.role.variables}
        for step, found in zip(instance.steps, steps, strict=True):
            once = {v for v in found if often[v] == 1 and v in own and v.mask != EXPONENTS}
            once = {v for v in once if _count(v, step.terms) == 1} if step.kind == RECV else set()
            free |= once
            bound |= found - once
            received.update(_components(step.terms[0], signature) if step.kind == RECV else ())
    return {part: loose for part in received if (loose := part.variables & (free - bound))}


def _count(variable: Var, terms: Sequence[Term]) -> int:
    """How often a variable is in terms, up to twice."""
    number = 0
    for term in terms:
        if number < 2:
            inside = type(term) is App and variable in term.variables
            number += _count(variable, term.args) if inside and type(term) is App else int(term is variable)
    return number


def _components(term: Term, signature: Signature) -> Iterator[App]:
    """What a message is taken apart into, as far as it has a symbol."""
    if type(term) is App:
        if term.symbol == TUPLE or term.symbol in signature.transparent:
            for arg in term.args:
                yield from _components(arg, signature)
        else:
            yield term


def _same(received: Term, other: Term, loose: frozenset[Var]) -> bool:
    """Whether both are equal but for what loose variables of the first stand for."""
    if type(received) is Var and received in loose:
        other = deref(other)
        bits = other.mask if type(other) is Var else other.bit
        return received.mask == ANY or (bits != ANY and not bits & ~received.mask)
    if type(received) is not App or loose.isdisjoint(received.variables):
        return equal(received, other)
    other = deref(other)
    if type(other) is not App or other.symbol != received.symbol or len(other.args) != len(received.args):
        return False
    return all(_same(a, b, loose) for a, b in zip(received.args, other.args, strict=True))
