"""Labelled data as no honest party would send it: labels and environment objects that say something else."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Tale, tell
from ..model.protocol.labels import ENVIRONMENT, LABEL, LABEL_REGISTERS, Environment, Label
from ..model.table import Message
from .stages import CONTENT, Stage, StageNotReached, when_open

TEXT = "text/plain"
Act = Callable[[Iut, Conversation], None]


def label_of(peer: TesterEndpoint) -> Label:
    """Terms of the tester's label."""
    return LABEL[peer.letter]


def environment_of(peer: TesterEndpoint) -> Environment:
    """Terms of the tester's environment object."""
    return ENVIRONMENT[peer.letter]


def sequence_of(peer: TesterEndpoint) -> int:
    """The number of the tester's next label."""
    number = cbor.decode(peer.run.value(LABEL_REGISTERS[peer.letter].sequence))
    assert isinstance(number, int)
    return number


def send(peer: TesterEndpoint, content: bytes = CONTENT) -> None:
    """Label and send."""
    peer.send_data(content, TEXT)


def accepted(conversation: Conversation) -> None:
    """Send good data, and see that it is received as good.

    Raises:
        StageNotReached: it is not.
    """
    before = len(conversation.peer.observations)
    send(conversation.peer)
    conversation.flush()
    name = f"RECEIPT_{conversation.peer.peer}"
    conversation.until_seen(name, before)
    receipt = conversation.saw(name, before)
    if receipt is None or receipt.code != 0:
        raise StageNotReached("good data was not receipted as good")


def faulty(act: Act, *, after: Act | None = None) -> Stage:
    """Open the session, do what is to come before, then the fault: what follows is the reaction to it."""

    def stage(iut: Iut, conversation: Conversation) -> None:
        if after is not None:
            after(iut, conversation)
        conversation.peer.deviation.happened(conversation.peer)
        act(iut, conversation)

    return when_open(stage)


def telling(tale: Callable[[TesterEndpoint], Tale]) -> Act:
    """Send data under a label that tells a tale."""
    return _sending_after(lambda peer: tell(peer, tale(peer)))


def in_environment(tale: Callable[[TesterEndpoint], Tale]) -> Act:
    """Send data with an environment object that tells a tale, and a label that names it."""
    return _sending_after(lambda peer: renew_environment(peer, tale(peer)))


def _sending_after(prepare: Callable[[TesterEndpoint], None]) -> Act:
    def act(iut: Iut, conversation: Conversation) -> None:
        prepare(conversation.peer)
        send(conversation.peer)

    return act


def renew_environment(peer: TesterEndpoint, tale: Tale) -> None:
    """The module signs another environment object, and the next label names it."""
    tell(peer, tam=tale)
    bring_environment(peer, peer.tam.run.value(environment_of(peer).token.term))


def bring_environment(peer: TesterEndpoint, octets: bytes) -> None:
    """The next DATA carries these octets as environment object, and its label names them."""
    registers = LABEL_REGISTERS[peer.letter]
    carried = cbor.head(4, 1) + octets
    tell(peer, {registers.reference: cbor.bstr(sha256(octets).digest()), registers.unsent: carried})


class Recording(Deviation):
    """Nothing otherwise; keeps the DATA frames that the tester sends."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[bytes] = []

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name.startswith("DATA"):
            self.data.append(data)
        peer.put(message, data)
