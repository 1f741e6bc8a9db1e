"""A conformance test's name: what it demands, of whom, and what one thing it does.

Ids are computed from module, function and case, never typed; a duplicate fails when the module is imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from ..model.checks import CHECKS

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
    """The case, citing further requirements that it shows."""
    return dataclasses.replace(case, requirements=(*case.requirements, *requirements))


def both(check: str, operator: str, field: str, data: Any = None) -> list[Case]:
    """The same fault for a device and for a service under test."""
    return [fault(role, check, operator, field, data) for role in ("device", "service")]


def for_each(cases: Iterable[Case]) -> Callable[[F], F]:
    """Run a function once for each case.

    Raises:
        ValueError: two cases have one id.
    """
    listed = list(cases)
    ids = [case.id for case in listed]
    doubled = {i for i in ids if ids.count(i) > 1} if len(set(ids)) != len(ids) else set()
    if doubled:
        raise ValueError(f"two cases are called {', '.join(sorted(doubled))}")
    return pytest.mark.parametrize("case", listed, ids=ids)
