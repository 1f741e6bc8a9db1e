"""Stages: how a conversation is brought to the point where a certain message of the tester goes out."""

from __future__ import annotations

from collections.abc import Callable

from ..harness.tester.clock import TesterClock
from ..harness.tester.conversation import Conversation
from ..harness.tester.frames import put_frame_of
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut, why
from .parties import LETTERS

CONTENT = b"21.5 degrees"
REPLY_CONTENT = b"set point 20.0"

Stage = Callable[[Iut, Conversation], None]


class StageNotReached(Exception):
    """The conversation ended or fell silent before the stage: said where."""


def at_once(iut: Iut, conversation: Conversation) -> None:
    """The message goes out by itself."""


def when_open(act: Stage) -> Stage:
    """Open the session, then act."""

    def stage(iut: Iut, conversation: Conversation) -> None:
        if not conversation.until_open():
            raise StageNotReached(f"no open session: {why(conversation)}")
        act(iut, conversation)
        conversation.flush()

    return stage


SHORT = 40
"""Seconds of validity after which a session expires early in tests."""


def when_expired(clock: TesterClock, act: Stage) -> Stage:
    """Open the session, let the tester's verdict end, which is good for `SHORT` seconds, then act."""

    def expire(iut: Iut, conversation: Conversation) -> None:
        clock.advance(SHORT)
        act(iut, conversation)

    return when_open(expire)


INTERVAL = 60
"""Seconds after which evidence is asked for again in tests."""


def open_then_request(iut: Iut, conversation: Conversation, before: Callable[[TesterEndpoint], None]) -> None:
    """Go on until OPEN, then until the implementation has asked for evidence again."""
    when_open(lambda i, c: before(c.peer))(iut, conversation)
    asked = len(conversation.peer.observations)
    iut.clock.advance(INTERVAL + 1)
    request = f"ATT_REQ_{LETTERS[iut.role]}"
    if not conversation.until_seen(request, asked):
        raise StageNotReached("the implementation did not ask for evidence again")


def sends(kind: str) -> Stage:
    """The tester sends a frame of that type, which is the fault."""

    def act(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        peer.deviation.happened(peer)
        put_frame_of(peer, kind)
        conversation.flush()

    return act


def _send(iut: Iut, conversation: Conversation) -> None:
    conversation.peer.send_data(CONTENT, "text/plain")


def _iut_sends(iut: Iut, conversation: Conversation) -> None:
    iut.sends(conversation, REPLY_CONTENT)


def _reattest(iut: Iut, conversation: Conversation) -> None:
    conversation.peer.reattest()


def _ping(iut: Iut, conversation: Conversation) -> None:
    conversation.peer.ping(b"8 octets")


STAGES: dict[str, Stage] = {
    "DATA": when_open(_send),
    "RECEIPT": when_open(_iut_sends),
    "ATT_REQ": when_open(_reattest),
    "PING": when_open(_ping),
}
"""Message kind to its stage; every other message goes out at once."""


def stage_of(message: str) -> Stage:
    """The stage at which the tester sends `message`."""
    return STAGES.get(message.rpartition("_")[0], at_once)
