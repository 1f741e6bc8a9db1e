"""A conversation told step by step: what the tester does, and which message of the implementation must come next."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.world import World
from ..harness.peer.endpoint import NotOpen
from ..harness.tester.clock import TesterClock
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Stop
from ..harness.tester.frames import PAYLOAD, frame_of, put_frame_of, verdict
from ..harness.tester.peer import Observation
from ..harness.tester.session import ControlFailed, Iut
from ..model.protocol.frames import Tier
from ..model.refusals import Code
from .bench import Bench
from .case import Case
from .stages import CONTENT, REPLY_CONTENT, StageNotReached

PEER = {"device": "R", "service": "I"}
"""Letter of the tester's messages by the role of the implementation under test."""
AWAITED = {
    "device": {"wait_HELLO_R": "HELLO_R", "wait_ATT_R": "ATT_R", "wait_VERDICT_R": "VERDICT_R"},
    "service": {"wait_HELLO_I": "HELLO_I", "wait_VERDICT_I": "VERDICT_I", "wait_ATT_I": "ATT_I"},
}
"""State before OPEN to the message that leads out of it, where both sides attest."""


STRICT: frozenset[str] = frozenset()
"""Checks of the tester that are switched off where it judges what it receives."""


class Wrong(StageNotReached):
    """The implementation did something else than it must."""


class Talk:
    """`clock` is there where time may be advanced."""

    def __init__(self, iut: Iut, conversation: Conversation, clock: TesterClock | None = None) -> None:
        self.iut, self.conversation, self.peer = iut, conversation, conversation.peer
        self._clock, self._seen = clock, 0

    @property
    def clock(self) -> TesterClock:
        """Time, for both sides."""
        assert self._clock is not None
        return self._clock

    # --- what must come ----------------------------------------------------------------------------------------------

    def expect(self, *kinds: str, code: int | None = None) -> Observation:
        """These frames come next, in this order; the last one, with `code` where one is given."""
        for kind in kinds:
            self.conversation.until(lambda: len(self.peer.observations) > self._seen)
            seen = self.peer.observations[self._seen : self._seen + 1]
            if not seen or seen[0].name.rpartition("_")[0] != kind:
                raise Wrong(f"{seen[0].action or seen[0].name if seen else 'nothing'} in the place of {kind}")
            self._seen += 1
        last = self.peer.observations[self._seen - 1]
        if code is not None and last.code != code:
            raise Wrong(f"{last.name} with code {last.code}, not {code}")
        return last

    def expect_end(self) -> None:
        """Nothing comes any more, and the implementation ends the connection."""
        self.conversation.until(lambda: False)
        late = self.peer.observations[self._seen :]
        if late:
            raise Wrong(f"{late[0].action or late[0].name} where nothing was due")
        if not self.conversation.ended:
            raise Wrong("the connection was not ended")

    def open(self) -> None:
        """The session opens on both sides."""
        if not self.conversation.until_open():
            raise Wrong("the session did not open")
        self.catch_up()

    def listen_on(self) -> None:
        """The tester, for whom the session has ended, goes on to see what comes."""
        self.peer.closed, self.peer.machine.state = False, "CLOSING"

    def catch_up(self) -> None:
        """What came so far was as it must be."""
        self._seen = len(self.peer.observations)

    # --- what is done ------------------------------------------------------------------------------------------------

    def put(self, *frames: bytes | str) -> None:
        """Send frames; a name stands for one of that type."""
        for frame in frames:
            self.peer.send_frame(frame_of(self.peer, frame) if isinstance(frame, str) else frame)
        self.conversation.flush()

    def ping(self) -> None:
        """PING, and its PONG."""
        machine = self.peer.machine
        before = machine.state
        if "pong_echoes_my_ping" in self.peer.off:
            put_frame_of(self.peer, "PING")
        else:
            self.peer.ping(PAYLOAD)
        self.conversation.flush()
        pong = self.expect("PONG")
        machine.state = before  # A tester that expects everything takes a PONG as if it were open.
        if cbor.decode(pong.data)[1] != {1: PAYLOAD}:
            raise Wrong("PONG with other octets")

    def send_data(self) -> None:
        """Labelled data of the tester, and the RECEIPT that must come."""
        self.peer.send_data(CONTENT, "text/plain")
        self.conversation.flush()
        self.expect("RECEIPT", code=0)

    def send_stale(self) -> None:
        """Good labelled data at a time when none is taken."""
        self.put("DATA")
        self.expect("RECEIPT", code=Code.STALE)

    def receive_data(self) -> Observation:
        """Labelled data of the implementation; a tester with its checks judges the label."""
        self.iut.sends(self.conversation, REPLY_CONTENT)
        data = self.expect("DATA")
        if any(e.name in ("data_refused", "refused") for e in self.peer.events):
            raise Wrong("a label that does not verify")
        return data

    def reattest(self) -> None:
        """The tester asks again; ATT comes, and the tester's verdict goes out."""
        self.peer.reattest()
        self.conversation.flush()
        self.expect("ATT")

    def close(self) -> None:
        """CLOSE, answered by CLOSE and the end."""
        self.peer.close()
        self.conversation.flush()
        self.expect("CLOSE")
        self.expect_end()


Script = Callable[[Talk], None]


def attesting(iut: Iut, **policy: Any) -> World:
    """The tester's world under another policy."""
    return iut.fresh_world(policy=dataclasses.replace(iut.world.policy, **policy))


def honest(iut: Iut) -> Conversation:
    """A whole honest conversation that has ended.

    Raises:
        StageNotReached: it did not work.
    """
    try:
        return iut.good()
    except ControlFailed as failure:
        raise StageNotReached(str(failure)) from failure


def works_again(iut: Iut) -> str:
    """What is wrong with a fresh honest conversation."""
    try:
        honest(iut)
    except StageNotReached as failure:
        return str(failure)
    return ""


def tell(bench: Bench, script: Script, clock: TesterClock | None = None, **options: Any) -> None:
    """Play a script and judge it; `options` as for `Iut.converse`."""

    def play(conversation: Conversation) -> str:
        try:
            script(Talk(bench.iut, conversation, clock))
        except (Wrong, NotOpen) as wrong:
            return str(wrong)
        return ""

    bench.works(play, **options)


@contextmanager
def timed(bench: Bench, **configuration: Any) -> Iterator[TesterClock]:
    """Time may be advanced, under a configuration of the implementation."""
    with bench.iut.configured(**configuration), bench.iut.later() as clock:
        yield clock


def stopping(case: Case) -> Deviation:
    """The tester falls silent with the implementation in the state of the case."""
    state, letter = case.data[1], PEER[case.role]
    if state == "REFUSED":
        return Stop(f"VERDICT_{letter}", lambda peer: peer.send_frame(verdict(Tier.CONTRAINDICATED)))
    return Stop(AWAITED[case.role][state], lambda peer: None)


def reach(talk: Talk) -> None:
    """Go on until the tester has stopped."""
    deviation = talk.peer.deviation
    if not talk.conversation.until(lambda: deviation.reached):
        raise Wrong("the conversation did not come that far")
    talk.catch_up()


def tester_world(iut: Iut, mine: str, peers: str) -> World:
    """The tester's world when the implementation's direction goes as `mine` says and its own as `peers` says."""
    world = attesting(iut, requires_evidence=mine != "not-required")
    if peers != "waived":
        return world
    statement = iut.pki.waiver(world.credentials.leaf).sign(iut.pki.waiver_authority)
    return dataclasses.replace(world, credentials=dataclasses.replace(world.credentials, waiver=statement))


def each_role(requirement: str, operator: str, *fields: str) -> Iterator[Case]:
    """A case without a fault for each role and field."""
    for role in AWAITED:
        for field in fields:
            yield Case(role, (requirement,), operator, field, data=field)
