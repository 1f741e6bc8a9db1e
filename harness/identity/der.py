"""A little DER (X.690), for what the X.509 library does not write."""

OCTET_STRING = 0x04


def tlv(tag: int, content: bytes) -> bytes:
    """DER of one value."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content
