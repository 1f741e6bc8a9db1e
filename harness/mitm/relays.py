"""Deviations of an attacker who terminates two sessions and carries messages from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...model.protocol.frames import HELLO, SIDES
from ...model.table import Message
from ..tester.deviation import Deviation, OnMessage
from ..tester.fields import altered, fields
from ..tester.frames import frame_of
from ..tester.peer import TesterEndpoint
from ..tester.session import ControlFailed

Make = Callable[[TesterEndpoint], bytes]


def hello_with_nonce_of(peer: TesterEndpoint, other: TesterEndpoint) -> bytes:
    """The HELLO that `peer` is about to send, but with the nonce that `other`, who plays the other role, was sent."""
    message, nonce = HELLO[peer.letter], SIDES[peer.letter].nonce
    path = next(field.path for field in fields(message, peer.role) if field.term is nonce)
    return altered(peer.run, message.term, path, lambda _: other.run.value(nonce))


def sealed(peer: TesterEndpoint, kind: str) -> bytes:
    """A well-formed frame of a type, protected with the keys of the session in which `peer` is, and not sent."""
    assert not peer.data_to_send(), "what went before has been sent"
    peer.send_frame(frame_of(peer, kind))
    return peer.data_to_send()


class Substitute(Deviation):
    """Messages that are made elsewhere, by name; what is computed over them is computed over what went out.

    `last` is the one that matters. `makers` may be given once the conversation exists, before it is driven. Where
    another session does not yield what is needed, the conversation ends, and `failure` says why.
    """

    failure: ControlFailed | None = None

    def __init__(self, last: str, makers: Mapping[str, Make] | None = None) -> None:
        super().__init__()
        self._last, self.makers = last, dict(makers or {})

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if (make := self.makers.get(message.name)) is not None:
            try:
                data = make(peer)
            except ControlFailed as failure:
                self.failure = failure
                peer.closed = True
                return
            peer.run.values[message.term] = data
        if message.name == self._last:
            self.happened(peer)
        peer.put(message, data)


class Paused(Deviation):
    """A message, and whatever follows it, waits until somebody says what is sent in its place."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._held: list[tuple[Message, bytes]] = []

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if self._held or (message.name == self._name and not self.reached):
            self._held.append((message, data))
        else:
            peer.put(message, data)

    def resume(self, peer: TesterEndpoint, data: bytes) -> None:
        """Send it, and what had to wait."""
        self.happened(peer)
        (message, _), *rest = self._held
        self._held = []
        peer.run.values[message.term] = data
        for held, octets in [(message, data), *rest]:
            peer.put(held, octets)


class Withheld(OnMessage):
    """The message is not sent: `octets` is what would have gone out."""

    octets = b""

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        before = peer.data_to_send()
        peer.put(message, data)
        self.octets = peer.data_to_send()
        peer.put_octets(before)
