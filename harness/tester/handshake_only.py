"""The tester's side of an implementation that is a TLS endpoint and no more: the handshake is all there is to judge.

A server shows that it has accepted by data of its application, for which a probe asks, or by a session ticket. A client
shows it by its Finished: unless an alert follows, whatever it does next is its application's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..peer.tls_handshake import TlsHandshake
from .peer import TesterEndpoint

if TYPE_CHECKING:
    from .conversation import Conversation

APPLICATION_DATA, TICKET = "application_data", "new_session_ticket"


class HandshakeEndpoint(TesterEndpoint):
    """A peer that has nothing to say after the handshake but `probe`."""

    def __init__(self, role: Any, world: Any, deviation: Any, *, probe: bytes = b"", **options: Any) -> None:
        super().__init__(role, world, deviation, **options)
        self._probe = probe
        assert isinstance(self.channel, TlsHandshake), self.binding
        self.channel.take = lambda octets: self.observe(APPLICATION_DATA, octets)

    @property
    def completed(self) -> bool:
        return self.role == "service" and self.channel.stands

    @property
    def probe_is_legal(self) -> bool:
        return False

    def send_frame(self, frame: bytes) -> None:
        """There is no session."""

    def _entered(self, before: str) -> None:
        super()._entered(before)
        if self.channel.stands and self.state in ("wait_HELLO_R", "wait_HELLO_I"):
            self.channel.send_stream(self._probe)


def completes(conversation: Conversation) -> bool:
    """Whether an honest handshake is completed by both sides."""
    peer = conversation.peer
    if peer.role == "device":
        return conversation.until(lambda: bool(conversation.saw(APPLICATION_DATA) or conversation.saw(TICKET)))
    if not conversation.until(lambda: peer.channel.stands):
        return False
    return not conversation.until(lambda: conversation.saw("tls_alert") is not None, conversation.silence)
