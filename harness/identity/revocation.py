"""Proofs of revocation status: OCSP responses and CRLs, judged for one certificate of one issuer.

Sources: RFC 6960 sections 3.2 and 4.2.2.2, RFC 5280 section 6.3.3.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha1, sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from .certificate import UNREADABLE, Certificate, CertificateError, PublicKey, parse_certificate
from .oids import EKU_OCSP_SIGNING
from .path import PathError, check_issued

OCSP, CRL = 0, 1
"""Kinds of proof on the wire."""
MAX_PROOF = 65536
SHORT_LIVED = 7 * 86400
"""A certificate with at most this lifetime, in seconds, needs no proof."""


class ProofError(ValueError):
    """The proof is malformed, or is not signed by the issuer or its delegate."""


class IrrelevantProof(ProofError):
    """The proof says nothing about the certificate in question."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a verified proof says: revoked or not, from `this_update` until `next_update` (None: not stated)."""

    revoked: bool
    this_update: int
    next_update: int | None

    def is_fresh(self, now: int, max_age: int, tolerance: int) -> bool:
        """Whether the relying party's own limit and the proof's own end both allow its use at `now`."""
        if self.this_update > now + tolerance or now - self.this_update > max_age:
            return False
        return self.next_update is None or now <= self.next_update


def read_proof(kind: int, der: bytes, certificate: Certificate, issuer: Certificate, now: int) -> Status:
    """The status of `certificate` by one proof. Raises ProofError, or IrrelevantProof for another certificate's."""
    if len(der) > MAX_PROOF:
        raise ProofError(f"proof of {len(der)} octets, at most {MAX_PROOF}")
    if kind not in (OCSP, CRL):
        raise ProofError(f"unknown kind of proof {kind}")
    return _ocsp_status(der, certificate, issuer, now) if kind == OCSP else crl_status(der, certificate, issuer)


@dataclass(frozen=True, slots=True)
class Crl:
    """A complete CRL, read once: its issuer's name in DER, its times, the serial numbers that it revokes."""

    parsed: x509.CertificateRevocationList
    issuer: bytes
    this_update: int
    next_update: int | None
    revoked: frozenset[int]


def crl_status(der: bytes, certificate: Certificate, issuer: Certificate) -> Status:
    """The status of `certificate` by a complete CRL of its issuer. Raises ProofError or IrrelevantProof."""
    crl = read_crl(der)
    if crl.issuer != certificate.issuer:
        raise IrrelevantProof("CRL of another issuer")
    check_crl(der, issuer)
    return Status(certificate.serial in crl.revoked, crl.this_update, crl.next_update)


@lru_cache(maxsize=128)
def read_crl(der: bytes) -> Crl:
    """Parse a complete CRL; one with a critical extension (delta, partial) is refused. Raises ProofError."""
    try:
        crl = x509.load_der_x509_crl(der)
        if any(item.critical for item in crl.extensions):
            raise ProofError("CRL has a critical extension")
        revoked = frozenset(entry.serial_number for entry in crl)
        times = _seconds(crl.last_update_utc), _optional(crl.next_update_utc)
        return Crl(crl, crl.issuer.public_bytes(), *times, revoked)
    except ProofError:
        raise
    except UNREADABLE as error:
        raise ProofError(f"not a readable CRL: {error}") from error


@lru_cache(maxsize=256)
def check_crl(der: bytes, issuer: Certificate) -> None:
    """Raise ProofError unless `issuer` may sign CRLs and signed this one."""
    crl = read_crl(der)
    if not issuer.signs_crls or crl.issuer != issuer.subject:
        raise ProofError("CRL is not by an authority that may sign it")
    try:
        signature, signed, digest = (
            crl.parsed.signature,
            crl.parsed.tbs_certlist_bytes,
            crl.parsed.signature_hash_algorithm,
        )
    except UNREADABLE as error:
        raise ProofError(f"not a readable CRL: {error}") from error
    _check_signature(issuer.public_key, signature, signed, digest)


@lru_cache(maxsize=128)
def _ocsp_status(der: bytes, certificate: Certificate, issuer: Certificate, now: int) -> Status:
    try:
        response = _read_ocsp(der)
        single = next((item for item in response.responses if _concerns(item, certificate, issuer)), None)
        if single is None:
            raise IrrelevantProof("OCSP response for another certificate")
        _check_responder(der, issuer, now)
        if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            raise ProofError("OCSP responder does not know the certificate")
        revoked = single.certificate_status is not ocsp.OCSPCertStatus.GOOD
        return Status(revoked, _seconds(single.this_update_utc), _optional(single.next_update_utc))
    except ProofError:
        raise
    except UNREADABLE as error:
        raise ProofError(f"not a readable OCSP response: {error}") from error


@lru_cache(maxsize=128)
def _read_ocsp(der: bytes) -> ocsp.OCSPResponse:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ProofError(f"OCSP response status {response.response_status.name}")
    if any(item.critical for item in response.extensions):
        raise ProofError("OCSP response has a critical extension")
    return response


def _concerns(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the CertID names this certificate: serial, and name and key of its issuer (RFC 6960 section 4.1.1)."""
    digest = {"sha1": sha1, "sha256": sha256}.get(single.hash_algorithm.name)
    return (
        digest is not None
        and single.serial_number == certificate.serial
        and single.issuer_name_hash == digest(certificate.issuer).digest()
        and single.issuer_key_hash == digest(key_bits(issuer.public_key)).digest()
    )


def _check_responder(der: bytes, issuer: Certificate, now: int) -> None:
    """The signer is the issuer, or a certificate that the issuer made for OCSP signing and that is valid now."""
    response = _read_ocsp(der)
    try:
        delegates = [parse_certificate(item.public_bytes(Encoding.DER)) for item in response.certificates[:2]]
    except CertificateError as error:
        raise ProofError(str(error)) from error
    for signer in (issuer, *delegates):
        if not _is_named(response, signer):
            continue
        if signer is not issuer and signer.sha256 != issuer.sha256:
            _check_delegate(signer, issuer, now)
        _check_ocsp_signature(der, signer)
        return
    raise ProofError("OCSP response is not by the issuer or its delegate")


def _is_named(response: ocsp.OCSPResponse, signer: Certificate) -> bool:
    if response.responder_key_hash is not None:
        return response.responder_key_hash == sha1(key_bits(signer.public_key)).digest()
    return response.responder_name is not None and response.responder_name.public_bytes() == signer.subject


def _check_delegate(signer: Certificate, issuer: Certificate, now: int) -> None:
    if (
        EKU_OCSP_SIGNING not in signer.eku
        or signer.unknown_critical
        or not signer.not_before <= now <= signer.not_after
    ):
        raise ProofError("OCSP signer is no valid delegate")
    try:
        check_issued(signer, issuer)
    except PathError as error:
        raise ProofError(f"OCSP signer: {error}") from error


@lru_cache(maxsize=256)
def _check_ocsp_signature(der: bytes, signer: Certificate) -> None:
    response = _read_ocsp(der)
    _check_signature(
        signer.public_key, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm
    )


def _check_signature(key: PublicKey, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm | None) -> None:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        elif not isinstance(digest, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
            raise ProofError("signature without an accepted hash")
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        else:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise ProofError("signature of the proof does not verify") from error


def key_bits(key: PublicKey) -> bytes:
    """Content of the subjectPublicKey bit string, which RFC 6960 and RFC 5280 hash."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _seconds(when: datetime) -> int:
    return int(when.timestamp())


def _optional(when: datetime | None) -> int | None:
    return None if when is None else _seconds(when)
