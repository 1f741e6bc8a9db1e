"""How the reference refuses, in the words of vectors."""

from __future__ import annotations

from ..harness.verdict.allowed import allowed_refusals
from ..model.checks import CHECKS


def refusals(check: str, *, handshake: bool = False) -> tuple[str, ...]:
    """What an implementation may answer where a check fails: what is specified, and what a sentence tolerates."""
    allowed = allowed_refusals(CHECKS[check], handshake=handshake)
    return tuple(sorted(allowed.specified | allowed.tolerated))


def requirement(check: str) -> str:
    """The requirement that a check enforces."""
    return CHECKS[check].requirement
