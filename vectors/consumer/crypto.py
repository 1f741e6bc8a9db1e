"""The algorithms, from the library `cryptography`, by what vectors call them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from .refusal import Refused, ensure

PublicKey = Any
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


def extract(name: str, salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract (RFC 5869)."""
    return hmac.digest(salt or bytes(hashlib.new(name).digest_size), secret, name)


def expand(name: str, key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869)."""
    ensure(length <= 255 * hashlib.new(name).digest_size, "more than HKDF can give")
    made, block = b"", b""
    for counter in range(1, 256):
        if len(made) >= length:
            break
        block = hmac.digest(key, block + info + bytes([counter]), name)
        made += block
    return made[:length]


def share_secret(curve: str, private: bytes, share: bytes) -> bytes:
    """ECDH with the x-coordinate of the other share."""
    if curve == "X25519":
        ensure(len(share) == 32, "length of a share")
        own = x25519.X25519PrivateKey.from_private_bytes(private)
        return own.exchange(x25519.X25519PublicKey.from_public_bytes(share))
    group = CURVES[curve]
    ensure(len(share) == (group.key_size + 7) // 8, "length of a share")
    point = ec.EllipticCurvePublicKey.from_encoded_point(group, b"\x02" + share)
    return ec.derive_private_key(int.from_bytes(private, "big"), group).exchange(ec.ECDH(), point)


def load_key(key: dict[str, str]) -> PublicKey:
    """A public key in the form of vectors."""
    x = bytes.fromhex(key["x"])
    if key["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[key["crv"]], b"\x04" + x + bytes.fromhex(key["y"]))


def verify(key: PublicKey, signature: bytes, message: bytes, code: str | None = None) -> None:
    """A COSE signature: EdDSA, or ECDSA as r and s. Raises Refused."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return
        half = (key.curve.key_size + 7) // 8
        ensure(len(signature) == 2 * half, "length of a signature", code)
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        algorithm = hashes.SHA384() if half == 48 else hashes.SHA256()
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise Refused("signature does not verify", code) from None


def open_aead(algorithm: str, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """The plaintext. Raises Refused."""
    tag_length = 8 if algorithm == "AES-CCM-16-64-128" else 16
    ensure(len(sealed) >= tag_length, "shorter than a tag")
    try:
        if algorithm.startswith("AES-CCM"):
            return AESCCM(key, tag_length).decrypt(nonce, sealed, aad)
        cipher = AESGCM(key) if algorithm == "A256GCM" else ChaCha20Poly1305(key)
        return cipher.decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise Refused("tag does not verify") from None
