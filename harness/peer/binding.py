"""The bindings: the one place that knows how many there are, and what makes each."""

from __future__ import annotations

from .channel import ChannelOf
from .edhoc_channel import EdhocChannel

DEFAULT = "edhoc"
BINDINGS: dict[str, ChannelOf] = {"edhoc": EdhocChannel}
"""Name of a binding, as the protocol's table knows it too, to what makes the channel of an endpoint."""
