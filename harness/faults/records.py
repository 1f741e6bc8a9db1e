"""Faults of units, records and frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ...model.protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from ...model.table import Message
from ..evaluator.errors import CheckFailed
from ..peer.edhoc_channel import EdhocChannel
from ..peer.protection import Protection
from ..transport.errors import RecordError
from ..transport.record import RecordOpener, RecordSealer
from ..transport.units import Kind
from .fault import GENERAL, Fault, fault
from .operators import policy

D = TypeVar("D", RecordSealer, RecordOpener)


def sealed_by(kind: type[RecordSealer]) -> type[EdhocChannel]:
    """A channel whose records are sealed otherwise."""
    return _protected(lambda protection: setattr(protection, "sealer", _again(kind, protection.sealer)))


def opened_by(kind: type[RecordOpener]) -> type[EdhocChannel]:
    """A channel whose records are opened otherwise."""
    return _protected(lambda protection: setattr(protection, "opener", _again(kind, protection.opener)))


def _protected(change: Callable[[Protection], None]) -> type[EdhocChannel]:
    class Channel(EdhocChannel):
        """With another protection from its first record on."""

        def protect(self) -> Protection:
            fresh = self.protection is None
            protection = super().protect()
            if fresh:
                change(protection)
            return protection

    return Channel


def _again(kind: type[D], honest: D) -> D:
    """One direction of the same keys and limits, of another kind."""
    iv = honest._iv.to_bytes(honest._aead.nonce_length, "big")
    return kind(honest._aead, honest._key, iv, honest._limit, honest._off)


class _SameNonce(RecordSealer):
    """Does not count."""

    def seal(self, plaintext: bytes) -> bytes:
        payload = super().seal(plaintext)
        self.sequence = 0
        return payload


class _FromOne(RecordSealer):
    """Counts from one."""

    def _nonce(self, sequence: int) -> bytes:
        return super()._nonce(sequence + 1)


class _LittleEndian(RecordSealer):
    """Counts in the other order of octets."""

    def _nonce(self, sequence: int) -> bytes:
        return super()._nonce(int.from_bytes(sequence.to_bytes(8, "little"), "big"))


class _Gaps(RecordOpener):
    """Takes a record that comes early."""

    def _refuse(self, check: str, detail: str) -> None:
        ahead = check == "record_is_in_sequence" and int(detail.split()[1]) > self.sequence
        if not ahead:
            super()._refuse(check, detail)


class _Replays(RecordOpener):
    """Takes a record that came before."""

    def _refuse(self, check: str, detail: str) -> None:
        behind = check == "record_is_in_sequence" and int(detail.split()[1]) < self.sequence
        if not behind:
            super()._refuse(check, detail)


class _GoesOn(RecordOpener):
    """Drops what does not open, and goes on."""

    def open(self, payload: bytes) -> bytes:
        try:
            return super().open(payload)
        except RecordError:
            self._error = None
            return b""


class _ShortTags(RecordOpener):
    """Verifies half a tag: the other half is cut off before."""

    def _open(self, payload: bytes) -> bytes:
        nonce, aad = self._nonce(self.sequence), b"\x03" + (1 + len(payload)).to_bytes(4, "big")
        plaintext = self._aead.open_unverified(self._key, nonce, aad, payload)
        if self._aead.seal(self._key, nonce, aad, plaintext)[-16:-8] != payload[-16:-8]:
            raise RecordError("record_tag_verifies", "half a tag")
        self.sequence += 1
        return plaintext


class _NoEmptyRecords(RecordOpener):
    """Has no use for an empty record."""

    def _open(self, payload: bytes) -> bytes:
        plaintext = super()._open(payload)
        if not plaintext:
            raise RecordError("record_tag_verifies", "nothing in it")
        return plaintext


def record_faults() -> Iterator[Fault]:
    """Records."""
    for name, requirement, operator, what, source, channel, sentence in (
        ("record_nonce_reused", "EDH-22", "counter stands", "own record number", "F1", sealed_by(_SameNonce),
         "Every record is sealed under number 0."),
        ("record_number_from_one", "EDH-22", "off by one", "own record number", "B33", sealed_by(_FromOne),
         "Records are numbered from one."),
        ("record_number_reversed", "EDH-22", "wrong order", "own record number", "F5", sealed_by(_LittleEndian),
         "Record numbers are written with the least octet first."),
        ("record_gap_passes", "EDH-22", "wrong direction", "record number", "A27", opened_by(_Gaps),
         "A record that comes early is opened."),
        ("record_replay_passes", "EDH-22", "state kept", "record number", "A31", opened_by(_Replays),
         "A record that came before is opened."),
        ("bad_record_dropped", "EDH-21", "error as success", "record tag", "D27", opened_by(_GoesOn),
         "A record that does not authenticate is dropped, and the session goes on."),
        ("record_tag_by_half", "EDH-21", "first of several", "record tag", "D5", opened_by(_ShortTags),
         "Half of a record's tag is verified."),
        ("empty_record_refused", "EDH-23", "false reject", "empty record", GENERAL, opened_by(_NoEmptyRecords),
         "A record without plaintext is refused."),
        ("stream_as_one_frame", "EDH-23", "false reject", "frames in records", GENERAL, _OneFrame,
         "A record is taken for exactly one frame."),
        ("record_before_completion", "EDH-25", "wrong phase", "record", "B27", _EarlyRecords,
         "A record that comes before the end of the handshake is ignored."),
        ("unit_kind_ignored", "EDH-15", "error as success", "unit kind", GENERAL, _Ignores,
         "A unit of unknown kind is passed over."),
        ("one_unit_a_segment", "SES-18", "false reject", "segments", "B33", _OneUnit,
         "Of several units in one segment the first is read."),
        ("handshake_in_two_units", "EDH-17", "twice", "own message", GENERAL, _InTwo,
         "A handshake message is sent in two units."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, source=source, channel=channel)
    for kind, requirement, limit, what in (
        ("message_1", "EDH-16", 16_384, "length of message_1"), ("message", "EDH-16", 65_536, "length of a unit"),
    ):  # fmt: skip
        roles = ("service",) if kind == "message_1" else ("device", "service")
        yield fault(
            f"{kind}_limit_below", f"A unit of exactly {limit} octets is refused.", requirement, "false reject", what,
            roles, channel=_limited(kind, -1),
        )  # fmt: skip
        yield fault(
            f"{kind}_limit_above", f"A unit of {limit + 1} octets is read.", requirement, "off by one", what, roles,
            channel=_limited(kind, 1),
        )  # fmt: skip
    for state, limit in (("before", 65_536), ("after", 1_048_576)):
        for change, operator in ((-1, "false reject"), (1, "off by one")):
            verb = "refused" if change < 0 else "read"
            yield fault(
                f"frame_limit_{state}_open_{verb}",
                f"{state.capitalize()} OPEN a frame of {limit + max(change, 0)} octets is {verb}.", "ERR-03", operator,
                f"length of a frame {state} OPEN", channel=_frames(state, change),
            )  # fmt: skip
    yield fault(
        "record_limit_above", "One record more than the limit is sent and taken.", "EDH-24", "off by one",
        "record_limit", source="A27", world=policy(record_limit=lambda n: n + 1),
    )  # fmt: skip
    yield fault(
        "record_limit_below", "One record less than the limit is sent and taken.", "EDH-24", "false reject",
        "record_limit", world=policy(record_limit=lambda n: n - 1),
    )  # fmt: skip
    for name, terms in (("record_key_of_peer", TRAFFIC_KEY), ("record_iv_of_peer", TRAFFIC_IV)):
        what = name.split("_")[1]
        yield fault(
            name, f"Both directions use one {what}.", "EDH-20", "wrong direction", f"record {what}",
            lies={terms["I"]: _of(terms["R"]), terms["R"]: _of(terms["R"])},
        )  # fmt: skip


def _of(term: Any) -> Callable[[Any, Any], Any]:
    from ..evaluator.registry import MAKERS

    return lambda run, honest: MAKERS[term.op](run, term)


class _OneFrame(EdhocChannel):
    """Does not join records."""

    def _record(self, payload: bytes) -> None:
        if self.protection is not None and self.protection.frames.pending:
            raise CheckFailed("frame_has_no_trailing_bytes", "a frame across records")
        super()._record(payload)


class _EarlyRecords(EdhocChannel):
    """Waits for the end of the handshake."""

    def _record(self, payload: bytes) -> None:
        if self.protection is not None:
            super()._record(payload)


class _Ignores(EdhocChannel):
    """Passes over what it does not know."""

    def __init__(self, endpoint: Any) -> None:
        super().__init__(endpoint)
        self._units._off = self._units._off | {"unit_kind_is_known"}

    def _record(self, payload: bytes) -> None:
        if self.protection is None:
            raise RecordError("record_is_in_sequence", "a record before the handshake is complete")
        super()._record(payload)


class _OneUnit(EdhocChannel):
    """Reads the first unit of a segment."""

    def receive(self, data: bytes) -> None:
        for unit in list(self._units.feed(data))[:1]:
            self._unit(unit)


class _InTwo(EdhocChannel):
    """Cuts messages."""

    def send_handshake(self, message: Message, data: bytes) -> None:
        self._endpoint.send_unit(Kind.EDHOC_MESSAGE, data[: len(data) // 2])
        self._endpoint.send_unit(Kind.EDHOC_MESSAGE, data[len(data) // 2 :])


def _limited(kind: str, change: int) -> type[EdhocChannel]:
    class Channel(EdhocChannel):
        """With another limit."""

        def _unit_limit(self, number: int) -> int:
            first = self._endpoint.state == "wait_message_1"
            return super()._unit_limit(number) + (
                change if number != Kind.RECORD and first == (kind == "message_1") else 0
            )

    return Channel


def _frames(state: str, change: int) -> type[EdhocChannel]:
    class Channel(EdhocChannel):
        """With another limit."""

        def protect(self) -> Protection:
            fresh = self.protection is None
            protection = super().protect()
            if fresh and state == "before":
                protection.frames.max_length += change
            return protection

        def session_opened(self) -> None:
            super().session_opened()
            if state == "after":
                self.protect().frames.max_length += change

    return Channel
