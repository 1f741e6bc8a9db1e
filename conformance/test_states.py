"""Every message in every state in which the order of the protocol has no place for it."""

import dataclasses
from collections.abc import Iterator

from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Before, Deviation, Instead, Stop
from ..harness.tester.frames import frame_of, put_frame_of, verdict
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import OPPOSITE, Iut
from ..harness.transport.units import Kind
from ..model.protocol.frames import FrameType, Tier
from ..model.protocol.tables import profile
from .bench import Bench
from .case import Case, fault, for_each
from .stages import Stage, at_once, short_lived, when_expired, when_open

PEER = {"device": "R", "service": "I"}
"""Letter of the tester's messages by the role of the implementation under test."""

AWAITED = {
    "device": {"wait_HELLO_R": "HELLO_R", "wait_ATT_R": "ATT_R", "wait_VERDICT_R": "VERDICT_R"},
    "service": {"wait_HELLO_I": "HELLO_I", "wait_VERDICT_I": "VERDICT_I", "wait_ATT_I": "ATT_I"},
}
"""State before OPEN to the message that leads out of it; in this mode both sides attest."""

ATTESTING = ("OPEN", "EXPIRED")
UNASKED = ("ATT", "VERDICT")
"""Legal in OPEN and EXPIRED, but only as an answer."""


def _unexpected(role: str, state: str) -> list[str]:
    letter = PEER[role]
    without_row = [k.name for k in FrameType if not profile().candidates(role, state, f"{k.name}_{letter}")]
    return without_row + (list(UNASKED) if state in ATTESTING else [])


def _cases(states: tuple[str, ...]) -> Iterator[Case]:
    for role in AWAITED:
        for state in states or tuple(AWAITED[role]):
            for kind in _unexpected(role, state):
                yield fault(role, "frame_is_expected", "unexpected", f"{state}.{kind}", (state, kind))


def sends(kind: str) -> Stage:
    """The tester sends a frame of that type, which is the fault."""

    def act(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        peer.deviation.happened(peer)
        put_frame_of(peer, kind)
        conversation.flush()

    return act


@for_each(_cases(()))
def test_before_open(case: Case, bench: Bench) -> None:
    """A frame of our own making right before the awaited one: refused solely because it is not its turn (SES-03)."""
    state, kind = case.data
    before = Before(AWAITED[case.role][state], lambda peer: put_frame_of(peer, kind))
    bench.refuses(before, at_once, deferred=False)


@for_each(_cases(("REFUSED",)))
def test_after_a_rejecting_verdict(case: Case, bench: Bench) -> None:
    """After a verdict that rejects nothing but ALERT, CLOSE and PING has a place (SES-03, SES-08)."""

    def rejected(peer: TesterEndpoint) -> None:
        peer.send_frame(verdict(Tier.CONTRAINDICATED))
        put_frame_of(peer, case.data[1])

    bench.refuses(Stop(f"VERDICT_{PEER[case.role]}", rejected), at_once, deferred=False)


@for_each(_cases(("OPEN",)))
def test_in_open(case: Case, bench: Bench) -> None:
    """In OPEN no HELLO comes again, and no answer that nobody asked for (SES-03)."""
    bench.refuses(Deviation(), when_open(sends(case.data[1])))


@for_each(_cases(("EXPIRED",)))
def test_in_expired(case: Case, bench: Bench) -> None:
    """In EXPIRED the same has no place as in OPEN (SES-03, SES-23)."""
    with bench.iut.later() as clock:
        world = bench.iut.fresh_world(policy=short_lived(bench.iut))
        bench.refuses(Deviation(), when_expired(clock, sends(case.data[1])), world=world)


def _twice() -> Iterator[Case]:
    for role in AWAITED:
        yield fault(role, "frame_is_expected", "unexpected", "OPEN_pending.ATT_REQ")


@for_each(_twice())
def test_second_request(case: Case, bench: Bench) -> None:
    """A request for evidence with the next epoch, solely before the verdict on the last one (SES-03, SES-14)."""
    letter = PEER[case.role]
    again = Instead(f"VERDICT_{letter}", lambda peer: put_frame_of(peer, "ATT_REQ"), nth=1)

    def reattest(iut: Iut, conversation: Conversation) -> None:
        conversation.peer.reattest()

    bench.refuses(again, when_open(reattest))


DIRECTIONS = {"waived": {"presents_waiver": True}, "not-required": {}}


def _one_way() -> Iterator[Case]:
    for role in AWAITED:
        for how in DIRECTIONS:
            yield fault(role, "frame_is_expected", "unexpected", f"OPEN_{how}.ATT_REQ", how)


@for_each(_one_way())
def test_request_without_evidence(case: Case, bench: Bench) -> None:
    """A request for evidence in a direction that has none (SES-24)."""
    iut = bench.iut
    asks = case.data == "waived"
    policy = dataclasses.replace(iut.world.policy, requires_evidence=asks)
    with iut.configured(**DIRECTIONS[case.data]):
        world = iut.fresh_world(policy=policy)
        bench.refuses(Deviation(), when_open(sends("ATT_REQ")), world=world, configuration=case.data)


# --- the handshake ---------------------------------------------------------------------------------------------------

HANDSHAKE = {"device": ("message_2", "message_4"), "service": ("message_1", "message_3")}
"""Messages of EDHOC that the implementation awaits."""
STRANGE = {
    "message_1": ("random",),
    "message_2": ("random", "reflected"),
    "message_3": ("random", "message_1"),
    "message_4": ("random", "message_2"),
}
"""Awaited message to what comes in its place."""
OPAQUE = ("message_2", "message_3", "message_4")
RECORD_OCTETS = bytes(range(40))


def _records() -> Iterator[Case]:
    for role, messages in HANDSHAKE.items():
        for message in messages:
            yield fault(role, "unit_kind_is_known", "unexpected", f"wait_{message}.record", message)


@for_each(_records())
def test_record_before_completion(case: Case, bench: Bench) -> None:
    """A record, solely before the handshake is complete (EDH-15, EDH-25)."""
    bench.refuses(Before(case.data, lambda peer: peer.put_unit(Kind.RECORD, RECORD_OCTETS)), deferred=False)
