"""A letter: one input of the alphabet, and what it can do to a word that is being played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..bits import one_bit_other
from .puppet import Puppet

VERBS = frozenset({"send", "close", "clock", "restart", "events"})
"""What a control plane can offer to a learner."""


@dataclass(frozen=True, slots=True)
class Past:
    """An honest session that was played before: its messages are known to whoever listened inside."""

    sent: dict[str, bytes]


class Playing(Protocol):
    """A word being played."""

    past: Past

    @property
    def peer(self) -> Puppet:
        """The tester's side of the connection."""

    def sends(self) -> str | None:
        """The implementation's application sends data, which is receipted as soon as it comes."""

    def closes(self) -> str | None:
        """Its application closes."""

    def advance(self, seconds: int) -> None:
        """Time passes for both sides."""

    def elsewhere(self) -> str:
        """A whole session on another connection."""

    def restarts(self) -> str:
        """The implementation restarts; the word goes on with a new connection."""


Act = Callable[[Playing], str | None]
"""Does the letter; what it returns is part of the answer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An input. `basic` ones are in both alphabets; `verb` is what the control plane must offer.

    `authenticates`: only the honest peer's private key makes it. `unauthenticated`: anyone on the network can send it.
    """

    name: str
    meaning: str
    act: Act
    basic: bool = False
    verb: str | None = None
    role: str | None = None
    """Role of the implementation that it is for; None for both."""
    authenticates: bool = False
    unauthenticated: bool = False
    handshake: bool = False
    """Whether it is part of the handshake."""


def handshake_message(name: str, make: Callable[[Puppet], bytes] | None = None) -> Act:
    """A message of the handshake: as the table makes it now, else as it was sent before.

    `make` gives other octets for one that the table would send now; where it would not, those that were sent before
    come with their last bit flipped.
    """

    def act(play: Playing) -> None:
        peer = play.peer
        kept = peer.take(name)
        if kept:
            peer.sent[name] = make(peer) if make else kept[-1][1]
        data = peer.sent.get(name) or play.past.sent[name]
        peer.put_handshake(name, data if kept or not make else one_bit_other(data))

    return act
