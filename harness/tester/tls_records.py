"""Protected records of TLS_AES_128_GCM_SHA256, sealed and opened with a traffic secret (RFC 9846 section 5.2)."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..crypto.suites import SUITES
from ..transport.cutter import LengthCutter
from .tls_messages import APPLICATION_DATA, CHANGE_CIPHER_SPEC, record

SUITE = SUITES[3]
"""For its hash alone, which is that of TLS_AES_128_GCM_SHA256."""
HEAD, TAG, KEY, IV = 5, 16, 16, 12
"""Octets."""
LARGEST = (1 << 14) + 256
"""Octets of a record without its head."""


def _end_of(head: bytes) -> int | None:
    length = int.from_bytes(head[3:], "big")
    return HEAD + length if CHANGE_CIPHER_SPEC <= head[0] <= APPLICATION_DATA and length <= LARGEST else None


def cutter() -> LengthCutter:
    """Cuts at the lengths of records."""
    return LengthCutter(HEAD, _end_of)


class RecordKeys:
    """One direction under one secret; records are counted."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(SUITE.expand_label(secret, "key", b"", KEY))
        self._iv = SUITE.expand_label(secret, "iv", b"", IV)
        self._sequence = 0

    def seal(self, content: int, octets: bytes) -> bytes:
        """The next record."""
        inside = octets + bytes((content,))
        head = record(APPLICATION_DATA, bytes(len(inside) + TAG))[:HEAD]
        sealed = head + self._cipher.encrypt(self._nonce, inside, head)
        self._sequence += 1
        return sealed

    def open(self, sealed: bytes) -> tuple[int, bytes] | None:
        """Content type and octets of the next record; None, and nothing is counted, for any other one."""
        try:
            inside = self._cipher.decrypt(self._nonce, sealed[HEAD:], sealed[:HEAD]).rstrip(b"\0")
        except InvalidTag:
            return None
        self._sequence += 1
        return inside[-1], inside[:-1]

    @property
    def _nonce(self) -> bytes:
        return (int.from_bytes(self._iv, "big") ^ self._sequence).to_bytes(IV, "big")
