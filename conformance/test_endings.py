"""What still counts at the edges of a session: after the implementation's own CLOSE, in EXPIRED, and late in a wait."""

from collections.abc import Iterator

from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Hold
from ..harness.tester.frames import frame_of
from ..harness.tester.session import TIMEOUTS, Iut
from .bench import Bench
from .case import Case, fault, for_each
from .places import HANDSHAKE_MESSAGES
from .stages import SHORT, StageNotReached
from .talk import PEER, Talk, attesting, tell, timed
from .test_timers import VERDICT, held, release_late

ROLES = ("device", "service")
DISCARDED = ("HELLO", "ATT_REQ", "ATT", "VERDICT", "DATA", "PING", "PONG")


@for_each(Case(role, ("SES-26", "SES-28"), "after-own-close", kind) for role in ROLES for kind in DISCARDED)
def test_after_own_close(case: Case, bench: Bench) -> None:
    """After its own CLOSE it discards this frame, says nothing more, and takes CLOSE (SES-26, SES-28)."""
    hold = Hold(f"CLOSE_{PEER[case.role]}", behind=False)

    def script(talk: Talk) -> None:
        talk.open()
        frame = frame_of(talk.peer, case.field)
        talk.iut.closes(talk.conversation)
        talk.expect("CLOSE")
        talk.listen_on()
        talk.put(frame)
        hold.release(talk.peer)
        talk.conversation.flush()
        talk.expect_end()

    tell(bench, script, deviation=hold)


@for_each(Case(role, ("SES-18", "SES-23"), "ping", "EXPIRED") for role in ROLES)
def test_ping_in_expired(case: Case, bench: Bench) -> None:
    """PING is answered in EXPIRED as in OPEN: SES-18, SES-23."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.ping()
        talk.clock.advance(SHORT)
        talk.ping()

    with timed(bench) as clock:
        tell(bench, script, clock, world=attesting(bench.iut, valid_for=SHORT))


# --- waits that nothing prolongs -------------------------------------------------------------------------------------


def _waits() -> Iterator[Case]:
    for role in ROLES:
        for message in VERDICT[role]:
            if not message.startswith("HELLO"):
                yield fault(role, "verdict_comes_in_time", "late-though-alive", f"wait_{message}", message)


@for_each(_waits())
def test_life_prolongs_no_wait(case: Case, bench: Bench) -> None:
    """A message that would be good a second earlier; PING, answered meanwhile, begins no new 30 seconds (SES-21)."""
    hold = Hold(case.data)
    with timed(bench, **TIMEOUTS) as clock:
        since = bench.iut.moment()

        def late(iut: Iut, conversation: Conversation) -> None:
            held(hold, iut, conversation, since)
            talk = Talk(iut, conversation)
            talk.catch_up()
            clock.advance(30 - clock.before)
            talk.ping()
            release_late(hold, conversation, clock)

        bench.refuses(hold, late, deferred=False)


@for_each(
    (
        fault(role, "handshake_ends_in_time", "late-step-by-step", f"wait_{messages[-1]}", messages)
        for role, messages in HANDSHAKE_MESSAGES["edhoc"].items()
    ),
    only="edhoc",
)
def test_each_message_just_in_time(case: Case, bench: Bench) -> None:
    """No message takes 10 seconds, all of them do: the limit is the handshake's, not each message's (SES-20)."""
    first, second = case.data
    hold = Hold(first)
    with timed(bench, **TIMEOUTS) as clock:
        since = bench.iut.moment()

        def late(iut: Iut, conversation: Conversation) -> None:
            iut.begun(since)
            _until_held(hold, conversation)
            clock.advance(6)
            hold.release(conversation.peer)
            hold.hold(second)
            conversation.flush()
            _until_held(hold, conversation)
            clock.advance(4 - clock.before)
            release_late(hold, conversation, clock)

        bench.refuses(hold, late, deferred=False)


def _until_held(hold: Hold, conversation: Conversation) -> None:
    if not conversation.until(lambda: bool(hold.held)):
        raise StageNotReached("nothing to hold back")
