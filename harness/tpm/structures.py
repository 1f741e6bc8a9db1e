"""Structures of a TPM 2.0 that evidence is made of, read strictly: whole, big-endian, every length bounded.

Only what this profile allows is read: ECC keys on P-256, ECDSA with SHA-256, quotes and certifications. Sources: TCG
TPM 2.0 Library part 2, sections 10.12 (attestation), 11.2 (keys and signatures), 12.2 (public areas); part 1, section
16 (names).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ...spec import identifiers

_TPM = identifiers()["tpm"]

GENERATED: Final[int] = _TPM["magic"]
"""TPM_GENERATED_VALUE: what a restricted key signs starts so only where the module made it."""
QUOTE, CERTIFY = int(_TPM["quote"]), int(_TPM["certify"])
SHA1, SHA256, SHA384 = int(_TPM["sha1"]), int(_TPM["sha256"]), int(_TPM["sha384"])
ECC, ECDSA, P256 = int(_TPM["ecc"]), int(_TPM["ecdsa"]), int(_TPM["p256"])
NULL: Final = 0x0010
"""TPM_ALG_NULL."""
DIGEST_SIZES: Final = {SHA1: 20, SHA256: 32, SHA384: 48}
"""Octets of a PCR by its bank."""
PCRS: Final = 24
MAX_STRUCTURE: Final = 1024
"""Octets of any one structure; none that this profile allows comes near."""
MAX_SELECTIONS: Final = 4
COORDINATE: Final = 32


class Attribute:
    """Bits of TPMA_OBJECT."""

    FIXED_TPM: Final = 1 << _TPM["attribute"]["fixed_tpm"]
    FIXED_PARENT: Final = 1 << _TPM["attribute"]["fixed_parent"]
    SENSITIVE_DATA_ORIGIN: Final = 1 << _TPM["attribute"]["sensitive_data_origin"]
    USER_WITH_AUTH: Final = 1 << 6
    ADMIN_WITH_POLICY: Final = 1 << 7
    NO_DA: Final = 1 << 10
    RESTRICTED: Final = 1 << _TPM["attribute"]["restricted"]
    DECRYPT: Final = 1 << _TPM["attribute"]["decrypt"]
    SIGN: Final = 1 << _TPM["attribute"]["sign"]


class StructureError(ValueError):
    """The octets are not the structure that they should be, or one that this profile does not allow."""


class Reader:
    """Octets taken from the front, never beyond the end."""

    def __init__(self, data: bytes, most: int = MAX_STRUCTURE) -> None:
        """Raises StructureError for more than `most` octets."""
        if len(data) > most:
            raise StructureError(f"{len(data)} octets, at most {most}")
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        """The next `length` octets. Raises StructureError."""
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise StructureError(f"ends {length - len(taken)} octets early")
        self._at += length
        return taken

    def number(self, length: int) -> int:
        """A big-endian unsigned integer of `length` octets. Raises StructureError."""
        return int.from_bytes(self.take(length), "big")

    def sized(self, most: int) -> bytes:
        """Content of a TPM2B of at most `most` octets. Raises StructureError."""
        length = self.number(2)
        if length > most:
            raise StructureError(f"{length} octets where at most {most} can stand")
        return self.take(length)

    def expect(self, length: int, *allowed: int) -> int:
        """A number that is one of `allowed`. Raises StructureError."""
        number = self.number(length)
        if number not in allowed:
            raise StructureError(f"{number:#x} where {' or '.join(f'{item:#x}' for item in allowed)} must stand")
        return number

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Raises StructureError unless everything has been taken."""
        if self._at != len(self._data):
            raise StructureError(f"{len(self._data) - self._at} octets too many")


def sized(content: bytes) -> bytes:
    """A TPM2B."""
    return len(content).to_bytes(2, "big") + content


# --- Keys and signatures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Public:
    """TPMT_PUBLIC of an ECC signing key; `octets` are the whole area. `policy` is its authPolicy, 0 or 32 octets."""

    octets: bytes
    attributes: int
    policy: bytes
    key: ec.EllipticCurvePublicKey

    @property
    def name(self) -> bytes:
        """Name, 34 octets: nameAlg and the digest of the public area."""
        return SHA256.to_bytes(2, "big") + sha256(self.octets).digest()

    def has(self, *attributes: int) -> bool:
        """Whether all of these bits are set."""
        return all(self.attributes & bit for bit in attributes)


def read_public(data: bytes) -> Public:
    """A public area: P-256, ECDSA with SHA-256, name algorithm SHA-256. Raises StructureError."""
    reader = Reader(data)
    reader.expect(2, ECC)
    reader.expect(2, SHA256)
    attributes = reader.number(4)
    policy = reader.sized(32)
    reader.expect(2, NULL)  # symmetric: the key encrypts nothing
    reader.expect(2, ECDSA)
    reader.expect(2, SHA256)
    reader.expect(2, P256)
    reader.expect(2, NULL)  # kdf
    x, y = (int.from_bytes(reader.sized(COORDINATE), "big") for _ in range(2))
    reader.end()
    if policy and len(policy) != 32:
        raise StructureError(f"a policy of {len(policy)} octets")
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise StructureError("not a point of P-256") from error
    return Public(data, attributes, policy, key)


def write_public(key: ec.EllipticCurvePublicKey, attributes: int, policy: bytes = b"") -> bytes:
    """The public area of an ECDSA key with SHA-256 on P-256."""
    numbers = key.public_numbers()
    head = b"".join(item.to_bytes(2, "big") for item in (ECC, SHA256))
    scheme = b"".join(item.to_bytes(2, "big") for item in (NULL, ECDSA, SHA256, P256, NULL))
    point = b"".join(sized(item.to_bytes(COORDINATE, "big")) for item in (numbers.x, numbers.y))
    return head + attributes.to_bytes(4, "big") + sized(policy) + scheme + point


def read_signature(data: bytes) -> bytes:
    """Raw r and s, 64 octets, of a TPMT_SIGNATURE by ECDSA with SHA-256. Raises StructureError."""
    reader = Reader(data)
    reader.expect(2, ECDSA)
    reader.expect(2, SHA256)
    r, s = reader.sized(COORDINATE), reader.sized(COORDINATE)
    reader.end()
    return r.rjust(COORDINATE, b"\0") + s.rjust(COORDINATE, b"\0")


def write_signature(raw: bytes) -> bytes:
    """TPMT_SIGNATURE of a raw ECDSA signature, r and s of 32 octets each."""
    head = ECDSA.to_bytes(2, "big") + SHA256.to_bytes(2, "big")
    return head + sized(raw[:COORDINATE]) + sized(raw[COORDINATE:])


# --- Attestation structures ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attested:
    """TPMS_ATTEST up to what is attested, and that still encoded. Nothing in it has been judged."""

    magic: int
    type: int
    signer: bytes
    """qualifiedSigner, 0 to 34 octets with SHA-256."""
    extra: bytes
    """extraData, 0 to 64 octets."""
    clock: int
    reset_count: int
    restart_count: int
    safe: int
    firmware: int
    attested: bytes


def read_attested(data: bytes) -> Attested:
    """Take a TPMS_ATTEST apart, whatever its magic and type. Raises StructureError."""
    reader = Reader(data)
    magic, kind = reader.number(4), reader.number(2)
    signer, extra = reader.sized(66), reader.sized(64)
    clock, reset, restart, safe, firmware = (reader.number(length) for length in (8, 4, 4, 1, 8))
    return Attested(magic, kind, signer, extra, clock, reset, restart, safe, firmware, reader.rest())


@dataclass(frozen=True, slots=True)
class Quoted:
    """TPMS_QUOTE_INFO: per selection the bank and its PCRs in ascending order, and the digest over their values."""

    selections: tuple[tuple[int, tuple[int, ...]], ...]
    digest: bytes

    @property
    def pcrs(self) -> frozenset[tuple[int, int]]:
        """Bank and index of every PCR that is quoted."""
        return frozenset((bank, index) for bank, indices in self.selections for index in indices)


def read_quoted(data: bytes) -> Quoted:
    """What a quote attests. Raises StructureError, also for a bank that no PCR digest is known for."""
    reader = Reader(data)
    count = reader.number(4)
    if count > MAX_SELECTIONS:
        raise StructureError(f"{count} selections, at most {MAX_SELECTIONS}")
    selections = tuple(_read_selection(reader) for _ in range(count))
    digest = reader.sized(32)
    reader.end()
    return Quoted(selections, digest)


def _read_selection(reader: Reader) -> tuple[int, tuple[int, ...]]:
    bank = reader.expect(2, *DIGEST_SIZES)
    bits = int.from_bytes(reader.take(reader.expect(1, 3)), "little")
    return bank, tuple(index for index in range(PCRS) if bits >> index & 1)


def write_selections(selections: Iterable[tuple[int, Iterable[int]]]) -> bytes:
    """TPML_PCR_SELECTION."""
    parts = [
        bank.to_bytes(2, "big") + b"\x03" + sum(1 << index for index in set(indices)).to_bytes(3, "little")
        for bank, indices in selections
    ]
    return len(parts).to_bytes(4, "big") + b"".join(parts)


@dataclass(frozen=True, slots=True)
class Certified:
    """TPMS_CERTIFY_INFO: name and qualified name of the certified object."""

    name: bytes
    qualified_name: bytes


def read_certified(data: bytes) -> Certified:
    """What a certification attests. Raises StructureError."""
    reader = Reader(data)
    certified = Certified(reader.sized(66), reader.sized(66))
    reader.end()
    return certified
