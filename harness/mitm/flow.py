"""Honest conversations: what two peers of the table say to each other, unit by unit, over any binding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from ...model.protocol.frames import FrameType
from ...model.table import RECORD, Message
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..identity.provision import make_pair
from ..peer.endpoint import Endpoint
from ..tester.session import Role
from ..transport.frames import write_frame
from .binding import DATA, Cutter, Position

CLOSE_FRAME = cbor.encode([int(FrameType.CLOSE), {}])
END_OF_CHANNEL = "end_of_channel"
"""The name of units that belong to no message of the table."""
Enforced = Callable[[str, bool], str]
"""The requirement that a changed unit meets, by its message and whether it is protected."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A unit on the wire: `data` is the message, or the frame, that it is part of."""

    sender: Role
    message: str
    protected: bool
    data: bytes
    closing: bool


class _Watched(Endpoint):
    """A peer of the table that notes what it sends."""

    def watch(self, role: Role, cutter: Cutter, notes: list[Sent]) -> None:
        """From now on; what is noted before the closing begins is marked later."""
        self._role, self._cutter, self._notes = role, cutter, notes
        self._speaking: tuple[Message, bytes] | None = None
        self.closing = False

    def emit(self, message: Message, data: bytes) -> None:
        self._speaking = message, data
        super().emit(message, data)
        self._speaking = None

    def put_octets(self, data: bytes) -> None:
        super().put_octets(data)
        for _ in self._cutter.feed(data):
            message, content = self._speaking or (None, b"")
            name = message.name if message is not None else END_OF_CHANNEL
            protected = message is None or message.channel == RECORD
            self._notes.append(Sent(self._role, name, protected, content, self.closing))


@cache
def honest(binding: str, cutter: Callable[[], Cutter]) -> tuple[Sent, ...]:
    """The conversation that a scene leads, as two peers of the table have it: to OPEN, DATA each way, CLOSE."""
    device_world, service_world, _ = make_pair(b"flow", 1_800_000_000)
    notes: list[Sent] = []
    device = _Watched("device", device_world, rng=SeededRandom(b"device"), binding=binding)
    service = _Watched("service", service_world, rng=SeededRandom(b"service"), binding=binding)
    device.watch("device", cutter(), notes)
    service.watch("service", cutter(), notes)
    device.start()
    service.start()
    _exchange(device, service)
    for speaker in (device, service):
        for _ in range(DATA):
            speaker.send_data(b"")
        _exchange(device, service)
    device.closing = service.closing = True
    device.close()
    _exchange(device, service)
    return tuple(notes)


def _exchange(device: Endpoint, service: Endpoint) -> None:
    pairs: list[tuple[Endpoint, Endpoint]] = [(device, service), (service, device)]
    moved = True
    while moved:
        moved = False
        for sender, receiver in pairs:
            if data := sender.data_to_send():
                receiver.receive_data(data)
                moved = True


def positions(notes: tuple[Sent, ...], enforced: Enforced) -> Iterator[Position]:
    """Where the units of a conversation stand. Further ones of a name are numbered: `DATA_I.2`."""
    units, names = Counter[str](), Counter[str]()
    for sent in notes:
        names[sent.message] += 1
        name = sent.message if names[sent.message] == 1 else f"{sent.message}.{names[sent.message]}"
        requirement = enforced(sent.message, sent.protected)
        yield Position(sent.sender, units[sent.sender], name, sent.protected, sent.closing, requirement)
        units[sent.sender] += 1


def forged_close(ciphertext: bytes, known: bytes, length: int) -> bytes:
    """CLOSE out of a protected frame of `length` octets that begins as `known` does.

    The keystream is that of a stream cipher, as CCM and GCM are, and only their tags forbid that.
    """
    plaintext = length.to_bytes(3, "big") + known
    wanted = write_frame(CLOSE_FRAME)
    return bytes(c ^ p ^ w for c, p, w in zip(ciphertext, plaintext, wanted, strict=False))
