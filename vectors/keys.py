"""Public keys as vectors have them: named like a JWK (RFC 7518, RFC 8037), coordinates in hexadecimal digits."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..harness.identity.certificate import PublicKey
from .vector import GeneratorError, Json

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384"}


def public_key(key: PublicKey) -> Json:
    """A signature key. Raises GeneratorError for a kind that the profile does not have."""
    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": key.public_bytes_raw().hex()}
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise GeneratorError(f"no form for {key!r}")
    numbers, size = key.public_numbers(), key.curve.key_size // 8
    x, y = (number.to_bytes(size, "big").hex() for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": CURVES[key.curve.name], "x": x, "y": y}
