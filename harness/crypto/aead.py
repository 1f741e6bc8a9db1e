"""Authenticated encryption: AES-CCM, ChaCha20-Poly1305 and AES-GCM by their COSE numbers (RFC 9053 section 4)."""

from abc import ABC, abstractmethod
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import CTR

from .errors import TagMismatch

_Cipher = AESCCM | AESGCM | ChaCha20Poly1305


class Aead(ABC):
    """One AEAD algorithm. `number` is its COSE identifier, lengths are in octets, the tag ends the ciphertext."""

    __slots__ = ("_cipher", "key_length", "number", "tag_length")
    nonce_length = 12
    plaintext_limit = 2**31 - 1
    """Octets that one call can seal."""

    def __init__(self, number: int, key_length: int, tag_length: int) -> None:
        self.number = number
        self.key_length = key_length
        self.tag_length = tag_length
        self._cipher = lru_cache(maxsize=64)(self._keyed)

    def _keyed(self, key: bytes) -> _Cipher:
        if len(key) != self.key_length:
            raise ValueError(f"AEAD {self.number}: key of {len(key)} octets, not {self.key_length}")
        return self._make(key)

    @abstractmethod
    def _make(self, key: bytes) -> _Cipher: ...

    @abstractmethod
    def _keystream(self, key: bytes, nonce: bytes) -> CipherContext: ...

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Ciphertext and tag. Raises ValueError for a key, nonce or plaintext length the algorithm does not have."""
        self._require_nonce(nonce)
        if len(plaintext) > self.plaintext_limit:
            raise ValueError(f"AEAD {self.number}: {len(plaintext)} octets; {self.plaintext_limit} is the most")
        return self._cipher(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """The plaintext; raises TagMismatch. ValueError for a key or nonce length the algorithm does not have."""
        self._require_nonce(nonce)
        cipher = self._cipher(key)
        if len(ciphertext) - self.tag_length > self.plaintext_limit:
            raise TagMismatch(f"AEAD {self.number}: {len(ciphertext)} octets are more than it can seal")
        try:
            return cipher.decrypt(nonce, ciphertext, aad)
        except InvalidTag as error:
            raise TagMismatch(f"AEAD {self.number}: {len(ciphertext)} octets do not authenticate") from error

    def open_unverified(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """The weak twin of `open`: what an implementation returns that decrypts and forgets to verify.

        `aad` counts for nothing; a ciphertext shorter than the tag is an empty plaintext.
        """
        self._require_nonce(nonce)
        return self._keystream(key, nonce).update(ciphertext[: -self.tag_length])

    def _require_nonce(self, nonce: bytes) -> None:
        if len(nonce) != self.nonce_length:
            raise ValueError(f"AEAD {self.number}: nonce of {len(nonce)} octets, not {self.nonce_length}")


class Ccm(Aead):
    """AES-CCM with a 16-octet key and a two-octet length field (RFC 3610)."""

    __slots__ = ()
    nonce_length = 13
    plaintext_limit = 2**16 - 1

    def _make(self, key: bytes) -> AESCCM:
        return AESCCM(key, tag_length=self.tag_length)

    def _keystream(self, key: bytes, nonce: bytes) -> CipherContext:
        # RFC 3610 section 2.3: block A_0 encrypts the tag, the message starts at A_1; flags = L - 1.
        return Cipher(AES(key), CTR(b"\x01" + nonce + b"\x00\x01")).decryptor()


class Gcm(Aead):
    """AES-256-GCM (NIST SP 800-38D)."""

    __slots__ = ()

    def _make(self, key: bytes) -> AESGCM:
        return AESGCM(key)

    def _keystream(self, key: bytes, nonce: bytes) -> CipherContext:
        # SP 800-38D section 7.1: J_0 = nonce || 1 encrypts the tag, the message starts one later.
        return Cipher(AES(key), CTR(nonce + b"\x00\x00\x00\x02")).decryptor()


class ChaCha(Aead):
    """ChaCha20-Poly1305 (RFC 8439)."""

    __slots__ = ()

    def _make(self, key: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(key)

    def _keystream(self, key: bytes, nonce: bytes) -> CipherContext:
        # RFC 8439 section 2.8: block 0 keys Poly1305, the message starts at block 1 (little-endian counter).
        return Cipher(ChaCha20(key, b"\x01\x00\x00\x00" + nonce), mode=None).decryptor()


AES_CCM_16_64_128: Aead = Ccm(10, 16, 8)
AES_CCM_16_128_128: Aead = Ccm(30, 16, 16)
CHACHA20_POLY1305: Aead = ChaCha(24, 32, 16)
A256GCM: Aead = Gcm(3, 32, 16)
