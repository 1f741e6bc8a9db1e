"""The EDHOC handshake: method, suites, shares, signatures, tags, EAD items and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ..harness.codec import cbor
from ..harness.peer.edhoc_errors import MalformedError, parse
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterInside, AlterOctets, Instead, Lie
from ..harness.tester.session import NeedNotMet
from ..harness.tester.wire import Mark
from ..harness.transport.units import Kind
from ..harness.verdict.verdict import Outcome, Reaction
from ..model.protocol.edhoc import EAD, SUITES_I, handshake
from ..model.protocol.frames import SIDES
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .places import ROLES, TESTER_LETTER

TERMS = handshake(0)
METHOD = TERMS.message_1.args[0]
IGNORED_SUITES = (160, 41_120, -41_121, 43_690)
"""Numbers that exercise extensibility: nobody supports them."""
IGNORED_LABELS = (160, 41_120, 43_690, 44_975)


# --- method and suites -----------------------------------------------------------------------------------------------


@for_each(
    fault("service", "method_is_profile", f"{method}", "METHOD", method)
    for method in (-1, 1, 2, 3, 4, 5, 8, 23, 255, 2**31)
)
def test_method(case: Case, bench: Bench) -> None:
    """message_1 to be refused solely because METHOD is not 0 (EDH-02)."""
    bench.refuses(Lie(METHOD, cbor.encode(case.data), "message_1"))


_UNKNOWN = {
    "one": cbor.encode(IGNORED_SUITES[0]),
    "negative": cbor.encode(IGNORED_SUITES[2]),
    "several": cbor.encode(list(IGNORED_SUITES)),
    "supported-first": cbor.encode([2, IGNORED_SUITES[0]]),
}


@for_each(fault("service", "suite_is_most_preferred", f"unknown-{n}", "SUITES_I", s) for n, s in _UNKNOWN.items())
def test_unknown_suite(case: Case, bench: Bench) -> None:
    """message_1 to be refused with error 2 solely because its selected suite is none that is supported (EDH-04)."""
    bench.refuses(AlterInside("message_1", (TERMS.message_1.args.index(SUITES_I),), lambda _: case.data))


@for_each(
    fault("service", "suite_is_most_preferred", "-".join(map(str, suites)), "SUITES_I", suites)
    for suites in ((3, 2), (2, 3), (160, 3, 2), (3, 160, 2))
)
def test_skipped_suite(case: Case, bench: Bench) -> None:
    """message_1 to be refused with error 2 solely because a suite before the selected one is supported (EDH-04)."""
    bench.refuses(Mark("message_1"), suites_i=case.data)


@for_each(
    Case("service", ("EDH-03",), "selects", "-".join(map(str, suites)), data=suites)
    for suites in ((3,), (2,), (5,), (160, 3), (41_120, -41_121, 2))
)
def test_suite_selected(case: Case, bench: Bench) -> None:
    """A suite that is supported, and the first in the list that is, is accepted (EDH-03)."""
    bench.iut.need_feature("suites", case.data[-1])
    bench.works(opened, suites_i=case.data)


@for_each(Case("device", ("EDH-03",), "offers", str(suite), data=suite) for suite in (3, 2, 5))
def test_suite_offered(case: Case, bench: Bench) -> None:
    """A device configured for one suite carries a session with it (EDH-03)."""
    bench.iut.need_feature("suites", case.data)
    with bench.iut.configured(suites=[case.data]):
        bench.works(opened)


@for_each([Case("service", ("EDH-04",), "lists", "SUITES_R")])
def test_suites_r(case: Case, bench: Bench) -> None:
    """Error 2 lists every suite that the service supports: 3 and 2 at the least (EDH-04)."""

    def play(conversation: Conversation) -> str:
        conversation.until_seen("edhoc_error")
        error = conversation.saw("edhoc_error")
        if error is None:
            return "no error message"
        try:
            listed = parse(error.data)
        except MalformedError as malformed:
            return f"a malformed error message: {malformed}"
        missing = {2, 3} - set(cast(tuple[int, ...], listed.info) if listed.code == 2 else ())
        return f"SUITES_R lacks {sorted(missing)}" if missing else ""

    altered = AlterInside("message_1", (TERMS.message_1.args.index(SUITES_I),), lambda _: _UNKNOWN["one"])
    bench.works(play, deviation=altered)


# --- the retry after error 2 -----------------------------------------------------------------------------------------


def _wrong_suite(suites_r: object) -> Instead:
    """Error 2 in place of message_2."""
    error = cbor.encode(2) + cbor.encode(suites_r)
    return Instead("message_2", lambda peer: peer.put_unit(Kind.EDHOC_ERROR, error))


def _offered(conversation: Conversation) -> tuple[list[int], bytes]:
    """SUITES_I and G_X of the device's message_1."""
    message_1 = conversation.saw("message_1")
    assert message_1 is not None
    _, suites, g_x, *_ = cbor.decode_sequence(message_1.data)
    return (suites if isinstance(suites, list) else [suites]), g_x


@for_each(
    Case("device", ("EDH-05",), "retries", name, data=suites_r)
    for name, suites_r in (("one", 2), ("several", [2, 160]), ("unknown-first", [43_690, 2]))
)
def test_retry(case: Case, bench: Bench) -> None:
    """After error 2 the device may dial once more: suite 2 behind 3, which it prefers, and a new G_X (EDH-05)."""
    _retry(bench, case, [3, 2], [3, 2])


@for_each(
    Case("device", ("EDH-05",), "retries", name, data=suites_r)
    for name, suites_r in (("their-order", [5, 2]), ("their-last", 5))
)
def test_retry_by_own_preference(case: Case, bench: Bench) -> None:
    """The retry selects what the device prefers in SUITES_R, behind all that it prefers to that (EDH-05)."""
    bench.iut.need_feature("suites", 5)
    _retry(bench, case, [3, 2, 5], [3, 2] if isinstance(case.data, list) else [3, 2, 5])


def _retry(bench: Bench, case: Case, suites: list[int], due: list[int]) -> None:
    """An error 2 with the case's SUITES_R to a device of these suites, which may dial again, and then with `due`."""
    with bench.iut.configured(suites=suites):
        first = bench.iut.converse(_wrong_suite(case.data))
        bench.main = first.transcript
        first.until(lambda: False)
        first.close()
        connection = bench.iut.retried(expected=True)
        if connection is None:
            bench.show("", first)  # Giving up is allowed.
            return
        second = bench.iut.converse(connection=connection)
        wrong = opened(second)
        (_, before), (offered, after) = _offered(first), _offered(second)
        second.close()
        if offered != due:
            wrong = f"SUITES_I is {offered}"
        bench.show("the same ephemeral key" if before == after else wrong, second)


_NO_RETRY = {
    "unsupported": ([3], 2),
    "unknown": ([3, 2], [160, 43_690]),
    "refused-one": ([3, 2], 3),
    "refused-one-among-others": ([3, 2], [2, 3]),
    "reordered": ([3, 2], [2, 3, 5]),
}


@for_each(fault("device", "suites_r_allow_a_retry", name, "SUITES_R", data) for name, data in _NO_RETRY.items())
def test_no_retry(case: Case, bench: Bench) -> None:
    """SUITES_R, which anyone can forge, makes no device use a suite that it would not have chosen (EDH-05)."""
    suites, suites_r = case.data
    with bench.iut.configured(suites=suites):
        control = bench.control(f"suites {suites}")
        conversation = bench.iut.converse(_wrong_suite(suites_r))
        bench.main = conversation.transcript
        _conclude_without_retry(bench, control, conversation)


@for_each([fault("device", "suites_r_allow_a_retry", "second-time", "SUITES_R")])
def test_no_second_retry(case: Case, bench: Bench) -> None:
    """A second error 2, on the retry, to be followed by no third attempt (EDH-05)."""
    bench.iut.need_feature("suites", 5)
    with bench.iut.configured(suites=[3, 2, 5]):
        control = bench.control("three suites")
        first = bench.iut.converse(_wrong_suite(2))
        first.until(lambda: False)
        first.close()
        connection = bench.iut.retried(expected=True)
        if connection is None:
            raise NeedNotMet("it does not try again")
        second = bench.iut.converse(_wrong_suite(5), connection=connection)
        bench.main = second.transcript
        _conclude_without_retry(bench, control, second)


@for_each(
    Case("device", ("EDH-05", "EDH-19"), "no-retry-after", f"error-{code}", data=(code, info))
    for code, info in ((1, "diagnosis"), (42, 2))
)
def test_no_retry_after_another_error(case: Case, bench: Bench) -> None:
    """Only a refused suite, or a credential that is not there, is a reason to try again: EDH-05, EDH-19."""
    code, info = case.data
    error = cbor.encode(code) + cbor.encode(info)
    conversation = bench.iut.converse(Instead("message_2", lambda peer: peer.put_unit(Kind.EDHOC_ERROR, error)))
    bench.main = conversation.transcript
    conversation.until(lambda: False)
    conversation.close()
    again = bench.iut.retried(expected=False)
    if again is not None:
        again.close()
    bench.show("it tries again" if again is not None else "", conversation)


def _conclude_without_retry(bench: Bench, control: str | None, conversation: Conversation) -> None:
    outcome = conversation.outcome(bench.iut.is_alive)
    conversation.close()
    again = bench.iut.retried(expected=False)
    if again is not None:
        again.close()
        outcome = Outcome(Reaction.ACCEPTED)
    bench.conclude(outcome, control, conversation)


# --- EAD -------------------------------------------------------------------------------------------------------------

_RECEIVER = {1: "service", 2: "device", 3: "service", 4: "device"}
_CRITICAL = {
    "alone": cbor.encode(-160),
    "with-value": cbor.encode(-41_120) + cbor.bstr(b"value"),
    "second": cbor.encode(160) + cbor.encode(-1),
    "first": cbor.encode(-1) + cbor.encode(160),
    "evidence": cbor.encode(-71_001) + cbor.bstr(b""),
    "largest": cbor.encode(-(2**64)),
}


def _of_message(number: int, items: dict[str, bytes], sign: int) -> Iterator[tuple[str, bytes]]:
    """With the label that would carry evidence in this very message."""
    yield from items.items()
    if number > 1:
        yield "evidence-of-the-message", cbor.encode(sign * (71_000 + number)) + cbor.bstr(b"")


def _about_evidence(case: Case) -> Case:
    return citing(case, "EDH-33") if case.operator.startswith("evidence") else case


@for_each(
    _about_evidence(fault(role, f"ead_{number}_has_no_unknown_critical", name, f"EAD_{number}", (number, items)))
    for number, role in _RECEIVER.items()
    for name, items in _of_message(number, _CRITICAL, -1)
)
def test_critical_ead(case: Case, bench: Bench) -> None:
    """A message to be refused solely because it holds a critical EAD item that nobody knows (EDH-12, EDH-33)."""
    number, items = case.data
    bench.refuses(Lie(EAD[number], items, f"message_{number}"))


_IGNORED = {
    **{str(label): cbor.encode(label) for label in IGNORED_LABELS},
    "with-value": cbor.encode(160) + cbor.bstr(b"value"),
    "padding": b"\x00",
    "padding-with-value": b"\x00" + cbor.bstr(bytes(100)),
    "several": b"\x00" + cbor.encode(160) + cbor.bstr(b"") + b"\x00\x00" + cbor.encode(44_975),
    "evidence": cbor.encode(71_001) + cbor.bstr(b""),
}


@for_each(
    _about_evidence(Case(role, ("EDH-12",), name, f"EAD_{number}", data=(number, items)))
    for number, role in _RECEIVER.items()
    for name, items in _of_message(number, _IGNORED, 1)
)
def test_ignored_ead(case: Case, bench: Bench) -> None:
    """Padding and EAD items that are not critical are ignored (EDH-12, EDH-33)."""
    number, items = case.data
    bench.works(opened, deviation=Lie(EAD[number], items, f"message_{number}"))


# --- errors, and what is too long ------------------------------------------------------------------------------------

_ERRORS = {
    "code-0": cbor.encode(0) + cbor.encode("success"),
    "code-1": cbor.encode(1) + cbor.encode("diagnosis"),
    "code-3": cbor.encode(3) + cbor.encode(True),
    "code-3-false": cbor.encode(3) + cbor.encode(False),
    "code-42": cbor.encode(42) + cbor.encode({}),
    "code-minus-1": cbor.encode(-1) + cbor.encode(0),
    "code-alone": cbor.encode(1),
    "text": cbor.encode("error"),
    "garbage": bytes.fromhex("ff1c00"),
    "no-octets": b"",
    "long": cbor.encode(1) + cbor.encode("x" * 60_000),
    "deep": b"\x01" + b"\x81" * 60_000 + b"\x00",
}


@for_each(Case(role, ("EDH-27",), name, "error", data=payload) for role in ROLES for name, payload in _ERRORS.items())
def test_error_ends_handshake(case: Case, bench: Bench) -> None:
    """An error message of whatever content ends the handshake, without an answer (EDH-27)."""

    def play(conversation: Conversation) -> str:
        conversation.until(lambda: False)
        answers = [o.name for o in conversation.peer.reaction]
        return "" if conversation.ended and not answers else f"answered with {', '.join(answers) or 'silence'}"

    message = "message_2" if case.role == "device" else "message_3"
    bench.works(play, deviation=Instead(message, lambda peer: peer.put_unit(Kind.EDHOC_ERROR, case.data)))


@for_each(
    fault("device", "edhoc_message_is_deterministic", f"{length}-octets", "PLAINTEXT_2", length)
    for length in (8_161, 60_000)
)
def test_long_plaintext_2(case: Case, bench: Bench) -> None:
    """message_2 to be refused solely because no keystream is as long as its CIPHERTEXT_2 (EDH-13)."""
    bench.refuses(AlterOctets("message_2", lambda data: cbor.bstr(cbor.unbstr(data).ljust(32 + case.data, b"\x00"))))


@for_each(
    fault(role, "hello_version_is_supported", str(version), "HELLO-version", version)
    for role in ROLES
    for version in (0, 2, 255, 2**64 - 1)
)
def test_hello_version(case: Case, bench: Bench) -> None:
    """HELLO to be refused solely because its version is not 1 (SES-05)."""
    letter = TESTER_LETTER[case.role]
    bench.refuses(Lie(SIDES[letter].version, cbor.encode(case.data), f"HELLO_{letter}"))
