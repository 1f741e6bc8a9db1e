"""Octets with one bit the other way."""


def one_bit_other(octets: bytes, at: int = -1) -> bytes:
    """The same but for the last bit of the octet at an index, or of the last one of fewer octets.

    Who compares only some of them sees no difference. Raises IndexError for no octets at all.
    """
    changed = bytearray(octets)
    changed[min(at, len(octets) - 1)] ^= 1
    return bytes(changed)
