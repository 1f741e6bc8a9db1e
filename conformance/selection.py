"""Which tests a request asks for."""

from __future__ import annotations

from importlib.resources import files

from ..harness.verdict.profile_set import read_set
from ..harness.verdict.request import RequestError, RunRequest


def chooses(request: RunRequest, test: str, requirements: tuple[str, ...]) -> bool:
    """Whether the request selects a test."""
    if request.tests is not None and test not in request.tests:
        return False
    if request.rerun is not None:
        return test == request.rerun
    if request.profile_set is not None and test not in _frozen(request.profile_set):
        return False
    return request.select is None or matches(request.select, (test, *requirements))


def _frozen(name: str) -> frozenset[str]:
    return frozenset(read_set(files(__package__) / "sets", name))


def matches(expression: str, names: tuple[str, ...]) -> bool:
    """An expression of words with `and`, `or`, `not` and parentheses: a word holds if some name contains it.

    Raises:
        RequestError: the expression is malformed.
    """
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()
    value, rest = _disjunction(tokens, names)
    if rest:
        raise RequestError(f"--select: unexpected {rest[0]!r} in {expression!r}")
    return value


def _disjunction(tokens: list[str], names: tuple[str, ...]) -> tuple[bool, list[str]]:
    value, rest = _conjunction(tokens, names)
    while rest and rest[0] == "or":
        more, rest = _conjunction(rest[1:], names)
        value = value or more
    return value, rest


def _conjunction(tokens: list[str], names: tuple[str, ...]) -> tuple[bool, list[str]]:
    value, rest = _factor(tokens, names)
    while rest and rest[0] == "and":
        more, rest = _factor(rest[1:], names)
        value = value and more
    return value, rest


def _factor(tokens: list[str], names: tuple[str, ...]) -> tuple[bool, list[str]]:
    if not tokens:
        raise RequestError("--select: the expression ends too early")
    first, *rest = tokens
    if first == "not":
        value, rest = _factor(rest, names)
        return not value, rest
    if first == "(":
        value, rest = _disjunction(rest, names)
        if not rest or rest[0] != ")":
            raise RequestError("--select: a parenthesis is not closed")
        return value, rest[1:]
    if first in (")", "and", "or"):
        raise RequestError(f"--select: unexpected {first!r}")
    return any(first in name for name in names), rest
