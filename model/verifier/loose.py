"""Loose variables: those that all roles which a run may be have in one place of one receive and nowhere else.

A message that differs from another in loose variables only does the same for the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .instances import RECV, Instance
from .signature import Signature
from .terms import EXPONENTS, App, Term, Var, variables
from .unify import TUPLE

Loose = dict[App, frozenset[Var]]
"""By what a run receives: its loose variables."""


def loose_variables(instances: list[Instance], signature: Signature) -> Loose:
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
