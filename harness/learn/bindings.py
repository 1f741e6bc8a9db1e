"""The bindings as the learner sees them: the seam where another one fits in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..peer.channel import ChannelOf
from . import edhoc, tls
from .letter import Letter


@dataclass(frozen=True, slots=True)
class Binding:
    """`letters` are those of its handshake that are not the table's."""

    channel: ChannelOf
    """What makes the channel of a puppet, which is `Watching`."""
    letters: tuple[Letter, ...]
    discards: str | None = None
    """The check that is behind a silence to a message of the handshake, where there may be one."""


BINDINGS: Mapping[str, Binding] = {
    "edhoc": Binding(edhoc.WatchingEdhoc, tuple(edhoc.letters()), edhoc.DISCARDS),
    "tls": Binding(tls.WatchingTls, tuple(tls.letters())),
}
