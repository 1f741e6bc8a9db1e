"""Faults about EDHOC, units, records, frames and their encoding (chapters 3 and 15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from faulty_peer import FaultyEndpoint, FaultyRun, channel, endpoint, instead, need

from trustconn.harness.codec import cbor
from trustconn.harness.evaluator.bare import judge_ead
from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.harness.peer import edhoc_errors
from trustconn.harness.peer.edhoc_channel import HANDSHAKE_LIMIT, EdhocChannel
from trustconn.harness.peer.parsing import frame_name
from trustconn.harness.peer.protection import Protection
from trustconn.harness.transport.frames import LIMIT_AFTER_OPEN
from trustconn.harness.transport.record import RecordOpener
from trustconn.harness.transport.units import Kind, Unit

Honest = Callable[[], None]
LENIENT = replace(cbor.STRICT, deterministic=False, duplicate_keys=False, trailing=False)


# --- EDHOC -----------------------------------------------------------------------------------------------------------


@instead("suite_is_most_preferred", "EDH-04", "reads the selected suite alone", ("service",))
def earlier_suites_unread(run: FaultyRun, honest: Honest, suites_i: bytes) -> None:
    need(run.selected_suite() in run.own.suites, "not supported")


@instead(" ".join(f"ead_{n}_has_no_unknown_critical" for n in (1, 2, 3, 4)), "EDH-12", "looks at the first EAD item")
def first_ead_item_alone(run: FaultyRun, honest: Honest, ead: bytes) -> None:
    judge_ead("ead_1_has_no_unknown_critical", b"".join(cbor.split_sequence(ead)[:1]))


@instead("g_x_is_valid g_y_is_valid", "EDH-07/EDH-06", "checks the length of a share and not that it is a point")
def share_by_length(run: FaultyRun, honest: Honest, share: bytes) -> None:
    need(len(share) == run.length("share"), "length")


@channel("retry_with_their_preference", "EDH-05", "retries with the first usable suite of SUITES_R", ("device",))
class _TheirPreference(EdhocChannel):
    def _error(self, payload: bytes) -> None:
        super()._error(payload)
        if self._endpoint.retry:
            theirs = edhoc_errors.parse(payload).info
            assert isinstance(theirs, tuple)
            chosen = next(suite for suite in theirs if suite in self._endpoint.provider.suites)
            self._endpoint.retry = tuple(
                self._endpoint.provider.suites[: self._endpoint.provider.suites.index(chosen) + 1]
            )


@channel("retry_without_preferred", "EDH-05", "retries with the selected suite alone", ("device",))
class _SelectedAlone(EdhocChannel):
    def _error(self, payload: bytes) -> None:
        super()._error(payload)
        self._endpoint.retry = self._endpoint.retry and self._endpoint.retry[-1:]


@channel("retry_for_any_error", "EDH-19", "tries its next suite after any error message", ("device",))
class _RetriesAlways(EdhocChannel):
    def _error(self, payload: bytes) -> None:
        waiting = self._endpoint.state == "wait_message_2"
        super()._error(payload)
        if waiting and self._endpoint.retry is None:
            self._endpoint.retry = tuple(self._endpoint.provider.suites[:2])


@channel("answers_error_zero", "EDH-27", "answers an error message of code 0 by one of its own")
class _AnswersZero(EdhocChannel):
    def _error(self, payload: bytes) -> None:
        if payload[:1] == b"\x00":
            self._endpoint.send_unit(Kind.EDHOC_ERROR, edhoc_errors.unspecified("refused"))
        super()._error(payload)


# --- units and records -----------------------------------------------------------------------------------------------


@channel("message_1_as_long_as_others", "EDH-16", "allows 65,536 octets for message_1", ("service",))
class _LongMessage1(EdhocChannel):
    def _unit_limit(self, kind: int) -> int:
        return super()._unit_limit(kind) if kind == Kind.RECORD else HANDSHAKE_LIMIT


@channel("unit_one_octet_more", "EDH-16", "bounds the payload of a unit, so that one octet more passes")
class _OneOctetMore(EdhocChannel):
    def _unit_limit(self, kind: int) -> int:
        return super()._unit_limit(kind) + 1


@channel("error_after_completion", "EDH-18", "closes for an EDHOC error message after its handshake")
class _ErrorAfterCompletion(EdhocChannel):
    def _unit(self, unit: Unit) -> None:
        super()._unit(unit)
        if self.stands and unit.kind == Kind.EDHOC_ERROR:
            self._endpoint.end("edhoc_error", code=None)


class _Gaps(RecordOpener):
    def _open_elsewhere(self, payload: bytes) -> bytes | None:
        for sequence in range(self.sequence + 1, self.sequence + 16):
            plaintext = self._try(payload, sequence)
            if plaintext is not None:
                self.sequence = sequence
                return plaintext
        return super()._open_elsewhere(payload)


class _Again(RecordOpener):
    def _open_elsewhere(self, payload: bytes) -> bytes | None:
        plaintext = self._try(payload, self.sequence - 1) if self.sequence else None
        if plaintext is not None:
            self.sequence -= 1
            return plaintext
        return super()._open_elsewhere(payload)


class _OneMore(RecordOpener):
    def _check_bounds(self, plaintext_length: int) -> None:
        super()._check_bounds(plaintext_length - 1)


class _Uncounted(RecordOpener):
    def _check_bounds(self, plaintext_length: int) -> None:
        self._limit = self.sequence + 1
        super()._check_bounds(plaintext_length)


class _OneRecordMore(RecordOpener):
    def _check_bounds(self, plaintext_length: int) -> None:
        self._limit += self.sequence == self._limit
        super()._check_bounds(plaintext_length)


def _opener(name: str, requirement: str, says: str, kind: type[RecordOpener]) -> None:
    class Opening(EdhocChannel):
        def protect(self) -> Protection:
            protection = super().protect()
            protection.opener.__class__ = kind
            return protection

    channel(name, requirement, says)(Opening)


_opener("gap_in_records", "EDH-22", "accepts a record after a lost one", _Gaps)
_opener("last_record_again", "EDH-22", "accepts the last record once more", _Again)
_opener("record_one_octet_more", "EDH-23", "allows 16,385 octets of plaintext", _OneMore)
_opener("records_counted_when_sent", "EDH-24", "counts the records that it sends and not those it accepts", _Uncounted)
_opener("one_record_more", "EDH-24", "accepts one record more than its limit", _OneRecordMore)


# --- frames ----------------------------------------------------------------------------------------------------------


@channel("frame_limit_of_open", "ERR-03", "allows 1,048,576 octets from the beginning")
class _LongFrames(EdhocChannel):
    def protect(self) -> Protection:
        protection = super().protect()
        protection.frames.max_length = LIMIT_AFTER_OPEN
        return protection


@channel("frame_one_octet_more", "ERR-03", "allows one octet more than the limit")
class _LongerFrames(EdhocChannel):
    def protect(self) -> Protection:
        protection = super().protect()
        protection.frames.max_length |= 1
        return protection


@endpoint("depth_one_more", "ERR-04", "allows 17 levels")
class _Deeper(FaultyEndpoint):
    def distort(self) -> None:
        self.run.rules = replace(cbor.STRICT, depth=17)


@endpoint("embedded_is_lenient", "ERR-05", "is strict about a frame and lenient about what is embedded in it")
class _EmbeddedLenient(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        frame_name(frame, self.peer, cbor.STRICT, self.off)
        self.run.rules = LENIENT
        super().receive_frame(frame)
        self.run.rules = cbor.STRICT


@endpoint("duplicate_key_in_label", "ERR-06", "lets the last of two equal keys count in what is embedded in a frame")
class _EmbeddedDuplicates(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        frame_name(frame, self.peer, cbor.STRICT, self.off)
        self.run.rules = replace(cbor.STRICT, duplicate_keys=False)
        super().receive_frame(frame)
        self.run.rules = cbor.STRICT


@endpoint("trailing_in_embedded", "ERR-07", "ignores octets behind an item that is embedded in a frame")
class _EmbeddedTrailing(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        frame_name(frame, self.peer, cbor.STRICT, self.off)
        self.run.rules = replace(cbor.STRICT, trailing=False)
        super().receive_frame(frame)
        self.run.rules = cbor.STRICT


def _frame_type(name: str, says: str, distort: Callable[[int], bool]) -> None:
    class Typing(FaultyEndpoint):
        def receive_frame(self, frame: bytes) -> None:
            parts = cbor.split_array(frame, rules=LENIENT) if frame[:1] == b"\x82" else []
            kind = cbor.decode(parts[0]) if len(parts) == 2 else None
            if not (type(kind) is int and distort(kind)):
                super().receive_frame(frame)

    endpoint(name, "ERR-09", says)(Typing)


def _refuse_128(kind: int) -> bool:
    if kind == 128:
        raise CheckFailed("frame_type_is_known", "type 128")
    return False


_frame_type("type_127_ignored", "ignores type 127 too", lambda kind: kind == 127)
_frame_type("type_128_refused", "refuses type 128", _refuse_128)
