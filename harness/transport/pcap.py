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
_PSEUDO, _IP, _TCP = (struct.Struct(form).pack for form in (">BBH", ">BBHHHBB", ">HHIIBBHHH"))
_RECORD = struct.Struct("<IIII").pack


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
    ports = (port, SERVICE_PORT) if to_service else (SERVICE_PORT, port)
    sequence = next_octet[sender] & 0xFFFFFFFF
    acknowledged = next_octet["service" if to_service else "device"] & 0xFFFFFFFF if flags & _ACK else 0
    tcp = _TCP(*ports, sequence, acknowledged, 5 << 4, flags, 0xFFFF, 0, 0)
    pseudo = _BOTH + _PSEUDO(0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + _checksum(pseudo + tcp + data) + tcp[18:]
    ip = _IP(0x45, 0, 20 + len(tcp) + len(data), 0, 0x4000, 64, 6)
    ip += _checksum(ip + _BOTH) + _BOTH
    seconds, microseconds = divmod(round(time * 1_000_000), 1_000_000)
    length = len(ip) + len(tcp) + len(data)
    return _RECORD(seconds & 0xFFFFFFFF, microseconds, length, length) + ip + tcp + data


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071): 2^16 is 1 modulo 0xFFFF, so one remainder adds all the words."""
    total = int.from_bytes(data + bytes(len(data) % 2), "big")
    return (0xFFFF - (total % 0xFFFF or 0xFFFF)).to_bytes(2, "big")
