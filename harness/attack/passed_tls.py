"""A TLS handshake that is passed on between two runs, one of which is the suite's: its secrets tell what passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model.protocol import tls
from ...model.refusals import Refusal
from ...model.table import Message
from ..peer.endpoint import Endpoint
from ..peer.tls_channel import TlsChannel
from ..peer.tls_handshake import TlsHandshake
from ..tester.session import OPPOSITE
from ..tester.tls_messages import ALERT, APPLICATION_DATA
from ..tester.tls_records import HEAD, RecordKeys, cutter

NAMES = {
    "device": (tls.CLIENT_HELLO_MESSAGE.name, tls.CLIENT_FLIGHT.name),
    "service": (tls.SERVER_FLIGHT.name,),
}
SIDE = {"device": "CLIENT", "service": "SERVER"}
"""How labels of the key log begin, by the role of the side that protects."""


class SharingTls(TlsChannel):
    """A run of the suite's, whose secrets are told to the attacker's ends."""

    watched = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.secrets: dict[str, bytes] = {}
        super().__init__(endpoint)

    def logs(self, line: bytes) -> None:
        super().logs(line)
        label, _, secret = line.decode().split(" ")
        self.secrets[label] = bytes.fromhex(secret)


class PassedOnTls(TlsHandshake):
    """Records of the handshake are kept as they come; what was said under the keys of the session is read."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._cutter = cutter()
        self._secrets: Mapping[str, bytes] = {}
        self._keys: dict[str, RecordKeys] = {}
        self._late = bytearray()
        self._count = 0

    # --- what comes --------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Records, however cut."""
        passed = b""
        for record in self._cutter.feed(data):
            content, octets = self._opened(record)
            if content == ALERT:
                if octets[1:] != b"\0":
                    self._endpoint.observe("tls_alert", octets)
            elif content == APPLICATION_DATA:
                self.take(octets)
            else:
                passed += record
        if passed:
            self._pass(passed)

    def _pass(self, records: bytes) -> None:
        names = NAMES[OPPOSITE[self._endpoint.role]]
        if self._count == len(names):
            self._late += records
        else:
            self._count += 1
            self._endpoint.observe(names[self._count - 1], records)

    def _opened(self, record: bytes) -> tuple[int, bytes]:
        """Content type and octets; of what cannot be opened yet, as it stands."""
        if record[0] == APPLICATION_DATA:
            for keys in self._readers():
                if (opened := keys.open(record)) is not None:
                    return opened
            return 0, record
        return record[0], record[HEAD:]

    def _readers(self) -> Iterator[RecordKeys]:
        side = SIDE[OPPOSITE[self._endpoint.role]]
        for label in (f"{side}_HANDSHAKE_TRAFFIC_SECRET", f"{side}_TRAFFIC_SECRET_0"):
            if label in self._secrets:
                yield self._keyed(label)

    def _keyed(self, label: str) -> RecordKeys:
        if label not in self._keys:
            self._keys[label] = RecordKeys(self._secrets[label])
        return self._keys[label]

    def overhear(self, end: Endpoint) -> None:
        """An end of the suite's takes part in the handshake."""
        assert isinstance(end.channel, SharingTls)
        self._secrets = end.channel.secrets

    def unseal(self, end: Endpoint) -> None:
        """That end has the secret of the channel."""
        self._endpoint.run.exporter = end.run.exporter
        self.done = True

    def late(self) -> bytes:
        """What came of a message of the handshake after the message was seen; taken once."""
        late = bytes(self._late)
        self._late.clear()
        return late

    # --- what goes ---------------------------------------------------------------------------------------------------

    def encode(self, message: Message, data: bytes) -> bytes:
        """Nothing is made here."""
        return data

    def send_handshake(self, message: Message, data: bytes) -> None:
        """Records of another."""
        self._endpoint.put_octets(data)

    def send_stream(self, octets: bytes) -> None:
        """One record under the keys of the session."""
        keys = self._keyed(f"{SIDE[self._endpoint.role]}_TRAFFIC_SECRET_0")
        self._endpoint.put_octets(keys.seal(APPLICATION_DATA, octets))

    def refuse(self, refusal: Refusal) -> None:
        """An attacker does not."""

    def close(self) -> None:
        """Nor does he say good bye."""

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Only the ends can: theirs takes the place of this one. Raises LookupError."""
        raise LookupError("the handshake is another's")

    def negotiated(self) -> bytes:
        """What the ends have agreed on."""
        return tls.ALPN.encode()
