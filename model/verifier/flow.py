"""What a variable can carry that the attacker did not have before: found once per protocol, by unification.

A role that forwards a variable sends on what it received. If the attacker made the message that brought the value, he
knew the value; so whatever is new in it was put there by a send of some role, in a place that is not a variable
itself. For each variable this collects those places: a goal is looked for in a forwarded variable only if one of them
can match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .instances import RECV, SEND, Instance
from .signature import Signature, inverse
from .terms import ANY, TRAIL, App, Atom, Group, Term, Var, app, deref, exponents, undo
from .unify import TUPLE, unify

MAX_PATTERNS = 200


@dataclass(slots=True)
class Carried:
    """Values of one variable: `origins` are (role, fresh value), `patterns` other terms; `wild` is anything at all."""

    wild: bool = False
    origins: set[tuple[str, str]] = field(default_factory=set)
    patterns: dict[str, Term] = field(default_factory=dict)
    sources: set[tuple[int, str]] = field(default_factory=set)

    def may_be(self, term: Term, role: str) -> bool:
        """Whether `term` (a fresh value of `role`, if it is one) can be among the values."""
        if self.wild:
            return True
        if type(term) is Atom and term.run >= 0 and (role, term.name) in self.origins:
            return True
        mark = len(TRAIL)
        for pattern in self.patterns.values():
            fits = unify(pattern, term, [])
            undo(mark)
            if fits:
                return True
        return False


Flow = dict[tuple[int, str], Carried]
"""By role number and name of the variable."""


Literals = dict[str, dict[int, tuple[App, list[Instance]]]]
"""By symbol: each application that comes out of some send, with the roles that send it."""


def analyse(instances: list[Instance], others: list[Instance], signature: Signature) -> Flow:
    """What every variable of every role can carry; `others` is another run of each."""
    literals = _literals(others)
    known: dict[tuple[int, int], Carried] = {}
    flow: Flow = {}
    for number, mine in enumerate(instances):
        for name, term in mine.env.items():
            variable = term.rest if type(term) is Group else term
            if type(variable) is Var and variable.mask != signature.agent_bit:
                direct = _direct(mine, variable, literals, known, signature)
                flow[number, name] = direct if signature.shortcuts else Carried(wild=True)
    _close(flow)
    return flow


def _literals(instances: list[Instance]) -> Literals:
    found: Literals = {}
    for instance in instances:
        for symbol in (head for head in instance.heads if isinstance(head, str)):
            for term in {id(p.term): p.term for p in instance.positions(symbol)}.values():
                if type(term) is App:
                    found.setdefault(symbol, {}).setdefault(id(term), (term, []))[1].append(instance)
    return found


def _direct(
    mine: Instance, variable: Var, literals: Literals, known: dict[tuple[int, int], Carried], signature: Signature
) -> Carried:
    """What literal places put into the variable, and which other variables pass something on to it.

    Roles that first receive a variable in the same term share what others put there; each has own sends beside.
    """
    wrapper = _wrapper(mine, variable, signature)
    if type(wrapper) is not App:
        return Carried(wild=wrapper is None)
    key, symbol = (id(variable), id(wrapper)), wrapper.symbol.removesuffix("~")
    if key not in known:
        known[key] = Carried()
        for literal, others in literals.get(symbol, {}).values():
            _carry(known[key], variable, wrapper, literal, others, signature)
    shared = known[key]
    carried = Carried(shared.wild, set(shared.origins), dict(shared.patterns), set(shared.sources))
    for position in mine.positions(symbol):
        if type(position.term) is App:
            _carry(carried, variable, wrapper, position.term, [mine], signature)
    return carried


def _carry(
    carried: Carried, variable: Var, wrapper: App, literal: App, others: list[Instance], signature: Signature
) -> None:
    """Note what the variable is where the wrapper around it is a literal of these roles."""
    mark = len(TRAIL)
    if all(unify(a, b, []) for a, b in zip(wrapper.args, literal.args, strict=True)):
        for part in _parts(variable, signature):
            for other in others:
                _note(carried, part, other, signature)
    undo(mark)


def _wrapper(mine: Instance, variable: Var, signature: Signature) -> Term | None:
    """The innermost term around the variable where it first comes in; the variable itself when that is in the clear."""
    for step in mine.steps:
        if step.kind == RECV:
            for found, around in _paths(step.terms[0], None, signature):
                if found is variable:
                    return around or variable
        elif step.kind == SEND and any(found is variable for found, _ in _paths(step.terms[0], None, signature)):
            return None
    return None


def _paths(term: Term, around: App | None, signature: Signature) -> Iterator[tuple[Term, App | None]]:
    """The variables that come out of a message, each with the innermost term around it that takes a key to open."""
    if type(term) is App:
        if term.symbol == TUPLE or term.symbol in signature.transparent:
            for arg in term.args:
                yield from _paths(arg, around, signature)
            return
        symbol = signature.symbols[term.symbol.removesuffix("~")]
        for opening in symbol.opens:
            yield from _paths(term.args[opening.yields], term if opening.needs or around else None, signature)
    elif type(term) is Group:
        if term.rest is not None and not term.atoms:
            yield term.rest, around
    else:
        yield term, around


def _parts(variable: Var, signature: Signature) -> Iterator[Term]:
    if variable.mask == 0:
        multi = variable.ref
        if multi is not None:
            yield from ((*multi.atoms, multi.rest) if multi.rest is not None else multi.atoms)
        return
    yield from _inside(deref(variable), signature)


def _inside(term: Term, signature: Signature) -> Iterator[Term]:
    term = deref(term)
    if type(term) is not App:
        yield term
        return
    if term.symbol == TUPLE or term.symbol in signature.transparent:
        for arg in term.args:
            yield from _inside(arg, signature)
        return
    yield term
    for opening in signature.symbols[term.symbol].opens:
        yield from _inside(term.args[opening.yields], signature)


def _note(carried: Carried, part: Term, other: Instance, signature: Signature) -> None:
    if type(part) is Atom:
        if part.run == other.index:
            carried.origins.add((other.role.name, part.name))
        elif not part.public:
            carried.patterns.setdefault(part.name, part)
    elif type(part) is App:
        carried.patterns.setdefault(str(id(part)), _generalise(part, signature, {}))
    elif type(part) is Group or part.mask != signature.agent_bit:
        if type(part) is Group:
            atoms, rest = exponents(part)
            if atoms or rest is None:
                carried.patterns.setdefault("group", Var("group", part.bit))
                return
            part = rest
        for name, term in other.env.items():
            if _end(term) is part:
                carried.sources.add((other.role.number, name))


def _end(term: Term) -> Term | None:
    """The unbound variable that a name of a role stands for, if it does."""
    term = deref(term)
    if type(term) is Group:
        atoms, rest = exponents(term)
        return None if atoms else rest
    return term


def _generalise(term: Term, signature: Signature, seen: dict[Term, Term]) -> Term:
    """A copy in which fresh values and variables are variables of their own."""
    term = deref(term)
    if term not in seen:
        if type(term) is Atom:
            seen[term] = Var(term.name, term.bit) if term.run != -1 else term
        elif type(term) is App:
            seen[term] = app(term.symbol, tuple(_generalise(a, signature, seen) for a in term.args), term.bit)
        else:
            seen[term] = Var("any", term.bit if type(term) is Group else term.mask)
    return seen[term]


def _close(flow: Flow) -> None:
    """Let what a variable carries reach the variables that it is passed on to."""
    changed = True
    while changed:
        changed = False
        for carried in flow.values():
            before = (carried.wild, len(carried.origins), len(carried.patterns))
            for source in carried.sources:
                other = flow.get(source)
                if other is None:
                    carried.wild = True
                    continue
                carried.wild |= other.wild
                carried.origins |= other.origins
                carried.patterns |= other.patterns
            carried.wild |= len(carried.patterns) > MAX_PATTERNS
            changed |= before != (carried.wild, len(carried.origins), len(carried.patterns))


__all__ = ["ANY", "Carried", "Flow", "analyse", "inverse"]
