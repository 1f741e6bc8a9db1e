"""A fault: what a faulty reference peer does wrong, which requirement that breaks, and the seam where it is switched.

The seams are few: checks that are not made, the table, what terms evaluate to, how a check is judged, the world that
is asked, what a restart keeps, and the endpoint's own methods. Nothing of the peer is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...model.distort import TableFault
from ...model.terms import Term
from ..identity.world import World
from ..peer.edhoc_channel import EdhocChannel
from ..peer.endpoint import Endpoint
from .run import Judge, Lie

if TYPE_CHECKING:
    from ..verifier.appraisal import Verifier

DEVICE, SERVICE, BOTH = ("device",), ("service",), ("device", "service")
VERIFIER = ("verifier",)
REMOVAL, GENERAL = "check removal", "general operator"
EXPECTED = "fail"
"""The verdict that every fault must bring about, in a test that cites its requirement."""


@dataclass(frozen=True, slots=True, eq=False)
class Seams:
    """Where a fault takes hold; what is left out stays honest."""

    off: frozenset[str] = frozenset()
    """Checks that are not made."""
    table: TableFault | None = None
    lies: Mapping[Term, Lie] = field(default_factory=dict)
    """Terms that this peer or its TAM computes wrongly, wherever they stand."""
    judges: Mapping[str, Judge] = field(default_factory=dict)
    world: Callable[[World], World] | None = None
    kept: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """What a restart keeps, given what it should keep."""
    endpoint: type[Endpoint] | None = None
    """A subclass that overrides one method."""
    channel: type[EdhocChannel] | None = None
    """Likewise, of the channel."""
    verifier: type[Verifier] | None = None
    """Likewise, of the verifier."""

    @property
    def is_removal(self) -> bool:
        """Whether nothing but checks is left out."""
        return not (self.judges or self._elsewhere)

    @property
    def is_judging(self) -> bool:
        """Whether nothing but checks is judged otherwise."""
        return bool(self.judges) and not self._elsewhere

    @property
    def _elsewhere(self) -> bool:
        seams = (self.table, self.lies, self.world, self.kept, self.endpoint, self.channel, self.verifier)
        return any(seams)


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A named fault. `source` says where it comes from: a general operator, a check's removal, or a published flaw."""

    name: str
    sentence: str
    requirement: str
    operator: str
    field: str
    roles: tuple[str, ...]
    source: str
    seams: Seams

    @property
    def triple(self) -> tuple[str, str, str]:
        """What tells faults apart."""
        return self.requirement, self.operator, self.field


def fault(
    name: str,
    sentence: str,
    requirement: str,
    operator: str,
    what: str,
    roles: tuple[str, ...] = BOTH,
    source: str = GENERAL,
    **seams: Any,
) -> Fault:
    """A fault; `seams` are the fields of `Seams` that it needs."""
    return Fault(name, sentence, requirement, operator, what, roles, source, Seams(**seams))


def indexed(faults: Iterable[Fault]) -> dict[str, Fault]:
    """By name.

    Raises:
        ValueError: two faults have one name.
    """
    found: dict[str, Fault] = {}
    for one in faults:
        if found.setdefault(one.name, one) is not one:
            raise ValueError(f"two faults are called {one.name}")
    return found
