"""What an attack has to know of a secure channel: the traces are found over EDHOC, and played over any binding.

The handshake of a trace is a first message, a message with which the service shows and proves who it is, and one of the
device. Each binding has these; what is said afterwards is the same over all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ...model.protocol.attestation import CHANNEL_SECRET
from ...model.protocol.edhoc import DEVICE, INITIATOR, RESPONDER, SERVICE, SUITES_I
from ...model.protocol.local import START
from ...model.protocol.proofs import proof_of
from ...model.protocol.tables import profile
from ...model.table import NET, Message
from ..peer.binding import DEFAULT
from ..peer.channel import ChannelOf
from ..peer.edhoc_channel import EdhocChannel
from ..peer.endpoint import Endpoint
from ..peer.tls_channel import TlsChannel
from ..tester.session import OPPOSITE
from ..transport.units import Kind, Unit
from .passed_tls import PassedOnTls, SharingTls

SHARED = (CHANNEL_SECRET, INITIATOR.id_cred, RESPONDER.id_cred)
"""What a handshake leaves behind."""
NAMES = {"device": ("message_1", "message_3"), "service": ("message_2", "message_4")}


class PassedOn(ABC):
    """A channel whose handshake is another's."""

    @abstractmethod
    def overhear(self, end: Endpoint) -> None:
        """An end of the suite's takes part in the handshake."""

    @abstractmethod
    def unseal(self, end: Endpoint) -> None:
        """That end has the secret of the channel: read with it, also what has been kept."""

    @abstractmethod
    def late(self) -> bytes:
        """What came of a message of the handshake after the message was seen; taken once."""


class PassedOnEdhoc(EdhocChannel, PassedOn):
    """Messages are kept as they come, records until their keys are there."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._sealed, self._count = list[Unit](), 0

    def _unit(self, unit: Unit) -> None:
        if unit.kind == Kind.EDHOC_ERROR:
            self._endpoint.observe("edhoc_error", unit.payload)
        elif unit.kind == Kind.EDHOC_MESSAGE:
            names = NAMES[OPPOSITE[self._endpoint.role]]
            self._endpoint.observe(names[min(self._count, 1)], unit.payload)
            self._count += 1
        elif self.stands:
            super()._unit(unit)
        else:
            self._sealed.append(unit)

    def overhear(self, end: Endpoint) -> None:
        """Nothing can be read before the handshake is over."""

    def unseal(self, end: Endpoint) -> None:
        self._endpoint.run.bind(SUITES_I, end.run.value(SUITES_I))
        self.protect()
        sealed, self._sealed = self._sealed, []
        for unit in sealed:
            self._unit(unit)

    def late(self) -> bytes:
        return b""


class PassedOnRecords(PassedOnTls, PassedOn):
    """Records are told apart with the secrets of the end that takes part."""


class ToldTls(TlsChannel):
    """What OpenSSL has taken of the handshake is an observation like any other message."""

    def _follow(self) -> None:
        if self._pending is not None:
            state, _ = self._pending
            self._endpoint.observe(state.removeprefix("wait_"), b"")
        super()._follow()


@dataclass(frozen=True, slots=True)
class Handshake:
    """Channels of the attacker, of one who passes a handshake on, and of the suite's own honest runs.

    `inside`: its messages can be made with other values in them, and by a module that signs.
    """

    own: ChannelOf
    passing: ChannelOf
    honest: ChannelOf
    inside: bool


HANDSHAKES: Mapping[str, Handshake] = {
    "edhoc": Handshake(EdhocChannel, PassedOnEdhoc, EdhocChannel, True),
    "tls": Handshake(ToldTls, PassedOnRecords, SharingTls, False),
}


@cache
def _steps(binding: str) -> tuple[Message, ...]:
    first = next(row for row in profile(binding).rows if row.receives is START)
    return (*first.sends, proof_of(SERVICE, binding).message, proof_of(DEVICE, binding).message)


def played_as(message: Message, binding: str) -> Message | None:
    """The message of a binding in the place of one of a trace; None where it has none."""
    if message.channel != NET or binding == DEFAULT:
        return message
    found = {old.name: new for old, new in zip(_steps(DEFAULT), _steps(binding), strict=True)}
    return found.get(message.name)
