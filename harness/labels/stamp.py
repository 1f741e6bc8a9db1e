"""Trusted time: RFC 3161 responses over a label's octets, under authorities that a verifier pins (LBL-24).

The library behind it verifies the signature, the path to the pinned roots at the time that is stated, and the purpose
of the authority's certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    Verifier,
    VerifierBuilder,
)
from rfc3161_client import decode_timestamp_response as decode

from .errors import LabelError

MAX_RESPONSE = 1 << 16
UNREADABLE = (VerificationError, ValueError, TypeError, x509.DuplicateExtension)


def request(label: bytes) -> bytes:
    """A TimeStampReq, DER, for the octets of a label; it asks for the authority's certificate."""
    builder = TimestampRequestBuilder().data(label).hash_algorithm(HashAlgorithm.SHA256)
    encoded: bytes = builder.cert_request(cert_request=True).build().as_bytes()
    return encoded


def proven_time(response: bytes, label: bytes, digest: bytes, roots: Sequence[x509.Certificate]) -> int:
    """When the label existed at the latest, unix seconds. Raises LabelError for a response that proves nothing."""
    if not roots:
        raise LabelError("LBL-24", "time stamp", "no time stamping authority is trusted", label=digest)
    if len(response) > MAX_RESPONSE:
        raise LabelError("LBL-24", "time stamp", f"{len(response)} octets, at most {MAX_RESPONSE}", label=digest)
    try:
        read = decode(response)
        _verifier(roots).verify_message(read, label)
        return _latest(read)
    except UNREADABLE as error:
        raise LabelError("LBL-24", "time stamp", _reason(error), label=digest) from error


def claimed_time(response: bytes, label: bytes, digest: bytes) -> int:
    """What a response over these octets says, whoever made it. Raises LabelError for one that is not over them."""
    try:
        read = decode(response)
        over, latest = read.tst_info.message_imprint.message, _latest(read)
    except UNREADABLE as error:
        raise LabelError("LBL-24", "time stamp", _reason(error), label=digest) from error
    if over != sha256(label).digest():
        raise LabelError("LBL-24", "time stamp", "is over something else", label=digest)
    return latest


def _latest(response: TimeStampResponse) -> int:
    """The stated time, and what it may be wrong by."""
    info = response.tst_info
    accuracy = info.accuracy
    late = 0 if accuracy is None else (accuracy.seconds or 0) + bool(accuracy.millis or accuracy.micros)
    return int(info.gen_time.timestamp()) + late


def _verifier(roots: Iterable[x509.Certificate]) -> Verifier:
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    return builder.build()


def _reason(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0] if text else "cannot be read"
