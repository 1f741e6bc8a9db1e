"""Issue revocation data: CRLs and OCSP responses with every time given, the same octets for the same input.

OCSP responses are written out in DER, because a library that stamps producedAt by itself cannot repeat its octets.
Sources: RFC 5280 section 5, RFC 6960 section 4.2.
"""

from collections.abc import Iterable
from hashlib import sha1, sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from ..codec import cbor
from .certificate import Certificate
from .der import tlv
from .pki import Authority, Issued, timestamp
from .revocation import CRL, OCSP, key_bits

VALIDITY = 7 * 86400
"""Seconds from thisUpdate to nextUpdate unless stated otherwise."""

_SHA256_ALGORITHM = bytes.fromhex("300d06096086480165030402010500")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_OCSP_NONCE = bytes.fromhex("06092b0601050507300102")
_OCSP_BASIC = bytes.fromhex("06092b0601050507300101")


def make_crl(issuer: Authority, serials: Iterable[int], this_update: int, validity: int = VALIDITY) -> bytes:
    """A complete CRL, DER, that revokes `serials`."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.parsed.subject)
        .last_update(timestamp(this_update))
        .next_update(timestamp(this_update + validity))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.certificate.public_key), False)
        .add_extension(x509.CRLNumber(this_update), False)
    )
    for serial in sorted(serials):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(timestamp(this_update))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def make_ocsp(
    certificate: Certificate,
    issuer: Authority,
    this_update: int,
    *,
    status: str = "good",
    validity: int = VALIDITY,
    responder: Issued | None = None,
    nonce: bytes = b"",
) -> bytes:
    """An OCSP response, DER, with `status` "good", "revoked" or "unknown", signed by the issuer or by `responder`.

    It echoes `nonce`, unless that is empty.
    """
    signer = responder.certificate if responder else issuer.certificate
    key = responder.key if responder else issuer.key
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("an OCSP responder needs an EC key")
    tbs = _response_data(certificate, issuer.certificate, signer, status, this_update, validity, nonce)
    signature = key.sign(tbs, ec.ECDSA(SHA256(), deterministic_signing=True))
    basic = tbs + ECDSA_SHA256 + tlv(0x03, b"\x00" + signature)
    if responder:
        basic += tlv(0xA0, tlv(0x30, responder.certificate.der))
    response = tlv(0x30, _OCSP_BASIC + tlv(0x04, tlv(0x30, basic)))
    return tlv(0x30, tlv(0x0A, b"\x00") + tlv(0xA0, response))


def encode_proofs(*, ocsp: Iterable[bytes] = (), crls: Iterable[bytes] = ()) -> bytes:
    """Encoded `[+ [kind, DER]]` as HELLO and ATT carry it."""
    return cbor.encode([*([OCSP, der] for der in ocsp), *([CRL, der] for der in crls)])


def _response_data(
    certificate: Certificate,
    issuer: Certificate,
    signer: Certificate,
    status: str,
    this_update: int,
    validity: int,
    nonce: bytes,
) -> bytes:
    update = _time(this_update)
    states = {"good": tlv(0x80, b""), "revoked": tlv(0xA1, update), "unknown": tlv(0x82, b"")}
    names = tlv(0x04, sha256(certificate.issuer).digest()) + tlv(0x04, sha256(key_bits(issuer.public_key)).digest())
    serial = tlv(0x02, certificate.serial.to_bytes(certificate.serial.bit_length() // 8 + 1, "big"))
    cert_id = tlv(0x30, _SHA256_ALGORITHM + names + serial)
    single = tlv(0x30, cert_id + states[status] + update + tlv(0xA0, _time(this_update + validity)))
    responder_id = tlv(0xA2, tlv(0x04, sha1(key_bits(signer.public_key)).digest()))
    extensions = tlv(0xA1, tlv(0x30, tlv(0x30, _OCSP_NONCE + tlv(0x04, tlv(0x04, nonce))))) if nonce else b""
    return tlv(0x30, responder_id + update + tlv(0x30, single) + extensions)


def _time(seconds: int) -> bytes:
    return tlv(0x18, timestamp(seconds).strftime("%Y%m%d%H%M%SZ").encode())
