"""Records: the protected stream of the EDHOC binding, unit by unit, and the frames that come out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...harness.codec.cbor import encode
from ...harness.crypto.aead import Aead
from ...harness.crypto.suites import SUITES
from ...harness.transport.errors import TransportError
from ...harness.transport.frames import LIMIT_AFTER_OPEN, LIMIT_BEFORE_OPEN, FrameReader, write_frame
from ...harness.transport.record import PLAINTEXT_LIMIT, RecordOpener, RecordSealer, associated_data
from ...harness.transport.units import Kind, UnitReader, write_unit
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .seed import stream

SOURCE = "generated; chapters 3 and 5, EDH-15 to EDH-24"
UNIT_LIMIT = PLAINTEXT_LIMIT + 64
PING, PONG = encode([8, {1: b"\x00" * 8}]), encode([10, {1: b"\x00" * 8}])
LONG = encode([5, {1: b"d" * 600}])
Nonce = Callable[[int, int], int]
"""From iv and number of a record to the nonce, as integers."""
NONCES: dict[str, tuple[Nonce, str]] = {
    "counted-from-one": (lambda iv, number: iv ^ (number + 1), "numbers counted from one"),
    "iv-alone": (lambda iv, number: iv, "the iv for every record: one nonce, used again"),
    "added": (lambda iv, number: iv + number + 256, "the number added, not XORed"),
    "little-endian": (
        lambda iv, number: iv ^ int.from_bytes((number + 1).to_bytes(8, "little"), "big"),
        "the number little-endian",
    ),
    "left-aligned": (lambda iv, number: iv ^ (number + 1) << 32, "the number not aligned right"),
}
AADS: dict[str, tuple[Callable[[int], bytes], str]] = {
    "empty-aad": (lambda length: b"", "empty additional data"),
    "kind-alone": (lambda length: b"\x03", "the kind alone as additional data"),
    "length-first": (lambda length: (1 + length).to_bytes(4, "big") + b"\x03", "len before kind in additional data"),
    "length-of-payload": (lambda length: b"\x03" + length.to_bytes(4, "big"), "a len that does not count the kind"),
    "length-of-plaintext": (
        lambda length: b"\x03" + (length - 15).to_bytes(4, "big"),
        "a len without the tag, as in TLS",
    ),
    "length-little-endian": (lambda length: b"\x03" + (1 + length).to_bytes(4, "little"), "len little-endian"),
}


class Direction:
    """Key and iv of one suite, and records made with them."""

    def __init__(self, number: int, name: str = "") -> None:
        self.suite = SUITES[number]
        self.aead: Aead = self.suite.aead
        drawn = stream(f"records {number} {name}")
        self.key, self.iv = drawn(self.aead.key_length), drawn(self.aead.nonce_length)

    def units(self, plaintexts: list[bytes], first: int = 0) -> list[bytes]:
        """Units with one record each."""
        sealer = RecordSealer(self.aead, self.key, self.iv, 1 << 48)
        sealer.sequence = first
        return [write_unit(Kind.RECORD, sealer.seal(plaintext)) for plaintext in plaintexts]

    def sealed(
        self, number: int, plaintext: bytes, *, nonce: Nonce | None = None, aad: bytes | None = None, key: bytes = b""
    ) -> bytes:
        """One unit, sealed otherwise."""
        iv = int.from_bytes(self.iv, "big")
        made = (nonce or (lambda iv, number: iv ^ number))(iv, number) % (1 << 8 * len(self.iv))
        length = len(plaintext) + self.aead.tag_length
        data = associated_data(length) if aad is None else aad
        payload = self.aead.seal(key or self.key, made.to_bytes(len(self.iv), "big"), data, plaintext)
        return write_unit(Kind.RECORD, payload)

    def common(self) -> dict[str, Json]:
        """What a receiver has."""
        return {"suite": self.suite.number, "key": octets(self.key), "iv": octets(self.iv)}


def read(
    direction: Direction, units: list[bytes], *, first: int = 0, limit: int = 1 << 20, opened: bool = False
) -> list[bytes]:
    """Frames as the reference reads them. Raises TransportError."""
    cut = UnitReader(lambda kind: UNIT_LIMIT)
    opener = RecordOpener(direction.aead, direction.key, direction.iv, limit)
    opener.sequence = first
    frames = FrameReader(LIMIT_AFTER_OPEN if opened else LIMIT_BEFORE_OPEN)
    return [frame for unit in cut.feed(b"".join(units)) for frame in frames.feed(opener.open(unit.payload))]


def _input(units: list[bytes], first: int, limit: int, opened: bool) -> dict[str, Json]:
    return {"octets": octets(b"".join(units)), "first": first, "limit": limit, "open": opened}


def _good(
    direction: Direction,
    field: str,
    operator: str,
    units: list[bytes],
    comment: str,
    *,
    first: int = 0,
    limit: int = 1 << 20,
    opened: bool = False,
) -> Vector:
    frames = read(direction, units, first=first, limit=limit, opened=opened)
    output = {"frames": [octets(frame) for frame in frames]}
    return Vector("EDH-21", field, operator, True, comment, _input(units, first, limit, opened), output)


def _bad(
    direction: Direction,
    field: str,
    operator: str,
    units: list[bytes],
    comment: str,
    *,
    first: int = 0,
    limit: int = 1 << 20,
    opened: bool = False,
    flag: str = "",
) -> Vector:
    try:
        read(direction, units, first=first, limit=limit, opened=opened)
    except TransportError as error:
        given = _input(units, first, limit, opened)
        flags = (flag,) if flag else ()
        return Vector(
            requirement(error.check),
            field,
            operator,
            False,
            comment,
            given,
            refusals=refusals(error.check),
            flags=flags,
        )
    raise GeneratorError(f"{field} {operator} is accepted")


def _valid(direction: Direction) -> Iterator[Vector]:
    suite = direction.suite.number
    ping, pong, long = write_frame(PING), write_frame(PONG), write_frame(LONG)
    named: dict[str, tuple[list[bytes], str]] = {
        "one-frame": ([ping], "one frame in one record"),
        "several-frames": ([ping + pong + long], "three frames in one record"),
        "frame-over-records": (
            [long[:1], long[1:4], long[4:300], long[300:]],
            "one frame over four records, its length cut too",
        ),
        "frames-over-records": (
            [ping + pong[:5], pong[5:] + long[:2], long[2:]],
            "frames and records that do not end together",
        ),
        "empty-record": ([b"", ping, b""], "empty plaintexts"),
        "frame-begun": ([ping + long[:9]], "a frame that is not complete yet"),
    }
    for name, (plaintexts, comment) in named.items():
        yield _good(direction, f"stream, suite {suite}", name, direction.units(plaintexts), comment)
    for first in (254, 255, 65535, 2**32 - 1, 2**40):
        units = direction.units([ping, pong, ping], first)
        yield _good(
            direction,
            f"records from {first}, suite {suite}",
            "in-sequence",
            units,
            "numbers beyond one octet",
            first=first,
            limit=1 << 48,
        )
    yield _good(
        direction,
        f"record limit, suite {suite}",
        "reached",
        direction.units([ping] * 3),
        "as many records as allowed",
        limit=3,
    )


def _forged(direction: Direction) -> Iterator[Vector]:
    plaintexts = [write_frame(PING), write_frame(PONG), write_frame(LONG)]
    units, suite = direction.units(plaintexts), direction.suite.number
    other = Direction(suite, "other direction")

    def bad(field: str, operator: str, made: list[bytes], comment: str, flag: str = "") -> Vector:
        return _bad(direction, f"{field}, suite {suite}", operator, made, comment, flag=flag)

    yield bad("second record", "replayed", [units[0], units[0]], "the first record again", "Replay")
    yield bad("second record", "left-out", [units[0], units[2]], "a record is missing", "Replay")
    yield bad("second record", "swapped", [units[0], units[2], units[1]], "two records exchanged", "Replay")
    yield bad(
        "first record",
        "other-direction",
        [other.units(plaintexts)[0]],
        "under the keys of the other direction",
        "Replay",
    )
    for where, at in {"ciphertext": 5, "tag": -1}.items():
        bent = bytearray(units[0])
        bent[at] ^= 1
        yield bad(f"first record's {where}", "bit-flipped", [bytes(bent)], "one bit the other way")
    cut = write_unit(Kind.RECORD, units[0][5:-1])
    yield bad("first record's tag", "truncated", [cut], "the last octet of the tag is missing")
    yield bad("first record", "emptied", [write_unit(Kind.RECORD, b"")], "no octets at all")
    for name, (nonce, comment) in NONCES.items():
        made = [direction.sealed(number, plaintext, nonce=nonce) for number, plaintext in enumerate(plaintexts)]
        yield bad("nonce", name, made, comment, "RecordNonce")
    for name, (aad, comment) in AADS.items():
        length = len(plaintexts[0]) + direction.aead.tag_length
        if aad(length) != associated_data(length):
            yield bad(
                "additional data",
                name,
                [direction.sealed(0, plaintexts[0], aad=aad(length))],
                comment,
                "AdditionalData",
            )
    yield bad(
        "key",
        "all-zero",
        [direction.sealed(0, plaintexts[0], key=bytes(len(direction.key)))],
        "a key of zeros",
        "KeyDerivation",
    )
    for kind in (0, 4, 255):
        yield bad(
            "unit kind",
            f"kind-{kind}",
            [write_unit(kind, units[0][5:])],
            "a kind that does not exist",
            "ValueUnchecked",
        )
    yield bad("unit length", "zero", [bytes(4) + units[0]], "a unit without a kind", "EmptyField")
    head = (UNIT_LIMIT + 1).to_bytes(4, "big") + b"\x03"
    yield bad("unit length", "too-long", [head], "longer than any record: refused on its head", "DeclaredLength")


def _limits(direction: Direction) -> Iterator[Vector]:
    ping = write_frame(PING)
    yield _good(
        direction,
        "plaintext",
        "longest",
        direction.units([write_frame(b"\x45abcde") + bytes([0, 0x3F, 0xF4]) + bytes(PLAINTEXT_LIMIT - 12)]),
        "16,384 octets",
    )
    too_long = direction.sealed(0, bytes(PLAINTEXT_LIMIT + 1))
    yield _bad(
        direction, "plaintext", "one-too-long", [too_long], "16,385 octets, correctly sealed", flag="RecordBounds"
    )
    yield _bad(
        direction,
        "record limit",
        "exceeded",
        direction.units([ping] * 4),
        "a record more than allowed",
        limit=3,
        flag="RecordBounds",
    )
    for opened, limit in ((False, LIMIT_BEFORE_OPEN), (True, LIMIT_AFTER_OPEN)):
        state = "after OPEN" if opened else "before OPEN"
        head = limit.to_bytes(3, "big")
        yield _good(
            direction,
            f"frame length {state}",
            "longest",
            direction.units([ping + head]),
            "the greatest length",
            opened=opened,
        )
        over = direction.units([ping + (limit + 1).to_bytes(3, "big")])
        yield _bad(
            direction,
            f"frame length {state}",
            "one-too-long",
            over,
            "refused on reading the length",
            opened=opened,
            flag="DeclaredLength",
        )
    after = direction.units([ping + LIMIT_AFTER_OPEN.to_bytes(3, "big")])
    yield _bad(
        direction,
        "frame length before OPEN",
        "limit-of-later",
        after,
        "a length that is allowed only after OPEN",
        flag="DeclaredLength",
    )


def _groups() -> Iterator[Group]:
    for number in SUITES:
        direction = Direction(number)
        vectors = (*_valid(direction), *_forged(direction), *(_limits(direction) if number == 3 else ()))
        yield Group(f"suite-{number}", "records", SOURCE, vectors, direction.common())


AREA = Area(
    "records", "Units with records of one direction, from a number on: the frames in them, or a refusal.", _groups
)
