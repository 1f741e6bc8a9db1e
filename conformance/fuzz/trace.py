"""Traces: what an attacker does, as data. A trace says what is done, not which octets: it can be played to any peer.

A trace is a list of steps over up to three sessions. Values in it are names, numbers and lists: it is written to JSON
and read back without loss, and a shorter trace is made by leaving steps out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SESSIONS = 3
"""Sessions that a trace may keep at once."""


@dataclass(frozen=True)
class Step:
    """One action. `do` names it (see `actions.ACTIONS`), `session` is 0 to 2, `arguments` are plain data."""

    do: str
    session: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"do": self.do, "session": self.session, **self.arguments}

    def __str__(self) -> str:
        told = " ".join(f"{key}={value}" for key, value in self.arguments.items())
        return f"[{self.session}] {self.do} {told}".rstrip()


def step(do: str, session: int = 0, **arguments: Any) -> Step:
    """A step; arguments that are None are left out."""
    return Step(do, session, {key: value for key, value in arguments.items() if value is not None})


@dataclass(frozen=True)
class Trace:
    """Steps against an implementation of `role`, which is configured by `configuration` while they last."""

    role: str
    steps: tuple[Step, ...]
    configuration: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "role": self.role,
            "configuration": dict(self.configuration),
            "steps": [item.plain() for item in self.steps],
        }

    def with_steps(self, steps: tuple[Step, ...]) -> Trace:
        """The same against the same implementation, with other steps."""
        return Trace(self.role, steps, self.configuration)


def read_trace(plain: Mapping[str, Any]) -> Trace:
    """The trace that `Trace.plain` wrote.

    Raises:
        ValueError: this is no trace.
    """
    try:
        steps = tuple(_read_step(dict(item)) for item in plain["steps"])
        role, configuration = plain["role"], dict(plain["configuration"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a trace: {error}") from error
    if role not in ("device", "service", "both"):
        raise ValueError(f"not a trace: role {role!r}")
    return Trace(role, steps, configuration)


def _read_step(plain: dict[str, Any]) -> Step:
    do, session = plain.pop("do"), plain.pop("session")
    if not isinstance(do, str) or session not in range(SESSIONS):
        raise ValueError(f"not a step: {do!r} in session {session!r}")
    return Step(do, session, plain)
