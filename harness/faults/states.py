"""Faults of the state machine: rows that are missing, that apply where they must not, or that lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...model.distort import (
    also,
    at,
    changed,
    going_to,
    lacking,
    not_setting,
    silent,
    staying,
    taken_too,
    together,
    twice,
    unchecked,
    unguarded,
)
from ...model.protocol.attestation import REGISTERS, ZERO
from ...model.protocol.frames import (
    ALERT,
    ALERT_CODE,
    ATTESTS,
    HELLO,
    SIDES,
    direction_of,
)
from ...model.protocol.labels import LABEL_REGISTERS
from ...model.protocol.open import received_count
from ...model.protocol.session import verdict_checks
from ...model.table import Guard, Table, Transition
from ...model.terms import const
from .fault import DEVICE, GENERAL, SERVICE, Fault, fault

VERDICTS, ATTS = ("wait_VERDICT_R", "wait_VERDICT_I"), ("wait_ATT_R", "wait_ATT_I")
_UNSENT = tuple(LABEL_REGISTERS[letter].unsent for letter in "IR")
BOTH_HELLOS = (*VERDICTS, *ATTS)
HELLOS = ("wait_HELLO_R", "wait_HELLO_I")


def _rejecting(row: Transition) -> bool:
    return row.next_state == "REFUSED"


def _accepting_again(row: Transition) -> bool:
    return at("VERDICT", "OPEN", "EXPIRED")(row) and row.next_state == "OPEN"


def _dropping(*guards: Guard) -> Any:
    return lambda row: replace(row, when=tuple(g for g in row.when if g not in guards))


_EXTRA: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    ("data_before_verdict", "DATA", VERDICTS, "where a verdict is awaited", "B27"),
    ("data_before_evidence", "DATA", ATTS, "where evidence is awaited", "B27"),
    ("data_after_rejection", "DATA", ("REFUSED",), "after a rejecting verdict", "C15"),
    ("hello_in_open", "HELLO", ("OPEN",), "in an open session", "B13"),
    ("hello_in_expired", "HELLO", ("EXPIRED",), "in an expired session", "B13"),
    ("evidence_before_verdict", "ATT", VERDICTS, "where a verdict is awaited", "C35"),
    ("close_before_hello", "CLOSE", HELLOS, "before both HELLOs", GENERAL),
    ("ping_before_hello", "PING", HELLOS, "before both HELLOs", GENERAL),
    ("request_before_open", "ATT_REQ", BOTH_HELLOS, "before OPEN", GENERAL),
    ("receipt_before_open", "RECEIPT", BOTH_HELLOS, "before OPEN", GENERAL),
    ("pong_before_open", "PONG", BOTH_HELLOS, "before OPEN", GENERAL),
)  # fmt: skip


def extra() -> Iterator[Fault]:
    """Messages that are taken where the table refuses them."""
    for name, message, states, where, source in _EXTRA:
        yield fault(
            name, f"{message} is taken {where}.", "SES-03", "extra transition", f"{message} {where}", source=source,
            table=taken_too(message, *states),
        )  # fmt: skip
    yield fault(
        "verdict_skips_evidence",
        "A verdict in the place of evidence opens the session: its own side is never appraised.", "SES-03",
        "extra transition", "VERDICT that opens", SERVICE, "B1", table=also(_opening),
    )  # fmt: skip
    yield fault(
        "unasked_evidence", "Evidence that nobody asked for is appraised and answered.", "ATT-05", "extra transition",
        "ATT in OPEN", table=changed(at("ATT", "OPEN"), unguarded()),
    )  # fmt: skip
    yield fault(
        "unasked_verdict", "A verdict that answers no evidence is taken.", "SES-03", "extra transition",
        "VERDICT in OPEN", table=changed(_accepting_again, unguarded()),
    )  # fmt: skip
    yield fault(
        "second_request", "A request for evidence is answered although one is outstanding.", "SES-14",
        "extra transition", "ATT_REQ while pending",
        table=changed(at("ATT_REQ", "OPEN"), _dropping(*(Guard(REGISTERS[x].pending, const(False)) for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "request_though_waived", "A request for evidence is answered in a direction without evidence.", "SES-24",
        "extra transition", "ATT_REQ where waived",
        table=changed(at("ATT_REQ"), _dropping(*(Guard(direction_of(s), ATTESTS) for s in SIDES.values()))),
    )  # fmt: skip
    yield fault(
        "data_after_own_close", "DATA is judged and receipted after one's own CLOSE.", "SES-28", "extra transition",
        "DATA in CLOSING", table=together(lacking(at("DATA", "CLOSING")), taken_too("DATA", "CLOSING")),
    )  # fmt: skip
    yield fault(
        "ping_after_own_close", "PING is answered after one's own CLOSE.", "SES-28", "extra transition",
        "PING in CLOSING", table=together(lacking(at("PING", "CLOSING")), taken_too("PING", "CLOSING")),
    )  # fmt: skip
    yield fault(
        "request_after_own_close", "A request for evidence is answered after one's own CLOSE.", "SES-28",
        "extra transition", "ATT_REQ in CLOSING",
        table=together(lacking(at("ATT_REQ", "CLOSING")), taken_too("ATT_REQ", "CLOSING")),
    )  # fmt: skip


_MISSING: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    ("no_ping_before_open", "PING", BOTH_HELLOS, "before OPEN", "SES-18"),
    ("no_ping_in_expired", "PING", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_close_before_open", "CLOSE", BOTH_HELLOS, "before OPEN", "SES-26"),
    ("no_close_in_expired", "CLOSE", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_request", "ATT_REQ", ("OPEN",), "in an open session", "SES-14"),
    ("no_request_in_expired", "ATT_REQ", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_evidence_in_expired", "ATT", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_verdict_in_expired", "VERDICT", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_receipt_in_expired", "RECEIPT", ("EXPIRED",), "in an expired session", "SES-23"),
    ("no_data_in_expired", "DATA", ("EXPIRED",), "in an expired session", "SES-15"),
    *(
        (f"no_{kind.lower()}_while_closing", kind, ("CLOSING",), "after one's own CLOSE", "SES-28")
        for kind in ("RECEIPT", "ALERT", "DATA", "ATT", "ATT_REQ", "VERDICT", "PING", "PONG", "HELLO")
    ),
)


def missing() -> Iterator[Fault]:
    """Messages that are refused where the table takes them."""
    for name, message, states, where, requirement in _MISSING:
        yield fault(
            name, f"{message} is refused {where}.", requirement, "false reject", f"{message} {where}",
            table=lacking(at(message, *states)),
        )  # fmt: skip
    yield fault(
        "no_rejection", "A rejecting verdict is judged like an affirming one.", "SES-08", "missing transition",
        "VERDICT 32 and 96", table=lacking(_rejecting),
    )  # fmt: skip


def _rejections() -> Iterator[Fault]:
    """Verdicts that reject, and when the session is open."""
    yield fault(
        "rejection_opens", "A rejecting verdict opens the session all the same: it is only logged.", "SES-08",
        "error as success", "VERDICT 32 and 96", source="C15", table=changed(_rejecting, going_to("OPEN")),
    )  # fmt: skip
    yield fault(
        "rejection_again_passes", "A rejecting verdict on later evidence is only logged.", "SES-08",
        "two entry points", "VERDICT in OPEN", source="C15",
        table=changed(lambda row: _rejecting(row) and row.state in ("OPEN", "EXPIRED"), going_to("OPEN")),
    )  # fmt: skip
    yield fault(
        "open_before_verdict", "The session is open as soon as one's own verdict has been sent.", "SES-08",
        "extra transition", "OPEN before VERDICT", DEVICE, "B27",
        table=changed(lambda row: row.next_state == "wait_VERDICT_R", going_to("OPEN")),
    )  # fmt: skip


def _endings() -> Iterator[Fault]:
    """ALERT and CLOSE."""
    yield fault(
        "alert_ignored", "ALERT changes nothing.", "SES-30", "error as success", "ALERT", source="C15",
        table=changed(at("ALERT"), staying),
    )  # fmt: skip
    yield fault(
        "alert_answered", "ALERT is answered by ALERT.", "SES-30", "extra message", "ALERT",
        table=changed(lambda row: at("ALERT")(row) and row.state != "CLOSING", _answering),
    )  # fmt: skip
    yield fault(
        "close_not_answered", "CLOSE is not answered.", "SES-27", "missing message", "CLOSE",
        table=changed(at("CLOSE"), silent("CLOSE")),
    )  # fmt: skip
    yield fault(
        "close_keeps_session", "The session stays open after CLOSE was answered.", "SES-27", "state kept", "CLOSE",
        table=changed(at("CLOSE"), staying),
    )  # fmt: skip


def _answers() -> Iterator[Fault]:
    """Answers that are missing, or come twice."""
    yield fault(
        "pong_missing", "PING is not answered.", "SES-18", "missing message", "PONG",
        table=changed(at("PING"), silent("PONG")),
    )  # fmt: skip
    yield fault(
        "pong_missing_before_open", "PING is not answered before OPEN.", "SES-18", "missing message",
        "PONG before OPEN", table=changed(at("PING", *BOTH_HELLOS), silent("PONG")),
    )  # fmt: skip
    yield fault("pong_twice", "PING is answered twice.", "SES-18", "twice", "PONG", table=changed(at("PING"), twice()))
    yield fault(
        "pong_opens_again", "A PONG that answered a PING may come again.", "SES-18", "state kept", "PING payload",
        table=changed(at("PONG"), _keeping_sets),
    )  # fmt: skip
    yield fault(
        "receipt_missing", "Good DATA is not receipted.", "SES-17", "missing message", "RECEIPT", source="D27",
        table=changed(lambda row: at("DATA", "OPEN")(row) and bool(row.opens), silent("RECEIPT")),
    )  # fmt: skip
    yield fault(
        "receipt_twice", "DATA is receipted twice.", "SES-17", "twice", "RECEIPT",
        table=changed(at("DATA", "OPEN"), twice()),
    )  # fmt: skip
    yield fault(
        "receipt_count_stands", "The count of received DATA is not advanced.", "SES-17", "counter stands",
        "RECEIPT count", source="F5",
        table=changed(at("DATA"), not_setting(*(received_count(s) for s in SIDES.values()))),
    )  # fmt: skip


def _expiry() -> Iterator[Fault]:
    """What EXPIRED changes."""
    yield fault(
        "expired_data_receipted", "DATA in an expired session is receipted as good.", "SES-15", "error as success",
        "RECEIPT code", source="C15", table=changed(at("DATA", "EXPIRED"), _all_zero),
    )  # fmt: skip
    yield fault(
        "expired_stays", "An affirming verdict does not lead back from EXPIRED.", "SES-15", "state kept", "EXPIRED",
        table=changed(lambda row: row.state == "EXPIRED" and row.next_state == "OPEN", going_to("EXPIRED")),
    )  # fmt: skip


def _requests() -> Iterator[Fault]:
    """What is remembered of requests for evidence."""
    yield fault(
        "request_epoch_not_kept", "The epoch of a request is not remembered: the same one may come again.", "SES-14",
        "counter stands", "requested epoch", source="F5",
        table=changed(at("ATT_REQ"), not_setting(*(REGISTERS[x].requested_epoch for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "own_epoch_not_advanced", "Every request for evidence asks for the same epoch.", "SES-14", "counter stands",
        "own request", table=changed(at("app_reattest"), not_setting(*(REGISTERS[x].requested_epoch for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "challenge_not_kept", "Evidence is given over the first nonce again.", "ATT-26", "state kept", "challenge",
        source="C1", table=changed(at("ATT_REQ"), not_setting(*(REGISTERS[x].challenge for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "outstanding_not_cleared", "An answered request stays outstanding: no further one is sent.", "SES-14",
        "state kept", "outstanding request", source="A29",
        table=changed(at("ATT", "OPEN", "EXPIRED"), not_setting(*(REGISTERS[x].outstanding for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "pending_not_cleared", "An attestation stays pending after its verdict: no further request is answered.",
        "SES-14", "state kept", "pending verdict", source="A29",
        table=changed(_accepting_again, not_setting(*(REGISTERS[x].pending for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "evidence_not_answered_again", "Evidence of a later epoch gets no verdict.", "SES-14", "missing message",
        "VERDICT in OPEN", table=changed(at("ATT", "OPEN", "EXPIRED"), silent("VERDICT")),
    )  # fmt: skip


def _environments() -> Iterator[Fault]:
    """What is remembered of environment objects."""
    yield fault(
        "environment_sent_once", "After a refusal the environment object is not sent again.", "LBL-30", "state kept",
        "environment object", source="A29",
        table=changed(at("RECEIPT"), not_setting(*(LABEL_REGISTERS[x].unsent for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "environment_never_sent", "DATA never brings an environment object.", "LBL-14", "missing message",
        "environment object", table=changed(_forgetting_environment, not_setting(*_UNSENT)),
    )  # fmt: skip
    yield fault(
        "environment_of_epoch_kept",
        "After new evidence the receiver still takes the environment object of the last epoch.", "LBL-14",
        "state kept", "environment reference",
        table=changed(at("ATT", "OPEN", "EXPIRED"), not_setting(*(LABEL_REGISTERS[x].reference for x in "IR"))),
    )  # fmt: skip
    yield fault(
        "environment_age_not_kept", "The time of the last environment object is not remembered.", "LBL-21",
        "reset lost", "environment iat",
        table=changed(at("DATA"), not_setting(*(LABEL_REGISTERS[x].last_iat for x in "IR"))),
    )  # fmt: skip


def _orders() -> Iterator[Fault]:
    """Messages out of their order, and verdicts that come later."""
    yield fault(
        "hello_sent_early", "The device sends its HELLO without having seen the service's.", "SES-01", "order",
        "HELLO", DEVICE, "B9",
        table=together(changed(at("message_4"), _speaking), changed(at("HELLO_R"), silent("HELLO"))),
    )  # fmt: skip
    yield fault(
        "message_4_missing", "The service sends no message_4.", "EDH-11", "missing message", "message_4", SERVICE,
        "A3", table=changed(at("message_3"), silent("message_4")),
    )  # fmt: skip
    yield fault(
        "verdict_before_hello_sent", "The device sends its verdict where evidence is due first.", "SES-06", "order",
        "ATT", DEVICE,
        table=changed(lambda row: row.next_state == "quoting" and row.role == "device", going_to("wait_VERDICT_R")),
    )  # fmt: skip
    for step in verdict_checks(SIDES["I"]):
        yield fault(
            f"{step.check.name}_first_only", f"A verdict on later evidence goes without the check {step.check.name}.",
            step.check.requirement, "two entry points", f"verdict in OPEN {step.check.name}", source="C17",
            table=changed(at("VERDICT", "OPEN", "EXPIRED"), unchecked(step.check.name)),
        )  # fmt: skip


def elsewhere() -> Iterator[Fault]:
    """Rows that lead elsewhere, answer something else, or forget what they must remember."""
    for faults in (_rejections, _endings, _answers, _expiry, _requests, _environments, _orders):
        yield from faults()


def _all_zero(row: Transition) -> Transition:
    return replace(row, sets=tuple((register, ZERO) for register, _ in row.sets))


def _forgetting_environment(row: Transition) -> bool:
    return any(register in _UNSENT for register, _ in row.sets)


def _opening(table: Table) -> Iterator[Transition]:
    """The service's row that opens on a verdict, where evidence is awaited."""
    yield replace(table.candidates("service", "wait_VERDICT_I", "VERDICT_I")[-1], state="wait_ATT_I", when=())


def _speaking(row: Transition) -> Transition:
    return replace(row, sends=(HELLO["I"],))


def _answering(row: Transition) -> Transition:
    letter = "I" if row.role == "device" else "R"
    return replace(row, sets=((ALERT_CODE[letter], const(10)),), sends=(ALERT[letter],))


def _keeping_sets(row: Transition) -> Transition:
    return replace(row, then_sets=())


def states() -> Iterator[Fault]:
    """All faults of the state machine."""
    for faults in (extra, missing, elsewhere):
        yield from faults()
