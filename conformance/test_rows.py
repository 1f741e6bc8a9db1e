"""Every row of the table that a conversation can reach: the implementation takes it, and what must follow follows."""

from collections.abc import Callable, Iterator
from functools import cache

from ..harness.codec import cbor
from ..harness.tester.deviation import After, Drop, Hold, Instead, Stop
from ..harness.tester.frames import receipt, verdict
from ..model.distort import at, both, changed, silent, staying
from ..model.protocol.frames import Tier
from ..model.protocol.tables import profile
from ..model.refusals import Code
from ..model.table import Table
from .bench import Bench
from .case import Case, citing, for_each
from .stages import CONTENT, SHORT
from .talk import AWAITED, PEER, STRICT, Script, Talk, Wrong, attesting, each_role, reach, stopping, tell, timed

ROLES = ("device", "service")
REJECTING = (Tier.WARNING, Tier.CONTRAINDICATED)
MARGIN = 30
"""Seconds before the end of its verdict at which an implementation asks again."""
INTERVAL = 100
LATER = INTERVAL - MARGIN
ENVIRONMENT_KEY = 4
"""Key of the environment objects in DATA."""


# --- in every state --------------------------------------------------------------------------------------------------


def states(*kinds: str) -> Iterator[Case]:
    """Each state before OPEN, and after a rejecting verdict."""
    requirement = {"ALERT": "SES-30", "PING": "SES-18", "CLOSE": "SES-26", "close": "SES-26"}
    for role in ROLES:
        for kind in kinds:
            for state in (*AWAITED[role], "REFUSED"):
                if kind == "ALERT" or not state.startswith("wait_HELLO"):
                    yield Case(role, (requirement[kind],), kind, state, data=(kind, state))


@for_each(states("ALERT", "PING", "CLOSE", "close"))
def test_before_open(case: Case, bench: Bench) -> None:
    """ALERT, PING and CLOSE in every state before OPEN; the implementation's own CLOSE too."""

    def script(talk: Talk) -> None:
        reach(talk)
        if not case.data[1].startswith("wait_HELLO"):
            talk.ping()
        ENDINGS[case.data[0]](talk)

    tell(bench, script, deviation=stopping(case))


def _alert(talk: Talk) -> None:
    talk.put("ALERT")
    talk.expect_end()


def _close(talk: Talk) -> None:
    talk.put("CLOSE")
    talk.expect("CLOSE")
    talk.expect_end()


def _iut_closes(talk: Talk) -> None:
    talk.iut.closes(talk.conversation)
    talk.expect("CLOSE")
    if isinstance(talk.peer.deviation, Stop):
        talk.put("CLOSE")
    talk.expect_end()


ENDINGS: dict[str, Script] = {"PING": Talk.ping, "ALERT": _alert, "CLOSE": _close, "close": _iut_closes}


@for_each(Case(role, ("SES-26",), kind, "OPEN", data=kind) for role in ROLES for kind in ("ALERT", "CLOSE", "close"))
def test_in_open(case: Case, bench: Bench) -> None:
    """The ways in which an open session ends."""

    def script(talk: Talk) -> None:
        talk.open()
        ENDINGS[case.data](talk)

    tell(bench, script)


@for_each(Case(role, ("SES-08",), tier.name.lower(), "VERDICT", data=tier) for role in ROLES for tier in REJECTING)
def test_rejected(case: Case, bench: Bench) -> None:
    """A rejecting verdict is no fault: the ALERT behind it ends the session, and nothing is answered."""
    letter = PEER[case.role]

    def script(talk: Talk) -> None:
        reach(talk)
        talk.ping()
        talk.put(cbor.encode([6, {1: Code.ATTESTATION_FAILED}]))
        talk.expect_end()

    tell(bench, script, deviation=Stop(f"VERDICT_{letter}", lambda peer: peer.send_frame(verdict(case.data))))


# --- re-attestation --------------------------------------------------------------------------------------------------


@for_each(citing(case, "ATT-05", "ATT-26", "LBL-14") for case in each_role("SES-14", "reattest", "by-peer"))
def test_asked_again(case: Case, bench: Bench) -> None:
    """The implementation attests again and again; its labels then refer to a new environment object."""

    def script(talk: Talk) -> None:
        talk.open()
        for _ in range(2):
            talk.receive_data()
            talk.reattest()
            talk.ping()
            talk.send_data()

    tell(bench, script, off=STRICT)


@for_each(each_role("SES-14", "reattest", "by-iut"))
def test_asks_again(case: Case, bench: Bench) -> None:
    """Before its verdict ends the implementation asks again, judges the answer, and says so."""

    def script(talk: Talk) -> None:
        talk.open()
        for _ in range(2):
            talk.clock.advance(LATER)
            talk.expect("ATT_REQ", "VERDICT")
            talk.send_data()
            talk.receive_data()

    with timed(bench, reattest_interval=INTERVAL) as clock:
        tell(bench, script, clock, off=STRICT)


def _rejected_again() -> Iterator[Case]:
    for role in ROLES:
        for state in ("OPEN", "EXPIRED"):
            for tier in REJECTING:
                yield Case(role, ("SES-08",), tier.name.lower(), f"VERDICT.{state}", data=(state, tier))


@for_each(_rejected_again())
def test_rejected_again(case: Case, bench: Bench) -> None:
    """A rejecting verdict on a re-attestation leads to the end of the session."""
    state, tier = case.data
    instead = Stop(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(verdict(tier, epoch=1)), nth=1)

    def script(talk: Talk) -> None:
        talk.open()
        if state == "EXPIRED":
            talk.clock.advance(SHORT)
        talk.reattest()
        talk.ping()
        talk.put("ALERT")
        talk.expect_end()

    with timed(bench) as clock:
        tell(bench, script, clock, deviation=instead, world=attesting(bench.iut, valid_for=SHORT))


@for_each(each_role("SES-25", "behind", "ATT"))
def test_data_behind_evidence(case: Case, bench: Bench) -> None:
    """Data right behind the evidence that its label refers to is judged after that evidence."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.send_data()
        talk.clock.advance(LATER)
        talk.expect("ATT_REQ", "VERDICT")
        talk.expect("RECEIPT", code=0)

    behind = After(f"ATT_{PEER[case.role]}", lambda peer: peer.send_data(CONTENT, "text/plain"), nth=1)
    with timed(bench, reattest_interval=INTERVAL) as clock:
        tell(bench, script, clock, deviation=behind)


# --- EXPIRED ---------------------------------------------------------------------------------------------------------


def _expired(script: Script) -> Callable[[Talk], None]:
    def play(talk: Talk) -> None:
        talk.open()
        talk.send_data()
        talk.clock.advance(SHORT)
        talk.send_stale()
        script(talk)

    return play


def _revived(talk: Talk) -> None:
    talk.reattest()
    talk.send_data()


def _asks(talk: Talk) -> None:
    """Only the verdict that has ended leads back."""
    talk.clock.advance(LATER - SHORT)
    talk.expect("ATT_REQ", "VERDICT")
    talk.send_stale()
    _revived(talk)


EXPIRED: dict[str, Script] = {**ENDINGS, "revive": _revived, "iut-asks": _asks}


@for_each(Case(role, ("SES-15", "SES-23"), what, "EXPIRED", data=what) for role in ROLES for what in EXPIRED)
def test_in_expired(case: Case, bench: Bench) -> None:
    """What goes on when the peer's verdict has ended: everything but data, and the way back."""
    with timed(bench, reattest_interval=INTERVAL, expired_timeout=1000) as clock:
        world = attesting(bench.iut, valid_for=SHORT)
        tell(bench, _expired(EXPIRED[case.data]), clock, world=world)


@for_each(each_role("SES-15", "late", "ATT.EXPIRED"))
def test_late_answer(case: Case, bench: Bench) -> None:
    """Evidence that comes after the implementation's own verdict has ended leads back to OPEN."""
    hold = Hold()

    def script(talk: Talk) -> None:
        talk.open()
        hold.hold(f"ATT_{PEER[case.role]}")
        talk.clock.advance(LATER)
        talk.expect("ATT_REQ")
        talk.clock.advance(MARGIN)
        talk.send_stale()
        hold.release(talk.peer)
        talk.conversation.flush()
        talk.expect("VERDICT")
        talk.send_data()

    with timed(bench, reattest_interval=INTERVAL, expired_timeout=1000) as clock:
        tell(bench, script, clock, deviation=hold)


@for_each(each_role("SES-23", "late", "RECEIPT.EXPIRED"))
def test_late_receipt(case: Case, bench: Bench) -> None:
    """A RECEIPT for data of better times is taken in EXPIRED."""
    hold = Hold(f"RECEIPT_{PEER[case.role]}")

    def script(talk: Talk) -> None:
        talk.open()
        talk.receive_data()
        talk.clock.advance(SHORT)
        hold.release(talk.peer)
        talk.ping()

    with timed(bench) as clock:
        tell(bench, script, clock, deviation=hold, world=attesting(bench.iut, valid_for=SHORT))


@for_each(each_role("LBL-30", "refused-once", "RECEIPT.OPEN"))
def test_environment_comes_again(case: Case, bench: Bench) -> None:
    """After a refusal the next label brings the environment object again, after an acceptance it does not."""
    refusal = Instead(f"RECEIPT_{PEER[case.role]}", lambda peer: peer.send_frame(receipt(0, Code.LABEL_INVALID)))

    def script(talk: Talk) -> None:
        talk.open()
        brought = [ENVIRONMENT_KEY in cbor.decode(talk.receive_data().data)[1] for _ in range(3)]
        if brought != [True, True, False]:
            raise Wrong(f"environment object in {brought}")

    tell(bench, script, deviation=refusal)


@for_each(each_role("LBL-30", "refused-late", "RECEIPT.EXPIRED"))
def test_late_refusal(case: Case, bench: Bench) -> None:
    """A refusal of data of better times is taken in EXPIRED."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.receive_data()
        talk.clock.advance(SHORT)
        talk.put(receipt(0, Code.STALE))
        talk.ping()

    with timed(bench) as clock:
        silent = Drop(f"RECEIPT_{PEER[case.role]}")
        tell(bench, script, clock, deviation=silent, world=attesting(bench.iut, valid_for=SHORT))


# --- CLOSE of the peer -----------------------------------------------------------------------------------------------


@for_each(each_role("SES-27", "before-close", "DATA", "verdict"))
def test_closed_by_peer(case: Case, bench: Bench) -> None:
    """Before it answers CLOSE the implementation sends the RECEIPT that is due; it waits for no verdict."""
    letter = PEER[case.role]

    def script(talk: Talk) -> None:
        talk.open()
        if case.data == "DATA":
            talk.put("DATA", "CLOSE")
            talk.iut.world.memory.sent_sequence(talk.iut.world.memory.own_sequence)
            talk.expect("RECEIPT", code=0)
        else:
            talk.reattest()
            talk.put("CLOSE")
        talk.expect("CLOSE")
        talk.expect_end()

    tell(bench, script, deviation=Stop(f"VERDICT_{letter}", lambda peer: None, nth=1))


@for_each(each_role("SES-29", "without", "RECEIPT"))
def test_unconfirmed(case: Case, bench: Bench) -> None:
    """At the end the application is told how much of its data was not confirmed."""
    since = bench.iut.moment()

    def script(talk: Talk) -> None:
        talk.open()
        for _ in range(2):
            talk.receive_data()
        talk.conversation.connection.half_close()
        told = bench.iut.ending(talk.conversation, since)
        if told.get("unconfirmed") != 1:
            raise Wrong(f"told as {told.get('unconfirmed')} unconfirmed")

    tell(bench, script, deviation=Drop(f"RECEIPT_{PEER[case.role]}", nth=1))


# --- CLOSING ---------------------------------------------------------------------------------------------------------


@cache
def listening(binding: str) -> Table:
    """A tester that takes the implementation's CLOSE without an answer, and goes on listening."""
    return changed(at("CLOSE"), both(staying, silent()))(profile(binding))


AFTER_CLOSE = ("HELLO", "ATT_REQ", "ATT", "VERDICT", "DATA", "PING", "PONG")


@for_each(each_role("SES-28", "after-close", *AFTER_CLOSE, "RECEIPT", "ALERT"))
def test_closing(case: Case, bench: Bench) -> None:
    """After its own CLOSE the implementation answers nothing; the peer's CLOSE or ALERT ends it."""
    kind = case.data
    hold = Hold(f"RECEIPT_{PEER[case.role]}")

    def script(talk: Talk) -> None:
        talk.open()
        if kind == "RECEIPT":
            talk.receive_data()
        talk.iut.closes(talk.conversation)
        talk.expect("CLOSE")
        if kind == "RECEIPT":
            hold.release(talk.peer)
        else:
            talk.put(kind)
        if kind != "ALERT":
            talk.put("CLOSE")
        talk.expect_end()

    tell(bench, script, deviation=hold, table=listening(bench.iut.binding))
