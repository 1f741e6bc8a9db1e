"""Every message in every state in which the order of the protocol has no place for it."""

from collections.abc import Iterator

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterOctets, Before, Deviation, Instead, Stop
from ..harness.tester.frames import put_frame_of, receipt, verdict
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.wire import put_error
from ..harness.transport.units import Kind
from ..model.protocol.frames import Tier
from .bench import Bench
from .case import Case, citing, fault, for_each
from .stages import SHORT, STAGES, at_once, sends, when_expired, when_open
from .talk import AWAITED, PEER, attesting, tester_world, works_again
from .unexpected import ATTESTING, unexpected, unexpected_after_rejection


@for_each(unexpected())
def test_before_open(case: Case, bench: Bench) -> None:
    """A frame of our own making right before the awaited one: refused solely because it is not its turn (SES-03)."""
    state, kind = case.data
    before = Before(AWAITED[case.role][state], lambda peer: put_frame_of(peer, kind))
    bench.refuses(before, at_once, deferred=False)


@for_each(unexpected_after_rejection())
def test_after_a_rejecting_verdict(case: Case, bench: Bench) -> None:
    """After a verdict that rejects nothing but ALERT, CLOSE and PING has a place (SES-03, SES-08)."""

    def rejected(peer: TesterEndpoint) -> None:
        kind, tier = case.data
        peer.send_frame(verdict(tier))
        put_frame_of(peer, kind)

    bench.refuses(Stop(f"VERDICT_{PEER[case.role]}", rejected), at_once, deferred=False)


@for_each(unexpected("OPEN"))
def test_in_open(case: Case, bench: Bench) -> None:
    """In OPEN no HELLO comes again, and no answer that nobody asked for (SES-03)."""
    bench.refuses(Deviation(), when_open(sends(case.data[1])))


@for_each(unexpected("EXPIRED"))
def test_in_expired(case: Case, bench: Bench) -> None:
    """In EXPIRED the same has no place as in OPEN (SES-03, SES-23)."""
    with bench.iut.later() as clock:
        world = attesting(bench.iut, valid_for=SHORT)
        bench.refuses(Deviation(), when_expired(clock, sends(case.data[1])), world=world)


def _twice() -> Iterator[Case]:
    for role in AWAITED:
        yield citing(fault(role, "frame_is_expected", "unexpected", "OPEN_pending.ATT_REQ"), "SES-14")


@for_each(_twice())
def test_second_request(case: Case, bench: Bench) -> None:
    """A request for evidence with the next epoch, solely before the verdict on the last one (SES-03, SES-14)."""
    letter = PEER[case.role]
    again = Instead(f"VERDICT_{letter}", lambda peer: put_frame_of(peer, "ATT_REQ"), nth=1)
    bench.refuses(again, STAGES["ATT_REQ"])


DIRECTIONS = {"waived": {"presents_waiver": True}, "not-required": {}}


def _one_way() -> Iterator[Case]:
    for role in AWAITED:
        for how in DIRECTIONS:
            yield citing(fault(role, "frame_is_expected", "unexpected", f"OPEN_{how}.ATT_REQ", how), "SES-24")


@for_each(_one_way())
def test_request_without_evidence(case: Case, bench: Bench) -> None:
    """A request for evidence in a direction that has none (SES-24)."""
    iut = bench.iut
    asks = case.data == "waived"
    with iut.configured(**DIRECTIONS[case.data]):
        world = attesting(iut, requires_evidence=asks)
        bench.refuses(Deviation(), when_open(sends("ATT_REQ")), world=world, configuration=case.data)


def _unwanted() -> Iterator[Case]:
    for role in AWAITED:
        for how in DIRECTIONS:
            yield citing(fault(role, "frame_is_expected", "unexpected", f"{how}.ATT", how), "SES-06")


@for_each(_unwanted())
def test_unwanted_evidence(case: Case, bench: Bench) -> None:
    """Good evidence in a direction that, by the two HELLOs, has none (SES-06)."""
    before = Before(f"VERDICT_{PEER[case.role]}", lambda peer: put_frame_of(peer, "ATT"))
    with bench.iut.configured(requires_evidence=case.data == "waived"):
        world = tester_world(bench.iut, "attests", case.data)
        bench.refuses(before, world=world, configuration=f"peer-{case.data}", deferred=False)


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
RANDOM = bytes(range(7, 77))
RECORD_OCTETS = bytes(range(40))


def _records() -> Iterator[Case]:
    for role, messages in HANDSHAKE.items():
        for message in messages:
            yield citing(fault(role, "unit_kind_is_known", "unexpected", f"wait_{message}.record", message), "EDH-25")


@for_each(_records())
def test_record_before_completion(case: Case, bench: Bench) -> None:
    """A record, solely before the handshake is complete (EDH-15, EDH-25)."""
    bench.refuses(Before(case.data, lambda peer: peer.put_unit(Kind.RECORD, RECORD_OCTETS)), deferred=False)


def _foreign() -> Iterator[Case]:
    for role, messages in HANDSHAKE.items():
        for message in messages:
            for strange in STRANGE[message]:
                check = "message_4_tag_verifies" if strange == "message_2" else "edhoc_message_is_deterministic"
                case = fault(role, check, "unexpected", f"wait_{message}.{strange}", (message, strange))
                yield citing(case, "EDH-28") if strange.startswith("message") else case


@for_each(_foreign())
def test_other_message(case: Case, bench: Bench) -> None:
    """Another message of the handshake in the place of the awaited one (EDH-13, EDH-28)."""
    message, strange = case.data

    def replace(peer: TesterEndpoint) -> None:
        octets = {"random": RANDOM, "reflected": peer.observations[0].data if peer.observations else b"", **peer.sent}
        peer.put_unit(Kind.EDHOC_MESSAGE, octets[strange])

    bench.refuses(Instead(message, replace), deferred=False)


ERRORS = {"unspecified": (1, "refused"), "success": (0, 0), "unknown-code": (99, "x")}


def _errors() -> Iterator[Case]:
    for role, messages in HANDSHAKE.items():
        for message in messages:
            for name in ERRORS:
                requirement = "EDH-27" if name == "success" else "EDH-19"
                yield Case(role, (requirement,), "edhoc-error", f"wait_{message}.{name}", data=(message, name))


@for_each(_errors())
def test_error_ends_the_handshake(case: Case, bench: Bench) -> None:
    """An error message ends the handshake without an answer, and changes nothing for the next one (EDH-19, EDH-27)."""
    message, name = case.data
    stop = Stop(message, lambda peer: put_error(peer, *ERRORS[name]))

    def play(conversation: Conversation) -> str:
        conversation.until(lambda: False)
        if conversation.peer.reaction:
            return "an answer to an error message"
        if not conversation.ended:
            return "the connection stays open after an error message"
        conversation.close()
        if bench.iut.role == "device" and (again := bench.iut.retried(expected=False)) is not None:
            again.close()
            return "another attempt, which only the error codes 2 and 3 allow"
        return works_again(bench.iut)

    bench.works(play, deviation=stop)


# --- after the handshake ---------------------------------------------------------------------------------------------

LATE = ("error", "error-code-0", "message_1", "last-message", "random")


def _late() -> Iterator[Case]:
    for role, awaited in AWAITED.items():
        for state in (*awaited, "OPEN"):
            for what in LATE:
                yield Case(role, ("EDH-18",), f"late-{what}", state, data=(state, what))


@for_each(_late())
def test_late_unit_is_discarded(case: Case, bench: Bench) -> None:
    """A unit of the handshake after its end, whoever sent it, changes nothing (EDH-18)."""
    state, what = case.data
    last = "message_3" if case.role == "service" else "message_4"

    def late(peer: TesterEndpoint) -> None:
        if what.startswith("error"):
            put_error(peer, 0 if what == "error-code-0" else 1, "refused")
        elif what == "random":
            peer.put_unit(Kind.EDHOC_MESSAGE, RANDOM)
        else:
            first = peer.sent.get("message_1") or peer.observations[0].data
            peer.put_unit(Kind.EDHOC_MESSAGE, peer.sent[last] if what == "last-message" else first)

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        if state == "OPEN":
            late(conversation.peer)
            conversation.flush()
        return "" if conversation.probe() and conversation.finish() else "the session did not go on"

    bench.works(play, deviation=Before(AWAITED[case.role].get(state, ""), late))


# --- answers that answer nothing -------------------------------------------------------------------------------------


def _answers() -> Iterator[Case]:
    for role in AWAITED:
        for state in ATTESTING:
            yield fault(role, "pong_echoes_my_ping", "unasked", f"{state}.PONG", (state, "PONG"))
            yield fault(role, "receipt_counts_my_data", "unasked", f"{state}.RECEIPT", (state, "RECEIPT"))


@for_each(_answers())
def test_answer_to_nothing(case: Case, bench: Bench) -> None:
    """A PONG without a PING, a RECEIPT without DATA, each otherwise well-formed (SES-17, SES-18)."""
    state, kind = case.data
    if state == "OPEN":
        bench.refuses(Deviation(), when_open(sends(kind)))
        return
    with bench.iut.later() as clock:
        world = attesting(bench.iut, valid_for=SHORT)
        bench.refuses(Deviation(), when_expired(clock, sends(kind)), world=world)


RECEIPTS = {"ahead": 1, "far-ahead": 2**32 - 1}


def _receipts() -> Iterator[Case]:
    for role in AWAITED:
        for how, count in RECEIPTS.items():
            yield fault(role, "receipt_counts_my_data", how, "RECEIPT.count", count)
        yield fault(role, "receipt_counts_my_data", "twice", "RECEIPT.count", None)


@for_each(_receipts())
def test_receipt_of_other_data(case: Case, bench: Bench) -> None:
    """A RECEIPT that answers other DATA than the oldest unanswered one (SES-17)."""

    def wrong(peer: TesterEndpoint) -> None:
        if case.data is None:
            peer.send_frame(receipt(0))
        peer.send_frame(receipt(case.data or 0))

    bench.refuses(Instead(f"RECEIPT_{PEER[case.role]}", wrong), STAGES["RECEIPT"])


VERDICTS = {
    "verdict_epoch_is_current": {"ahead": verdict(Tier.AFFIRMING, epoch=1), "far-ahead": verdict(2, epoch=2**32 - 1)},
    "verdict_valid_for_is_positive": {"zero": verdict(Tier.AFFIRMING, valid_for=0)},
    "verdict_tier_fits_direction": {
        "waived": verdict(Tier.WAIVED), "not-required": verdict(Tier.NOT_REQUIRED), "unknown": verdict(0),
    },
}  # fmt: skip
"""Faults in the verdict on evidence that was sent."""


def _verdicts() -> Iterator[Case]:
    for role in AWAITED:
        for check, values in VERDICTS.items():
            for how, frame in values.items():
                field = check.removeprefix("verdict_").partition("_")[0]
                yield fault(role, check, how, f"VERDICT.{field}", frame)


@for_each(_verdicts())
def test_verdict(case: Case, bench: Bench) -> None:
    """A verdict that fits the session but for one value (SES-09, SES-10, SES-11)."""
    bench.refuses(Instead(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(case.data)))


def _misplaced() -> Iterator[Case]:
    for role in AWAITED:
        for how in DIRECTIONS:
            for tier in Tier:
                if tier is not (Tier.WAIVED if how == "waived" else Tier.NOT_REQUIRED):
                    yield fault(role, "verdict_tier_fits_direction", tier.name.lower(), f"VERDICT.{how}", (how, tier))


@for_each(_misplaced())
def test_tier_of_another_direction(case: Case, bench: Bench) -> None:
    """A tier for evidence, a waiver or neither where the direction has another (SES-09)."""
    how, tier = case.data
    world = attesting(bench.iut, requires_evidence=how == "waived")
    instead = Instead(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(verdict(tier)))
    with bench.iut.configured(**DIRECTIONS[how]):
        bench.refuses(instead, world=world, configuration=how)


AGAIN = {
    "verdict_epoch_is_current": ("VERDICT", {"behind": 0, "ahead": 2}),
    "att_req_epoch_is_next": ("ATT_REQ", {"same": 0, "ahead": 2, "far-ahead": 2**32 - 1}),
}


def _again() -> Iterator[Case]:
    for role in AWAITED:
        for check, (kind, epochs) in AGAIN.items():
            for how, epoch in epochs.items():
                yield fault(role, check, how, f"{kind}.epoch", (kind, epoch))


@for_each(_again())
def test_epoch_of_re_attestation(case: Case, bench: Bench) -> None:
    """A re-attestation with another epoch than the next one (SES-10, SES-14)."""
    kind, epoch = case.data

    def change(data: bytes) -> bytes:
        frame_type, body = cbor.decode(data)
        return cbor.encode([frame_type, {**body, (3 if kind == "VERDICT" else 1): epoch}])

    bench.refuses(
        AlterOctets(f"{kind}_{PEER[case.role]}", change, nth=1 if kind == "VERDICT" else 0),
        STAGES["ATT_REQ"],
    )


TIERS = {"waived": Tier.WAIVED, "not-required": Tier.NOT_REQUIRED, "unknown": 0}


@for_each(
    fault(role, "verdict_tier_fits_direction", how, "VERDICT.tier-again", int(tier))
    for role in AWAITED
    for how, tier in TIERS.items()
)
def test_tier_of_re_attestation(case: Case, bench: Bench) -> None:
    """A verdict on evidence of a later epoch refused solely because its tier does not answer evidence (SES-09)."""
    again = Instead(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(verdict(case.data, epoch=1)), nth=1)
    bench.refuses(again, STAGES["ATT_REQ"])


EPOCHS = {"ahead": 1, "far-ahead": 2**32 - 1}


def _epochs() -> Iterator[Case]:
    for role in AWAITED:
        for how, epoch in EPOCHS.items():
            yield fault(role, "att_epoch_is_requested", how, "ATT.epoch", epoch)


@for_each(_epochs())
def test_epoch_of_evidence(case: Case, bench: Bench) -> None:
    """Good evidence for the first epoch, solely said to be for another one (ATT-05)."""

    def change(data: bytes) -> bytes:
        frame_type, body = cbor.decode(data)
        return cbor.encode([frame_type, {**body, 1: case.data}])

    bench.refuses(AlterOctets(f"ATT_{PEER[case.role]}", change))
