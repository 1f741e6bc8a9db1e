"""Messages twice, late, out of order, from another session or from the wrong side; and connections that end early."""

import dataclasses
from collections.abc import Callable, Iterator

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterOctets, Deviation, Drop, Duplicate, Hold, Instead, Swap
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.transport.frames import write_frame
from ..harness.transport.units import Kind, write_unit
from .bench import Bench
from .case import Case, fault, for_each
from .places import HANDSHAKE_MESSAGES
from .stages import STAGES, Stage, StageNotReached, at_once, when_open
from .talk import AWAITED, PEER, Talk, Wrong, attesting, honest, reach, stopping, tell, timed, works_again

ROLES = ("device", "service")

# --- twice, not at all, in another order -----------------------------------------------------------------------------

TWICE = {
    "device": {
        "message_2": "message_4_tag_verifies",
        "HELLO_R": "frame_is_expected",
        "ATT_R": "frame_is_expected",
        "VERDICT_R": "frame_is_expected",
        "ATT_REQ_R": "frame_is_expected",
        "DATA_R": "label_seq_increases",
    },
    "service": {
        "message_1": "edhoc_message_is_deterministic",
        "HELLO_I": "frame_is_expected",
        "VERDICT_I": "frame_is_expected",
        "ATT_I": "frame_is_expected",
        "ATT_REQ_I": "frame_is_expected",
        "DATA_I": "label_seq_increases",
    },
}
"""Message to the check that meets its second coming; a frame's own protection is whole both times."""
MISSING = {
    "device": {"message_4": "unit_kind_is_known"},
    "service": {"VERDICT_I": "frame_is_expected"},
}
"""Messages behind which the tester goes on without an answer."""


def _faults(operator: str, messages: dict[str, dict[str, str]]) -> Iterator[Case]:
    for role, checks in messages.items():
        for message, check in checks.items():
            yield fault(role, check, operator, message, message)


def stage_for(message: str) -> Stage:
    """The stage at which the tester sends this message."""
    return STAGES.get(message.rpartition("_")[0], at_once)


@for_each(_faults("duplicate", TWICE))
def test_twice(case: Case, bench: Bench) -> None:
    """A good message, solely a second time (SES-03, EDH-28, LBL-09)."""
    bench.refuses(Duplicate(case.data), stage_for(case.data))


@for_each(_faults("drop", MISSING))
def test_missing(case: Case, bench: Bench) -> None:
    """Everything but one message (SES-03, EDH-15)."""
    bench.refuses(Drop(case.data))


@for_each(_faults("swap", MISSING))
def test_swapped(case: Case, bench: Bench) -> None:
    """Two good messages, solely in the other order (SES-03, EDH-15)."""
    bench.refuses(Swap(case.data))


def _labels() -> Iterator[Case]:
    for role in ROLES:
        for how in ("swap", "replay"):
            yield fault(role, "label_seq_increases", how, f"DATA_{PEER[role]}", how)


@for_each(_labels())
def test_label_out_of_order(case: Case, bench: Bench) -> None:
    """A good label, solely behind a later one of the same session (LBL-09)."""
    letter = PEER[case.role]
    hold = Hold()

    def stage(iut: Iut, conversation: Conversation) -> None:
        talk = Talk(iut, conversation)
        talk.open()
        talk.send_data()
        first = conversation.peer.sent[f"DATA_{letter}"]
        if case.data == "replay":
            talk.send_data()
            hold.happened(conversation.peer)
            talk.put(first)
            return
        hold.hold(f"DATA_{letter}")
        for _ in range(2):
            conversation.peer.send_data(b"21.5 degrees", "text/plain")
        hold.held.reverse()
        hold.happened(conversation.peer)
        hold.release(conversation.peer)
        conversation.flush()

    bench.refuses(hold, stage)


@for_each(Case(role, ("SES-18",), "duplicate", f"PING_{PEER[role]}") for role in ROLES)
def test_ping_twice(case: Case, bench: Bench) -> None:
    """PING may come as often as the peer likes."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.put("PING", "PING", "PING")
        talk.expect("PONG", "PONG", "PONG")

    tell(bench, script)


# --- from another session, from the other side -----------------------------------------------------------------------

REPLAYED = {
    "device": {
        "message_2": "signature_2_verifies",
        "message_4": "message_4_tag_verifies",
        "HELLO_R": "eat_nonce_is_binder",
        "ATT_R": "eat_nonce_is_binder",
    },
    "service": {
        "message_3": "message_3_tag_verifies",
        "HELLO_I": "eat_nonce_is_binder",
        "ATT_I": "eat_nonce_is_binder",
    },
}
"""Message to the check that tells an older session's from this one's; in records it is protected anew."""


@for_each(_faults("other-session", REPLAYED))
def test_replayed(case: Case, bench: Bench) -> None:
    """A whole message of an earlier session of the same two parties (EDH-08 to EDH-11, ATT-16)."""
    earlier = honest(bench.iut).peer.sent[case.data]
    bench.refuses(AlterOctets(case.data, lambda _: earlier))


@for_each(fault(role, "env_sid_is_this_session", "other-session", f"DATA_{PEER[role]}") for role in ROLES)
def test_label_of_another_session(case: Case, bench: Bench) -> None:
    """A label with its environment object that was made for another session of the same parties (LBL-08, LBL-18)."""
    message = f"DATA_{PEER[case.role]}"
    hold = Hold(message)

    def make(iut: Iut, conversation: Conversation) -> None:
        conversation.peer.send_data(b"21.5 degrees", "text/plain")

    conversation = bench.iut.converse(hold)
    when_open(make)(bench.iut, conversation)
    conversation.close()
    bench.refuses(AlterOctets(message, lambda _: hold.held[0][1]), STAGES["DATA"])


@for_each([fault("service", "eat_nonce_is_binder", "reflect", "ATT_I")])
def test_reflected_evidence(case: Case, bench: Bench) -> None:
    """The implementation's own evidence, sent back as the peer's (ATT-16)."""

    def reflect(peer: TesterEndpoint) -> None:
        peer.send_frame(next(o.data for o in peer.observations if o.name == "ATT_R"))

    bench.refuses(Instead("ATT_I", reflect))


@for_each(fault(role, "env_ak_is_the_attested_one", "reflect", f"DATA_{PEER[role]}") for role in ROLES)
def test_reflected_label(case: Case, bench: Bench) -> None:
    """The implementation's own labelled data, sent back as the peer's (LBL-06, LBL-16)."""
    deviation = Deviation()

    def stage(iut: Iut, conversation: Conversation) -> None:
        talk = Talk(iut, conversation)
        talk.open()
        data = talk.receive_data().data
        deviation.happened(conversation.peer)
        talk.put(data)

    bench.refuses(deviation, stage)


@for_each(fault(role, "record_tag_verifies", "reflect", "record") for role in ROLES)
def test_reflected_record(case: Case, bench: Bench) -> None:
    """A record of the implementation itself: its keys are those of the other direction (EDH-20, EDH-21)."""
    deviation = Deviation()

    def stage(iut: Iut, conversation: Conversation) -> None:
        octets = b"".join(data for sender, data in conversation.transcript.turns() if sender == iut.role)
        deviation.happened(conversation.peer)
        conversation.peer.put_octets(last_unit(octets))

    bench.refuses(deviation, when_open(stage))


def last_unit(octets: bytes) -> bytes:
    """The last whole unit of a stream."""
    unit = b""
    while octets:
        length = 4 + int.from_bytes(octets[:4])
        unit, octets = octets[:length], octets[length:]
    return unit


# --- at the same time ------------------------------------------------------------------------------------------------


@for_each(Case(role, ("SES-03", "LBL-08"), "interleave", "sessions") for role in ROLES)
def test_two_sessions(case: Case, bench: Bench) -> None:
    """Two sessions at once: neither what one carries nor how it ends touches the other."""
    iut = bench.iut

    def script(talk: Talk) -> None:
        memory = dataclasses.replace(iut.world.memory, own_sequence=iut.world.memory.own_sequence + 1)
        second = Talk(iut, iut.converse(world=iut.fresh_world(memory=memory)))
        try:
            talk.open()
            second.open()
            talk.send_data()
            second.send_data()
            iut.world.memory.sent_sequence(memory.own_sequence)
            talk.ping()
            second.put("HELLO")
            second.expect("ALERT")
            second.expect_end()
            talk.ping()
            talk.close()
        finally:
            second.conversation.close()

    tell(bench, script)


# --- ends without CLOSE ----------------------------------------------------------------------------------------------


def finish(talk: Talk) -> None:
    """FIN."""
    talk.conversation.connection.half_close()


def reset(talk: Talk) -> None:
    """RST."""
    talk.conversation.connection.reset()


def inside_unit(talk: Talk) -> None:
    """FIN behind half of a unit's head."""
    talk.peer.put_octets(write_unit(Kind.RECORD, bytes(100))[:3])
    talk.conversation.flush()
    finish(talk)


def inside_frame(talk: Talk) -> None:
    """FIN behind a whole record that carries half of a frame."""
    half = write_frame(cbor.encode([8, {1: b"8 octets"}]))[:-4]
    talk.peer.channel.send_stream(half)
    talk.conversation.flush()
    finish(talk)


ENDS: dict[str, Callable[[Talk], None]] = {
    "FIN": finish,
    "RST": reset,
    "FIN-inside-unit": inside_unit,
    "FIN-inside-frame": inside_frame,
}


def _ends() -> Iterator[Case]:
    for role in ROLES:
        for state in (*AWAITED[role], "REFUSED", "OPEN", "EXPIRED", "CLOSING"):
            for how in ENDS if state == "OPEN" else ("FIN",):
                yield Case(role, ("SES-19",), how, state, data=(how, state))


@for_each(_ends())
def test_truncated(case: Case, bench: Bench) -> None:
    """A connection that ends without CLOSE is truncated, told to the application as such, and harms no other."""
    how, state = case.data
    iut, letter = bench.iut, PEER[case.role]
    deviation = Hold(f"CLOSE_{letter}") if state in ("OPEN", "EXPIRED", "CLOSING") else stopping(case)
    since = iut.moment()

    def script(talk: Talk) -> None:
        bring(talk, state)
        ENDS[how](talk)
        if how != "RST":
            talk.expect_end()
        told = iut.ending(talk.conversation, since)["how"]
        if told != "truncated":
            raise Wrong(f"told as {told}")
        if wrong := works_again(iut):
            raise Wrong(wrong)

    if state == "EXPIRED":
        with timed(bench) as clock:
            since = iut.moment()
            tell(bench, script, clock, deviation=deviation, world=attesting(iut, valid_for=40))
    else:
        tell(bench, script, deviation=deviation)


def bring(talk: Talk, state: str) -> None:
    """The implementation into this state, and nothing on its way."""
    if isinstance(talk.peer.deviation, Hold):
        talk.open()
    else:
        reach(talk)
    if state == "EXPIRED":
        talk.clock.advance(40)
    if state == "CLOSING":
        talk.iut.closes(talk.conversation)
        talk.expect("CLOSE")


_HANDSHAKE = {"edhoc": "handshake", "tls": "tls-handshake"}


@for_each(
    Case(role, ("SES-19",), "FIN", _HANDSHAKE[binding], data=messages[role][-1], only=binding)
    for role in ROLES
    for binding, messages in HANDSHAKE_MESSAGES.items()
)
def test_truncated_handshake(case: Case, bench: Bench) -> None:
    """A connection that ends in the handshake is not told as a clean end."""
    hold = Hold(case.data)
    since = bench.iut.moment()

    def script(talk: Talk) -> None:
        if not talk.conversation.until(lambda: bool(hold.held)):
            raise StageNotReached(f"no {case.data} to hold back")
        finish(talk)
        if bench.iut.ending(talk.conversation, since)["how"] == "clean":
            raise Wrong("told as clean")

    tell(bench, script, deviation=hold)
