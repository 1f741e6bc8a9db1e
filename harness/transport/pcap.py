"""Conversations as packet captures, IPv4 and TCP, for Wireshark and its like.

Headers are laid out here, since building them field by field costs a hundred times more and every conversation of a
run is kept. File formats: classic pcap, version 2.4, and pcapng, version 1.0 (draft-ietf-opsawg-pcapng), both with
microseconds and link type 101 (raw IP).
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal

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
_RAW_IP, _MOST_OCTETS = 101, 1 << 18
_RECORD = struct.Struct("<IIII").pack
_SECTION_HEADER, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_ENHANCED = struct.Struct("<IIIII").pack
_COMMENT = 1
_HEADERS = struct.Struct(">HHHHHH8sHHIIHHHH").pack
_VERSION, _DO_NOT_FRAGMENT, _TTL_AND_TCP, _OFFSET, _WINDOW = 0x4500, 0x4000, 64 << 8 | 6, 5 << 12, 0xFFFF
_ADDRESSES = sum(struct.unpack(">4H", _BOTH))


def write_pcap(path: Path, *conversations: Iterable[Chunk]) -> None:
    """Writes conversations to `path`, each from opening to close and from a device port of its own. Raises OSError.

    A conversation without chunks has no packets.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _MOST_OCTETS, _RAW_IP))
        for number, chunks in enumerate(conversations):
            for time, packet in _packets(chunks, DEVICE_PORT + number % _PORTS):
                seconds, microseconds = divmod(round(time * 1_000_000), 1_000_000)
                file.write(_RECORD(seconds & 0xFFFFFFFF, microseconds, len(packet), len(packet)) + packet)


class CaptureWriter:
    """A growing pcapng capture; the first packet of each conversation has a comment that says what it is about."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._conversations = file, 0
        file.write(_block(_SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(_block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, _MOST_OCTETS)))

    def add(self, comment: str, chunks: Iterable[Chunk]) -> None:
        """One conversation, handed to the operating system; nothing for one without chunks. Raises OSError."""
        port = DEVICE_PORT + self._conversations % _PORTS
        self._conversations += 1
        blocks, options = [], _option(_COMMENT, comment.encode())
        for time, packet in _packets(chunks, port):
            microseconds = round(time * 1_000_000)
            head = _ENHANCED(0, microseconds >> 32, microseconds & 0xFFFFFFFF, len(packet), len(packet))
            blocks.append(_block(_ENHANCED_PACKET, head + _padded(packet) + options))
            options = b""
        self._file.write(b"".join(blocks))
        self._file.flush()


def _block(kind: int, body: bytes) -> bytes:
    length = (12 + len(body)).to_bytes(4, "little")
    return kind.to_bytes(4, "little") + length + body + length


def _option(code: int, value: bytes) -> bytes:
    """An option, and the end of options."""
    return struct.pack("<HH", code, len(value)) + _padded(value) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _packets(chunks: Iterable[Chunk], port: int) -> Iterator[tuple[float, bytes]]:
    remaining = iter(chunks)
    first = next(remaining, None)
    if first is None:
        return
    time, next_octet = first[0], {"device": 0, "service": 0}
    for sender, flags in (("device", _SYN), ("service", _SYN | _ACK)):
        yield time, _packet(sender, flags, next_octet, b"", port)
        next_octet[sender] = 1
    yield time, _packet("device", _ACK, next_octet, b"", port)
    for time, sender, data in chain((first,), remaining):
        for start in range(0, len(data), _SEGMENT):
            segment = data[start : start + _SEGMENT]
            yield time, _packet(sender, _PSH | _ACK, next_octet, segment, port)
            next_octet[sender] += len(segment)
    for sender in ("device", "service"):
        yield time, _packet(sender, _FIN | _ACK, next_octet, b"", port)
        next_octet[sender] += 1
    yield time, _packet("device", _ACK, next_octet, b"", port)


def _packet(sender: str, flags: int, next_octet: dict[str, int], data: bytes, port: int) -> bytes:
    """IPv4 (RFC 791), TCP (RFC 9293) and data."""
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
    return headers + data


def _checksum(total: int) -> int:
    """The Internet checksum (RFC 1071) of a sum: 2^16 is 1 modulo 0xFFFF, so a longer number adds all its words."""
    return 0xFFFF - (total % 0xFFFF or 0xFFFF)
