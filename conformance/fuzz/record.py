"""What a trace showed: every message of the implementation, and how far it came, to be laid beside another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...harness.codec import cbor
from ...harness.peer.events import Event


@dataclass(frozen=True)
class Seen:
    """One message of the implementation: in which step of the trace it came, and what it says where both must agree."""

    name: str
    action: str | None
    detail: tuple[Any, ...]
    step: int
    data: bytes = field(compare=False, repr=False)


@dataclass
class Told:
    """What one session showed."""

    seen: list[Seen] = field(default_factory=list)
    ended: int | None = None
    """The step in which the implementation ended the connection."""
    fresh: list[tuple[str, bytes]] = field(default_factory=list)
    objections: list[tuple[int, str]] = field(default_factory=list)
    """Step and check with which a tester that makes all checks refused."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Of a peer in this process: step and check."""
    states: list[str] = field(default_factory=list)
    """Of a peer in this process."""
    log: list[tuple[int, str, str]] = field(default_factory=list)
    """Step, `sent` or `seen`, and the message: both directions in their order."""
    tester: str = ""
    """The tester's own state at the end."""


@dataclass
class Record:
    """What a whole trace showed. `marks` are messages and end of each session after each step."""

    told: dict[int, Told] = field(default_factory=dict)
    marks: list[dict[int, tuple[int, bool]]] = field(default_factory=list)
    passed_over: set[int] = field(default_factory=set)
    retried: set[int] = field(default_factory=set)
    """Steps in which the implementation dialled once more."""
    stalled: tuple[int, int] | None = None
    """Step and session in which less came than from the complete peer."""
    crashed: int | None = None
    trouble: str = ""

    @property
    def opened(self) -> bool:
        """Whether the implementation answered PING or receipted DATA after it must have been open."""
        return any(t.tester == "OPEN" for t in self.told.values())


def refusals(events: Sequence[Event]) -> list[str]:
    """Checks that failed; what refuses without one is called by its event."""
    return [str(e.fields.get("check", e.name)) for e in events if e.name in ("refused", "data_refused")]


_KEYS: dict[str, tuple[int, ...]] = {
    "HELLO": (1,), "ATT": (1,), "VERDICT": (1, 3), "RECEIPT": (1, 2), "ATT_REQ": (1,), "PONG": (1,), "ALERT": (1,),
}  # fmt: skip
"""Entries of a frame's body that the specification fixes once the trace is known."""


def detail(name: str, data: bytes) -> tuple[Any, ...]:
    """What a message says where two correct implementations must say the same."""
    try:
        if name == "message_1":
            method, suites, *_ = cbor.decode_sequence(data)
            return (method, str(suites))
        keys = _KEYS.get(name.rpartition("_")[0])
        if keys is None:
            return ()
        body = cbor.decode(data)[1]
        return tuple(body.get(key) for key in keys)
    except (ValueError, LookupError, TypeError, AttributeError):
        return ("unreadable",)
