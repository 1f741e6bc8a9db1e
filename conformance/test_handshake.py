"""The EDHOC handshake: method, suites, shares, signatures, tags, EAD items and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from ..harness.codec import cbor
from ..harness.crypto.curves import P_256
from ..harness.crypto.errors import InvalidShare
from ..harness.crypto.signatures import ES256
from ..harness.peer.edhoc_errors import MalformedError, parse
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterInside, AlterOctets, Change, Instead, Lie
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import NeedNotMet
from ..harness.tester.wire import Mark
from ..harness.transport.units import Kind
from ..harness.verdict.verdict import Outcome, Reaction, Verdict
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.edhoc import EAD, G_X, G_XY, G_Y, INITIATOR, RESPONDER, SUITES_I, handshake
from ..model.protocol.frames import SIDES
from ..model.protocol.labels import LABEL
from ..model.terms import Term
from .bench import Bench, opened
from .case import Case, fault, for_each
from .places import ROLES, TESTER_LETTER
from .stages import stage_of

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
        conversation.until(lambda: conversation.saw("edhoc_error") is not None)
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
    with bench.iut.configured(suites=[3, 2]):
        first = bench.iut.converse(_wrong_suite(case.data))
        bench.main = first
        first.until(lambda: False)
        first.close()
        connection = bench.iut.retried(expected=True)
        if connection is None:
            bench.show("", first)  # Giving up is allowed.
            return
        second = bench.iut.converse(connection=connection)
        wrong = opened(second)
        (_, before), (suites, after) = _offered(first), _offered(second)
        second.close()
        if suites != [3, 2]:
            wrong = f"SUITES_I is {suites}"
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
        bench.main = conversation
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
        bench.main = second
        _conclude_without_retry(bench, control, second)


def _conclude_without_retry(bench: Bench, control: str | None, conversation: Conversation) -> None:
    outcome = conversation.outcome(bench.iut.is_alive)
    conversation.close()
    again = bench.iut.retried(expected=False)
    if again is not None:
        again.close()
        outcome = Outcome(Reaction.ACCEPTED)
    bench.conclude(outcome, control, conversation)


# --- shares ----------------------------------------------------------------------------------------------------------


def _is_point(x: int) -> bool:
    try:
        P_256.validate(x.to_bytes(32, "big"))
    except InvalidShare:
        return False
    return True


_OFF_CURVE = next(x for x in range(2, 100) if not _is_point(x))
_TWIST_ORDER = 2 * P_256.prime + 2 - P_256.order
_ORDER_3 = P_256.multiply_x(_TWIST_ORDER // 3, _OFF_CURVE)
"""x-coordinate of a point of order three on the twist: what an invalid-curve attack sends."""
_SHARES = {
    "off-curve": _OFF_CURVE,
    "order-3": _ORDER_3,
    "prime": P_256.prime,
    "prime-plus-point": P_256.prime + next(x for x in range(1, 100) if _is_point(x)),
    "all-ones": 2**256 - 1,
}


@for_each(fault("service", "g_x_is_valid", name, "G_X", x) for name, x in _SHARES.items())
def test_g_x(case: Case, bench: Bench) -> None:
    """message_1 to be refused, at once, solely because G_X is the x-coordinate of no point (EDH-06)."""
    bench.refuses(Lie(G_X, case.data.to_bytes(32, "big"), "message_1"), deferred=False)


@for_each(fault("service", "g_x_is_valid", f"{length}-octets", "G_X", length) for length in (0, 31, 33, 34, 48, 65))
def test_g_x_length(case: Case, bench: Bench) -> None:
    """message_1 to be refused solely because of the length of G_X (EDH-06)."""
    bench.refuses(AlterInside("message_1", (2, 0), lambda share: (3 * share)[: case.data]))


class InvalidPoint(Lie):
    """G_Y is no point, and the tester guesses the secret that the other side computes from it all the same."""

    def __init__(self, x: int, guess: int) -> None:
        super().__init__(G_Y, x.to_bytes(32, "big"), "message_2")
        self._guess = guess.to_bytes(32, "big")

    def attach(self, peer: TesterEndpoint) -> None:
        super().attach(peer)
        peer.run.pinned[G_XY] = self._guess


@for_each(fault("device", "g_y_is_valid", name, "G_Y", x) for name, x in _SHARES.items())
def test_g_y(case: Case, bench: Bench) -> None:
    """message_2 to be refused solely because G_Y is the x-coordinate of no point (EDH-07).

    With a point of order three two of three guesses of the secret are right; six tries leave little to chance.
    """
    for _ in range(6 if case.data == _ORDER_3 else 1):
        bench.refuses(InvalidPoint(case.data, case.data % P_256.prime))
        if bench.judgement is None or bench.judgement.verdict is not Verdict.PASS:
            break


@for_each(fault("device", "g_y_is_valid", f"{length}-octets", "G_Y", length) for length in (0, 1, 31))
def test_g_y_length(case: Case, bench: Bench) -> None:
    """message_2 to be refused solely because it ends inside G_Y (EDH-07)."""
    bench.refuses(AlterOctets("message_2", lambda data: cbor.bstr(cbor.unbstr(data)[: case.data])))


SESSIONS = 10


@for_each(Case(role, ("EDH-14",), "drawn-anew", share) for role, share in (("device", "G_X"), ("service", "G_Y")))
def test_ephemeral_keys(case: Case, bench: Bench) -> None:
    """Ten sessions, ten shares: no ephemeral key comes back (EDH-14)."""
    message, term = ("message_1", G_X) if case.role == "device" else ("message_2", G_Y)
    shares = set()
    for _ in range(SESSIONS):
        conversation = bench.iut.converse(label="the same bytes every time")
        try:
            if conversation.until(lambda c=conversation: c.saw(message) is not None):  # type: ignore[misc]
                shares.add(conversation.peer.run.value(term))
        finally:
            conversation.close()
    bench.show("" if len(shares) == SESSIONS else f"{len(shares)} shares in {SESSIONS} sessions")


# --- signatures ------------------------------------------------------------------------------------------------------

N = P_256.order
_SCALARS = {"0": 0, "1": 1, "n-1": N - 1, "n": N, "n+1": N + 1}
_DEGENERATE = (
    ("0", "0"), ("0", "1"), ("1", "0"), ("1", "1"), ("n", "n"), ("n", "1"), ("1", "n"), ("0", "n"), ("n", "0"),
    ("n-1", "n-1"), ("n+1", "n+1"),
)  # fmt: skip
_OTHER_KEY = ES256.generate(lambda length: bytes(range(1, length + 1)))


def _signature(r: str, s: str) -> bytes:
    return _SCALARS[r].to_bytes(32, "big") + _SCALARS[s].to_bytes(32, "big")


def _signed() -> Iterator[tuple[str, str, str, str, Term, bool]]:
    """Role, check, message, field, term, and whether the trust anchor module signs."""
    yield "device", "signature_2_verifies", "message_2", "Signature_or_MAC_2", TERMS.signature_or_mac_2, False
    yield "service", "signature_3_verifies", "message_3", "Signature_or_MAC_3", TERMS.signature_or_mac_3, False
    for role, letter in TESTER_LETTER.items():
        evidence, label = EVIDENCE[letter].token.signature, LABEL[letter].signature
        yield role, "eat_signature_verifies", f"ATT_{letter}", "EAT-signature", evidence, True
        yield role, "label_signature_verifies", f"DATA_{letter}", "label-signature", label, False


@for_each(
    fault(role, check, f"r={r},s={s}", field, (message, term, tam, _signature(r, s)))
    for role, check, message, field, term, tam in _signed()
    for r, s in (_DEGENERATE if not message.startswith(("ATT", "DATA")) else _DEGENERATE[:5])
)
def test_degenerate_signature(case: Case, bench: Bench) -> None:
    """A signature to be refused whose r and s verify everywhere if their range is not checked (CVE-2022-21449)."""
    message, term, tam, signature = case.data
    bench.refuses(Lie(term, signature, message, tam=tam), stage_of(message))


def _by_another_key(_: object) -> Callable[[bytes], bytes]:
    return lambda message: ES256.sign(_OTHER_KEY, message)


_WRONG_SIGNATURES: dict[str, Change] = {
    "swapped-halves": lambda signature: signature[32:] + signature[:32],
    "negated-r": lambda signature: (N - int.from_bytes(signature[:32], "big")).to_bytes(32, "big") + signature[32:],
    "flipped": lambda signature: bytes([signature[0] ^ 0x80]) + signature[1:],
}


def _wrong_signatures() -> Iterator[Case]:
    for role, check, message, field, term, tam in _signed():
        if tam or message.startswith("DATA"):
            continue
        key = (RESPONDER if role == "device" else INITIATOR).key
        yield fault(role, check, "another-key", field, (key, cast(Change, _by_another_key), message))
        for name, change in _WRONG_SIGNATURES.items():
            yield fault(role, check, name, field, (term, change, message))


@for_each(_wrong_signatures())
def test_wrong_signature(case: Case, bench: Bench) -> None:
    """A handshake message to be refused solely because its signature is not the identity key's (EDH-08, EDH-10)."""
    bench.refuses(Lie(*case.data))


@for_each(
    fault(role, "edhoc_message_is_deterministic", f"{length}-octets", field, (message, term, length))
    for role, _, message, field, term, _ in _signed()
    if message.startswith("message")
    for length in (0, 32, 63, 65, 70)
)
def test_signature_length(case: Case, bench: Bench) -> None:
    """A handshake message to be refused solely because its signature has another length than 64 octets (EDH-13)."""
    message, term, length = case.data
    bench.refuses(Lie(term, lambda signature: (signature + signature)[:length], message))


# --- tags ------------------------------------------------------------------------------------------------------------

_TAGS: dict[str, Change] = {
    "last-octet": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "first-octet": lambda data: data[:-16] + bytes([data[-16] ^ 1]) + data[-15:],
    "zero": lambda data: data[:-16] + bytes(16),
}


@for_each(
    fault(role, f"{message}_tag_verifies", name, message, (message, change))
    for role, message in (("service", "message_3"), ("device", "message_4"))
    for name, change in _TAGS.items()
)
def test_tag(case: Case, bench: Bench) -> None:
    """message_3 or message_4 to be refused solely because of its authentication tag (EDH-09, EDH-11)."""
    bench.refuses(AlterOctets(*case.data))


@for_each(
    fault(role, f"{message}_tag_verifies", name, f"{message}-ciphertext", (message, change))
    for role, message in (("service", "message_3"), ("device", "message_4"))
    for name, change in (
        ("eight-octet-tag", lambda data: cbor.bstr(cbor.unbstr(data)[:-8])),
        ("no-octets", lambda data: cbor.bstr(b"")),
    )
)
def test_short_ciphertext(case: Case, bench: Bench) -> None:
    """message_3 or message_4 to be refused solely because its ciphertext has no whole tag (EDH-09, EDH-11)."""
    bench.refuses(AlterOctets(*case.data))


# --- EAD -------------------------------------------------------------------------------------------------------------

_RECEIVER = {1: "service", 2: "device", 3: "service", 4: "device"}
_CRITICAL = {
    "alone": cbor.encode(-160),
    "with-value": cbor.encode(-41_120) + cbor.bstr(b"value"),
    "second": cbor.encode(160) + cbor.encode(-1),
    "evidence": cbor.encode(-71_001) + cbor.bstr(b""),
    "largest": cbor.encode(-(2**64)),
}


@for_each(
    fault(role, f"ead_{number}_has_no_unknown_critical", name, f"EAD_{number}", (number, items))
    for number, role in _RECEIVER.items()
    for name, items in _CRITICAL.items()
)
def test_critical_ead(case: Case, bench: Bench) -> None:
    """A message to be refused solely because it holds a critical EAD item that nobody knows (EDH-12)."""
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
    Case(role, ("EDH-12",), name, f"EAD_{number}", data=(number, items))
    for number, role in _RECEIVER.items()
    for name, items in _IGNORED.items()
)
def test_ignored_ead(case: Case, bench: Bench) -> None:
    """Padding and EAD items that are not critical are ignored (EDH-12)."""
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
