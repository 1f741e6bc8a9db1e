"""Where a fault is put that no message of the tester's own carries: before one of them, or into an open session."""

from __future__ import annotations

from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from ..harness.tester.wire import Before, OnDemand, Send
from ..harness.verdict.verdict import Outcome, Reaction
from .bench import Bench
from .stages import Stage, at_once, when_open

ROLES = ("device", "service")
TESTER_LETTER = {"device": "R", "service": "I"}
"""The tester's letter by the role of the implementation."""
HANDSHAKE_MESSAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "edhoc": {"device": ("message_2", "message_4"), "service": ("message_1", "message_3")},
    "tls": {"device": ("server_flight",), "service": ("client_hello", "client_flight")},
}
"""What the tester sends in the handshake, by binding and the implementation's role."""
PHASES = {
    "device": ("message_2", "message_4", "HELLO_R", "VERDICT_R", "OPEN"),
    "service": ("message_1", "message_3", "HELLO_I", "ATT_I", "OPEN"),
}
"""What the tester is about to send when it deviates, by the implementation's role."""


def act(iut: Iut, conversation: Conversation) -> None:
    """Let an `OnDemand` deviation happen."""
    deviation = conversation.peer.deviation
    assert isinstance(deviation, OnDemand)
    deviation.act(conversation.peer)


in_open = when_open(act)
"""The stage of an `OnDemand` deviation in an open session."""


def placed(place: str, send: Send) -> tuple[Deviation, Stage]:
    """The deviation that sends something before a message, or at the place `OPEN`; and its stage."""
    return (OnDemand(send), in_open) if place == "OPEN" else (Before(place, send), at_once)


def refuses_at_once(bench: Bench, deviation: Deviation, stage: Stage) -> None:
    """As `Bench.refuses`, for what announces more than ever comes: waiting for it is no refusal."""
    control = bench.control()
    conversation = bench.iut.converse(deviation)
    bench.main = conversation.transcript
    try:
        stage(bench.iut, conversation)
        outcome = conversation.outcome(bench.iut.is_alive, deferred=True)
    finally:
        conversation.close()
    if outcome == Outcome(Reaction.REFUSED, "drop"):
        outcome = Outcome(Reaction.HUNG)
    bench.conclude(outcome, control, conversation)
