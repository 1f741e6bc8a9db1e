"""The units, records and frames as scapy layers: to look into a capture, and to build what no writer here would.

Importing this module imports scapy, which takes half a second; nothing else of the package does.
"""

# ruff: noqa: RUF012 (scapy declares fields_desc as a plain list)

from typing import Any

from scapy.fields import (
    ByteEnumField,
    IntField,
    PacketLenField,
    StrField,
    StrLenField,
    ThreeBytesField,
)
from scapy.packet import Packet, Raw

from .units import HEAD_LENGTH, Kind


class EdhocMessage(Packet):
    """The payload of a unit of kind 1: a message of RFC 9528, told apart by its place alone."""

    name = "EDHOC message"
    fields_desc = [StrField("message", b"")]


class EdhocError(Packet):
    """The payload of a unit of kind 2: an error message (RFC 9528 section 6)."""

    name = "EDHOC error"
    fields_desc = [StrField("message", b"")]


class Record(Packet):
    """The payload of a unit of kind 3: ciphertext and tag; the suite says where one ends."""

    name = "record"
    fields_desc = [StrField("sealed", b"")]


_BODIES = {Kind.EDHOC_MESSAGE: EdhocMessage, Kind.EDHOC_ERROR: EdhocError, Kind.RECORD: Record}


class _Body(PacketLenField):
    def m2i(self, pkt: Packet | None, m: bytes) -> Packet:
        return _BODIES.get(pkt.kind, Raw)(m) if pkt else Raw(m)


class Unit(Packet):
    """One unit; what follows it in the octets is the next, as its payload. `len` is computed unless given."""

    name = "unit"
    fields_desc = [
        IntField("len", None),
        ByteEnumField("kind", Kind.EDHOC_MESSAGE, {kind.value: kind.name.lower() for kind in Kind}),
        _Body("body", Raw(), Raw, length_from=lambda unit: max(unit.len - 1, 0)),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.len is None:
            pkt = (len(pkt) - 4).to_bytes(4, "big") + pkt[4:]
        return pkt + pay

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        return Unit if len(payload) >= HEAD_LENGTH else Raw

    @classmethod
    def tcp_reassemble(cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]) -> Packet | None:
        """The hook of scapy's TCPSession: a packet when `data` ends with a unit, None while octets are missing."""
        offset = 0
        while offset + 4 <= len(data):
            offset += 4 + int.from_bytes(data[offset : offset + 4], "big")
        return cls(data) if offset == len(data) else None


class Frame(Packet):
    """One frame of the protected stream; what follows is the next. `len` is computed unless given."""

    name = "frame"
    fields_desc = [
        ThreeBytesField("len", None),  # type: ignore[arg-type]  # Declared as int; None is computed as in any field.
        StrLenField("cbor", b"", length_from=lambda frame: frame.len),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.len is None:
            pkt = (len(pkt) - 3).to_bytes(3, "big") + pkt[3:]
        return pkt + pay

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        return Frame if len(payload) >= 3 else Raw
