"""What the algorithms refuse, one class per reason."""


class CryptoError(ValueError):
    """An algorithm refused its input."""


class TagMismatch(CryptoError):
    """The ciphertext is not what the holder of the key sealed with this nonce and associated data."""


class InvalidShare(CryptoError):
    """A Diffie-Hellman share of wrong length, off the curve, or of low order."""


class BadSignature(CryptoError):
    """The signature is not one over this message by this key."""


class WrongKey(BadSignature):
    """The key belongs to another algorithm or curve."""


class OutputTooLong(CryptoError):
    """More octets asked of HKDF-Expand than 255 times the hash length."""
