"""COSE_Sign1 (RFC 9052 section 4.2) and its X.509 header parameters (RFC 9360).

Parsing and trusting are different calls: `parse_sign1` says what the octets are, `verify1` that a key signed them.
A parameter counts where it stands: nothing looks for `alg` or `crit` in the unprotected bucket.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from . import cbor
from .cose_key import CoseKeyError, cose_key, public_from_cose_key, thumbprint

__all__ = [
    "ALG",
    "CONTENT_TYPE",
    "CRIT",
    "CWT_CLAIMS",
    "ED25519",
    "EDDSA",
    "ES256",
    "ES384",
    "KID",
    "SHA_256",
    "SIGN1_TAG",
    "TYP",
    "X5CHAIN",
    "X5T",
    "BadHeaders",
    "CertificateMismatch",
    "CoseError",
    "CoseKeyError",
    "DuplicateLabel",
    "MissingParameter",
    "NotSign1",
    "PayloadMismatch",
    "Sign1",
    "UnknownCritical",
    "check_x5t",
    "cose_key",
    "encode_sign1",
    "parse_sign1",
    "parse_x5chain",
    "public_from_cose_key",
    "sig_structure",
    "sign1",
    "thumbprint",
    "verify1",
    "x5chain",
    "x5t",
]

Headers = Mapping[Any, Any]
"""Integer or text labels to values; the labels are checked where they are read."""

SIGN1_TAG = 18
ALG, CRIT, CONTENT_TYPE, KID, CWT_CLAIMS, TYP, X5CHAIN, X5T = 1, 2, 3, 4, 15, 16, 33, 34
"""Header parameters: RFC 9052 section 3.1, RFC 9597 (15), RFC 9596 (16), RFC 9360 (33, 34)."""
ES256, ES384, EDDSA, ED25519, SHA_256 = -7, -35, -8, -19, -16
"""Algorithms: RFC 9053 section 2, RFC 9864 (-19), RFC 9054 (-16)."""


class CoseError(ValueError):
    """Refused COSE structure."""


class NotSign1(CoseError):
    """Not the array of protected headers, unprotected headers, payload and signature, or the tag is wrong."""


class BadHeaders(CoseError):
    """A header bucket is no map with integer or text labels, or a parameter has the wrong form."""


class DuplicateLabel(CoseError):
    """One label stands in both buckets (RFC 9052 section 3)."""


class UnknownCritical(CoseError):
    """`crit` names a parameter that is not understood (RFC 9052 section 3.1)."""


class MissingParameter(CoseError):
    """A parameter that the caller needs is not in the protected bucket."""


class PayloadMismatch(CoseError):
    """No payload to verify, or a second one beside that of the structure."""


class CertificateMismatch(CoseError):
    """`x5t` is not the hash of the certificate."""


@dataclass(frozen=True, slots=True)
class Sign1:
    """A parsed COSE_Sign1. `payload` is None when detached; `protected_raw` are the octets that were signed."""

    protected: dict[int | str, Any]
    protected_raw: bytes
    unprotected: dict[int | str, Any]
    payload: bytes | None
    signature: bytes

    @property
    def algorithm(self) -> int | str:
        """The protected `alg`. Raises `MissingParameter`, wherever else one stands."""
        algorithm: int | str = self.parameter(ALG)
        return algorithm

    def parameter(self, label: int | str) -> Any:
        """A protected parameter. Raises `MissingParameter`."""
        if label not in self.protected:
            raise MissingParameter(f"no protected header parameter {label}")
        return self.protected[label]


def sig_structure(protected: bytes, external_aad: bytes, payload: bytes) -> bytes:
    """To-be-signed octets (RFC 9052 section 4.4): `["Signature1", protected, external_aad, payload]`.

    `protected` is the encoded map without its byte string head; the empty map is signed as zero octets.
    """
    return cbor.encode(["Signature1", b"" if protected == b"\xa0" else protected, external_aad, payload])


def sign1(
    signer: Callable[[bytes], bytes],
    protected: Headers,
    unprotected: Headers,
    payload: bytes,
    external_aad: bytes,
    *,
    tagged: bool = True,
    detached: bool = False,
) -> bytes:
    """Signed and encoded COSE_Sign1; `signer` turns the to-be-signed octets into r||s. Raises `DuplicateLabel`."""
    _check_labels(protected, unprotected)
    protected_raw = cbor.encode(protected) if protected else b""
    signature = signer(sig_structure(protected_raw, external_aad, payload))
    return encode_sign1(protected_raw, unprotected, None if detached else payload, signature, tagged=tagged)


def encode_sign1(
    protected_raw: bytes, unprotected: Headers, payload: bytes | None, signature: bytes, *, tagged: bool = True
) -> bytes:
    """The four parts as they are, unchecked; with tag 18 unless told otherwise."""
    parts = [protected_raw, unprotected, payload, signature]
    return cbor.encode(cbor2.CBORTag(SIGN1_TAG, parts) if tagged else parts)


def parse_sign1(
    data: bytes,
    *,
    tagged: bool = True,
    understood: Collection[int | str] = (),
    rules: cbor.Strictness = cbor.STRICT,
) -> Sign1:
    """The one COSE_Sign1 in `data`, with or without tag 18 as `tagged` says. Verifies nothing.

    `understood` are the labels that the caller processes when `crit` names them. Raises `cbor.CborError`, also for
    the octets of the protected map, `NotSign1`, `BadHeaders`, `DuplicateLabel`, `UnknownCritical`.
    """
    value = cbor.decode(data, rules=rules)
    if isinstance(value, cbor2.CBORTag) != tagged or (tagged and value.tag != SIGN1_TAG):
        raise NotSign1("tag 18 expected" if tagged else "untagged structure expected")
    match value.value if tagged else value:
        case [bytes(protected_raw), dict(unprotected), bytes() | None as payload, bytes(signature)]:
            protected = _protected_map(protected_raw, rules)
        case _:
            raise NotSign1("not [protected, unprotected, payload, signature]")
    _check_labels(protected, unprotected)
    _check_critical(protected, unprotected, understood)
    return Sign1(protected, protected_raw, unprotected, payload, signature)


def _protected_map(protected_raw: bytes, rules: cbor.Strictness) -> dict[int | str, Any]:
    protected = cbor.decode(protected_raw, rules=rules) if protected_raw else {}
    if not isinstance(protected, dict):
        raise BadHeaders("protected headers are no map")
    return protected


def _check_labels(protected: Headers, unprotected: Headers) -> None:
    for label in (*protected, *unprotected):
        if not isinstance(label, int | str):
            raise BadHeaders("a label is an integer or a text")
    if both := protected.keys() & unprotected.keys():
        raise DuplicateLabel(f"labels in both buckets: {sorted(map(str, both))}")


def _check_critical(protected: Headers, unprotected: Headers, understood: Collection[int | str]) -> None:
    if CRIT in unprotected:
        raise BadHeaders("crit is not protected")
    if CRIT not in protected:
        return
    critical = protected[CRIT]
    if not isinstance(critical, list) or not critical:
        raise BadHeaders("crit is not an array of at least one label")
    for label in critical:
        if isinstance(label, bool) or not isinstance(label, int | str):
            raise BadHeaders("a label is an integer or a text")
        if label not in protected:
            raise BadHeaders(f"crit names {label}, which is not protected")
        if label not in understood:
            raise UnknownCritical(f"critical header parameter {label} is not understood")


def verify1(
    message: Sign1,
    verifier: Callable[[bytes, bytes], None],
    external_aad: bytes,
    payload: bytes | None = None,
) -> None:
    """Calls `verifier(signature, to_be_signed)` and lets its exception pass: returning is success.

    `payload` is the detached one. Raises `PayloadMismatch` unless exactly one of the two payloads exists.
    """
    if (payload is None) == (message.payload is None):
        raise PayloadMismatch("no payload" if payload is None else "payload both attached and detached")
    signed = message.payload if payload is None else payload
    assert signed is not None
    verifier(message.signature, sig_structure(message.protected_raw, external_aad, signed))


# --- X.509 header parameters, RFC 9360 section 2 ---------------------------------------------------------------------


def x5t(certificate: bytes) -> list[int | bytes]:
    """COSE_CertHash of a DER certificate: `[-16, SHA-256]`, 32 bytes of hash."""
    return [SHA_256, hashlib.sha256(certificate).digest()]


def check_x5t(value: object, certificate: bytes) -> None:
    """Raises `BadHeaders` for any other form than `[-16, 32 bytes]`, `CertificateMismatch` for another certificate."""
    match value:
        case [int(algorithm), bytes(digest)] if algorithm == SHA_256 and len(digest) == 32:
            if not hmac.compare_digest(digest, hashlib.sha256(certificate).digest()):
                raise CertificateMismatch("x5t names another certificate")
        case _:
            raise BadHeaders("x5t is not [-16, 32 bytes]")


def x5chain(certificates: Sequence[bytes]) -> bytes | list[bytes]:
    """DER certificates, leaf first; one certificate is a byte string, never an array of one."""
    if not certificates:
        raise BadHeaders("x5chain without a certificate")
    return certificates[0] if len(certificates) == 1 else list(certificates)


def parse_x5chain(value: object) -> list[bytes]:
    """DER certificates, leaf first. Raises `BadHeaders`, also for an array of one."""
    if isinstance(value, bytes):
        certificates = [value]
    elif isinstance(value, list) and len(value) > 1:
        certificates = value
    else:
        raise BadHeaders("x5chain is neither a byte string nor an array of two or more")
    if not all(isinstance(certificate, bytes) and certificate for certificate in certificates):
        raise BadHeaders("x5chain holds something else than certificates")
    return certificates
