"""How a refusal is said: one ALERT with its code and nothing else in it, then the end; no EDHOC error after EDHOC."""

from collections.abc import Callable
from functools import cache

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterInside, Stop
from ..harness.tester.frames import frame_of
from ..harness.tester.peer import LENIENT, TesterEndpoint
from ..harness.verdict.allowed import allowed_refusals
from ..model.checks import CHECKS
from ..model.distort import at, changed, staying
from ..model.protocol.frames import FrameType
from ..model.protocol.tables import profile
from ..model.table import Table
from .bench import Bench
from .case import Case, for_each
from .talk import AWAITED, PEER, Talk, Wrong, reach, tell

ROLES = ("device", "service")
HEARS_ERRORS = LENIENT | {"edhoc_after_completion_is_discarded"}
"""A tester that minds an EDHOC error after the handshake."""


@cache
def listening(binding: str) -> Table:
    """A tester that takes ALERT and goes on listening."""
    return changed(at("ALERT"), staying)(profile(binding))


REFUSED: dict[str, tuple[str, Callable[[TesterEndpoint], bytes]]] = {
    "HELLO": ("frame_is_expected", lambda peer: frame_of(peer, "HELLO")),
    "unasked-PONG": ("pong_echoes_my_ping", lambda peer: cbor.encode([int(FrameType.PONG), {1: bytes(8)}])),
    "unknown-type": ("frame_type_is_known", lambda peer: cbor.encode([127, {}])),
    "unknown-key": ("frame_matches_its_grammar", lambda peer: cbor.encode([int(FrameType.PING), {1: bytes(8), 2: 0}])),
    "trailing-octet": ("frame_has_no_trailing_bytes", lambda peer: frame_of(peer, "PING") + b"\x00"),
}
"""Frames that no open session takes, and the check that each fails."""


@for_each(Case(role, ("ERR-02", "ERR-11"), "refuses", what) for role in ROLES for what in REFUSED)
def test_one_alert(case: Case, bench: Bench) -> None:
    """A refusal in the record phase is one ALERT that holds its code alone, and the end: ERR-02, ERR-11."""
    check, frame = REFUSED[case.field]
    allowed = allowed_refusals(CHECKS[check], handshake=False)

    def script(talk: Talk) -> None:
        talk.open()
        talk.put(frame(talk.peer))
        alert = talk.expect("ALERT")
        if alert.action not in allowed.specified | allowed.tolerated:
            raise Wrong(f"{alert.action} where {', '.join(sorted(allowed.specified))} is specified")
        if cbor.decode(alert.data) != [int(FrameType.ALERT), {1: alert.code}]:
            raise Wrong("ALERT with more than its code")
        talk.expect_end()

    tell(bench, script, table=listening(bench.iut.binding))


@for_each(Case(role, ("EDH-27",), "refuses", "HELLO-in-OPEN") for role in ROLES)
def test_no_error_after_completion(case: Case, bench: Bench) -> None:
    """After the handshake no EDHOC error message comes, whatever is refused: EDH-27."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.put("HELLO")
        talk.conversation.until(lambda: False)
        if any(event.name == "edhoc_error" for event in talk.peer.events):
            raise Wrong("an EDHOC error after the handshake")

    tell(bench, script, off=HEARS_ERRORS)


@for_each([Case("service", ("EDH-27",), "refuses", "method-3")])
def test_no_error_code_zero(case: Case, bench: Bench) -> None:
    """A refusal in the handshake does not say success: error code 0 is never sent: EDH-27."""

    def play(conversation: Conversation) -> str:
        conversation.until(lambda: False)
        error = conversation.saw("edhoc_error")
        return "error code 0" if error is not None and error.data[:1] == b"\x00" else ""

    bench.works(play, deviation=AlterInside("message_1", (0,), lambda _: cbor.encode(3)))


# --- nothing stays behind --------------------------------------------------------------------------------------------


@for_each(
    Case(role, ("SES-03", "SES-08"), "opens-not-before", message, data=message)
    for role, states in AWAITED.items()
    for state, message in states.items()
    if not state.startswith("wait_HELLO")
)
def test_no_data_before_open(case: Case, bench: Bench) -> None:
    """DATA before the verdicts of both directions is answered by ALERT, whatever its label: SES-03, SES-08."""
    stop = Stop(case.data, lambda peer: None)

    def script(talk: Talk) -> None:
        reach(talk)
        talk.ping()
        talk.put("DATA")
        if talk.expect("ALERT").code != 10:
            raise Wrong("another refusal than unexpected_frame")

    tell(bench, script, deviation=stop)


@for_each(Case(role, ("SES-03",), "refuses", "CLOSE-before-HELLO") for role in ROLES)
def test_close_before_hello(case: Case, bench: Bench) -> None:
    """CLOSE has a place only after both HELLOs; before, it is answered by ALERT: SES-03, SES-26."""
    stop = Stop(f"HELLO_{PEER[case.role]}", lambda peer: None)

    def script(talk: Talk) -> None:
        reach(talk)
        talk.put("CLOSE")
        if talk.expect("ALERT").code != 10:
            raise Wrong("another refusal than unexpected_frame")

    tell(bench, script, deviation=stop)
