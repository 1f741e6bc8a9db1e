"""Terms of the search: hash-consed nodes, variables as mutable cells with one trail.

- `Atom`: a constant, an agent, or a fresh value of one run.
- `App`: a function symbol applied to terms; ground applications are interned, so identity is equality for them.
- `Group`: a Diffie-Hellman element, the generator raised to a multiset of exponents, with at most one variable `rest`.
- `Var`: a cell. `mask` has one bit per sort that it accepts; an exponent variable has the mask `EXPONENTS` and is bound
  to a `Multi`.

Binding appends to `TRAIL`; `undo(mark)` takes bindings back. Nothing is ever copied on a branch.
"""

from __future__ import annotations

from typing import Any, Final, final

ANY: Final = -1
EXPONENTS: Final = 0
"""Mask of a variable that stands for a multiset of exponents: it meets no sort."""


@final
class Atom:
    """A constant (`run` is -1) or a fresh value of run `run`."""

    __slots__ = ("bit", "name", "public", "run")

    def __init__(self, name: str, bit: int, run: int = -1, public: bool = True) -> None:
        self.name, self.bit, self.run, self.public = name, bit, run, public

    def __repr__(self) -> str:
        return self.name if self.run < 0 else f"{self.name}#{self.run}"


@final
class Var:
    """A cell, bound at most once between two undos."""

    __slots__ = ("mask", "name", "ref", "run")

    def __init__(self, name: str, mask: int, run: int = -1) -> None:
        self.name, self.mask, self.run = name, mask, run
        self.ref: Any = None

    def __repr__(self) -> str:
        return f"?{self.name}#{self.run}" if self.ref is None else repr(self.ref)


@final
class App:
    """`symbol(args)`. `bit` is the sort of the result."""

    __slots__ = ("args", "bit", "ground", "symbol")

    def __init__(self, symbol: str, args: tuple[Term, ...], bit: int, ground: bool) -> None:
        self.symbol, self.args, self.bit, self.ground = symbol, args, bit, ground

    def __repr__(self) -> str:
        return f"{self.symbol}({', '.join(map(repr, self.args))})"


@final
class Group:
    """The generator to the power of all `atoms` and of the exponents in `rest`."""

    __slots__ = ("atoms", "bit", "rest")

    def __init__(self, atoms: tuple[Term, ...], rest: Var | None, bit: int) -> None:
        self.atoms, self.rest, self.bit = atoms, rest, bit

    def __repr__(self) -> str:
        atoms, rest = exponents(self)
        return "g^(" + "*".join([repr(a) for a in atoms] + ([repr(rest)] if rest else [])) + ")"


class Multi:
    """What an exponent variable is bound to."""

    __slots__ = ("atoms", "rest")

    def __init__(self, atoms: tuple[Term, ...], rest: Var | None) -> None:
        self.atoms, self.rest = atoms, rest


Term = Atom | Var | App | Group

TRAIL: list[Var] = []
_APPS: dict[tuple[object, ...], App] = {}


def undo(mark: int) -> None:
    """Take back every binding made since the trail had `mark` entries."""
    trail = TRAIL
    while len(trail) > mark:
        trail.pop().ref = None


def bind(var: Var, value: object) -> None:
    var.ref = value
    TRAIL.append(var)


def deref(term: Term) -> Term:
    while type(term) is Var and term.ref is not None:
        term = term.ref
    return term


def app(symbol: str, args: tuple[Term, ...], bit: int) -> App:
    """An application; the same object for the same ground arguments."""
    key = (symbol, bit, args)
    found = _APPS.get(key)
    if found is None:
        ground = all(type(a) is Atom or (type(a) is App and a.ground) for a in args)
        found = App(symbol, args, bit, ground)
        if ground:
            _APPS[key] = found
    return found


def exponents(group: Group) -> tuple[list[Term], Var | None]:
    """All exponents of a group element under the present bindings, and the unbound rest if there is one."""
    atoms = [deref(a) for a in group.atoms]
    rest = group.rest
    while rest is not None and rest.ref is not None:
        multi: Multi = rest.ref
        atoms.extend(deref(a) for a in multi.atoms)
        rest = multi.rest
    return atoms, rest


def equal(left: Term, right: Term) -> bool:
    """Whether both are the same term under every further binding."""
    left, right = deref(left), deref(right)
    if left is right:
        return True
    if type(left) is App and type(right) is App:
        if left.symbol != right.symbol or (left.ground and right.ground):
            return False
        if len(left.args) != len(right.args):
            return _equal_tuples(left, right)
        return all(equal(a, b) for a, b in zip(left.args, right.args, strict=True))
    if type(left) is Group and type(right) is Group:
        return _equal_groups(left, right)
    return False


def _equal_tuples(left: App, right: App) -> bool:
    """Tuples associate to the right: the last component may be a variable that is bound to the rest."""
    if len(left.args) > len(right.args):
        left, right = right, left
    last = len(left.args) - 1
    rest = app(left.symbol, right.args[last:], left.bit)
    return all(equal(a, b) for a, b in zip(left.args[:last], right.args[:last], strict=True)) and equal(
        left.args[last], rest
    )


def _equal_groups(left: Group, right: Group) -> bool:
    atoms, rest = exponents(left)
    others, other_rest = exponents(right)
    if rest is not other_rest or len(atoms) != len(others):
        return False
    return not cancel(atoms, others)[0]


def cancel(left: list[Term], right: list[Term]) -> tuple[list[Term], list[Term]]:
    """What remains of two multisets without their common members."""
    right = list(right)
    kept = []
    for atom in left:
        for i, other in enumerate(right):
            if equal(atom, other):
                del right[i]
                break
        else:
            kept.append(atom)
    return kept, right


def occurs(var: Var, term: Term) -> bool:
    """Whether the unbound `var` is inside of `term`."""
    term = deref(term)
    if term is var:
        return True
    if type(term) is App:
        return not term.ground and any(occurs(var, a) for a in term.args)
    if type(term) is Group:
        return any(occurs(var, a) for a in exponents(term)[0])
    return False


def fresh_atoms(term: Term, into: set[Atom]) -> None:
    """Collect the fresh values that occur in `term`."""
    term = deref(term)
    if type(term) is Atom:
        if term.run >= 0:
            into.add(term)
    elif type(term) is App:
        for arg in term.args:
            fresh_atoms(arg, into)
    elif type(term) is Group:
        for atom in exponents(term)[0]:
            fresh_atoms(atom, into)
