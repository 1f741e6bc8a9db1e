"""Virtualized roots of trust: what binds one to the physical root below it, in a certificate extension (VRT-03).

TcVirtual ::= SEQUENCE { ueid OCTET STRING (SIZE (33)), instance OCTET STRING (SIZE (16)),
                         generation INTEGER (0..4294967295) }
"""

from dataclasses import dataclass

from .certificate import DEVICE_URN
from .der import OCTET_STRING, tlv

UEID, INSTANCE = 33, 16
"""Octets."""
MOST_GENERATIONS = 1 << 32
BOOT_SEED = 32
"""Octets of the claim bootseed in evidence of a virtualized root (VRT-13)."""
_SEQUENCE, _INTEGER = 0x30, 0x02


@dataclass(frozen=True, slots=True)
class VirtualRoot:
    """The UEID of the physical root, which of its virtualized roots this is, and how often that one was made anew."""

    ueid: bytes
    instance: bytes
    generation: int

    @property
    def physical(self) -> str:
        """Platform URN of the physical root."""
        return DEVICE_URN + self.ueid.hex()

    def encode(self) -> bytes:
        """The value of the extension, DER."""
        number = self.generation.to_bytes(self.generation.bit_length() // 8 + 1, "big")
        parts = (OCTET_STRING, self.ueid), (OCTET_STRING, self.instance), (_INTEGER, number)
        return tlv(_SEQUENCE, b"".join(tlv(kind, content) for kind, content in parts))


def read_virtual_root(der: bytes) -> VirtualRoot:
    """The value of the extension. Raises ValueError for any other octets than `encode` gives."""
    ueid, instance, number = der[4 : 4 + UEID], der[6 + UEID : 6 + UEID + INSTANCE], der[8 + UEID + INSTANCE :]
    found = VirtualRoot(ueid, instance, int.from_bytes(number, "big"))
    if len(ueid) != UEID or found.generation >= MOST_GENERATIONS or found.encode() != der:
        raise ValueError("tc-virtual is not UEID, instance and generation in DER")
    return found
