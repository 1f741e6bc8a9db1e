"""Measurement lists of the Linux kernel: TPM-18 to TPM-22."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from .refusal import ensure

LONGEST, MOST_ENTRIES = 32_768, 256
FIELDS = {"ima-ng": 2, "ima-sig": 3}
REGISTER, SHA256 = 10, 0x000B
ALGORITHM, VIOLATION = b"sha256:\0", bytes(20)


class Entry(NamedTuple):
    """One thing that was measured."""

    register: int
    digest: bytes
    template: str
    data: bytes

    def fields(self) -> list[bytes]:
        """Those of the template. Raises Refused."""
        found, at = [], 0
        while at < len(self.data):
            field, at = _sized(self.data, at)
            found.append(field)
        return found

    def file(self) -> tuple[str, bytes]:
        """Name and SHA-256 digest. Raises Refused or ValueError."""
        ensure(self.template in FIELDS, "another template")
        fields = self.fields()
        ensure(len(fields) == FIELDS[self.template], "number of fields")
        digest, name = fields[:2]
        ensure(digest[:8] == ALGORITHM and len(digest) == 40, "digest of a file")
        ensure(name.endswith(b"\0"), "name of a file")
        return name[:-1].decode(), digest[8:]


def _sized(octets: bytes, at: int) -> tuple[bytes, int]:
    ensure(at + 4 <= len(octets), "ends early")
    end = at + 4 + int.from_bytes(octets[at : at + 4], "little")
    ensure(end <= len(octets), "ends early")
    return octets[at + 4 : end], end


def read(octets: bytes) -> list[Entry]:
    """Entries, whatever their templates. Raises Refused."""
    ensure(len(octets) <= LONGEST, "too long")
    entries, at = list[Entry](), 0
    while at < len(octets):
        ensure(len(entries) < MOST_ENTRIES, "too many entries")
        register, digest = int.from_bytes(octets[at : at + 4], "little"), octets[at + 4 : at + 24]
        template, at = _sized(octets, at + 24)
        data, at = _sized(octets, at)
        entries.append(Entry(register, digest, template.decode("latin-1"), data))
    return entries


def extended(entries: list[Entry]) -> bytes:
    """The value of PCR 10 after them."""
    value = bytes(32)
    for entry in entries:
        more = b"\xff" * 32 if entry.digest == VIOLATION else hashlib.sha256(entry.data).digest()
        value = hashlib.sha256(value + more).digest()
    return value


def shown(octets: bytes) -> dict[str, Any]:
    """As `tpm-structure` answers."""
    entries = read(octets)
    files = [entry.file() for entry in entries]
    listed = [
        [entry.register, entry.digest.hex(), entry.template, name, digest.hex()]
        for entry, (name, digest) in zip(entries, files, strict=True)
    ]
    return {"entries": listed, "register": extended(entries).hex()}


def judge(octets: bytes, value: bytes | None, code: str) -> list[tuple[str, bytes]]:
    """The files of a list that accounts for PCR 10, which has that quoted value. Raises Refused."""
    entries = read(octets)
    files = [entry.file() for entry in entries]
    ensure(all(entry.digest != VIOLATION for entry in entries), "a violation", code)
    ensure(all(entry.digest == hashlib.sha1(entry.data).digest() for entry in entries), "digest of an entry", code)
    ensure(all(entry.register == REGISTER for entry in entries), "another register", code)
    ensure(value == extended(entries), "does not replay", code)
    return files
