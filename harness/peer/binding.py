"""The bindings: the one place that knows how many there are, and what makes each."""

from __future__ import annotations

from .channel import ChannelOf
from .edhoc_channel import EdhocChannel
from .tls_channel import TlsChannel

DEFAULT = "edhoc"
BINDINGS: dict[str, ChannelOf] = {"edhoc": EdhocChannel, "tls": TlsChannel}
"""Name of a binding, as the protocol's table knows it too, to what makes the channel of an endpoint."""
