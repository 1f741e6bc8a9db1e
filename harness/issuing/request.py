"""A request for an identity certificate: PKCS #10, signed with the identity key, with evidence about it (IDN-07).

The key stays in its module, which signs the request; an X.509 library that wants the key could not. The names and the
evidence stand in an extension request (RFC 2985 section 5.4.2), the evidence as id-pe-cmw (RFC 9999).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtensionOID

from ..identity.certificate import PublicKey
from ..identity.der import OCTET_STRING, tlv
from ..identity.oids import EVIDENCE
from ..identity.pki import Subject
from ..identity.status import ECDSA_SHA256
from ..identity.virtual_party import spki_of

MAX_REQUEST = 16384
"""Octets of DER."""
_SEQUENCE, _SET, _BIT_STRING, _ATTRIBUTES = 0x30, 0x31, 0x03, 0xA0
_VERSION = bytes.fromhex("020100")
_EXTENSION_REQUEST = bytes.fromhex("06092a864886f70d01090e")
_ALTERNATIVE_NAME, _CMW = bytes.fromhex("0603551d11"), bytes.fromhex("06082b06010505070123")


class RequestRefused(ValueError):
    """Nothing is certified; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A key with its SubjectPublicKeyInfo, the names that are asked for, and a CMW record about the key."""

    key: PublicKey
    spki: bytes
    uris: tuple[str, ...]
    evidence: bytes


def make_request(
    sign: Callable[[bytes], bytes], spki: bytes, subject: Subject, uris: Sequence[str], evidence: bytes
) -> bytes:
    """A request, DER. `sign` gives a raw ES256 signature of the key in `spki`; `evidence` is a CMW record."""
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris]).public_bytes()
    wanted = ((_ALTERNATIVE_NAME, names), (_CMW, tlv(OCTET_STRING, evidence)))
    extensions = b"".join(tlv(_SEQUENCE, oid + tlv(OCTET_STRING, value)) for oid, value in wanted)
    asked = tlv(_SEQUENCE, _EXTENSION_REQUEST + tlv(_SET, tlv(_SEQUENCE, extensions)))
    information = tlv(_SEQUENCE, _VERSION + subject.name().public_bytes() + spki + tlv(_ATTRIBUTES, asked))
    raw = sign(information)
    half = len(raw) // 2
    signature = encode_dss_signature(*(int.from_bytes(part, "big") for part in (raw[:half], raw[half:])))
    return tlv(_SEQUENCE, information + ECDSA_SHA256 + tlv(_BIT_STRING, b"\x00" + signature))


def read_request(der: bytes) -> Request:
    """A request that proves possession of its key. Raises RequestRefused."""
    if len(der) > MAX_REQUEST:
        raise RequestRefused(f"a request of {len(der)} octets, at most {MAX_REQUEST}")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        if not isinstance(key, PublicKey) or not request.is_signature_valid:
            raise RequestRefused("the request is not signed with the key in it")
        names = request.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        record = request.extensions.get_extension_for_oid(x509.ObjectIdentifier(EVIDENCE)).value.public_bytes()
    except x509.ExtensionNotFound as error:
        raise RequestRefused("a request without names, or without evidence about its key") from error
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise RequestRefused(f"not a readable request: {error}") from error
    assert isinstance(names, x509.SubjectAlternativeName)
    uris = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    return Request(key, spki_of(key), uris, _content(record))


def _content(record: bytes) -> bytes:
    """What is in the OCTET STRING of a CMW extension. Raises RequestRefused."""
    for octets in range(3):
        content = record[2 + octets :]
        if record and tlv(OCTET_STRING, content) == record:
            return content
    raise RequestRefused("evidence that is no OCTET STRING in DER")
