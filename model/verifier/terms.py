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
from weakref import WeakValueDictionary

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
    """`symbol(args)`. `bit` is the sort of the result; `atoms` and `variables` are what is inside.

    Terms share their parts: as a tree a transcript would be huge, so nothing may walk it as one.
    """

    __slots__ = ("__weakref__", "args", "atoms", "bit", "depth", "ground", "order", "symbol", "variables")

    def __init__(self, symbol: str, args: tuple[Term, ...], bit: int) -> None:
        self.symbol, self.args, self.bit = symbol, args, bit
        self.atoms: frozenset[Atom] = frozenset().union(*map(_atoms, args))
        self.variables: frozenset[Var] = frozenset().union(*map(variables, args))
        self.ground = not self.variables and all(_is_ground(a) for a in args)
        depths: list[int] = [a.depth if type(a) is App else 0 for a in args]
        self.depth: int = 1 + max(depths, default=0)
        self.order = sorted(range(len(args)), key=depths.__getitem__)
        """The arguments, the shallow ones first: where terms differ is mostly seen there."""

    def __repr__(self) -> str:
        return f"{self.symbol}({', '.join(map(repr, self.args))})"


@final
class Group:
    """The generator to the power of all `atoms` and of the exponents in `rest`."""

    __slots__ = ("atoms", "bit", "plain", "rest")

    def __init__(self, atoms: tuple[Term, ...], rest: Var | None, bit: int) -> None:
        self.atoms, self.rest, self.bit = atoms, rest, bit
        self.plain = all(type(a) is Atom for a in atoms)

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
_APPS: WeakValueDictionary[tuple[object, ...], App] = WeakValueDictionary()


def _atoms(term: Term) -> frozenset[Atom]:
    if type(term) is App:
        return term.atoms
    if type(term) is Group:
        return frozenset().union(*map(_atoms, term.atoms))
    return frozenset((term,)) if type(term) is Atom and term.run >= 0 else frozenset()


def variables(term: Term) -> frozenset[Var]:
    """The variables in a term, bound or not, without those in what they are bound to."""
    if type(term) is App:
        return term.variables
    if type(term) is Group:
        rest = frozenset((term.rest,)) if term.rest is not None else frozenset()
        return rest.union(*map(variables, term.atoms))
    return frozenset((term,)) if type(term) is Var else frozenset()


def _is_ground(term: Term) -> bool:
    return type(term) is Atom or (type(term) is App and term.ground)


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
    """An application; the same object for the same arguments."""
    key = (symbol, bit, args)
    found = _APPS.get(key)
    if found is None:
        found = _APPS[key] = App(symbol, args, bit)
    return found


def exponents(group: Group) -> tuple[list[Term], Var | None]:
    """All exponents of a group element under the present bindings, and the unbound rest if there is one."""
    rest = group.rest
    atoms = list(group.atoms) if group.plain else [deref(a) for a in group.atoms]
    while rest is not None and rest.ref is not None:
        multi: Multi = rest.ref
        atoms.extend(deref(a) for a in multi.atoms)
        rest = multi.rest
    return atoms, rest


def equal(left: Term, right: Term) -> bool:
    """Whether both are the same term under every further binding."""
    return left is right or _equal(left, right, set())


def _equal(left: Term, right: Term, seen: set[tuple[App, App]]) -> bool:
    left, right = deref(left), deref(right)
    if left is right:
        return True
    if type(left) is App and type(right) is App:
        if left.symbol != right.symbol or (left.ground and right.ground):
            return False
        if (left, right) in seen:
            return True
        mine, other = left.args, right.args
        if len(mine) != len(other):
            mine, other = align(mine, other)
        if not all(_equal(a, b, seen) for a, b in zip(mine, other, strict=True)):
            return False
        seen.add((left, right))
        return True
    if type(left) is Group and type(right) is Group:
        return _equal_groups(left, right)
    return False


def align(left: tuple[Term, ...], right: tuple[Term, ...]) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Tuples associate to the right: the last component of the shorter one stands for the rest of the longer one."""
    if len(left) > len(right):
        left, right = right, left
    last = len(left) - 1
    return left, (*right[:last], app("tuple", right[last:], 1))


def _equal_groups(left: Group, right: Group) -> bool:
    atoms, rest = exponents(left)
    others, other_rest = exponents(right)
    if rest is not other_rest or len(atoms) != len(others):
        return False
    return not cancel(atoms, others)[0]


def cancel(left: list[Term], right: list[Term]) -> tuple[list[Term], list[Term]]:
    """What remains of two multisets without their common members."""
    if not left or not right:
        return left, right
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
    return var in _open_variables(term)


def fresh_atoms(term: Term) -> set[Atom]:
    """The fresh values that occur in `term` under the present bindings."""
    found = set(_atoms(term))
    _open_variables(term, found)
    return found


def _open_variables(term: Term, atoms: set[Atom] | None = None) -> set[Var]:
    """All variables in `term` and in what they are bound to; the fresh values there go to `atoms`."""
    seen: set[Var] = set()
    work = list(variables(term))
    while work:
        var = work.pop()
        if var in seen:
            continue
        seen.add(var)
        value = var.ref
        if value is None:
            continue
        parts = (*value.atoms, value.rest) if type(value) is Multi else (value,)
        for part in parts:
            if part is not None:
                work.extend(variables(part))
                if atoms is not None:
                    atoms |= _atoms(part)
    return seen
