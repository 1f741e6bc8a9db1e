"""Detours: a run receives late what it could have received sooner.

A message that differs from another in loose variables only does the same for the run. So if there is an attack on a
secret, there is one in which each run that the claim does not name receives, of all messages that do the same, the one
that the attacker had first. A pattern in which he had another one sooner need not be looked at: servers that answer
each other's messages for ever are met once.
"""

from __future__ import annotations

from .loose import Loose
from .pool import Pool
from .query import Query
from .signature import Signature
from .state import Known, State
from .terms import ANY, App, Term, Var, deref, equal


class Detours:
    """Finds detours in the patterns of one query."""

    def __init__(self, pool: Pool, query: Query, signature: Signature) -> None:
        self._pool = pool
        self._fixed = len(query.premises)
        other = query.alternatives or query.equal or query.before
        self._apply = signature.shortcuts and bool(query.learned) and not other

    def taken(self, state: State) -> bool:
        """Whether some run of the pattern receives what does the same as a message that was there before."""
        if not self._apply:
            return False
        for run in range(self._fixed, len(state.runs)):
            loose: Loose = self._pool.loose(run)
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
