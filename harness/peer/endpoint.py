"""The reference peer, sans-IO: bytes in, bytes out, time injected.

What it decides is in the table; this file only connects the table's machine to units, records, frames, timers and the
TAM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ...model.checks import Channel
from ...model.protocol import local
from ...model.protocol.attestation import SID, TAM_NAME
from ...model.protocol.frames import ALERT, ALERT_CODE, VERDICT, FrameType
from ...model.protocol.labels import CONTENT, CONTENT_TYPE
from ...model.protocol.tables import profile
from ...model.table import APP, LOCAL, RECORD, Message, Table
from ..codec import cbor
from ..crypto.random import Random, system_random
from ..evaluator.errors import CheckFailed, GrammarError
from ..evaluator.machine import Effects, Machine
from ..evaluator.run import Run
from ..identity.errors import CredentialUnavailable
from ..identity.world import World
from ..transport.errors import TransportError
from ..transport.units import Kind, Unit, UnitReader, write_unit
from . import edhoc_errors
from .events import CLAIM_EVENTS, Event, describe, readable
from .parsing import frame_name, rules_without
from .protection import Protection
from .provider import PROFILE_SUITES, WorldProvider
from .retry import retry_after
from .timers import Timers

LETTER = {"device": "I", "service": "R"}
MESSAGE_1_LIMIT, HANDSHAKE_LIMIT, RECORD_UNIT_LIMIT = 16_384, 65_536, 16_384 + 64
SEND_MARGIN = 5
"""Seconds before the end of a verdict's validity in which a sender no longer starts."""


class NotOpen(RuntimeError):
    """The application asked for something that the state does not allow."""


class Endpoint:
    """One connection of one peer. Feed it whole units, single bytes or several messages at once: it behaves the same.

    `off` names checks that this peer does not make. `events` grows; nothing is ever taken from it.
    """

    def __init__(
        self,
        role: Literal["device", "service"],
        world: World,
        *,
        off: frozenset[str] = frozenset(),
        rng: Random = system_random,
        suites: tuple[int, ...] = PROFILE_SUITES,
        suites_i: tuple[int, ...] = (),
        table: Table | None = None,
    ) -> None:
        self.role, self.world, self.off = role, world, off
        self.letter = LETTER[role]
        self.peer = "R" if role == "device" else "I"
        self.table = table or profile()
        rules = rules_without(off)
        self.provider = WorldProvider(world, rng, suites=suites, suites_i=suites_i)
        self.run = Run(role, self.provider, rng, off=off, rules=rules)
        self.provider.selected = self.run.selected_suite
        self.machine = Machine(self.table, role, self.run)
        tam = TAM_NAME[self.letter]
        self.tam = Machine(self.table, tam, Run(tam, self.provider, rng, off=off, rules=rules))
        self.events: list[Event] = []
        self.closed = False
        self.retry: tuple[int, ...] | None = None
        """SUITES_I with which an initiator may try once more on a new connection."""
        self.timers = Timers(world, self.letter, off)
        self._units = UnitReader(self._unit_limit, off)
        self._protection: Protection | None = None
        self._out = bytearray()
        self._unconfirmed = 0

    # --- what drives it ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The device begins; a service only starts its timer."""
        self.timers.handshake_starts()
        if self.role == "device":
            self._step(local.START, b"")

    def receive_data(self, data: bytes) -> None:
        """Octets from the transport, however cut."""
        if not self.closed:
            self._guarded(lambda: self._receive(data))

    def receive_eof(self) -> None:
        """The transport ended: without CLOSE that is truncation."""
        if not self.closed:
            stands = self._protection is not None
            unnoticed = stands and "truncation_is_reported" in self.off
            self._report("closed", clean=unnoticed, truncated=stands and not unnoticed, unconfirmed=self._unconfirmed)
            self.closed = True

    def data_to_send(self) -> bytes:
        """Octets for the transport; taken once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def send_data(self, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Label and send application data.

        Raises:
            NotOpen: no affirming verdicts, or their validity is about to end.
        """
        if self.state != "OPEN" or self.timers.ends_within(SEND_MARGIN):
            raise NotOpen(f"no data in state {self.state}")
        self.run.unbind((CONTENT, CONTENT_TYPE))
        self._app(local.SEND, content, cbor.encode(content_type))
        self._unconfirmed += 1

    def close(self) -> None:
        """Send CLOSE, or end a connection that has no channel yet."""
        if self.machine.receives(local.CLOSE.name):
            self._app(local.CLOSE)
        elif not self.closed:
            self._end("closed", clean=False, truncated=False, unconfirmed=self._unconfirmed)

    def reattest(self) -> None:
        """Ask for evidence of the next epoch.

        Raises:
            NotOpen: not in this state, or one request is outstanding.
        """
        if not self.machine.receives(local.REATTEST.name):
            raise NotOpen(f"no re-attestation in state {self.state}")
        self._app(local.REATTEST)

    def ping(self, payload: bytes) -> None:
        """Send PING with 8 octets.

        Raises:
            NotOpen: not in this state.
        """
        if not self.machine.receives(local.PING.name):
            raise NotOpen(f"no PING in state {self.state}")
        self._app(local.PING, cbor.encode(payload))

    def tick(self) -> None:
        """Deliver the timers that are due; the clock is the world's."""
        while not self.closed and (message := self.timers.due(self.state)) is not None:
            self.timers.disarm(message)
            if message.channel == APP:
                if self.machine.receives(message.name):
                    self._app(message)
            elif self.machine.receives(message.name):
                self._guarded(lambda m=message: self._step(m, b""))  # type: ignore[misc]

    @property
    def next_deadline(self) -> int | None:
        """Unix seconds of the next timer, if one runs."""
        return None if self.closed else self.timers.next_deadline()

    @property
    def state(self) -> str:
        """State of the table."""
        return self.machine.state

    @property
    def sid(self) -> bytes:
        """Session id, 16 octets, once the channel stands."""
        value: bytes = self.run.value(SID)
        return value

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        for unit in self._units.feed(data):
            self._unit(unit)
            if self.closed:
                return

    def _unit_limit(self, kind: int) -> int:
        if kind == Kind.RECORD:
            return RECORD_UNIT_LIMIT
        return MESSAGE_1_LIMIT if self.state == "wait_message_1" else HANDSHAKE_LIMIT

    def _unit(self, unit: Unit) -> None:
        if unit.kind == Kind.RECORD:
            self._record(unit.payload)
        elif self._protection is not None:
            if "edhoc_after_completion_is_discarded" in self.off:
                self._end("edhoc_error", code=None)
        elif unit.kind == Kind.EDHOC_MESSAGE:
            self._edhoc(unit.payload)
        elif unit.kind == Kind.EDHOC_ERROR:
            self._edhoc_error(unit.payload)

    def _edhoc(self, payload: bytes) -> None:
        name = self.state.removeprefix("wait_")
        message = self.table.messages.get(name)
        if message is None or message.channel != "net":
            raise CheckFailed("frame_is_expected", f"a handshake message in state {self.state}")
        self.observe(name, payload)
        try:
            self._step(message, payload)
        except CredentialUnavailable as missing:
            self._refuse_credential(str(missing))
        except (GrammarError, cbor.CborError) as error:
            raise CheckFailed("edhoc_message_is_deterministic", str(error)) from error

    def _edhoc_error(self, payload: bytes) -> None:
        """Unauthenticated: it may end a handshake, and nothing else (RFC 9528 section 6)."""
        self.observe("edhoc_error", payload)
        try:
            error = edhoc_errors.parse(payload)
        except edhoc_errors.MalformedError as malformed:
            self._end("edhoc_error", code=None, info=str(malformed))
        else:
            if self.state == "wait_message_2":
                self.retry = retry_after(error, self.provider.suites_i, self.provider.suites, self.off)
            self._end("edhoc_error", code=error.code, info=describe(error.info))

    def _record(self, payload: bytes) -> None:
        protection = self._protection
        if protection is None:
            if "unit_kind_is_known" in self.off:
                return
            raise TransportError("unit_kind_is_known", "a record before the handshake is complete")
        for frame in protection.open(payload):
            self._frame(frame)
            if self.closed:
                return

    def _frame(self, frame: bytes) -> None:
        name = frame_name(frame, self.peer, self.run.rules, self.off)
        if name is None:
            return
        self.observe(name, frame)
        try:
            self._step(self.table.messages[name], frame)
        except (GrammarError, cbor.CborError, CredentialUnavailable) as error:
            raise CheckFailed("frame_matches_its_grammar", str(error)) from error

    # --- stepping ----------------------------------------------------------------------------------------------------

    def _app(self, message: Message, *values: bytes) -> None:
        for item, value in zip(message.slots, values, strict=True):
            self.run.unbind((item,))
            self.run.bind(item, value)
        self._guarded(lambda: self._step(message, None))

    def _step(self, message: Message, data: bytes | None) -> None:
        before = self.state
        effects = self.machine.deliver(message, data)
        self._apply(effects)
        if self.state != before:
            self._entered(before)

    def _apply(self, effects: Effects) -> None:
        for happening in effects.happenings:
            self._happened(happening.name, happening.data, effects)
        for message, data in effects.sends:
            self._send(message, data)

    def _send(self, message: Message, data: bytes) -> None:
        if message.channel == LOCAL:
            answer = self.tam.deliver(message, data)
            for reply, octets in answer.sends:
                self._step(reply, octets)
        else:
            self.emit(message, data)

    def emit(self, message: Message, data: bytes) -> None:
        """A message on its way to the peer."""
        if message.channel == RECORD:
            self.send_frame(data)
            if message.frame_type == FrameType.ALERT:
                self._report("alert_sent", code=cbor.decode(self.run.value(ALERT_CODE[self.letter])))
        else:
            self.send_unit(Kind.EDHOC_MESSAGE, data)

    def observe(self, name: str, data: bytes) -> None:
        """A message of the peer, before it is judged; for whoever watches."""

    def send_frame(self, frame: bytes) -> None:
        """A frame into the protected stream."""
        for record in self.protect().seal(frame):
            self.send_unit(Kind.RECORD, record)

    def send_unit(self, kind: int, payload: bytes) -> None:
        """A unit onto the transport."""
        self._out += write_unit(kind, payload)

    def protect(self) -> Protection:
        """The record layer; its keys are exporter terms of the table."""
        if self._protection is None:
            limit = self.world.policy.record_limit
            self._protection = Protection(self.run, self.letter, self.peer, limit, self.off)
        return self._protection

    def _entered(self, before: str) -> None:
        state = self.state
        self.timers.entered(before, state)
        self._report("state", state=state)
        if state in ("wait_HELLO_R", "wait_HELLO_I"):
            self.protect()
        if state == "OPEN":
            self.protect().session_opened()
            self._judge_validity()
        if state == "CLOSED":
            self.closed = True

    def _judge_validity(self) -> None:
        """One affirming verdict leads back from EXPIRED only where the other one has not ended."""
        if self.timers.is_due(local.VALIDITY_ENDS):
            self.timers.disarm(local.VALIDITY_ENDS)
            self._step(local.VALIDITY_ENDS, b"")

    def _happened(self, name: str, data: dict[str, Any], effects: Effects) -> None:
        if name == "label_accepted":
            self._remember_label(data)
        elif name == "receipt":
            self._unconfirmed = max(0, self._unconfirmed - 1)
        elif name == "verdict_sent":
            self.timers.verdict_sent(self.provider.valid_for())
        elif name == "verdict_received":
            seconds = self.run.value(VERDICT[self.peer].valid_for)
            self.timers.verdict_received(cbor.decode(seconds, rules=self.run.rules))
        elif name == "data_sent":
            self.world.memory.sent_sequence(cbor.decode(data["sequence"]))
        if not name.startswith(CLAIM_EVENTS):
            self._report(name, **{k: readable(k, v, self.world, self.run.rules) for k, v in data.items()})

    def _remember_label(self, data: dict[str, Any]) -> None:
        signer = self.world.credential(data["signer"]).leaf.sha256
        sequence, cti = (cbor.decode(data[k], rules=self.run.rules) for k in ("sequence", "cti"))
        self.world.memory.accept_label(signer, sequence, cti, self.world.time())

    # --- refusing ----------------------------------------------------------------------------------------------------

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except CheckFailed as failure:
            self._refuse(failure)
        except TransportError as failure:
            self._refuse(CheckFailed(failure.check, str(failure)))

    def _refuse(self, failure: CheckFailed) -> None:
        refusal = failure.check.refusal
        self._report("refused", check=failure.check.name, reason=failure.reason)
        if refusal.channel is Channel.EDHOC and self._protection is None:
            self._refuse_handshake(refusal.code)
        elif refusal.channel in (Channel.ALERT, Channel.RECEIPT) and self._protection is not None:
            self._alert(refusal.code)
        self._end("closed", clean=False, truncated=False, unconfirmed=self._unconfirmed)

    def _refuse_handshake(self, code: int) -> None:
        suite = code == edhoc_errors.WRONG_SUITE
        error = edhoc_errors.wrong_suite(self.provider.suites) if suite else edhoc_errors.unspecified("refused")
        self.send_unit(Kind.EDHOC_ERROR, error)
        self._report("edhoc_error_sent", code=code)

    def _refuse_credential(self, reason: str) -> None:
        self.send_unit(Kind.EDHOC_ERROR, edhoc_errors.unknown_credential())
        self._report("refused", check="credential", reason=reason)
        self._end("edhoc_error_sent", code=3)

    def _alert(self, code: int) -> None:
        register = ALERT_CODE[self.letter]
        self.run.forget((register,))
        self.run.bind(register, cbor.encode(code))
        self.send_frame(self.run.value(ALERT[self.letter].term))
        self._report("alert_sent", code=code)

    def _end(self, event_name: str, **fields: Any) -> None:
        self._report(event_name, **fields)
        self.machine.state = "CLOSED"
        self.closed = True

    def _report(self, name: str, **fields: Any) -> None:
        self.events.append(Event(name, fields))
