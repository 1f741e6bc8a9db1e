"""Deadlines, on a clock that the suite advances: each fires, none too early.

Without such a clock they wait for real time where that was asked for (`--slow`), else they are not exercised.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from ..harness.iut.control import ControlRefused
from ..harness.peer.endpoint import NotOpen
from ..harness.tester.clock import TesterClock
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Hold
from ..harness.tester.frames import frame_of, verdict
from ..harness.tester.session import TIMEOUTS, Iut
from ..model.protocol.frames import Tier
from .bench import Bench
from .case import Case, fault, for_each
from .places import HANDSHAKE_MESSAGES
from .stages import SHORT, StageNotReached
from .talk import PEER, Talk, attesting, tell, timed

VERDICT = {"device": ("ATT_R", "VERDICT_R"), "service": ("HELLO_I", "VERDICT_I", "ATT_I")}
ROLES = ("device", "service")
SIDES = ("iut", "peer")


def _late() -> Iterator[Case]:
    for role in ROLES:
        for binding, messages in HANDSHAKE_MESSAGES.items():
            for message in messages[role]:
                case = fault(role, "handshake_ends_in_time", "late", f"wait_{message}", (message, 10))
                yield replace(case, only=binding)
        if role == "device":
            yield fault(role, "handshake_ends_in_time", "late", "wait_HELLO_R", ("HELLO_R", 10))
        for message in VERDICT[role]:
            yield fault(role, "verdict_comes_in_time", "late", f"wait_{message}", (message, 30))


def release_late(hold: Hold, conversation: Conversation, clock: TesterClock) -> None:
    """The limit passes before the tester sends what it held back."""
    hold.happened(conversation.peer)
    clock.advance(clock.before + clock.after)
    hold.release(conversation.peer)
    conversation.flush()


def held(hold: Hold, iut: Iut, conversation: Conversation, since: int) -> None:
    """Go on until the implementation waits for what is held, and for nothing else."""
    iut.begun(since)
    if not conversation.until(lambda: bool(hold.held)):
        raise StageNotReached("nothing to hold back")
    talk = Talk(iut, conversation)
    talk.catch_up()
    if hold.held[0][0].name.startswith(("ATT", "VERDICT")):
        talk.ping()


@for_each(_late())
def test_too_late(case: Case, bench: Bench) -> None:
    """A message that would be good a second earlier (SES-20, SES-21)."""
    message, limit = case.data
    hold = Hold(message)
    with timed(bench, **TIMEOUTS) as clock:
        since = bench.iut.moment()

        def late(iut: Iut, conversation: Conversation) -> None:
            held(hold, iut, conversation, since)
            clock.advance(limit - clock.before)
            release_late(hold, conversation, clock)

        bench.refuses(hold, late, deferred=False)


@for_each(replace(c, operator="just-in-time", check=None) for c in _late())
def test_just_in_time(case: Case, bench: Bench) -> None:
    """The same message a second before the deadline: the session opens."""
    message, limit = case.data
    hold = Hold(message)
    with timed(bench, **TIMEOUTS) as clock:
        since = bench.iut.moment()

        def script(talk: Talk) -> None:
            held(hold, talk.iut, talk.conversation, since)
            clock.advance(limit - clock.before)
            hold.release(talk.peer)
            talk.conversation.flush()
            talk.open()
            clock.advance(limit)
            talk.ping()

        tell(bench, script, clock, deviation=hold)


@for_each(fault(role, "verdict_comes_in_time", "late", "REFUSED") for role in ROLES)
def test_alert_too_late(case: Case, bench: Bench) -> None:
    """After a rejecting verdict its ALERT does not come (SES-21)."""
    letter = PEER[case.role]
    hold = Hold(f"VERDICT_{letter}")
    with timed(bench, **TIMEOUTS) as clock:
        since = bench.iut.moment()

        def late(iut: Iut, conversation: Conversation) -> None:
            held(hold, iut, conversation, since)
            talk = Talk(iut, conversation)
            talk.put(verdict(Tier.CONTRAINDICATED))
            talk.catch_up()
            talk.ping()
            clock.advance(30 - clock.before)
            hold.happened(conversation.peer)
            clock.advance(clock.before + clock.after)

        bench.refuses(hold, late, deferred=False)


# --- validity --------------------------------------------------------------------------------------------------------


@for_each(
    fault(role, "verdicts_are_still_valid", "ended", f"VERDICT_{whose}", whose) for role in ROLES for whose in SIDES
)
def test_data_after_validity(case: Case, bench: Bench) -> None:
    """Good labelled data, solely after the end of either verdict (SES-15); a second earlier it is taken."""
    whose, iut = case.data, bench.iut
    mine = whose == "iut"
    hold = Hold(behind=False)
    with timed(bench, reattest_interval=100, expired_timeout=1000) as clock:

        def stage(iut: Iut, conversation: Conversation) -> None:
            talk = Talk(iut, conversation, clock)
            talk.open()
            in_time, stale = (frame_of(conversation.peer, "DATA", ahead=n) for n in range(2))
            iut.world.memory.sent_sequence(iut.world.memory.own_sequence + 1)
            hold.hold(f"ATT_{PEER[case.role]}")
            clock.advance((100 if mine else SHORT) - clock.before)
            if mine:
                talk.expect("ATT_REQ")
            talk.put(in_time)
            talk.expect("RECEIPT", code=0)
            clock.advance(clock.before + clock.after)
            hold.happened(conversation.peer)
            talk.put(stale)

        world = attesting(iut, valid_for=1000 if mine else SHORT)
        bench.refuses(hold, stage, world=world, deferred=False)


@for_each(fault(role, "expired_session_ends", "late", "EXPIRED") for role in ROLES)
def test_expired_too_long(case: Case, bench: Bench) -> None:
    """Nobody leads an EXPIRED session back for 30 seconds (SES-16); for 29 it stands."""
    with timed(bench, **TIMEOUTS) as clock:

        def stage(iut: Iut, conversation: Conversation) -> None:
            talk = Talk(iut, conversation, clock)
            talk.open()
            clock.advance(SHORT)
            clock.advance(30 - clock.before)
            talk.ping()
            conversation.peer.deviation.happened(conversation.peer)
            clock.advance(clock.before + clock.after)

        bench.refuses(Deviation(), stage, world=attesting(bench.iut, valid_for=SHORT), deferred=False)


@for_each(Case(role, ("SES-22",), "stops", "DATA", data=None) for role in ROLES)
def test_sender_stops(case: Case, bench: Bench) -> None:
    """The implementation starts no data 5 seconds before the end, and does again after re-attestation."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.receive_data()
        talk.clock.advance(SHORT - 5)
        with suppress(ControlRefused, NotOpen):
            talk.iut.sends(talk.conversation, b"too late")
        talk.ping()
        talk.reattest()
        talk.receive_data()

    with timed(bench) as clock:
        tell(bench, script, clock, world=attesting(bench.iut, valid_for=SHORT))
