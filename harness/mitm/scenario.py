"""A scenario of the man in the middle, as data: what is done, to what, and what must hold then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from ..tester.session import Role
from .scene import Scene


class Expected(Enum):
    """What both ends must report."""

    WORKS = "both open, all data accepted, a clean end"
    AGREES = "two views of the same session, or a refusal"


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """`role` is the end that has to notice, `operator` what is done and `field` to what."""

    id: str
    sentence: str
    requirements: tuple[str, ...]
    role: Role
    operator: str
    field: str
    play: Callable[[Scene], None]
    expected: Expected = Expected.AGREES
    configurations: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """Role to what its end is configured with for this scenario."""
    known: tuple[Role, ...] = ()
    """Roles in which the ends are configured to speak with the attacker's own identity."""
    insiders: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    """Roles in which that identity may be accepted, and whether it may be believed to be attested."""
