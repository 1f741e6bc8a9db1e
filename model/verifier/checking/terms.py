"""Terms of the checker: plain tuples, substitutions as dictionaries, all unifiers as a list.

`("n", name, run, sort)` is a fresh value, `("c", name)` a constant, `("v", name, run, sort)` a variable,
`("f", symbol, args)` an application, `("g", exponents, rest)` a group element; `rest` is `("e", name, run)` or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol import AGENT, EXPONENT, GROUP, MESSAGE, ModelError, Protocol, Symbol, Template

Term = tuple[Any, ...]
Subst = dict[Term, Any]
Sorts = dict[Term, frozenset[str] | None]

NEUTRAL: Term = ("c", "neutral")


class Theory:
    """Symbols and sorts of a protocol; `sorts` has what each variable accepts (None: anything)."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.symbols: dict[str, Symbol] = dict(protocol.symbols)
        for symbol in protocol.symbols.values():
            if symbol.weak is not None:
                twin = symbol.name + "~"
                self.symbols[twin] = Symbol(twin, symbol.arity, (symbol.weak,), sort=symbol.result)
        self.sorts: Sorts = {}
        self._joined = 0

    def accepts(self, sort: str) -> frozenset[str] | None:
        """The base sorts that a variable of `sort` takes."""
        if sort == MESSAGE or (self.protocol.untyped and sort not in (AGENT, GROUP)):
            return None
        bases = frozenset(self.protocol.sorts.get(sort, (sort,)))
        return None if MESSAGE in bases else bases

    def may_be_agent(self, term: Term) -> bool:
        """Whether a term is an agent, or a variable that takes one."""
        if term[0] == "v":
            accepted = self.sorts[term]
            return accepted is None or AGENT in accepted
        return term[0] in ("c", "n") and self.sort(term) == AGENT

    def sort(self, term: Term) -> str:
        """The base sort of a term that is not a variable."""
        if term[0] == "n":
            return str(term[3])
        if term[0] == "c":
            if term == NEUTRAL:
                return GROUP
            known = {**self.protocol.secrets, **self.protocol.constants}
            return known.get(term[1], AGENT)
        if term[0] == "g":
            return GROUP
        return "tuple" if term[1] == "tuple" else self.symbols[term[1]].result

    def term(self, template: Template, env: Mapping[str, Term]) -> Term:
        """Instantiate a template in a run."""
        if isinstance(template, str):
            return env.get(template, ("c", template))
        args = tuple(self.term(t, env) for t in template[1:])
        if template[0] == "dh":
            return _power(args)
        return ("f", template[0], args)

    def join(self, left: Term, right: Term) -> Term | None:
        """A variable that accepts what both accept."""
        mine, other = self.sorts[left], self.sorts[right]
        both = other if mine is None else mine if other is None else mine & other
        if both is not None and not both:
            return None
        self._joined += 1
        joined = ("v", "&", self._joined, "")
        self.sorts[joined] = both
        return joined


def _power(args: tuple[Term, ...]) -> Term:
    exponents: list[Term] = []
    rest: Term | None = None
    for arg in args:
        if arg == NEUTRAL:
            return NEUTRAL
        if arg[0] == "g":
            exponents.extend(arg[1])
            rest = rest or arg[2]
        elif arg[0] == "v":
            raise ModelError(f"{arg[1]} is used as an {EXPONENT} but is a variable")
        else:
            exponents.append(arg)
    return ("g", tuple(exponents), rest)


def walk(term: Term, subst: Subst) -> Term:
    """The term with bound variables at its top resolved."""
    while term[0] == "v" and term in subst:
        term = subst[term]
    return term


def exponents(group: Term, subst: Subst) -> tuple[list[Term], Term | None]:
    """All exponents of a group element and its unbound rest."""
    found, rest = [resolve(a, subst) for a in group[1]], group[2]
    while rest is not None and rest in subst:
        more, rest = subst[rest]
        found += [resolve(a, subst) for a in more]
    return found, rest


def resolve(term: Term, subst: Subst) -> Term:
    """The term with all bound variables resolved, exponents sorted and tuples flattened at their ends."""
    term = walk(term, subst)
    if term[0] == "f":
        args = tuple(resolve(a, subst) for a in term[2])
        if term[1] == "tuple":
            while args[-1][0] == "f" and args[-1][1] == "tuple":
                args = (*args[:-1], *args[-1][2])
            if len(args) == 1:
                return args[0]
        return ("f", term[1], args)
    if term[0] == "g":
        found, rest = exponents(term, subst)
        return ("g", tuple(sorted(found, key=repr)), rest)
    return term


def subterms(term: Term) -> set[Term]:
    """All terms inside of a resolved term, itself included."""
    found = {term}
    for part in term[2] if term[0] == "f" else term[1] if term[0] == "g" else ():
        found |= subterms(part)
    return found


def unify(left: Term, right: Term, subst: Subst, theory: Theory) -> list[Subst]:
    """All most general unifiers that extend `subst`."""
    left, right = resolve(left, subst), resolve(right, subst)
    if left == right:
        return [subst]
    if right[0] == "v" and left[0] != "v":
        left, right = right, left
    if left[0] == "v":
        return _assign(left, right, subst, theory)
    if left[0] == "f" and right[0] == "f" and left[1] == right[1]:
        return _arguments(left, right, subst, theory)
    if left[0] == "g" and right[0] == "g":
        return _groups(list(left[1]), left[2], list(right[1]), right[2], subst, theory)
    return []


def _assign(variable: Term, term: Term, subst: Subst, theory: Theory) -> list[Subst]:
    if term[0] == "v":
        joined = theory.join(variable, term)
        return [] if joined is None else [{**subst, variable: joined, term: joined}]
    accepted = theory.sorts[variable]
    if (accepted is not None and theory.sort(term) not in accepted) or variable in subterms(term):
        return []
    return [{**subst, variable: term}]


def _arguments(left: Term, right: Term, subst: Subst, theory: Theory) -> list[Subst]:
    mine, other = left[2], right[2]
    if len(mine) != len(other):
        if left[1] != "tuple":
            return []
        if len(mine) > len(other):
            mine, other = other, mine
        last = len(mine) - 1
        other = (*other[:last], ("f", "tuple", other[last:]))
    found = [subst]
    for a, b in zip(mine, other, strict=True):
        found = [more for one in found for more in unify(a, b, one, theory)]
    return found


def _groups(
    mine: list[Term], rest: Term | None, other: list[Term], tail: Term | None, subst: Subst, theory: Theory
) -> list[Subst]:
    """Solve `mine + rest = other + tail` for multisets of exponents."""
    for atom in list(mine):
        if atom in other:
            mine, other = _less(mine, atom), _less(other, atom)
    if not mine:
        mine, rest, other, tail = other, tail, mine, rest
    if not mine:
        return _rests(rest, tail, subst)
    first, found = mine[0], []
    for partner in other:
        for more in unify(first, partner, subst, theory):
            again = [resolve(a, more) for a in mine[1:]], [resolve(b, more) for b in _less(other, partner)]
            found += _groups(again[0], rest, again[1], tail, more, theory)
    if tail is not None and tail != rest:
        fresh = _fresh(theory)
        found += _groups(mine[1:], rest, other, fresh, {**subst, tail: ((first,), fresh)}, theory)
    return found


def _less(items: list[Term], item: Term) -> list[Term]:
    place = items.index(item)
    return items[:place] + items[place + 1 :]


def _fresh(theory: Theory) -> Term:
    theory._joined += 1
    return ("e", "+", theory._joined)


def _rests(rest: Term | None, tail: Term | None, subst: Subst) -> list[Subst]:
    if rest == tail:
        return [subst]
    if rest is None:
        rest, tail = tail, None
    return [subst if rest is None else {**subst, rest: ((), tail)}]
