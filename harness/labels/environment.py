"""Environment objects at rest: what the platform of a label's signer was, by its attestation key (section 11.1).

Those that a TPM quoted in a session are judged there (LBL-31); at rest this version reads the signed ones alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ...spec import identifiers
from ..codec import cbor, cose
from ..crypto.errors import CryptoError
from ..crypto.signatures import ES256
from ..identity.certificate import Certificate, CertificateError, parse_certificate
from ..identity.oids import EKU_EAT_AK
from ..identity.tam import Tam
from .errors import LabelError
from .label import Label
from .trust import Trust

_IDS = identifiers()
ENV_TYPE: str = _IDS["media_type"]["environment"]
ENV_AAD: bytes = _IDS["external_aad"]["environment"].encode()
_KEYS = _IDS["environment"]
CNF, MEASUREMENTS, BOOTCOUNT, EPOCH, SID, IAT = (
    _KEYS[name] for name in ("cnf", "measurements", "bootcount", "epoch", "sid", "iat")
)
COSE_KEY = 1


@dataclass(frozen=True, slots=True)
class Environment:
    """What a verified environment object says."""

    platform: str
    bootcount: int
    issued_at: int
    measurements: Any


def make(tam: Tam, chain: tuple[bytes, ...], now: int) -> bytes:
    """The environment of a label outside a session; `chain` holds the attestation certificates in DER."""
    claims = {
        CNF: {COSE_KEY: cose.cose_key(tam.identity_key)},
        MEASUREMENTS: tam.measurements(),
        BOOTCOUNT: tam.bootcount,
        EPOCH: 0,
        IAT: now,
    }
    protected = {cose.ALG: cose.ES256, cose.TYP: ENV_TYPE, cose.X5T: cose.x5t(chain[0])}
    unprotected = {cose.X5CHAIN: cose.x5chain(chain)}
    return cose.sign1(tam.sign_attestation, protected, unprotected, cbor.encode(claims), ENV_AAD)


def check(label: Label, octets: bytes, trust: Trust, existed: int | None = None) -> Environment:
    """Judge the environment object that a label names.

    Raises LabelError: it is another one (LBL-14), cannot be read (LBL-22), is not by an attestation key with a path
    (LBL-15), or is about another key or session than the label's (LBL-17, LBL-18).
    """
    if sha256(octets).digest() != label.environment:
        raise _refusal(label, "LBL-14", "digest", "the label names another one")
    try:
        certificates, claims = _read(octets)
        named = cose.public_from_cose_key(claims[CNF][COSE_KEY])
        found = Environment(certificates[0].platform, claims[BOOTCOUNT], claims[IAT], claims[MEASUREMENTS])
    except CryptoError as error:
        raise _refusal(label, "LBL-15", "signature", str(error)) from error
    except (cbor.CborError, cose.CoseError, CertificateError) as error:
        raise _refusal(label, "LBL-22", "encoding", str(error)) from error
    except (KeyError, TypeError) as error:
        raise _refusal(label, "LBL-22", "claims", "one is missing or malformed") from error
    _check_path(label, certificates, trust, existed)
    if named != trust.signer(label)[0].public_key:
        raise _refusal(label, "LBL-17", "cnf", "is not the label's signer")
    if found.platform != label.issuer:
        raise _refusal(label, "LBL-17", "platform", "the attestation key is of another one than the label's")
    if claims.get(SID) != label.sid:
        raise _refusal(label, "LBL-18", "sid", "is not the label's session")
    return found


def _refusal(label: Label, requirement: str, field: str, reason: str) -> LabelError:
    return LabelError(requirement, f"environment: {field}", reason, label=label.digest)


def _read(octets: bytes) -> tuple[list[Certificate], Any]:
    """The certificates that came with an object, the attestation key's first, and the claims that this key signed."""
    message = cose.parse_sign1(octets)
    certificates = [parse_certificate(der) for der in cose.parse_x5chain(message.unprotected.get(cose.X5CHAIN))]
    ak = certificates[0]
    cose.check_x5t(message.parameter(cose.X5T), ak.der)
    claims = cbor.decode(message.payload or b"")
    _check_header(message)
    cose.verify1(message, lambda signature, tbs: ES256.verify(ak.public_key, signature, tbs), ENV_AAD)
    return certificates, claims


def _check_path(label: Label, certificates: list[Certificate], trust: Trust, existed: int | None) -> None:
    path = trust.path_of(certificates, trust.attestation_roots, label.digest)
    if EKU_EAT_AK not in certificates[0].eku:
        raise _refusal(label, "LBL-15", "x5chain", "not the certificate of an attestation key")
    trust.check_standing(trust.standing(tuple(certificates)), existed, label.digest)
    moment = trust.now if existed is None else existed
    if not all(one.not_before <= moment <= one.not_after for one in path):
        raise _refusal(label, "LBL-15", "x5chain", "not valid at that time")


def _check_header(message: cose.Sign1) -> None:
    header = {cose.ALG: cose.ES256, cose.TYP: ENV_TYPE}
    if any(message.protected.get(key) != value for key, value in header.items()):
        raise cose.BadHeaders("alg or typ is not that of an environment object")
    if set(message.protected) != {cose.ALG, cose.TYP, cose.X5T} or set(message.unprotected) != {cose.X5CHAIN}:
        raise cose.BadHeaders("not exactly the parameters of an environment object")
