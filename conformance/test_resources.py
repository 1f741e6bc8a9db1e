"""What an implementation keeps of connections that have ended, after all that the run has done to it."""

import select

from ..harness.deadline import Deadline
from ..harness.iut.usage import leak
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import ControlFailed, Iut
from ..model.table import Message
from .bench import Bench
from .case import Case, for_each

ENOUGH = 96
"""Connections that show a leak; those of the tests before count."""
LOOK_AGAIN = 20
"""Milliseconds after which is looked again whether the last connections have been released."""


class Garbage(Deviation):
    """Octets that begin no handshake, instead of all messages."""

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put_octets(bytes(64))


def _closed(iut: Iut) -> None:
    iut.good()


def _refused(iut: Iut) -> None:
    _end(iut.converse(Garbage()), half_close=True)


def _cut(iut: Iut) -> None:
    _end(_opened(iut), half_close=True)


def _reset(iut: Iut) -> None:
    _end(_opened(iut), half_close=False)


KINDS = (_closed, _refused, _cut, _reset)
"""Ways in which a connection ends, by turns."""


def _opened(iut: Iut) -> Conversation:
    conversation = iut.converse()
    if not conversation.until_open():
        conversation.close()
        raise ControlFailed("the session did not open")
    return conversation


def _end(conversation: Conversation, *, half_close: bool) -> None:
    """End it on this side, and wait for the other one where it can still be heard."""
    try:
        if half_close:
            conversation.connection.half_close()
            conversation.until(lambda: False)
        else:
            conversation.connection.reset()
    finally:
        conversation.close()


@for_each(
    Case(role, ("ERR-28",), "end-connections", what) for role in ("device", "service") for what in ("files", "memory")
)
def test_nothing_is_kept(case: Case, bench: Bench) -> None:
    """Open files and memory do not grow with the connections that have ended, however they did: ERR-28."""
    iut = bench.iut
    number = iut.usages()[-1].connections
    while iut.usages()[-1].connections < ENOUGH:
        KINDS[number % len(KINDS)](iut)
        number += 1
    deadline = Deadline.after(iut.silence)
    while (found := leak(iut.usages(), case.field)) and not deadline.passed:
        select.poll().poll(LOOK_AGAIN)
    bench.show(found)
