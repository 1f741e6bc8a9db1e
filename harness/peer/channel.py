"""What a binding puts between the frames of the session and the octets of the transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...model.refusals import Refusal
from ...model.table import Message

if TYPE_CHECKING:
    from .endpoint import Endpoint


class Channel(Protocol):
    """The secure channel of one connection: handshake, protection and exporter of its endpoint.

    What it receives it gives to the endpoint, message by message and frame by frame; what it has to send goes to
    `Endpoint.put_octets`.
    """

    @property
    def suite(self) -> int | None:
        """Number of the EDHOC cipher suite in use, where there is one."""

    @property
    def stands(self) -> bool:
        """Whether frames can be exchanged."""

    def receive(self, data: bytes) -> None:
        """Octets from the transport, however cut. Raises CheckFailed or TransportError for what it refuses."""

    def encode(self, message: Message, data: bytes) -> bytes:
        """Octets of a handshake message: those of the table, or those that a library has made of it."""

    def send_handshake(self, message: Message, data: bytes) -> None:
        """A handshake message, as the table or a tester made it."""

    def send_frame(self, frame: bytes) -> None:
        """A frame into the protected stream."""

    def send_stream(self, octets: bytes) -> None:
        """One protected record with exactly these octets of the stream, whatever frames they are part of."""

    def established(self) -> None:
        """The handshake is complete, as the table sees it."""

    def session_opened(self) -> None:
        """From OPEN on, frames may be longer."""

    def refuse(self, refusal: Refusal) -> None:
        """Say why, before the channel stands."""

    def close(self) -> None:
        """Nothing more will be sent: end the channel as its protocol wants, if it does."""


class ChannelOf(Protocol):
    """Makes the channel of an endpoint."""

    def __call__(self, endpoint: Endpoint) -> Channel:
        """A channel that has sent nothing."""
