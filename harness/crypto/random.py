"""Sources of randomness: the system's, and one that repeats itself from a seed so that a run can be repeated."""

import hmac
import os
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

Random = Callable[[int], bytes]
"""Asked for a count, returns that many octets."""

system_random: Random = os.urandom
"""The operating system's generator."""


class SeededRandom:
    """A reproducible stream of octets: the ChaCha20 keystream under a key derived from the seed.

    Children are streams of their own, independent of the parent and of how much was drawn from it.
    """

    __slots__ = ("_keystream", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        key = hmac.digest(seed, b"stream", "sha256")
        self._keystream = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()

    def __call__(self, count: int) -> bytes:
        """The next `count` octets."""
        return self._keystream.update(bytes(count))

    def child(self, label: str) -> "SeededRandom":
        """The stream of that label, the same at every call."""
        return SeededRandom(hmac.digest(self._seed, b"child " + label.encode(), "sha256"))
