"""The latest flight of our own side, made anew with other messages under the same keys: quicker than a library that
misbehaves, because OpenSSL does everything else.

What follows from a flight of the client stays what it was: neither the application's keys nor the exporter depend on it
(RFC 9846 section 7.1). The other side of a server's flight that was made anew has other keys than ours from there on.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence

from ..bits import one_bit_other
from .tls_messages import CHANGE_CIPHER_SPEC, HANDSHAKE, NAMES, message, record
from .tls_records import SUITE, RecordKeys

SECRETS = {"device": b"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "service": b"SERVER_HANDSHAKE_TRAFFIC_SECRET"}
"""Label in the key log by the role of the side that protects with it."""
FORGED, UNSIGNED, EMPTY = "forged", "unsigned", "empty"
Messages = Sequence[bytes]
Rewrite = Callable[[Messages], Iterable[bytes]]
"""The messages between the hello and Finished, headers included, to others."""


class FlightLog:
    """What passed in a handshake: `passed` in order, each with whether it is ours; `secret` protects our flight."""

    def __init__(self, role: str) -> None:
        self._label = SECRETS[role]
        self.passed: list[tuple[bool, bytes]] = []
        self.secret = b""

    def log(self, line: bytes) -> None:
        """A line of the key log."""
        label, _, secret = line.split(b" ")
        if label == self._label:
            self.secret = bytes.fromhex(secret.decode())

    def remade(self, rewrite: Rewrite) -> bytes:
        """The records of our latest flight with other messages in it, and a Finished that fits them."""
        start = len(self.passed)
        while start and self.passed[start - 1][0]:
            start -= 1
        before = b"".join(octets for _, octets in self.passed[:start])
        ours = [octets for _, octets in self.passed[start:]]
        hello = ours[:1] if NAMES[ours[0][0]] == "ServerHello" else []
        inside = list(rewrite(ours[len(hello) : -1]))
        transcript = SUITE.hash(before + b"".join((*hello, *inside)))
        key = SUITE.expand_label(self.secret, "finished", b"", SUITE.hash_length)
        inside.append(message("Finished", hmac.digest(key, transcript, SUITE.hash_algorithm.name)))
        clear = [record(HANDSHAKE, octets) for octets in hello] + [record(CHANGE_CIPHER_SPEC, b"\x01")]
        return b"".join((*clear, RecordKeys(self.secret).seal(HANDSHAKE, b"".join(inside))))


def _named(kind: str, change: Callable[[bytes], Iterable[bytes]]) -> Rewrite:
    """The message of that name changed."""

    def rewrite(messages: Messages) -> Iterable[bytes]:
        for octets in messages:
            yield from change(octets) if NAMES.get(octets[0]) == kind else (octets,)

    return rewrite


def _without_certificate(messages: Messages) -> Iterable[bytes]:
    empty = _named("Certificate", lambda octets: (message("Certificate", bytes(4)),))
    return _named("CertificateVerify", lambda octets: ())(list(empty(messages)))


REWRITES: dict[str, tuple[str, Rewrite]] = {
    FORGED: (
        "whose CertificateVerify does not verify",
        _named("CertificateVerify", lambda octets: (one_bit_other(octets),)),
    ),
    UNSIGNED: ("without CertificateVerify", _named("CertificateVerify", lambda octets: ())),
    EMPTY: ("without a certificate", _without_certificate),
}
"""Name to what it does to a flight."""
