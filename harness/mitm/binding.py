"""What the man in the middle has to know of a secure channel: the seam where another binding fits in.

Everything else in this package handles units of octets, positions in a conversation, and endpoints that terminate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..peer.channel import ChannelOf
from ..tester.session import Role

Rewrite = Callable[[bytes], bytes]
"""A unit to another unit."""

DATA = 2
"""DATA that each application sends in a conversation, the device's first."""


@dataclass(frozen=True, slots=True)
class Position:
    """A unit of an honest conversation: the `number`th of its sender, counted from 0, and the message that it carries.

    An implementation may cut its messages otherwise; then the position is still that unit, under this name.
    """

    sender: Role
    number: int
    message: str
    protected: bool
    """By the keys of the session; the handshake is over."""
    closing: bool
    """It belongs to the end of the conversation."""
    requirement: str
    """The requirement that an altered, missing or foreign unit meets there."""


class Cutter(Protocol):
    """Cuts the octets of one direction into units."""

    def feed(self, data: bytes) -> list[bytes]:
        """The units that `data` completes, as they stood on the wire."""

    def rest(self) -> bytes:
        """Octets of a unit that is not complete; taken once."""


@dataclass(frozen=True, slots=True)
class Interjection:
    """A unit that anyone can write, because nothing protects it."""

    unit: bytes
    sentence: str
    requirement: str
    when: str = "always"
    """`always`, or `handshake` where it means something before the channel stands alone."""
    to_both: bool = False
    """Either end may get it, whoever is to speak next."""


class Binding(Protocol):
    """A secure channel."""

    name: str
    """As the table knows it."""
    impostor: ChannelOf
    """What makes the channel of a party that has another key than its certificate says."""
    protects: str
    """The check that finds what is not protected with the session's keys."""
    works: str
    """The requirement that a whole conversation shows."""
    once: str
    """The requirement that a whole conversation cannot be had again."""

    def flow(self) -> tuple[Position, ...]:
        """An honest conversation in the order in which the table's own peers have it."""

    def cutter(self) -> Cutter:
        """For one direction of a new connection."""

    def bits(self, position: Position) -> Mapping[str, Rewrite]:
        """Named places of a unit, each with a rewrite that flips one bit there."""

    def rewrites(self, position: Position) -> Mapping[str, Rewrite]:
        """Named changes of meaning that need no key, such as a weaker offer."""

    def interjections(self) -> Mapping[str, Interjection]:
        """By name."""
