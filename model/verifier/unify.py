"""Unification: sorted, with native Diffie-Hellman exponents.

`unify` is deterministic: it binds and answers. An equation between exponent multisets that has more than one most
general solution (long-term exponents of agents that are still variables) is put in `pending`; `unifiers` enumerates
those.
"""

from __future__ import annotations

from collections.abc import Iterator

from .terms import (
    ANY,
    EXPONENTS,
    TRAIL,
    App,
    Atom,
    Group,
    Multi,
    Term,
    Var,
    align,
    bind,
    cancel,
    exponents,
    occurs,
    undo,
)

TUPLE = "tuple"
TUPLE_BIT = 1
"""Sort bit of a tuple; a variable takes a tuple only when its mask has this bit."""

Equation = tuple[Group, Group]


def unify(left: Term, right: Term, pending: list[Equation]) -> bool:
    """Make both terms equal. On failure the bindings made so far stay on the trail for the caller to undo."""
    return _unify(left, right, pending, set())


def _unify(left: Term, right: Term, pending: list[Equation], seen: set[tuple[App, App]]) -> bool:
    while type(left) is Var and left.ref is not None:
        left = left.ref
    while type(right) is Var and right.ref is not None:
        right = right.ref
    if left is right:
        return True
    if type(left) is Var:
        return _assign(left, right)
    if type(right) is Var:
        return _assign(right, left)
    if type(left) is App and type(right) is App:
        return _unify_apps(left, right, pending, seen)
    return type(left) is Group and type(right) is Group and _unify_groups(left, right, pending)


def _unify_apps(left: App, right: App, pending: list[Equation], seen: set[tuple[App, App]]) -> bool:
    if left.symbol != right.symbol or (left.ground and right.ground):
        return False
    if (left, right) in seen:
        return True
    mine, other, order = left.args, right.args, left.order
    if len(mine) != len(other):
        if left.symbol != TUPLE:
            return False
        mine, other = align(mine, other)
        order = list(range(len(mine)))
    for i in order:
        if mine[i] is not other[i] and _clash(mine[i], other[i]):
            return False
    for i in order:
        if mine[i] is not other[i] and not _unify(mine[i], other[i], pending, seen):
            return False
    seen.add((left, right))
    return True


def _clash(left: Term, right: Term) -> bool:
    """Whether two arguments differ at their heads: seen before any of them is walked, most failures cost little."""
    while type(left) is Var:
        if left.ref is None:
            return False
        left = left.ref
    while type(right) is Var:
        if right.ref is None:
            return False
        right = right.ref
    if left is right:
        return False
    if type(left) is App and type(right) is App:
        return left.symbol != right.symbol or (left.ground and right.ground)
    return type(left) is not Group or type(right) is not Group


def _assign(var: Var, term: Term) -> bool:
    if type(term) is Var:
        return _merge(var, term)
    if not var.mask & term.bit:
        return False
    if type(term) is App and not term.ground and occurs(var, term):
        return False
    bind(var, term)
    return True


def _merge(left: Var, right: Var) -> bool:
    mask = left.mask & right.mask
    if not mask:
        return False
    if mask == right.mask:
        bind(left, right)
    elif mask == left.mask:
        bind(right, left)
    else:
        both = Var(left.name, mask, left.run)
        bind(left, both)
        bind(right, both)
    return True


def _unify_groups(left: Group, right: Group, pending: list[Equation]) -> bool:
    (atoms, rest), (others, other_rest) = exponents(left), exponents(right)
    atoms, others = cancel(atoms, others)
    if any(type(a) is not Atom for a in atoms) or any(type(a) is not Atom for a in others):
        if not atoms and rest is None and others:
            return False
        pending.append((Group(tuple(atoms), rest, left.bit), Group(tuple(others), other_rest, right.bit)))
        return True
    return _bind_rests(atoms, rest, others, other_rest)


def _bind_rests(atoms: list[Term], rest: Var | None, others: list[Term], other_rest: Var | None) -> bool:
    """Solve `atoms + rest = others + other_rest` where no atom of one side can equal one of the other."""
    if rest is other_rest:
        return not atoms and not others
    if rest is None or other_rest is None:
        if rest is None:
            atoms, rest, others = others, other_rest, atoms
        if atoms or rest is None:
            return False
        bind(rest, Multi(tuple(others), None))
        return True
    common = Var("C", EXPONENTS)
    bind(rest, Multi(tuple(others), common))
    bind(other_rest, Multi(tuple(atoms), common))
    return True


def solutions(pending: list[Equation]) -> Iterator[None]:
    """Bind every solution of the pending equations in turn; each is undone before the next."""
    if not pending:
        yield
        return
    left, right = pending[0]
    for more in _solve(left, right):
        yield from solutions([*more, *pending[1:]])


def _solve(left: Group, right: Group) -> Iterator[list[Equation]]:
    (atoms, rest), (others, other_rest) = exponents(left), exponents(right)
    atoms, others = cancel(atoms, others)
    mark = len(TRAIL)
    if not atoms:
        atoms, rest, others, other_rest = others, other_rest, atoms, rest
    if not atoms:
        if _bind_rests([], rest, [], other_rest) or _both_empty(rest, other_rest):
            yield []
        undo(mark)
        return
    first, *remaining = atoms
    smaller = Group(tuple(remaining), rest, left.bit)
    for i, other in enumerate(others):
        more: list[Equation] = []
        if unify(first, other, more):
            yield [*more, (smaller, Group((*others[:i], *others[i + 1 :]), other_rest, left.bit))]
        undo(mark)
    if other_rest is not None and other_rest is not rest:
        tail = Var("C", EXPONENTS)
        bind(other_rest, Multi((first,), tail))
        yield [(smaller, Group(tuple(others), tail, left.bit))]
        undo(mark)


def _both_empty(rest: Var | None, other_rest: Var | None) -> bool:
    return rest is None and other_rest is None


def unifiers(left: Term, right: Term) -> Iterator[None]:
    """Bind every most general unifier in turn. The caller's bindings are restored after each."""
    mark = len(TRAIL)
    pending: list[Equation] = []
    if unify(left, right, pending):
        yield from solutions(pending)
    undo(mark)


__all__ = ["ANY", "TUPLE", "TUPLE_BIT", "Equation", "solutions", "unifiers", "unify"]
