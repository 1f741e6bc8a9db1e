"""COSE_Key (RFC 9052 section 7, RFC 9053 section 7) for public keys on P-256, P-384 and Ed25519, and its thumbprint."""

import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import cbor

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

KTY, ALG, KEY_OPS, CRV, X, Y, D = 1, 3, 4, -1, -2, -3, -4
_OKP, _EC2 = 1, 2
_ED25519 = 6
_VERIFY = 2
_EC_CURVES: dict[int, ec.EllipticCurve] = {1: ec.SECP256R1(), 2: ec.SECP384R1()}
_ALGORITHMS = {(_EC2, 1): (-7, -9), (_EC2, 2): (-35, -51), (_OKP, _ED25519): (-8, -19)}
"""Key type and curve to the signature algorithms such a key may be restricted to (RFC 9053, RFC 9864)."""


class CoseKeyError(ValueError):
    """Refused COSE_Key."""


class UnsupportedKeyType(CoseKeyError):
    """Another key type or curve than P-256, P-384 and Ed25519."""


class BadCoordinates(CoseKeyError):
    """A coordinate is missing, has another length than the field, or the point is not on the curve."""


class PrivateKeyPresent(CoseKeyError):
    """The structure carries the private key."""


class KeyUseMismatch(CoseKeyError):
    """`alg` or `key_ops` do not let this key verify signatures of its curve."""


def cose_key(public_key: PublicKey | rsa.RSAPublicKey) -> dict[int, Any]:
    """The required parameters only: kty, crv, x and an uncompressed y, 32 or 48 bytes each.

    Raises `UnsupportedKeyType`.
    """
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return {KTY: _OKP, CRV: _ED25519, X: public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)}
    if isinstance(public_key, rsa.RSAPublicKey):
        raise UnsupportedKeyType("no COSE_Key for RSA")
    for number, curve in _EC_CURVES.items():
        if public_key.curve.name == curve.name:
            point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            size = len(point) // 2
            return {KTY: _EC2, CRV: number, X: point[1 : 1 + size], Y: point[1 + size :]}
    raise UnsupportedKeyType(f"no COSE_Key for curve {public_key.curve.name}")


def public_from_cose_key(key: Mapping[Any, Any]) -> PublicKey:
    """The public key, its point checked. Parameters of no concern are ignored, `alg` and `key_ops` are enforced.

    Raises `UnsupportedKeyType`, `BadCoordinates`, `PrivateKeyPresent`, `KeyUseMismatch`.
    """
    form = (key.get(KTY), key.get(CRV))
    if any(type(part) is not int for part in form) or form not in _ALGORITHMS:
        raise UnsupportedKeyType(f"key type and curve {form}")
    if D in key:
        raise PrivateKeyPresent("COSE_Key carries the private key")
    if ALG in key and key[ALG] not in _ALGORITHMS[form]:
        raise KeyUseMismatch(f"algorithm {key[ALG]} with key type and curve {form}")
    if KEY_OPS in key and not (isinstance(key[KEY_OPS], list) and _VERIFY in key[KEY_OPS]):
        raise KeyUseMismatch("key_ops do not hold verify")
    try:
        if form[0] == _OKP:
            return ed25519.Ed25519PublicKey.from_public_bytes(_coordinate(key, X, 32))
        curve = _EC_CURVES[form[1]]
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, _point(key, (curve.key_size + 7) // 8))
    except CoseKeyError:
        raise
    except ValueError as error:
        raise BadCoordinates("the point is not on the curve") from error


def _point(key: Mapping[Any, Any], size: int) -> bytes:
    """SEC 1 form; `y` is a coordinate or, compressed, the sign bit (RFC 9053 section 7.1.1)."""
    y = key.get(Y)
    if isinstance(y, bool):
        return bytes((3 if y else 2,)) + _coordinate(key, X, size)
    return b"\x04" + _coordinate(key, X, size) + _coordinate(key, Y, size)


def _coordinate(key: Mapping[Any, Any], label: int, size: int) -> bytes:
    value = key.get(label)
    if not isinstance(value, bytes) or len(value) != size:
        raise BadCoordinates(f"parameter {label} is not a byte string of {size} octets")
    return value


def thumbprint(key: Mapping[Any, Any] | PublicKey) -> bytes:
    """SHA-256 COSE Key Thumbprint, 32 bytes (RFC 9679 section 3), of the required parameters alone.

    Raises as `public_from_cose_key`.
    """
    public_key = public_from_cose_key(key) if isinstance(key, Mapping) else key
    return hashlib.sha256(cbor.encode(cose_key(public_key))).digest()
