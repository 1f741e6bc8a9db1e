"""A conformance test's name: what it demands, of whom, and what one thing it does.

Ids are computed from module, function and case, never typed; a duplicate fails when the module is imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..model.checks import BINDING_OF, CHECKS

F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Case:
    """One test of one role. `check` is the check that a fault must meet, None where nothing is wrong.

    `operator` says what is done and `field` to what; together with the requirement they tell tests apart. `data` is for
    the test function alone.
    """

    role: str
    requirements: tuple[str, ...]
    operator: str
    field: str
    check: str | None = None
    data: Any = None
    only: str = ""
    """The binding that the case is about, where neither check nor requirements say so."""

    handshake: bool = False
    """Whether it can be played against an implementation of the handshake alone."""

    @property
    def binding(self) -> str:
        """The one binding that the case can be played over; empty for every binding."""
        of_check = CHECKS[self.check].binding if self.check else ""
        cited = (BINDING_OF.get(requirement[:3], "") for requirement in self.requirements)
        return self.only or of_check or next((binding for binding in cited if binding), "")

    def fits(self, binding: str) -> bool:
        """Whether the case can be played over a binding."""
        return self.binding in ("", binding)

    @property
    def negative(self) -> bool:
        """Whether a fault is sent."""
        return self.check is not None

    @property
    def id(self) -> str:
        """Distinct within a test function."""
        return f"{self.role}-{self.operator}-{self.field}"


def fault(role: str, check: str, operator: str, field: str, data: Any = None) -> Case:
    """A case that sends a fault; it cites the requirement of the check.

    Raises:
        KeyError: no such check.
    """
    return Case(role, (CHECKS[check].requirement,), operator, field, check, data)


def citing(case: Case, *requirements: str) -> Case:
    """The case, citing further requirements that it shows, each once."""
    return dataclasses.replace(case, requirements=tuple(dict.fromkeys((*case.requirements, *requirements))))


def both(check: str, operator: str, field: str, data: Any = None) -> list[Case]:
    """The same fault for a device and for a service under test."""
    return [fault(role, check, operator, field, data) for role in ("device", "service")]


CASES: dict[Callable[..., None], tuple[Case, ...]] = {}
"""Cases of every test function."""


def for_each(cases: Iterable[Case], *, only: str = "", handshake: bool = False) -> Callable[[F], F]:
    """Run a function once for each case; `only` names a binding that the function is about.

    With `handshake` an implementation of the handshake alone is tested too.

    Raises:
        ValueError: two cases have one id.
    """
    listed = list(cases)
    if only or handshake:
        listed = [dataclasses.replace(c, only=only or c.only, handshake=handshake or c.handshake) for c in listed]
    ids = [case.id for case in listed]
    doubled = {i for i in ids if ids.count(i) > 1} if len(set(ids)) != len(ids) else set()
    if doubled:
        raise ValueError(f"two cases are called {', '.join(sorted(doubled))}")

    def decorate(function: F) -> F:
        CASES[function] = tuple(listed)
        return function

    return decorate
