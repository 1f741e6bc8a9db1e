"""Where a term may come from: positions of the runs in the pattern, of what they may turn out to be, of new runs."""

from __future__ import annotations

from collections.abc import Iterator

from .goals import Context
from .instances import Instance, Position
from .pool import Pool
from .protocol import GROUP
from .signature import Signature, inverse
from .state import State
from .terms import App, Atom, Group, Term, Var, deref, equal, exponents
from .unify import TUPLE

Source = tuple[int, Instance, Position]
"""A position of a run: where a term may come out."""


class Sources:
    """Finds the positions from which a term may come out, for one query."""

    def __init__(self, context: Context, pool: Pool) -> None:
        self.context, self.pool = context, pool

    def candidates(self, state: State, term: Term) -> Iterator[Source]:
        """Positions from which the term may come: first those of runs in the pattern, then those of a new run."""
        if type(term) is Group:
            atoms, rest = exponents(term)
            if len(atoms) != 1 or rest is not None:
                return
            origin = atoms[0]
        else:
            origin = term
        head: object = term.symbol if type(term) is App else GROUP if type(term) is Group else term
        unique = self._first(state, term, origin, head)
        if unique is not None:
            yield unique
            return
        origins = self._origins(state, term)
        pool, fixed = self.pool, len(self.context.query.premises)
        for run, instance in enumerate(state.runs):
            height = len(state.events[run]) if run >= fixed else len(instance.role.steps)
            for position in (*instance.positions(head), *instance.positions(Var)):
                if position.step < height and pool.brings(instance, position, term, origins):
                    yield run, instance, position
            if run >= fixed:
                for other, position in pool.choices(instance.role.prefix[height], height, run, head):
                    if pool.brings(other, position, term, origins):
                        yield run, other, position
        index = len(state.runs)
        for instance, position in pool.choices(-1, 0, index, head):
            if pool.brings(instance, position, term, origins):
                yield index, instance, position

    def unique(self, state: State, term: Atom | Group) -> Source | None:
        """The one place where a fresh value, or its share, is first sent in the clear, if every way leads there."""
        if type(term) is Atom:
            return self._first(state, term, term, term)
        atoms, rest = exponents(term)
        return self._first(state, term, atoms[0], GROUP) if len(atoms) == 1 and rest is None else None

    def _first(self, state: State, term: Term, origin: Term, head: object) -> Source | None:
        if type(origin) is not Atom or origin.run < 0 or not self.context.signature.shortcuts:
            return None
        instance = state.runs[origin.run]
        first = self.context.first_send(state, origin)
        if first is None or instance.step(first).leak:
            return None
        for position in instance.positions(head):
            if position.step == first and not position.keys and equal(position.term, term):
                return origin.run, instance, position
        return None

    def _origins(self, state: State, term: Term) -> set[str]:
        """The roles that the run of a fresh value may be."""
        if type(term) is not Atom or term.run < 0:
            return {""}
        role = state.runs[term.run].role
        if term.run < len(self.context.query.premises):
            return {role.name}
        return {self.pool.roles[n].name for n in self.pool.members(role, len(state.events[term.run]))}


def parts(term: Term, keys: tuple[Term, ...], signature: Signature) -> Iterator[tuple[Term, tuple[Term, ...]]]:
    """Everything that comes out of a term, with the keys that this takes."""
    term = deref(term)
    if type(term) is not App:
        yield term, keys
        return
    if term.symbol == TUPLE or term.symbol in signature.transparent:
        for arg in term.args:
            yield from parts(arg, keys, signature)
        return
    yield term, keys
    for opening in signature.symbols[term.symbol].opens:
        needed = tuple(inverse(term.args[i], signature) for i in opening.needs)
        yield from parts(term.args[opening.yields], (*keys, *needed), signature)
