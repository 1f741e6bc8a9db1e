"""TPMT_SIGNATURE as a signature algorithm: ECDSA on P-256 with SHA-256 in a TPM's encoding."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..crypto.random import Random
from ..crypto.signatures import ES256, SignatureAlgorithm
from .structures import read_signature, write_signature


class TpmSignature(SignatureAlgorithm):
    """As ES256, in another encoding."""

    __slots__ = ()

    def generate(self, rng: Random) -> Ed25519PrivateKey | EllipticCurvePrivateKey:
        return ES256.generate(rng)

    def sign(self, private_key: object, message: bytes) -> bytes:
        return write_signature(ES256.sign(private_key, message))

    def verify(self, public_key: object, signature: bytes, message: bytes) -> None:
        ES256.verify(public_key, read_signature(signature), message)


TPM_SIGNATURE = TpmSignature(ES256.number, 72)
