"""Private keys from a seed, and how keys sign for this profile."""

from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..crypto.signatures import EDDSA, ES256, ES384, SignatureAlgorithm
from .certificate import PublicKey

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def derive(seed: bytes, label: str, length: int = 32) -> bytes:
    """`length` octets for one purpose: HKDF-SHA-256 of the seed with the label as info (RFC 5869)."""
    return HKDF(SHA256(), length, sha256(b"tc1-test-pki").digest(), label.encode()).derive(seed)


def derive_key(seed: bytes, label: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a label: 48 derived octets reduced to 1..n-1 (FIPS 186-5 A.2.1)."""
    number = int.from_bytes(derive(seed, f"key/{label}", 48), "big")
    return ec.derive_private_key(number % (P256_ORDER - 1) + 1, ec.SECP256R1())


def algorithm_of(key: PrivateKey | PublicKey) -> SignatureAlgorithm:
    """ES256, ES384 or EdDSA, as the key demands. Raises ValueError where none fits."""
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return EDDSA
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        algorithms = {"secp256r1": ES256, "secp384r1": ES384}
        if key.curve.name in algorithms:
            return algorithms[key.curve.name]
    raise ValueError("no signature algorithm of this profile fits the key")


def signer(key: PrivateKey) -> Callable[[bytes], bytes]:
    """A function from message to raw signature, deterministic as RFC 6979 and RFC 8032 define."""
    algorithm = algorithm_of(key)
    return lambda message: algorithm.sign(key, message)
