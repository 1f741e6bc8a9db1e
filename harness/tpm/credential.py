"""Credential activation: a secret that a TPM gives out only if a named key lives beside its endorsement key.

The issuer's half, without a TPM. Source: TCG TPM 2.0 Library part 1, section 24 (credential protection) and annex
B.10.3 (RSA), for the default RSA 2048 template of the TCG EK Credential Profile: OAEP and KDFa with SHA-256,
AES-128-CFB.
"""

import hmac
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256

from ..crypto.random import Random
from .structures import sized

SECRET: Final = 32
_AES_KEY = _BLOCK = 16


def make_credential(endorsement: rsa.RSAPublicKey, name: bytes, secret: bytes, rng: Random) -> tuple[bytes, bytes]:
    """TPMS_ID_OBJECT and encrypted seed that conceal `secret` for the key of that name.

    The seed comes from `rng`, the padding of RSA-OAEP from the system.
    """
    seed = rng(32)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), b"IDENTITY\0")
    concealed = _cfb(kdfa(seed, b"STORAGE", name, _AES_KEY), sized(secret))
    integrity = hmac.digest(kdfa(seed, b"INTEGRITY", b"", 32), concealed + name, "sha256")
    return sized(integrity) + concealed, endorsement.encrypt(seed, oaep)


def _cfb(key: bytes, plaintext: bytes) -> bytes:
    """AES in CFB with a zero initialisation vector (SP 800-38A section 6.3)."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    last, out = bytes(_BLOCK), b""
    for at in range(0, len(plaintext), _BLOCK):
        part = plaintext[at : at + _BLOCK]
        last = bytes(a ^ b for a, b in zip(part, encryptor.update(last), strict=False))
        out += last
    return out


def kdfa(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """KDFa with SHA-256 for at most 32 octets (part 1, section 11.4.10.2): one round of SP 800-108 in counter mode."""
    message = (1).to_bytes(4, "big") + label + b"\0" + context + (8 * length).to_bytes(4, "big")
    return hmac.new(key, message, sha256).digest()[:length]
