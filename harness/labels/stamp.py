"""Trusted time: RFC 3161 responses over a label's octets, under authorities that a verifier pins (LBL-24).

The library behind it verifies the signature, the path to the pinned roots at the time that is stated, and the purpose
of the authority's certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder
from rfc3161_client import decode_timestamp_response as decode

from .errors import LabelError

MAX_RESPONSE = 1 << 16


def request(label: bytes) -> bytes:
    """A TimeStampReq, DER, for the octets of a label; it asks for the authority's certificate."""
    builder = TimestampRequestBuilder().data(label).hash_algorithm(HashAlgorithm.SHA256)
    encoded: bytes = builder.cert_request(cert_request=True).build().as_bytes()
    return encoded


def stated_time(response: bytes, label: bytes, digest: bytes, roots: Sequence[x509.Certificate]) -> int:
    """When the label existed at the latest, unix seconds. Raises LabelError for a response that proves nothing."""
    if not roots:
        raise LabelError("LBL-24", "time stamp", "no time stamping authority is trusted", label=digest)
    if len(response) > MAX_RESPONSE:
        raise LabelError("LBL-24", "time stamp", f"{len(response)} octets, at most {MAX_RESPONSE}", label=digest)
    try:
        read = decode(response)
        _verifier(roots).verify_message(read, label)
        info = read.tst_info
        accuracy = info.accuracy
        late = 0 if accuracy is None else (accuracy.seconds or 0) + bool(accuracy.millis or accuracy.micros)
        return int(info.gen_time.timestamp()) + late
    except (VerificationError, ValueError, TypeError, x509.DuplicateExtension) as error:
        raise LabelError("LBL-24", "time stamp", _reason(error), label=digest) from error


def _verifier(roots: Iterable[x509.Certificate]):  # type: ignore[no-untyped-def]
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    return builder.build()


def _reason(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0] if text else "cannot be read"
