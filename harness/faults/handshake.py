"""Faults of the EDHOC handshake: negotiation, ephemeral keys, signatures, external authorisation data, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...model.protocol.edhoc import INITIATOR, RESPONDER, X, Y
from ...model.refusals import Refusal
from ...model.table import Form, Verifies
from ...spec import identifiers
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..evaluator.errors import CheckFailed
from ..evaluator.run import Run
from ..identity.world import World
from ..peer import edhoc_errors
from ..peer.edhoc_channel import EdhocChannel
from ..transport.units import Kind
from .attestation_keys import degenerate
from .fault import DEVICE, SERVICE, Fault, fault
from .operators import accepts, decoded, forgives, refuses, sees
from .peer import FaultyEndpoint
from .run import FaultyRun, Judge, Lie

SUITE = "suite_is_most_preferred"
SIDES_OF_SIGNATURES = (
    ("signature_2", "signature_2_verifies", "EDH-08", DEVICE),
    ("signature_3", "signature_3_verifies", "EDH-10", SERVICE),
)


def negotiation_faults() -> Iterator[Fault]:
    """Method and cipher suite."""
    for name, operator, source, condition in (
        ("method_four", "off by one", "A5", lambda w, method, _: decoded(method) == 4),
        ("static_method", "any of several", "C35", lambda w, method, _: 0 < decoded(method) < 4),
        ("large_method", "limit ignored", "A5", lambda w, method, _: decoded(method) > 4),
        ("negative_method", "wrong direction", "A5", lambda w, method, _: decoded(method) < 0),
    ):
        yield fault(
            name, f"{name.replace('_', ' ').capitalize()} is taken for method 0.", "EDH-02", operator, "METHOD",
            SERVICE, source, judges={"method_is_profile": accepts(condition)},
        )  # fmt: skip
    yield fault(
        "skipped_suite_passes", "That an earlier suite of SUITES_I is supported does not matter.", "EDH-04", "missing",
        "preferred suites", SERVICE, "B11", judges={SUITE: forgives("prefers")},
    )  # fmt: skip
    yield fault(
        "first_skipped_suite_only", "Only the first of the preferred suites is looked at.", "EDH-04",
        "first of several", "preferred suites", SERVICE, "B11",
        judges={SUITE: sees(lambda w, suites: (_ends(suites),))},
    )  # fmt: skip
    yield fault(
        "suite_list_refused", "A message_1 with more than one suite is refused.", "EDH-03", "false reject", "SUITES_I",
        SERVICE, judges={SUITE: refuses(lambda w, suites: isinstance(decoded(suites), list))},
    )  # fmt: skip
    yield fault(
        "suites_r_selected_only", "After a refused suite SUITES_R lists one suite only.", "EDH-04", "first of several",
        "SUITES_R", SERVICE, channel=_ShortSuites,
    )  # fmt: skip
    yield fault(
        "wrong_suite_as_unspecified", "A refused suite is answered by the unspecified error.", "EDH-04", "wrong code",
        "error code", SERVICE, channel=_Unspecified,
    )  # fmt: skip
    yield fault(
        "retry_without_preferred", "The retry lists the selected suite alone.", "EDH-05", "missing",
        "SUITES_I of the retry", DEVICE, channel=_RetriesAlone,
    )  # fmt: skip
    yield fault(
        "retry_after_any_error", "The device tries again after every error.", "EDH-19", "extra message", "error code",
        DEVICE, channel=_RetriesAlways,
    )  # fmt: skip


def _ends(suites: bytes) -> bytes:
    offered = decoded(suites)
    return cbor.encode([offered[0], offered[-1]] if isinstance(offered, list) else offered)


class _ShortSuites(EdhocChannel):
    """Says less than it can."""

    def refuse(self, refusal: Refusal) -> None:
        if refusal.code == edhoc_errors.WRONG_SUITE:
            self._endpoint.send_unit(Kind.EDHOC_ERROR, edhoc_errors.wrong_suite(self._endpoint.provider.suites[:1]))
        else:
            super().refuse(refusal)


class _Unspecified(EdhocChannel):
    """Knows one error."""

    def refuse(self, refusal: Refusal) -> None:
        super().refuse(Refusal(refusal.channel, edhoc_errors.UNSPECIFIED))


class _RetriesAlone(EdhocChannel):
    """Forgets what it prefers."""

    def _error(self, payload: bytes) -> None:
        super()._error(payload)
        self._endpoint.retry = self._endpoint.retry and self._endpoint.retry[-1:]


class _RetriesAlways(EdhocChannel):
    """Does not give up."""

    def _error(self, payload: bytes) -> None:
        super()._error(payload)
        self._endpoint.retry = self._endpoint.retry or self._endpoint.provider.suites[:2]


def _same(secret: bytes) -> Lie:
    return lambda run, honest: run.suite.curve.ephemeral(SeededRandom(secret))


def key_exchange_faults() -> Iterator[Fault]:
    """Ephemeral keys and signatures."""
    yield fault(
        "same_g_x", "The device uses one ephemeral key for all sessions.", "EDH-14", "reused", "G_X", DEVICE, "C1",
        lies={X: _same(b"x")},
    )  # fmt: skip
    yield fault(
        "same_g_y", "The service uses one ephemeral key for all sessions.", "EDH-14", "reused", "G_Y", SERVICE, "C1",
        lies={Y: _same(b"y")},
    )  # fmt: skip
    for share, requirement, roles in (("g_x", "EDH-06", SERVICE), ("g_y", "EDH-07", DEVICE)):
        yield fault(
            f"{share}_off_curve", "A share that is no point of the curve passes.", requirement, "missing", "curve",
            roles, "D13", judges={f"{share}_is_valid": accepts(lambda w, octets: any(octets))},
        )  # fmt: skip
        yield fault(
            f"{share}_beyond_prime", "A coordinate that is not below the prime passes.", requirement, "off by one",
            "prime", roles, "D13", judges={f"{share}_is_valid": accepts(lambda w, octets: octets[:4] == b"\xff" * 4)},
        )  # fmt: skip
    for name, check, requirement, roles in SIDES_OF_SIGNATURES:
        yield fault(
            f"{name}_degenerate", "A signature with a number out of range counts as good.", requirement,
            "exception as success", "signature", roles, "B25", judges={check: accepts(degenerate)},
        )  # fmt: skip
        yield fault(
            f"{name}_zero", "A signature of zeros counts as good.", requirement, "empty", "signature", roles, "B25",
            judges={check: accepts(lambda w, key, signature, message: not any(signature))},
        )  # fmt: skip
        yield fault(
            f"{name}_by_an_issuer", "The key of any certificate of the chain may have signed.", requirement,
            "any of several", "key", roles, "D25", judges={check: _any_key},
        )  # fmt: skip


def _any_key(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
    """Any certificate of the chain may have signed."""
    try:
        honest()
    except CheckFailed:
        assert isinstance(form, Verifies)
        party = RESPONDER if run.role == "device" else INITIATOR
        chain = run.world.credential(run.value(party.id_cred)).chain
        if not any(_verifies(run, form, item.public_key) for item in chain):
            raise


def _verifies(run: Run, form: Verifies, key: object) -> bool:
    try:
        run.algorithm(form.algorithm).verify(key, run.value(form.slot), run.value(form.message))
    except ValueError:
        return False
    return True


_EVIDENCE = frozenset(identifiers()["edhoc"]["ead"]["remote_attestation"])


def ead_faults() -> Iterator[Fault]:
    """External authorisation data."""
    for number, roles in ((1, SERVICE), (2, DEVICE), (3, SERVICE), (4, DEVICE)):
        check = f"ead_{number}_has_no_unknown_critical"
        yield fault(
            f"ead_{number}_first_only", "Only the first EAD item is judged.", "EDH-12", "first of several",
            f"EAD_{number}", roles, judges={check: _one_item(0)},
        )  # fmt: skip
        yield fault(
            f"ead_{number}_last_only", "Only the last EAD item is judged.", "EDH-12", "last of several",
            f"EAD_{number}", roles, judges={check: _one_item(-1)},
        )  # fmt: skip
        yield fault(
            f"ead_{number}_refused", "An unknown EAD item is refused though it is not critical.", "EDH-12",
            "false reject", f"EAD_{number}", roles,
            judges={check: refuses(lambda w, ead: _labels(ead) - {0} != set())},
        )  # fmt: skip
        yield fault(
            f"ead_{number}_evidence_known", "Evidence in a critical EAD item is passed over.", "EDH-33", "unknown name",
            f"EAD_{number}", roles,
            judges={check: accepts(lambda w, ead: bool(_labels(ead) & {-label for label in _EVIDENCE}))},
        )  # fmt: skip
        yield fault(
            f"ead_{number}_evidence_refused", "Evidence in an EAD item is refused though it is not critical.", "EDH-33",
            "false reject", f"EAD_{number}", roles,
            judges={check: refuses(lambda w, ead: bool(_labels(ead) & _EVIDENCE))},
        )  # fmt: skip
        yield fault(
            f"padding_{number}_refused", "Padding is refused.", "EDH-12", "false reject", f"padding in EAD_{number}",
            roles, judges={check: refuses(lambda w, ead: 0 in _labels(ead))},
        )  # fmt: skip


def _labels(ead: bytes) -> set[int]:
    return {value for value in map(decoded, cbor.split_sequence(ead)) if isinstance(value, int)}


def _one_item(index: int) -> Judge:
    """Judge one item alone: a label is an integer, a byte string behind it its value."""

    def one(world: World, ead: bytes) -> tuple[bytes]:
        labels = [item for item in cbor.split_sequence(ead) if isinstance(decoded(item), int)]
        return (labels[index] if labels else b"",)

    return sees(one)


def error_faults() -> Iterator[Fault]:
    """EDHOC error messages, and what is said after the handshake."""
    yield fault(
        "error_code_zero", "A refusal in the handshake is said with error code 0.", "EDH-27", "wrong code",
        "error code", SERVICE, "C37", channel=_CodeZero,
    )  # fmt: skip
    yield fault(
        "error_answered", "An EDHOC error is answered by an EDHOC error.", "EDH-27", "extra message", "EDHOC error",
        channel=_AnswersErrors,
    )  # fmt: skip
    yield fault(
        "error_after_completion", "After the handshake a refusal is said by an EDHOC error.", "EDH-27", "wrong phase",
        "EDHOC error", endpoint=_ErrsLate,
    )  # fmt: skip
    yield fault(
        "late_message_ends_session", "A handshake message after the end of the handshake ends the session.", "EDH-18",
        "false reject", "unit of kind 1", source="A31", channel=_MindsMessages,
    )  # fmt: skip
    yield fault(
        "late_error_ends_session", "An EDHOC error after the end of the handshake ends the session.", "EDH-18",
        "false reject", "unit of kind 2", source="A31", channel=_MindsErrors,
    )  # fmt: skip
    yield fault(
        "error_ignored", "An EDHOC error changes nothing: the handshake waits on.", "EDH-19", "error as success",
        "EDHOC error", source="A3", channel=_IgnoresErrors,
    )  # fmt: skip
    yield fault(
        "message_twice", "A handshake message that comes twice is computed anew.", "EDH-28", "state kept", "message_1",
        SERVICE, "A1", channel=_AnswersTwice,
    )  # fmt: skip


class _CodeZero(EdhocChannel):
    """Refuses successfully."""

    def refuse(self, refusal: Refusal) -> None:
        self._endpoint.send_unit(Kind.EDHOC_ERROR, cbor.encode(0) + cbor.encode("refused"))


class _AnswersErrors(EdhocChannel):
    """Has the last word."""

    def _error(self, payload: bytes) -> None:
        self._endpoint.send_unit(Kind.EDHOC_ERROR, edhoc_errors.unspecified("refused"))
        super()._error(payload)


class _ErrsLate(FaultyEndpoint):
    """Knows no ALERT."""

    def _alert(self, code: int) -> None:
        self.send_unit(Kind.EDHOC_ERROR, edhoc_errors.unspecified("refused"))


class _MindsMessages(EdhocChannel):
    """Expects nothing more."""

    def _unit(self, unit: Any) -> None:
        if self.stands and unit.kind == Kind.EDHOC_MESSAGE:
            self._endpoint.end("closed", clean=False, truncated=False, unconfirmed=0)
        else:
            super()._unit(unit)


class _MindsErrors(EdhocChannel):
    """Believes every error."""

    def _unit(self, unit: Any) -> None:
        if self.stands and unit.kind == Kind.EDHOC_ERROR:
            self._endpoint.end("edhoc_error", code=None)
        else:
            super()._unit(unit)


class _IgnoresErrors(EdhocChannel):
    """Waits on."""

    def _error(self, payload: bytes) -> None:
        self._endpoint.observe("edhoc_error", payload)


class _AnswersTwice(EdhocChannel):
    """Begins anew when message_1 comes again."""

    def _message(self, payload: bytes) -> None:
        try:
            super()._message(payload)
        except CheckFailed:
            if self._endpoint.state != "wait_message_3":
                raise
            self._endpoint.machine.state = "wait_message_1"
            super()._message(payload)


def handshake_faults() -> Iterator[Fault]:
    """All faults of the handshake."""
    for faults in (negotiation_faults, key_exchange_faults, ead_faults, error_faults):
        yield from faults()
