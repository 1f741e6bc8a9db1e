"""What every TLS channel has in common, whichever library makes its handshake: the rows that judge it, and frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...model.protocol import tls
from ...model.protocol.edhoc import INITIATOR, RESPONDER, credential_checks
from ...model.table import Message
from ...model.terms import Term
from ..codec import cbor, cose
from ..evaluator.errors import CheckFailed
from ..evaluator.machine import Effects
from ..evaluator.run import Run
from ..identity.errors import CredentialUnavailable, Refused
from ..transport.frames import LIMIT_AFTER_OPEN, FrameReader, write_frame

if TYPE_CHECKING:
    from .endpoint import Endpoint


class TlsHandshake(ABC):
    """The table's side of a TLS connection: messages that a library has read are judged by their row."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = endpoint.role == "device"
        self._pending: tuple[str, Effects] | None = None
        self._frames = FrameReader(off=endpoint.off)
        self.take: Callable[[bytes], None] = self._take_frames
        """Gets the octets of the protected stream."""
        self.done = False
        """Both Finished are verified: the exporter may be called."""
        endpoint.run.exporter = self._exporter

    @property
    def suite(self) -> None:
        """No EDHOC cipher suite."""
        return None

    @property
    def stands(self) -> bool:
        """Whether frames can be exchanged."""
        return self.done

    def established(self) -> None:  # noqa: B027
        """The library knew before."""

    def session_opened(self) -> None:
        """Longer frames."""
        self._frames.max_length = LIMIT_AFTER_OPEN

    def send_frame(self, frame: bytes) -> None:
        """As few records as hold it."""
        self.send_stream(write_frame(frame))

    @abstractmethod
    def send_stream(self, octets: bytes) -> None:
        """One record, where the octets fit in one; none for nothing."""

    @abstractmethod
    def close(self) -> None:
        """close_notify, once."""

    @abstractmethod
    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """TLS-Exporter, RFC 9846 section 7.5."""

    @abstractmethod
    def negotiated(self) -> bytes:
        """The ALPN protocol; empty where there is none."""

    def _take_frames(self, stream: bytes) -> None:
        for frame in self._frames.feed(stream):
            self._endpoint.receive_frame(frame)
            if self._endpoint.closed:
                return

    # --- the rows ----------------------------------------------------------------------------------------------------

    def _client_hello(self) -> None:
        self._deliver(tls.CLIENT_HELLO_MESSAGE, {})

    def _peer_flight(self, path: list[bytes], *, requested: bool = True) -> None:
        """The other side's certificates, leaf first; none where it sent none."""
        id_cred = cbor.encode({33: cose.x5chain(path)}) if path else b""
        if self._client:
            values = {tls.REQUESTED: cbor.encode(requested), RESPONDER.id_cred: id_cred}
            self._deliver(tls.SERVER_FLIGHT, values)
            return
        run = self._endpoint.run
        if not path and "certificate_i_is_present" in run.off:
            # Whoever does not mind that there is none asks nothing of it.
            run.off |= {step.check.name for step in credential_checks(INITIATOR)}
        self._deliver(tls.CLIENT_FLIGHT, {tls.PRESENT: cbor.encode(bool(path)), INITIATOR.id_cred: id_cred})

    def _deliver(self, message: Message, values: dict[Term, bytes]) -> None:
        """Bind what was negotiated, and let the row judge; what follows from it waits until the message is whole."""
        endpoint = self._endpoint
        run = endpoint.run
        alpn = cbor.encode(self.negotiated().decode("latin-1"))
        told = {tls.ALPN_R if self._client else tls.ALPN_I: alpn, tls.EXPORTER_SECRET: b""}
        for slot, value in (told | values).items():
            run.bind(slot, value)
        before = endpoint.state
        try:
            self._pending = (before, endpoint.machine.deliver(message, None))
        except (Refused, CredentialUnavailable) as error:
            raise CheckFailed(f"id_cred_{endpoint.peer.lower()}_is_a_certificate", str(error)) from error

    def _follow(self) -> None:
        if self._pending is not None:
            before, effects = self._pending
            self._pending = None
            self._endpoint.follow(before, effects)

    def _exporter(self, run: Run, secret: bytes, label: int, context: bytes, length: int | str) -> bytes:
        return self.export(tls.EXPORTER_LABEL[label].encode(), context, run.length(length))
