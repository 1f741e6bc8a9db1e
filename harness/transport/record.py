"""Protected records, the payload of units of kind 3: one AEAD ciphertext each, under a sequence number never sent.

AEAD: that of the EDHOC cipher suite; key and iv come from EDHOC_Exporter, one pair for each direction. Nonce: the iv
XOR the sequence number, a u64 aligned right, counted from 0. Associated data, five octets: the unit's kind (0x03), then
the four octets of its `len` as they stand on the wire, so `03 00 00 01 0b` with a payload of 266 octets.
"""

from collections.abc import Iterator

from ..crypto.aead import Aead
from ..crypto.errors import TagMismatch
from .errors import RecordError
from .units import Kind

PLAINTEXT_LIMIT = 16_384
"""Octets of plaintext in one record."""
RECORD_LIMIT = 1 << 20
"""Records under one key, unless configured lower."""

_BEHIND, _AHEAD = 1024, 16


def associated_data(payload_length: int) -> bytes:
    """`kind || len` of the unit that carries a record of `payload_length` octets."""
    return bytes((Kind.RECORD,)) + (1 + payload_length).to_bytes(4, "big")


class _Direction:
    """One key and its sequence number."""

    def __init__(
        self, aead: Aead, key: bytes, iv: bytes, record_limit: int = RECORD_LIMIT, off: frozenset[str] = frozenset()
    ) -> None:
        self._aead = aead
        self._key = key
        self._iv = int.from_bytes(iv, "big")
        self._limit = record_limit
        self._off = off
        self.sequence = 0
        """The number of the next record."""

    def _nonce(self, sequence: int) -> bytes:
        return (self._iv ^ sequence).to_bytes(self._aead.nonce_length, "big")

    def _refuse(self, check: str, detail: str) -> None:
        """Unless the check is not made."""
        if check not in self._off:
            raise RecordError(check, detail)

    def _check_bounds(self, length: int) -> None:
        if self.sequence >= self._limit:
            self._refuse("record_limit_holds", f"record {self.sequence} of {self._limit}")
        if length > PLAINTEXT_LIMIT:
            self._refuse("record_length_is_bounded", f"plaintext of {length} octets; {PLAINTEXT_LIMIT} is the most")


class RecordSealer(_Direction):
    """The sending end of one direction. `off` names the checks not made: a faulty sender for tests."""

    def seal(self, plaintext: bytes) -> bytes:
        """The next record's payload, `aead.tag_length` octets longer; raises RecordError when too long or too many."""
        self._check_bounds(len(plaintext))
        aad = associated_data(len(plaintext) + self._aead.tag_length)
        payload = self._aead.seal(self._key, self._nonce(self.sequence), aad, plaintext)
        self.sequence += 1
        return payload

    def seal_stream(self, stream: bytes) -> Iterator[bytes]:
        """`stream` in as few records as hold it."""
        for start in range(0, len(stream), PLAINTEXT_LIMIT):
            yield self.seal(stream[start : start + PLAINTEXT_LIMIT])


class RecordOpener(_Direction):
    """The receiving end of one direction; a failure is final, every later record is refused with the same error.

    Without `record_tag_verifies` the plaintext is decrypted unverified. Without `record_is_in_sequence` a record opens
    under another number too: one of the 1,024 before the expected one, or of the 15 after it.
    """

    _error: RecordError | None = None

    def open(self, payload: bytes) -> bytes:
        """The plaintext of the next record; raises RecordError."""
        if self._error:
            raise self._error
        try:
            self._check_bounds(len(payload) - self._aead.tag_length)
            return self._open(payload)
        except RecordError as error:
            self._error = error
            raise

    def _open(self, payload: bytes) -> bytes:
        plaintext = self._try(payload, self.sequence)
        if plaintext is None:
            plaintext = self._open_elsewhere(payload)
        if plaintext is None:
            self._refuse("record_tag_verifies", f"record {self.sequence} does not authenticate")
            nonce, aad = self._nonce(self.sequence), associated_data(len(payload))
            plaintext = self._aead.open_unverified(self._key, nonce, aad, payload)
        self.sequence += 1
        return plaintext

    def _open_elsewhere(self, payload: bytes) -> bytes | None:
        """The plaintext under another number. Looked for with the check on as well: a replay is told from a forgery."""
        for sequence in range(max(0, self.sequence - _BEHIND), self.sequence + _AHEAD):
            plaintext = self._try(payload, sequence)
            if plaintext is not None:
                detail = f"record {sequence} where {self.sequence} is due"
                self._refuse("record_is_in_sequence", detail)
                self.sequence = max(sequence, self.sequence - 1)
                return plaintext
        return None

    def _try(self, payload: bytes, sequence: int) -> bytes | None:
        try:
            return self._aead.open(self._key, self._nonce(sequence), associated_data(len(payload)), payload)
        except TagMismatch:
            return None
