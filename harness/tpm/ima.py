"""The measurement list of Linux (IMA): what the kernel measured into PCR 10, written, read strictly, and replayed.

Binary form, little-endian (`ima_canonical_fmt`), of the templates ima-ng and ima-sig. An entry carries the SHA-1 digest
of its template data; a bank is extended with the digest of that data by its own algorithm. Source: Linux,
security/integrity/ima/ima_fs.c and ima_template_lib.c, Documentation/security/IMA-templates.rst.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Final

from .structures import StructureError

PCR: Final = 10
"""The register that the kernel extends by default."""
NG: Final = "ima-ng"
SIG: Final = "ima-sig"
FIELDS: Final = {NG: 2, SIG: 3}
"""Templates that are read, and how many fields each has: digest, name, and perhaps a signature."""
MAX_LIST: Final = 32_768
MAX_ENTRIES: Final = 256
_ALGORITHM = b"sha256:\0"
_VIOLATION = bytes(20)
_INVALID = b"\xff" * 32
"""What a register is extended with for a violation: what was measured was being written to."""


@dataclass(frozen=True, slots=True)
class ImaEntry:
    """One entry as it stands: register, SHA-1 digest (20 octets), name of the template, and its data."""

    pcr: int
    digest: bytes
    template: str
    data: bytes

    @property
    def is_violation(self) -> bool:
        """Whether the kernel could not vouch for what it measured."""
        return self.digest == _VIOLATION

    @property
    def fields(self) -> tuple[bytes, ...]:
        """The fields of the template. Raises StructureError for another template or another number of them."""
        if self.template not in FIELDS:
            raise StructureError(f"template {self.template!r}")
        found, at = list[bytes](), 0
        while at < len(self.data):
            size = int.from_bytes(self.data[at : at + 4], "little")
            found.append(self.data[at + 4 : at + 4 + size])
            at += 4 + size
        if at != len(self.data) or len(found) != FIELDS[self.template]:
            raise StructureError(f"fields of template {self.template!r}")
        return tuple(found)

    @property
    def file(self) -> tuple[str, bytes]:
        """Name and SHA-256 digest of what was measured. Raises StructureError for another form."""
        digest, name, *_ = self.fields
        if not digest.startswith(_ALGORITHM) or len(digest) != len(_ALGORITHM) + 32 or not name.endswith(b"\0"):
            raise StructureError("an entry needs a SHA-256 digest and a name that ends with a zero octet")
        try:
            return name[:-1].decode(), digest[len(_ALGORITHM) :]
        except UnicodeDecodeError as error:
            raise StructureError("a name that is no text") from error


def entry(name: str, digest: bytes, signature: bytes | None = None, *, pcr: int = PCR) -> ImaEntry:
    """The entry of a file by its SHA-256 digest; with a signature, even an empty one, of template ima-sig."""
    fields = [_ALGORITHM + digest, name.encode() + b"\0", *([] if signature is None else [signature])]
    data = b"".join(_u32(len(field)) + field for field in fields)
    return ImaEntry(pcr, sha1(data).digest(), NG if signature is None else SIG, data)


def write_list(entries: Iterable[ImaEntry]) -> bytes:
    """The list in binary form."""
    return b"".join(
        _u32(item.pcr) + item.digest + _u32(len(item.template)) + item.template.encode() + _u32(len(item.data))
        + item.data
        for item in entries
    )  # fmt: skip


def read_list(data: bytes) -> tuple[ImaEntry, ...]:
    """The entries, whatever their templates. Raises StructureError, also beyond `MAX_LIST` and `MAX_ENTRIES`."""
    if len(data) > MAX_LIST:
        raise StructureError(f"a list of {len(data)} octets, at most {MAX_LIST}")
    entries, at = list[ImaEntry](), 0
    while at < len(data):
        if len(entries) == MAX_ENTRIES:
            raise StructureError(f"more than {MAX_ENTRIES} entries")
        pcr, at = _number(data, at)
        digest, at = _octets(data, at, 20)
        size, at = _number(data, at)
        template, at = _octets(data, at, size)
        size, at = _number(data, at)
        content, at = _octets(data, at, size)
        entries.append(ImaEntry(pcr, digest, template.decode("latin-1"), content))
    return tuple(entries)


def read_ascii(text: str) -> tuple[ImaEntry, ...]:
    """Entries from the list as `ascii_runtime_measurements` prints it. Raises StructureError."""
    return tuple(_read_line(line) for line in text.splitlines())


def _read_line(line: str) -> ImaEntry:
    try:
        pcr, digest, template, named, rest = line.split(" ", 4)
        algorithm, _, file_digest = named.partition(":")
        name, _, signature = rest.rpartition(" ") if template == SIG and " " in rest else (rest, "", "")
        if template not in FIELDS or algorithm != "sha256":
            raise StructureError(f"line {line!r}")
        made = entry(
            name, bytes.fromhex(file_digest), bytes.fromhex(signature) if template == SIG else None, pcr=int(pcr)
        )
        return ImaEntry(made.pcr, bytes.fromhex(digest), template, made.data)
    except ValueError as error:
        raise StructureError(f"line {line!r}") from error


def replay(entries: Iterable[ImaEntry]) -> bytes:
    """Value of PCR 10 in the SHA-256 bank after these entries, from 32 zero octets."""
    register = bytes(32)
    for item in entries:
        register = sha256(register + (_INVALID if item.is_violation else sha256(item.data).digest())).digest()
    return register


def template_digest(item: ImaEntry) -> bytes:
    """What the entry's digest must be: SHA-1 over the template data, 20 octets."""
    return sha1(item.data).digest()


def _number(data: bytes, at: int) -> tuple[int, int]:
    octets, end = _octets(data, at, 4)
    return int.from_bytes(octets, "little"), end


def _octets(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if size > len(data) - at:
        raise StructureError("the list ends within an entry")
    return data[at : at + size], at + size


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
