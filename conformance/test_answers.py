"""That a refusal comes, that it comes in time, and that it says what is wrong."""

from collections.abc import Callable, Iterator
from typing import Any

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterOctets, Deviation, Instead
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..harness.tester.wire import put_error
from ..harness.transport.units import Kind
from ..model.refusals import Code
from .bench import Bench, opened
from .case import Case, citing, for_each
from .claiming import CLAIMS
from .forging import with_cmw
from .parties import PARTIES
from .places import HANDSHAKE_MESSAGES
from .talk import AWAITED, PEER
from .test_credentials import REFERENCES, knowing_itself, referring
from .test_evidence import att, evidence, unsigned_claims

ROLES = ("device", "service")
IN_TIME = 10
"""Seconds within which every refusal comes."""


# --- in time ---------------------------------------------------------------------------------------------------------


def _in_handshake(message: str) -> Deviation:
    return Instead(message, lambda peer: peer.put_unit(Kind.EDHOC_MESSAGE, bytes(range(7, 77))))


def _malformed(message: str) -> Deviation:
    return Instead(message, lambda peer: peer.send_frame(bytes.fromhex("8201a0")))


def _unanswered() -> Iterator[Case]:
    for role in ROLES:
        for message in HANDSHAKE_MESSAGES["edhoc"][role]:
            yield Case(role, ("ERR-25",), "answers", message, data=_in_handshake, only="edhoc")
        for message in AWAITED[role].values():
            yield Case(role, ("ERR-25",), "answers", message, data=_malformed)


@for_each(_unanswered())
def test_answer_in_time(case: Case, bench: Bench) -> None:
    """What no requirement lets pass in silence is answered, or ends the connection, within 10 seconds: ERR-25."""

    def play(conversation: Conversation) -> str:
        if not conversation.until(lambda: conversation.peer.deviation.reached):
            return "the conversation did not come that far"
        peer = conversation.peer
        answered = conversation.until(lambda: bool(conversation.ended or peer.reaction), IN_TIME)
        return "" if answered else f"nothing within {IN_TIME} seconds"

    bench.works(play, deviation=case.data(case.field))


# --- with the right word ---------------------------------------------------------------------------------------------


def _epoch(kind: str, key: int) -> Callable[[Iut], Deviation]:
    def change(data: bytes) -> bytes:
        frame_type, body = cbor.decode(data)
        return cbor.encode([frame_type, {**body, key: body[key] + 1}])

    return lambda iut: AlterOctets(f"{kind}_{PEER[iut.role]}", change)


def _wrapped(change: Callable[[list[Any]], Any]) -> Callable[[Iut], Deviation]:
    return lambda iut: AlterOctets(att(iut), lambda data: with_cmw(data, change))


def _claimed(field: str) -> Callable[[Iut], Deviation]:
    return lambda iut: Telling(att(iut), tam=CLAIMS[field].tale(evidence(iut)))


VALUES: dict[str, Callable[[Iut], Deviation]] = {
    "HELLO.version": _epoch("HELLO", 1),
    "VERDICT.epoch": _epoch("VERDICT", 3),
    "ATT.epoch": _epoch("ATT", 1),
    "ATT.type": _wrapped(lambda cmw: [42, *cmw[1:]]),
    "ATT.type-of-unsigned-claims": _wrapped(lambda cmw: [267, unsigned_claims(cmw[1]), *cmw[2:]]),
    "ATT.indicator": _wrapped(lambda cmw: [*cmw[:2], 8]),
    **{
        f"EAT.{field}": _claimed(field)
        for field in (
            "eat_profile-of-next-version",
            "cnf-of-another-key",
            "ueid-of-another-platform",
            "iat-too-old",
            "dbgstat-enabled",
            "measurements-one-other",
            "key-attribute-1-negated",
        )
    },
}
"""Fields with a value of the right type that a requirement names a refusal for."""


def _values() -> Iterator[Case]:
    for role in ROLES:
        for field in VALUES:
            case = Case(role, ("ERR-27",), "names-the-refusal-of", field)
            yield citing(case, "ATT-33") if field == "ATT.type-of-unsigned-claims" else case


@for_each(_values())
def test_no_decode_error_for_a_value(case: Case, bench: Bench) -> None:
    """A value that can be read is refused for what it is, not as if it could not be read: ERR-27."""

    def play(conversation: Conversation) -> str:
        alert = f"ALERT_{conversation.peer.peer}"
        conversation.until_seen(alert)
        seen = conversation.saw(alert)
        if seen is None:
            return "no ALERT"
        return "decode_error for a value of the right type" if seen.code == Code.DECODE_ERROR else ""

    bench.works(play, deviation=VALUES[case.field](bench.iut))


# --- error code 3 ----------------------------------------------------------------------------------------------------

BY_VALUE = ("x5chain-of-nothing", "x5chain-of-text", "x5chain-backwards", "kid", "nothing")


@for_each((Case(role, ("EDH-26",), "error-3-not-for", form) for role in ROLES for form in BY_VALUE), only="edhoc")
def test_no_error_3_for_a_value(case: Case, bench: Bench) -> None:
    """Error code 3 asks for a certificate by value: where x5t names none, the answer is another one: EDH-26."""

    def play(conversation: Conversation) -> str:
        conversation.until(lambda: False)
        error = conversation.saw("edhoc_error")
        return "error code 3" if error is not None and error.code == 3 else ""

    world = knowing_itself(bench.iut)
    bench.works(play, deviation=referring(world, REFERENCES[case.field]), world=world)


@for_each([Case("device", ("EDH-26",), "retries", "after-error-3")], only="edhoc")
def test_retry_with_the_certificate(case: Case, bench: Bench) -> None:
    """After error code 3 the device dials once more at most, and then brings its certificate by value: EDH-26."""
    iut = bench.iut

    def unknown(peer: TesterEndpoint) -> None:
        put_error(peer, 3, True)

    first = iut.converse(Instead("message_4", unknown))
    bench.main = first.transcript
    first.until(lambda: False)
    first.close()
    connection = iut.retried(expected=False)
    if connection is None:
        return bench.show("", first)  # Giving up is allowed, and all that is left to who brought it at once.
    before = cbor.decode(first.peer.run.value(PARTIES["device"].id_cred))
    second = iut.converse(connection=connection)
    wrong = opened(second)
    after = cbor.decode(second.peer.run.value(PARTIES["device"].id_cred))
    second.close()
    if 34 not in before:
        wrong = "another attempt, though the certificate itself was there"
    return bench.show(wrong or ("" if 33 in after else "the certificate is not brought by value"), second)
