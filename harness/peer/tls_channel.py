"""The TLS binding of a reference peer: OpenSSL makes the handshake, the table's rows judge it, our appraisal the path.

OpenSSL verifies signatures, Finished and the order of messages. What it thinks of certificates is not asked: it only
collects the path, and the row of the table decides, before the device has answered and within the service's handshake.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL.crypto import X509

from ...model.protocol import tls
from ...model.refusals import Channel as Means
from ...model.refusals import Refusal
from ...model.table import Message
from ..evaluator.errors import CheckFailed
from .tls_context import context_of
from .tls_errors import UNEXPECTED, check_of
from .tls_handshake import TlsHandshake

if TYPE_CHECKING:
    from .endpoint import Endpoint

_CHUNK = 1 << 16
MOST_BEFORE_DONE = 1 << 17
"""Octets that a peer may send before the handshake is complete."""
MOST_KEY_UPDATES = 64
"""KeyUpdates in a row, without application data in between."""
_ALERT_TYPE, _FATAL = 21, 2
_LEGACY_VERSION = b"\x03\x03"


class TlsChannel(TlsHandshake):
    """See `Channel`."""

    watched = False
    """Whether `message_passed` is called, and `logs` whatever comes of the secrets."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        context = context_of(endpoint.world, endpoint.off, log=endpoint.key_log is not None, watched=self.watched)
        self._connection = SSL.Connection(context, None)
        self._connection.set_app_data(self)
        self._states: set[bytes] = set()
        """What OpenSSL's state machine has been through."""
        self._path: dict[int, bytes] = {}
        self._alert: int | None = None
        self._refused: CheckFailed | None = None
        self._silent = True
        self._early = self._key_updates = 0
        self.failed = self._ended = False
        if self._client:
            if host := host_of(endpoint.world.policy.intended_peer or ""):
                self._connection.set_tlsext_host_name(host.encode())
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    # --- sending -----------------------------------------------------------------------------------------------------

    def encode(self, message: Message, data: bytes) -> bytes:
        """The records that OpenSSL has made of it."""
        if message is tls.CLIENT_HELLO_MESSAGE:
            self._handshake()
        return self._made()

    def send_handshake(self, message: Message, data: bytes) -> None:
        """Records."""
        self._put(data)

    def send_stream(self, octets: bytes) -> None:
        """One record, where the octets fit in one; none for nothing."""
        if octets and not self.failed and not self._ended:
            self._connection.sendall(octets)
            self._flush()

    def _made(self) -> bytes:
        made = bytearray()
        with suppress(SSL.WantReadError):
            while True:
                made += self._connection.bio_read(_CHUNK)
        return bytes(made)

    def _put(self, records: bytes) -> None:
        self._silent = self._silent and not records
        self._endpoint.put_octets(records)

    def _flush(self) -> None:
        self._put(self._made())

    def refuse(self, refusal: Refusal) -> None:
        """A fatal alert that OpenSSL did not send: only before the first message of our own it needs no protection."""
        if refusal.channel is Means.TLS and self._silent and not self._client:
            alert = bytes((_FATAL, refusal.code))
            self._endpoint.put_octets(bytes((_ALERT_TYPE,)) + _LEGACY_VERSION + len(alert).to_bytes(2, "big") + alert)

    def close(self) -> None:
        """close_notify, once."""
        if self.done and not self.failed and not self._ended:
            self._ended = True
            try:
                self._connection.shutdown()
            except SSL.Error:
                self.failed = True
            self._flush()

    # --- receiving ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Records, however cut."""
        if not self.done:
            self._early += len(data)
            if self._early > MOST_BEFORE_DONE:
                raise CheckFailed(UNEXPECTED, f"more than {MOST_BEFORE_DONE} octets of handshake")
        if not data:
            return
        self._connection.bio_write(data)
        if not self.done:
            self._advance()
        if self.done and not self._endpoint.closed:
            self._read()

    def _advance(self) -> None:
        """The handshake, as far as what came allows."""
        endpoint = self._endpoint
        if not self._handshake():
            if endpoint.state == "wait_client_hello" and b"SSLv3/TLS write finished" in self._states:
                self._client_hello()
                self._follow()
            else:
                self._flush()
            return
        self.done = True
        if self._pending is None:
            self._peer_flight([])
        self._follow()

    def _handshake(self) -> bool:
        """Whether it is complete. Raises CheckFailed."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except (CheckFailed, SSL.Error) as error:
            self._fail(error)
            return False
        return True

    def _fail(self, error: Exception) -> None:
        """A refusal, ours or the peer's. Raises CheckFailed for ours."""
        self.failed = True
        self._flush()
        if self._alert is not None:
            self._endpoint.end("tls_alert", code=self._alert)
        elif self._refused or isinstance(error, CheckFailed):
            raise self._refused or error
        else:
            check, reason = check_of(error, client=self._client)
            raise CheckFailed(check, reason)

    def _read(self) -> None:
        """Frames in what came after the handshake."""
        endpoint = self._endpoint
        while not endpoint.closed:
            try:
                data = self._connection.recv(_CHUNK)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                endpoint.receive_eof()
                return
            except SSL.Error as error:
                self._fail(error)
                return
            self._judge_key_updates()
            self._key_updates = 0
            self.take(data)
        self._flush()
        self._judge_key_updates()

    def _judge_key_updates(self) -> None:
        if self._key_updates > MOST_KEY_UPDATES and "key_updates_are_bounded" not in self._endpoint.off:
            raise CheckFailed("key_updates_are_bounded", f"{self._key_updates} KeyUpdates without data")

    # --- what OpenSSL tells ------------------------------------------------------------------------------------------

    def told(self, where: int, code: int) -> None:
        """A step of OpenSSL's state machine, or an alert."""
        if where & SSL.SSL_CB_ALERT:
            level, description = code >> 8, code & 0xFF
            if where & SSL.SSL_CB_READ and description:
                self._endpoint.observe("tls_alert", bytes((level, description)))
                self._alert = description
            elif where & SSL.SSL_CB_WRITE and description:
                self._endpoint.report("tls_alert_sent", code=description)
            return
        state = self._connection.get_state_string()
        self._states.add(state)
        if where & SSL.SSL_CB_LOOP:
            self._count(state)

    def logs(self, line: bytes) -> None:
        """OpenSSL has a secret for the key log."""
        if self._endpoint.key_log is not None:
            self._endpoint.key_log.add_line(line)

    def _count(self, state: bytes) -> None:
        if state.endswith(b"read server session ticket"):
            self._endpoint.observe("new_session_ticket", b"")
        elif state.endswith(b"key update") and b"read" in state:
            self._key_updates += 1
            self._endpoint.observe("key_update", b"")

    def message_passed(self, octets: bytes, *, written: bool) -> None:
        """A handshake message, its header included, before it is protected or after it was opened."""

    def collects(self, certificate: X509, depth: int, good: bool) -> CheckFailed | None:
        """OpenSSL looks at a certificate of the path; with the leaf at last the row judges: why it refuses."""
        self._path[depth] = certificate.to_cryptography().public_bytes(Encoding.DER)
        if depth == 0 and good and self._pending is None:
            requested = b"SSLv3/TLS read server certificate request" in self._states
            try:
                self._peer_flight([self._path[n] for n in sorted(self._path)], requested=requested)
            except CheckFailed as failure:
                self._refused = failure
        return self._refused

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """As OpenSSL computes it."""
        octets: bytes = self._connection.export_keying_material(label, length, context)
        return octets

    def negotiated(self) -> bytes:
        """As OpenSSL tells."""
        protocol: bytes = self._connection.get_alpn_proto_negotiated()
        return protocol


def host_of(identity: str) -> str:
    """The host name in an identity URI; empty where it holds none."""
    return urlsplit(identity).hostname or ""
