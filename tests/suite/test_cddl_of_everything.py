"""Every message of the reference pair, and of the tester while it is honest, matches the grammar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from trustconn.harness.tester import operators
from trustconn.harness.tester.conversation import Conversation
from trustconn.harness.tester.deviation import AlterOctets, Deviation
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.peer import TesterEndpoint as Peer
from trustconn.model.table import Message
from trustconn.spec import cddl

Role = Literal["device", "service"]
Play = Callable[[LocalIut, Conversation], Any]
ROLES: tuple[Role, ...] = ("device", "service")


class Listening(Deviation):
    """Nothing otherwise; what the tester sends is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, bytes]] = []

    def emit(self, peer: Peer, message: Message, data: bytes) -> None:
        self.sent.append((message.name, data))
        super().emit(peer, message, data)


def data_both_ways(iut: LocalIut, conversation: Conversation) -> None:
    for _ in range(2):
        conversation.peer.send_data(b"21.5 degrees", "text/plain")
        iut.sends(conversation, b"set point 20.0")


def reattestation_both_ways(iut: LocalIut, conversation: Conversation) -> None:
    conversation.peer.reattest()
    conversation.flush()
    assert iut.latest is not None
    iut.latest.reattest()
    conversation.until(lambda: False)
    data_both_ways(iut, conversation)


def close_by_the_implementation(iut: LocalIut, conversation: Conversation) -> None:
    iut.closes(conversation)


def a_refused_frame(iut: LocalIut, conversation: Conversation) -> None:
    conversation.peer.put_frame(4, {1: 2, 3: 0, 4: 60})


def nothing(iut: LocalIut, conversation: Conversation) -> None:
    pass


PLAYS: dict[str, Play] = {
    play.__name__: play
    for play in (data_both_ways, reattestation_both_ways, close_by_the_implementation, a_refused_frame)
}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "a waiver": {"presents_waiver": True},
    "no evidence wanted": {"requires_evidence": False},
    "one suite": {"suites": [3]},
}


@contextmanager
def opened(iut: LocalIut, **configuration: Any) -> Iterator[tuple[Conversation, Listening]]:
    """An open session, with what both sides have sent so far; it is closed afterwards."""
    listening = Listening()
    with iut.configured(**configuration):
        conversation = iut.converse(listening)
        assert conversation.until_open()
        yield conversation, listening
        if conversation.peer.machine.receives("app_close"):
            conversation.finish()


def check(conversation: Conversation, sent: list[tuple[str, bytes]]) -> set[str]:
    """Judge every message of either side; returns their names."""
    seen = [(o.name, o.data) for o in conversation.peer.observations] + sent
    for name, data in seen:
        cddl.check(root_of(name, data), data)
    return {name for name, _ in seen}


def root_of(name: str, data: bytes) -> str:
    """Rule of the grammar for a message; an EDHOC error has one for each code."""
    if name == "edhoc_error":
        return f"edhoc_error_{data[0]}"
    return f"edhoc_{name}" if name.startswith("message_") else f"frame_{name.rpartition('_')[0].lower()}"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_what_open_sessions_say(role: Role, play: Play) -> None:
    iut = LocalIut(role)
    with opened(iut) as (conversation, listening):
        play(iut, conversation)
        conversation.flush()
        conversation.until(lambda: False)
    names = check(conversation, listening.sent)
    assert {"message_1", "message_2", "message_3", "message_4", "HELLO_I", "HELLO_R", "ATT_I", "ATT_R"} <= names


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_what_other_configurations_say(role: Role, configuration: dict[str, Any]) -> None:
    iut = LocalIut(role)
    with opened(iut, **configuration) as (conversation, listening):
        data_both_ways(iut, conversation)
        conversation.flush()
        conversation.until(lambda: False)
    assert {"DATA_I", "DATA_R", "RECEIPT_I", "RECEIPT_R", "CLOSE_I", "CLOSE_R"} <= check(conversation, listening.sent)


def test_what_refused_handshakes_say() -> None:
    wrong_suite = LocalIut("service").converse(suites_i=(0,))
    wrong_signature = LocalIut("device").converse(AlterOctets("message_2", operators.flip))
    for conversation in (wrong_suite, wrong_signature):
        conversation.until(lambda: False)
        assert "edhoc_error" in check(conversation, [])
