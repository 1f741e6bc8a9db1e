"""COSE_Sign1 as chapters 6, 8, 9 and 11 use it: tagged, headers exact, external_aad fixed; COSE_Key."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from .crypto import CURVES, load_key, verify
from .pki import Certificate, read_chain
from .refusal import ensure
from .strict import Tag, dump, load

P_256, P_384 = CURVES["P-256"], CURVES["P-384"]


class Sign1:
    """A tagged COSE_Sign1. Raises Refused."""

    def __init__(self, item: Any, code: str | None = None) -> None:
        ensure(isinstance(item, Tag) and item.number == 18 and isinstance(item.value, list), "no COSE_Sign1", code)
        ensure(len(item.value) == 4, "no COSE_Sign1", code)
        self.raw = item.raw
        self.header, self.unprotected, self.payload, self.signature = item.value
        octets = (self.header, self.payload, self.signature)
        ensure(
            all(isinstance(part, bytes) for part in octets) and isinstance(self.unprotected, dict),
            "no COSE_Sign1",
            code,
        )
        ensure(len(self.signature) == 64, "length of a signature", code)
        self.protected = load(self.header)
        ensure(isinstance(self.protected, dict), "no protected header", code)

    def structure(self, external: str) -> bytes:
        """What is signed."""
        return dump(["Signature1", self.header, external.encode(), self.payload])

    def verify(self, key: Any, external: str, code: str | None = None) -> None:
        """ES256, by a key of P-256."""
        ensure(isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == P_256.name, "no key for ES256", code)
        verify(key, self.signature, self.structure(external), code)

    @property
    def chain(self) -> list[Certificate]:
        """Certificates of x5chain, leaf first."""
        return read_chain(self.unprotected[33])


def operation(given: dict[str, Any]) -> dict[str, str]:
    """Operation `cose-sign1`."""
    found = Sign1(load(bytes.fromhex(given["token"])))
    ensure(found.protected == {1: -7} and type(found.protected[1]) is int, "header")
    found.verify(load_key(given["key"]), bytes.fromhex(given["external_aad"]).decode())
    return {"payload": found.payload.hex()}


def names(thumbprint: Any, certificate: Certificate) -> bool:
    """Whether an x5t names it."""
    return isinstance(thumbprint, list) and thumbprint == [-16, certificate.digest] and type(thumbprint[0]) is int


def public(key: Any) -> Any:
    """The key in a COSE_Key. Raises Refused."""
    ensure(isinstance(key, dict), "no COSE_Key")
    if key.get(1) == 1:
        ensure(key.get(-1) == 6 and isinstance(key[-2], bytes), "a key of another kind")
        return ed25519.Ed25519PublicKey.from_public_bytes(key[-2])
    ensure(key.get(1) == 2 and key.get(-1) in (1, 2), "a key of another kind")
    curve = P_256 if key[-1] == 1 else P_384
    size = (curve.key_size + 7) // 8
    ensure(all(isinstance(key.get(label), bytes) and len(key[label]) == size for label in (-2, -3)), "coordinates")
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + key[-2] + key[-3])


def is_key(item: Any, certificate: Certificate, code: str) -> None:
    """A COSE_Key holds the key of a certificate. Raises Refused."""
    try:
        same = public(item) == certificate.key
    except (ValueError, KeyError, TypeError):
        same = False
    ensure(same, "another key", code)
