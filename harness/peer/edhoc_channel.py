"""The EDHOC binding of a reference peer: units on the transport, messages to the table, records to frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.refusals import Channel as Means
from ...model.refusals import Refusal
from ...model.table import Message
from ..codec import cbor
from ..evaluator.errors import CheckFailed, GrammarError
from ..identity.errors import CredentialUnavailable
from ..transport.errors import TransportError
from ..transport.units import Kind, Unit, UnitReader, write_unit
from . import edhoc_errors
from .events import describe
from .keylog import EdhocKeys
from .protection import Protection
from .retry import retry_after

if TYPE_CHECKING:
    from .endpoint import Endpoint

MESSAGE_1_LIMIT, HANDSHAKE_LIMIT, RECORD_UNIT_LIMIT = 16_384, 65_536, 16_384 + 64


class EdhocChannel:
    """See `Channel`. `protection` is there once the channel secret is known and something was protected with it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._units = UnitReader(self._unit_limit, endpoint.off)
        self.protection: Protection | None = None
        self._keys = EdhocKeys(endpoint.key_log, endpoint.run) if endpoint.key_log else None

    @property
    def suite(self) -> int:
        return self._endpoint.run.suite.number

    @property
    def stands(self) -> bool:
        """Whether frames can be exchanged."""
        return self.protection is not None

    def receive(self, data: bytes) -> None:
        """Units, however cut."""
        for unit in self._units.feed(data):
            self._unit(unit)
            if self._endpoint.closed:
                return

    def encode(self, message: Message, data: bytes) -> bytes:
        """The table's."""
        return data

    def send_handshake(self, message: Message, data: bytes) -> None:
        """One unit."""
        self._endpoint.send_unit(Kind.EDHOC_MESSAGE, data)

    def send_frame(self, frame: bytes) -> None:
        """As few records as hold it."""
        for record in self.protect().seal(frame):
            self._endpoint.send_unit(Kind.RECORD, record)

    def send_stream(self, octets: bytes) -> None:
        """One record."""
        self._endpoint.send_unit(Kind.RECORD, self.protect().sealer.seal(octets))

    def send_unit(self, kind: int, payload: bytes) -> None:
        """A unit onto the transport."""
        self._endpoint.put_octets(write_unit(kind, payload))

    def protect(self) -> Protection:
        """The record layer; its keys are exporter terms of the table."""
        if self.protection is None:
            endpoint = self._endpoint
            limit = endpoint.world.policy.record_limit
            self.protection = Protection(endpoint.run, endpoint.letter, endpoint.peer, limit, endpoint.off)
        return self.protection

    def established(self) -> None:
        """Keys are there."""
        self.protect()

    def session_opened(self) -> None:
        """Longer frames."""
        self.protect().session_opened()

    def refuse(self, refusal: Refusal) -> None:
        """An EDHOC error message, where the refusal is one."""
        if refusal.channel is not Means.EDHOC:
            return
        suite = refusal.code == edhoc_errors.WRONG_SUITE
        suites = self._endpoint.provider.suites
        error = edhoc_errors.wrong_suite(suites) if suite else edhoc_errors.unspecified("refused")
        self._endpoint.send_unit(Kind.EDHOC_ERROR, error)
        self._endpoint.report("edhoc_error_sent", code=refusal.code)

    def close(self) -> None:
        """EDHOC has no end of its own."""

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _unit_limit(self, kind: int) -> int:
        if kind == Kind.RECORD:
            return RECORD_UNIT_LIMIT
        return MESSAGE_1_LIMIT if self._endpoint.state == "wait_message_1" else HANDSHAKE_LIMIT

    def _unit(self, unit: Unit) -> None:
        if unit.kind == Kind.RECORD:
            self._record(unit.payload)
        elif self.stands:
            if "edhoc_after_completion_is_discarded" in self._endpoint.off:
                self._endpoint.end("edhoc_error", code=None)
        elif unit.kind == Kind.EDHOC_MESSAGE:
            self._message(unit.payload)
        elif unit.kind == Kind.EDHOC_ERROR:
            self._error(unit.payload)

    def _message(self, payload: bytes) -> None:
        endpoint = self._endpoint
        name = endpoint.state.removeprefix("wait_")
        message = endpoint.table.messages.get(name)
        if message is None or message.channel != "net":
            raise CheckFailed("frame_is_expected", f"a handshake message in state {endpoint.state}")
        endpoint.observe(name, payload)
        try:
            endpoint.step(message, payload)
        except CredentialUnavailable as missing:
            self._refuse_credential(str(missing))
        except (GrammarError, cbor.CborError) as error:
            raise CheckFailed("edhoc_message_is_deterministic", str(error)) from error
        finally:
            if self._keys is not None:
                self._keys.write()

    def _refuse_credential(self, reason: str) -> None:
        self._endpoint.send_unit(Kind.EDHOC_ERROR, edhoc_errors.unknown_credential())
        self._endpoint.report("refused", check="credential", reason=reason)
        self._endpoint.end("edhoc_error_sent", code=3)

    def _error(self, payload: bytes) -> None:
        """Unauthenticated: it may end a handshake, and nothing else (RFC 9528 section 6)."""
        endpoint = self._endpoint
        endpoint.observe("edhoc_error", payload)
        try:
            error = edhoc_errors.parse(payload)
        except edhoc_errors.MalformedError as malformed:
            endpoint.end("edhoc_error", code=None, info=str(malformed))
        else:
            if endpoint.state == "wait_message_2":
                provider = endpoint.provider
                endpoint.retry = retry_after(error, provider.suites_i, provider.suites, endpoint.off)
            endpoint.end("edhoc_error", code=error.code, info=describe(error.info))

    def _record(self, payload: bytes) -> None:
        if self.protection is None:
            if "unit_kind_is_known" in self._endpoint.off:
                return
            raise TransportError("unit_kind_is_known", "a record before the handshake is complete")
        for frame in self.protection.open(payload):
            self._endpoint.receive_frame(frame)
            if self._endpoint.closed:
                return
