"""The misbehaving side of a TLS handshake, on `tlslite-ng`: every message passes through the tester's deviation.

Slow (tens of handshakes a second), so only conversations with a fault in the handshake itself use it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tlslite.api import X509, HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.errors import TLSAbruptCloseError, TLSError, TLSLocalAlert, TLSRemoteAlert
from tlslite.handshakehashes import HandshakeHashes
from tlslite.messages import Message as Record

from ...model.protocol import tls
from ...model.refusals import Refusal
from ...model.table import Message
from ..crypto.suites import SUITES
from ..identity.keys import PrivateKey
from ..peer.keylog import KeyLog
from ..peer.tls_channel import host_of
from ..peer.tls_handshake import TlsHandshake
from .tls_messages import ALERT, HANDSHAKE, TYPES, Piece

if TYPE_CHECKING:
    from ..peer.endpoint import Endpoint

_CHUNK = 1 << 14
_ALERT_RECORD = 21
_EMPTY_CERTIFICATE = bytes(8)
_UNEXPECTED_MESSAGE = 10
WOULD_BLOCK = 0
_SECRETS = (
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"),
)
"""Labels of RFC 9850 for the secrets of each epoch, the client's first."""
Settings = Callable[[HandshakeSettings], None]


class MemorySocket:
    """What `tlslite-ng` needs of a socket."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = bytearray(), bytearray()

    def recv(self, size: int) -> bytes:
        """Octets that have come; EWOULDBLOCK for none."""
        if not self.incoming:
            raise OSError(errno.EWOULDBLOCK, "nothing has come")
        data = bytes(self.incoming[:size])
        del self.incoming[:size]
        return data

    def send(self, data: bytes) -> int:
        """All of it."""
        self.outgoing += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """All of it."""
        self.outgoing += data

    def close(self) -> None:
        """Nothing is held."""

    def setsockopt(self, *_: object) -> None:
        """No options."""

    def getsockname(self) -> tuple[str, int]:
        """No name."""
        return "", 0


class Transcript(HandshakeHashes):  # type: ignore[misc]  # tlslite-ng is not typed.
    """The library derives the exporter's secret too late: the transcript that it needs is kept for the right moment."""

    kept: bytes | None = None
    wait = 0
    client_random = b""
    """Of the latest ClientHello."""

    def update(self, data: bytes | bytearray) -> None:
        """One message, or a part of it."""
        if data[:1] == b"\x01":
            self.client_random = bytes(data[6:38])
        super().update(data)

    def keep(self, wait: int) -> None:
        """The hash as it is now answers the call for a digest that comes after `wait` others."""
        self.kept, self.wait = bytes(super().digest("sha256")), wait

    def digest(self, digest: str | None = None) -> bytearray:
        """The hash of what was added, or the one that was kept."""
        if self.kept is not None and digest == "sha256":
            if not self.wait:
                kept, self.kept = self.kept, None
                return bytearray(kept)
            self.wait -= 1
        return bytearray(super().digest(digest))


class Handshake(TLSConnection):  # type: ignore[misc]  # tlslite-ng is not typed.
    """A connection whose handshake messages pass through `deviate` on their way out."""

    def __init__(
        self, memory: MemorySocket, deviate: Callable[[Handshake, bytes], list[Piece]], log: KeyLog | None = None
    ) -> None:
        super().__init__(memory)
        self._deviate = deviate
        self._pieces: list[Piece] = []
        if log is not None:
            self._log_into(log)

    def _log_into(self, log: KeyLog) -> None:
        """The library tells its secrets to nobody but its record layer, one pair for each epoch."""
        calculate, names = self._recordLayer.calcTLS1_3PendingState, iter(_SECRETS)

        def logged(suite: int, client: bytearray, server: bytearray, implementations: Any) -> Any:
            for label, secret in zip(next(names, ()), (client, server), strict=False):
                log.add(label, self._handshake_hash.client_random, bytes(secret))
            return calculate(suite, client, server, implementations)

        self._recordLayer.calcTLS1_3PendingState = logged

    @property
    def _handshake_hash(self) -> Transcript:
        return self._hashes

    @_handshake_hash.setter
    def _handshake_hash(self, hashes: HandshakeHashes) -> None:
        self._hashes = Transcript()
        self._hashes.__dict__.update(hashes.__dict__)

    def _changed(self, octets: bytes) -> list[Piece]:
        kind = octets[0]
        if self._client and kind == TYPES["Certificate"]:
            self._handshake_hash.keep(int(len(octets) > len(_EMPTY_CERTIFICATE)))
        pieces = self._deviate(self, octets)
        for piece in pieces:
            if piece.hashed and piece.content == HANDSHAKE:
                self._handshake_hash.update(bytearray(piece.octets))
        if not self._client and kind == TYPES["Finished"]:
            self._handshake_hash.keep(2)
        return pieces

    def transcript(self) -> bytes:
        """Hash of the transcript up to now."""
        return bytes(self._handshake_hash.digest("sha256"))

    def unhashed(self, honest: bytes, sent: bytes) -> list[Piece]:
        """`sent` on the wire, `honest` in our transcript."""
        self._handshake_hash.update(bytearray(honest))
        return [Piece(bytes(sent), hashed=False)]

    def _sendMsg(self, msg: Any, randomizeFirstBlock: bool = True, update_hashes: bool = True) -> Iterator[Any]:
        if msg.contentType != HANDSHAKE or not update_hashes:
            yield from super()._sendMsg(msg, randomizeFirstBlock, update_hashes)
            return
        yield from self._put(self._changed(bytes(msg.write())))

    def _queue_message(self, msg: Any) -> None:
        octets = bytes(msg.write())
        self._pieces += self._changed(octets) if msg.contentType == HANDSHAKE else [Piece(octets, msg.contentType)]

    def _queue_flush(self) -> Iterator[Any]:
        pieces, self._pieces = self._pieces, []
        yield from self._put(pieces)

    def _put(self, pieces: list[Piece]) -> Iterator[Any]:
        """Neighbours of one content type share records."""
        while pieces:
            content, octets = pieces[0].content, b""
            while pieces and pieces[0].content == content:
                octets += pieces.pop(0).octets
            for start in range(0, len(octets), _CHUNK):
                yield from self._sendMsgThroughSocket(Record(content, bytearray(octets[start : start + _CHUNK])))


def tls_settings() -> HandshakeSettings:
    """What the profile demands, and nothing beside it."""
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 4)
    settings.eccCurves, settings.keyShares = ["x25519", "secp256r1"], ["secp256r1"]
    settings.dhGroups = []
    settings.cipherNames = ["aes128gcm"]
    settings.certificate_compression_send = settings.certificate_compression_receive = []
    settings.ticket_count = 0
    settings.use_heartbeat_extension = False
    settings.record_size_limit = None
    return settings


class MisbehavingTls(TlsHandshake):
    """See `Channel`. `change` alters the settings; `key` signs CertificateVerify in place of the leaf's own.

    With `certificates` False a client answers with an empty Certificate, a server asks for none.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        change: Settings | None = None,
        key: PrivateKey | None = None,
        certificates: bool = True,
        chain: list[bytes] | None = None,
        alpn: list[bytes] | None = None,
    ) -> None:
        super().__init__(endpoint)
        self._memory = MemorySocket()
        self._asks = certificates
        self._settings = tls_settings()
        if change:
            change(self._settings)
        self._alpn = [tls.ALPN.encode()] if alpn is None else alpn
        credentials = endpoint.world.credentials
        self._key = key or credentials.key
        self._chain = chain or [credentials.leaf.der, *(item.der for item in credentials.chain)]
        self.connection = Handshake(self._memory, self._deviate, endpoint.key_log)
        self._steps: Iterator[Any] | None = None
        self.failed = False
        self._tickets = 0

    def _deviate(self, handshake: Handshake, octets: bytes) -> list[Piece]:
        change = getattr(getattr(self._endpoint, "deviation", None), "handshake", None)
        pieces: list[Piece] = change(self._endpoint, handshake, octets) if change else [Piece(octets)]
        return pieces

    # --- sending -----------------------------------------------------------------------------------------------------

    def encode(self, message: Message, data: bytes) -> bytes:
        """The records that were made of it."""
        if message is tls.CLIENT_HELLO_MESSAGE:
            self._advance()
        return self._made()

    def send_handshake(self, message: Message, data: bytes) -> None:
        """Records."""
        self._endpoint.put_octets(data)

    def send_stream(self, octets: bytes) -> None:
        """Records."""
        if octets and not self.failed:
            for _ in self.connection.writeAsync(bytearray(octets)):
                pass
            self._endpoint.put_octets(self._made())

    def put(self, content: int, octets: bytes) -> None:
        """A record of any content type, under the keys in force."""
        for _ in self.connection._sendMsgThroughSocket(Record(content, bytearray(octets))):
            pass
        self._endpoint.put_octets(self._made())

    def update_keys(self, requested: bool) -> None:
        """KeyUpdate, and from then on the next key (RFC 9846 section 4.6.3)."""
        for _ in self.connection.send_keyupdate_request(int(requested)):
            pass
        self._endpoint.put_octets(self._made())

    def refuse(self, refusal: Refusal) -> None:
        """A tester does not."""

    def close(self) -> None:
        """close_notify."""
        if self.done and not self.failed:
            self.put(ALERT, b"\x01\x00")

    def _made(self) -> bytes:
        made = bytes(self._memory.outgoing)
        self._memory.outgoing.clear()
        return made

    # --- receiving ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Records, however cut."""
        self._memory.incoming += data
        if self.failed:
            return
        if not self.done:
            self._advance()
        if self.done and not self._endpoint.closed:
            self._read()

    def _advance(self) -> None:
        """The handshake, as far as what came allows."""
        endpoint = self._endpoint
        if self._steps is None:
            self._steps = self._begin()
        if not self._run(self._steps):
            if endpoint.state == "wait_client_hello" and self._memory.outgoing:
                self._client_hello()
                self._follow()
            elif endpoint.state != "start" and self._memory.outgoing:
                endpoint.put_octets(self._made())
            return
        if self.failed:
            return
        self.done = True
        session = self.connection.session
        chain = session.serverCertChain if self._client else session.clientCertChain
        self._peer_flight([bytes(item.bytes) for item in chain.x509List] if chain else [])
        self._follow()

    def _begin(self) -> Iterator[Any]:
        keyed = bool(self._asks) or not self._client
        chain = X509CertChain([_x509(der) for der in self._chain]) if keyed else None
        key = parsePEMKey(_pem(self._key), private=True) if keyed and self._key else None
        settings, alpn = self._settings, [bytearray(item) for item in self._alpn]
        if self._client:
            name = host_of(self._endpoint.world.policy.intended_peer or "")
            steps = self.connection.handshakeClientCert(
                chain, key, settings=settings, async_=True, alpn=alpn or None, serverName=name or None
            )
        else:
            steps = self.connection.handshakeServerAsync(
                certChain=chain, privateKey=key, reqCert=self._asks, settings=settings, alpn=alpn
            )
        return iter(steps)

    def _run(self, steps: Iterator[Any]) -> bool:
        """Whether it came to its end; an alert, or what cannot be gone on with, is one too."""
        try:
            for step in steps:
                if step == WOULD_BLOCK and not self._memory.incoming:
                    return False
        except TLSRemoteAlert as alert:
            self._alerted(alert.level, alert.description)
        except TLSLocalAlert as ours:
            if ours.description == _UNEXPECTED_MESSAGE:
                # The other side went on, and not as this library would have it: that is no refusal.
                self._endpoint.observe("other_message", b"")
            self._give_up()
        except TLSAbruptCloseError:
            self.failed = True
        except (OSError, TLSError, ValueError, AssertionError, AttributeError):
            self._give_up()
        return True

    def _alerted(self, level: int, description: int) -> None:
        self.failed = True
        if description:
            self._endpoint.observe("tls_alert", bytes((level, description)))
        self._endpoint.end("tls_alert", code=description)

    def _give_up(self) -> None:
        """The library cannot go on; an alert without protection may be why."""
        self.failed = True
        self._memory.outgoing.clear()

    def _read(self) -> None:
        while not self.failed and not self._endpoint.closed:
            received = bytearray()
            ended = self._run(self._collect(received))
            if received:
                self.take(bytes(received))
            elif ended or not self._memory.incoming:
                break
        for _ in range(len(self.connection.tickets) - self._tickets):
            self._tickets += 1
            self._endpoint.observe("new_session_ticket", b"")
        self._endpoint.put_octets(self._made())

    def _collect(self, received: bytearray) -> Iterator[Any]:
        for step in self.connection.readAsync(_CHUNK, 1):
            if step in (0, 1):
                yield step
            else:
                received += step
                return

    # --- the rows ----------------------------------------------------------------------------------------------------

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """From the exporter's secret: the library's own exporter has no context."""
        suite, secret = SUITES[3], bytes(self.connection.session.exporterMasterSecret)
        derived = suite.expand_label(secret, label.decode(), suite.hash(b""), 32)
        return suite.expand_label(derived, "exporter", suite.hash(context), length)

    def negotiated(self) -> bytes:
        """As the library tells."""
        session = self.connection.session
        return bytes(session.appProto) if session and session.appProto else tls.ALPN.encode()


def _x509(der: bytes) -> X509:
    certificate = X509()
    certificate.parseBinary(bytearray(der))
    return certificate


def _pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
