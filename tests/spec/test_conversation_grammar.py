"""Every message of a conversation between the reference peers matches the grammar."""

from collections.abc import Callable
from typing import Literal

from trustconn.harness.identity.provision import make_pair
from trustconn.harness.identity.world import World
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.model.table import Message
from trustconn.spec import cddl


class Recorder(Endpoint):
    """A reference peer that keeps what it sends."""

    def __init__(self, role: Literal["device", "service"], world: World, sent: list[tuple[str, bytes]]) -> None:
        super().__init__(role, world)
        self.sent = sent

    def emit(self, message: Message, data: bytes) -> None:
        self.sent.append((message.name, data))
        super().emit(message, data)


def converse() -> list[tuple[str, bytes]]:
    """Handshake, attestation both ways, a label each way, re-attestation and CLOSE."""
    sent: list[tuple[str, bytes]] = []
    mine, theirs, _ = make_pair(b"grammar", 1_800_000_000)
    device, service = Recorder("device", mine, sent), Recorder("service", theirs, sent)
    actions: list[Callable[[], None]] = [
        service.start,
        device.start,
        lambda: device.send_data(b"measured", "text/plain"),
        lambda: service.send_data(b"commanded", "text/plain"),
        lambda: device.ping(bytes(8)),
        service.reattest,
        device.close,
    ]
    for action in actions:
        action()
        while (octets := device.data_to_send()) or (answer := service.data_to_send()):
            if octets:
                service.receive_data(octets)
            else:
                device.receive_data(answer)
    return sent


def root_of(name: str) -> str:
    return f"edhoc_{name}" if name.startswith("message_") else f"frame_{name.rpartition('_')[0].lower()}"


def test_every_message_of_a_conversation_matches() -> None:
    sent = converse()
    for name, data in sent:
        cddl.check(root_of(name), data)
    names = {name.rpartition("_")[0] for name, _ in sent}
    assert names == {"message", "HELLO", "ATT_REQ", "ATT", "VERDICT", "DATA", "RECEIPT", "PING", "PONG", "CLOSE"}
