"""The theorem of detours: a run that the claim does not name receives the first message that does the same for it.

The conditions are computed from the roles again. A variable is loose in a run when every role that the run may be has
it once, in a receive: what it stands for changes nothing else in a trace, nor whether the attacker learns a secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..protocol import GROUP, Recv, Role, Template
from .case import Case
from .terms import Term


def taken(case: Case) -> bool:
    """Whether in every trace of the case some run receives a message later than another one that does the same."""
    query = case.query
    if not query.learned or query.alternatives or query.equal or query.before:
        return False
    return any(
        _late(case, part, loose)
        for number in range(len(query.premises), len(case.runs))
        for part, loose in _received(case, number)
    )


def _received(case: Case, number: int) -> Iterator[tuple[Term, frozenset[Term]]]:
    """What a run receives, taken apart and not resolved, each with the loose variables in it."""
    run = case.runs[number]
    roles = [case.model.roles[n][0] for n in case.roles(number)]
    variables = case.model.roles[run.role][0].variables
    loose = {run.env[n] for n, sort in variables.items() if sort != GROUP and all(_is_loose(n, r) for r in roles)}
    for step in case.model.steps(run)[: len(case.events[number])]:
        if isinstance(step, Recv):
            for part in _components(case, case.model.theory.term(step.message, run.env)):
                free = frozenset(v for v in loose if v[0] == "v" and _within(v, part))
                if free:
                    yield part, free


def _is_loose(name: str, role: Role) -> bool:
    """Whether a role has a name once in all its steps, in what it receives."""
    received = sum(_count(name, step.message) for step in role.steps if isinstance(step, Recv))
    anywhere = sum(_count(name, t) for step in role.steps for t in _templates(step))
    return received <= 1 and anywhere == received


def _templates(step: object) -> tuple[Template, ...]:
    fields = (getattr(step, name, None) for name in ("message", "left", "right"))
    return (*(f for f in fields if f is not None), *getattr(step, "data", ()))


def _count(name: str, template: Template) -> int:
    return int(template == name) if isinstance(template, str) else sum(_count(name, t) for t in template[1:])


def _components(case: Case, term: Term) -> Iterator[Term]:
    if term[0] == "f" and case.model.transparent(term[1]):
        for arg in term[2]:
            yield from _components(case, arg)
    elif term[0] == "f":
        yield term


def _within(variable: Term, term: Term) -> bool:
    return term == variable or (term[0] == "f" and any(_within(variable, arg) for arg in term[2]))


def _late(case: Case, part: Term, loose: frozenset[Term]) -> bool:
    """Whether the attacker had something else that does the same before he had this."""
    mine = case.at(part)
    nodes = [node for term, node in case.known if case.at(term) == mine]
    others = [(case.at(t), n) for t, n in (*case.known, *case.open) if t[0] != "known"]
    return any(
        other != mine and case.ordered(then, node) and _same(case, part, other, loose)
        for node in nodes
        for other, then in others
    )


def _same(case: Case, part: Term, other: Term, loose: frozenset[Term]) -> bool:
    if part in loose:
        accepted = case.model.theory.sorts[part]
        given = case.model.theory.sorts[other] if other[0] == "v" else frozenset({case.model.theory.sort(other)})
        return accepted is None or (given is not None and given <= accepted)
    if not any(_within(v, part) for v in loose):
        return case.at(part) == other
    if other[0] != "f" or other[1] != part[1] or len(other[2]) < len(part[2]):
        return False
    args = other[2]
    if len(args) > len(part[2]):
        args = (*args[: len(part[2]) - 1], ("f", "tuple", args[len(part[2]) - 1 :]))
    return all(_same(case, a, b, loose) for a, b in zip(part[2], args, strict=True))
