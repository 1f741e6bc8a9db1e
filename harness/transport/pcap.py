"""Transcripts as packet captures: the conversations of a test in a file, IPv4 and TCP, for Wireshark and its like.

Headers are laid out here, since building them field by field costs a hundred times more and every conversation of a
run is kept. File format: classic pcap, version 2.4, microseconds, link type 101 (raw IP).
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

Sender = Literal["device", "service"]
Chunk = tuple[float, Sender, bytes]
"""Time in seconds, who sent, and what."""

SERVICE_PORT = 27071
DEVICE_PORT = 49152

_PORTS = 65536 - DEVICE_PORT
_SEGMENT = 65_495
"""Octets of data in the longest IPv4 packet with two bare headers."""
_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16
_BOTH = 2 * bytes((127, 0, 0, 1))
"""Source and destination."""
_RECORD = struct.Struct("<IIII").pack
_HEADERS = struct.Struct(">HHHHHH8sHHIIHHHH").pack
_VERSION, _DO_NOT_FRAGMENT, _TTL_AND_TCP, _OFFSET, _WINDOW = 0x4500, 0x4000, 64 << 8 | 6, 5 << 12, 0xFFFF
_ADDRESSES = sum(struct.unpack(">4H", _BOTH))


def write_pcap(path: Path, *conversations: Iterable[Chunk]) -> None:
    """Writes conversations to `path`, each from opening to close and from a device port of its own. Raises OSError.

    A conversation without chunks has no packets.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101))
        for number, chunks in enumerate(conversations):
            file.writelines(_packets(chunks, DEVICE_PORT + number % _PORTS))


def _packets(chunks: Iterable[Chunk], port: int) -> Iterator[bytes]:
    remaining = iter(chunks)
    first = next(remaining, None)
    if first is None:
        return
    time, next_octet = first[0], {"device": 0, "service": 0}
    for sender, flags in (("device", _SYN), ("service", _SYN | _ACK)):
        yield _packet(time, sender, flags, next_octet, b"", port)
        next_octet[sender] = 1
    yield _packet(time, "device", _ACK, next_octet, b"", port)
    for time, sender, data in chain((first,), remaining):
        for start in range(0, len(data), _SEGMENT):
            segment = data[start : start + _SEGMENT]
            yield _packet(time, sender, _PSH | _ACK, next_octet, segment, port)
            next_octet[sender] += len(segment)
    for sender in ("device", "service"):
        yield _packet(time, sender, _FIN | _ACK, next_octet, b"", port)
        next_octet[sender] += 1
    yield _packet(time, "device", _ACK, next_octet, b"", port)


def _packet(time: float, sender: str, flags: int, next_octet: dict[str, int], data: bytes, port: int) -> bytes:
    """One pcap record: its header, IPv4 (RFC 791), TCP (RFC 9293) and data."""
    to_service = sender == "device"
    source, target = (port, SERVICE_PORT) if to_service else (SERVICE_PORT, port)
    sequence = next_octet[sender] & 0xFFFFFFFF
    acknowledged = next_octet["service" if to_service else "device"] & 0xFFFFFFFF if flags & _ACK else 0
    size = 20 + len(data)
    ip_sum = _checksum(_VERSION + 20 + size + _DO_NOT_FRAGMENT + _TTL_AND_TCP + _ADDRESSES)
    tcp_sum = _ADDRESSES + 6 + size + source + target + sequence + acknowledged + (_OFFSET | flags) + _WINDOW
    tcp_sum = _checksum(tcp_sum + int.from_bytes(data + bytes(len(data) % 2), "big"))
    headers = _HEADERS(
        _VERSION, 20 + size, 0, _DO_NOT_FRAGMENT, _TTL_AND_TCP, ip_sum, _BOTH,
        source, target, sequence, acknowledged, _OFFSET | flags, _WINDOW, tcp_sum, 0,
    )  # fmt: skip
    seconds, microseconds = divmod(round(time * 1_000_000), 1_000_000)
    return _RECORD(seconds & 0xFFFFFFFF, microseconds, 20 + size, 20 + size) + headers + data


def _checksum(total: int) -> int:
    """The Internet checksum (RFC 1071) of a sum: 2^16 is 1 modulo 0xFFFF, so a longer number adds all its words."""
    return 0xFFFF - (total % 0xFFFF or 0xFFFF)
