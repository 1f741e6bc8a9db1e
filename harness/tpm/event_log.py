"""The log of a measured start: what was folded into which register, in order. Written, read strictly, and replayed.

Source: TCG PC Client Platform Firmware Profile, section 10 (crypto-agile log; little-endian). One bank, SHA-256.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from .structures import PCRS, SHA256, StructureError

NO_ACTION: Final = 0x00000003
"""EV_NO_ACTION: said, and folded into nothing."""
POST_CODE: Final = 0x00000001
"""EV_POST_CODE: firmware."""
IPL: Final = 0x0000000D
"""EV_IPL: what the firmware starts, and what that starts."""
MAX_LOG: Final = 16_384
MAX_EVENTS: Final = 64
MAX_TEXT: Final = 1024
_SIGNATURE: Final = b"Spec ID Event03\0"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One measurement: register, TCG event type, SHA-256 digest of what was measured, and words about it."""

    pcr: int
    type: int
    digest: bytes
    text: bytes = b""


def write_log(events: Iterable[LogEvent]) -> bytes:
    """The log with its header."""
    header = _SIGNATURE + _u32(0) + bytes([0, 2, 0, 2]) + _u32(1) + _u16(SHA256) + _u16(32) + b"\0"
    first = _u32(0) + _u32(NO_ACTION) + bytes(20) + _u32(len(header)) + header
    return first + b"".join(
        _u32(event.pcr) + _u32(event.type) + _u32(1) + _u16(SHA256) + event.digest + _u32(len(event.text)) + event.text
        for event in events
    )


def read_log(data: bytes) -> tuple[LogEvent, ...]:
    """The events behind the header. Raises StructureError for any other form, and beyond `MAX_EVENTS`."""
    if len(data) > MAX_LOG:
        raise StructureError(f"a log of {len(data)} octets, at most {MAX_LOG}")
    header = write_log(())
    if not data.startswith(header):
        raise StructureError("not a log of the SHA-256 bank alone")
    events, at = list[LogEvent](), len(header)
    while at < len(data):
        if len(events) == MAX_EVENTS:
            raise StructureError(f"more than {MAX_EVENTS} events")
        event, at = _read_event(data, at)
        events.append(event)
    return tuple(events)


def _read_event(data: bytes, at: int) -> tuple[LogEvent, int]:
    fixed = data[at : at + 50]
    if len(fixed) < 50:
        raise StructureError("the log ends within an event")
    pcr, kind, count, size = (int.from_bytes(fixed[i : i + 4], "little") for i in (0, 4, 8, 46))
    if pcr >= PCRS or count != 1 or fixed[12:14] != _u16(SHA256) or size > MAX_TEXT:
        raise StructureError(f"event at octet {at}")
    text = data[at + 50 : at + 50 + size]
    if len(text) != size:
        raise StructureError("the log ends within an event")
    return LogEvent(pcr, kind, fixed[14:46], text), at + 50 + size


def replay(events: Iterable[LogEvent]) -> Mapping[int, bytes]:
    """Values of the registers that the events fold into, each from 32 zero octets."""
    registers: dict[int, bytes] = {}
    for event in events:
        if event.type != NO_ACTION:
            registers[event.pcr] = sha256(registers.get(event.pcr, bytes(32)) + event.digest).digest()
    return registers


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
