"""Certificates, their paths and proofs of their status: chapters 2 and 14, RFC 5280, RFC 6960."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtensionOID

from .identifiers import OID, URN
from .refusal import Refused, ensure
from .strict import load

LONGEST, MOST_CERTIFICATES, SHORT_LIVED, PSEUDONYM = 8192, 8, 7 * 86400, 86400
KNOWN = {
    ExtensionOID.KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.NAME_CONSTRAINTS, ExtensionOID.CERTIFICATE_POLICIES,
}  # fmt: skip
NOTHING: frozenset[x509.ObjectIdentifier] = frozenset()
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


def seconds(when: datetime) -> int:
    """Unix seconds."""
    return int(when.timestamp())


def _optional(when: datetime | None) -> int | None:
    return None if when is None else seconds(when)


class Certificate:
    """A certificate, read lazily from its DER."""

    def __init__(self, der: bytes) -> None:
        ensure(len(der) <= LONGEST, "a certificate that is too long")
        self.der = der
        self.x509 = x509.load_der_x509_certificate(der)
        self.digest = hashlib.sha256(der).digest()
        self.key: Any = self.x509.public_key()

    def extension(self, oid: x509.ObjectIdentifier) -> Any:
        """The value of an extension, None where there is none."""
        try:
            return self.x509.extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            return None

    @property
    def uris(self) -> list[str]:
        """Uniform resource identifiers, in order."""
        names = self.extension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
        return [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)

    @property
    def usages(self) -> list[str]:
        """Extended key usages."""
        return [usage.dotted_string for usage in self.extension(ExtensionOID.EXTENDED_KEY_USAGE) or ()]

    def may(self, usage: str) -> bool:
        """Whether the key usage extension is there and asserts it."""
        found = self.extension(ExtensionOID.KEY_USAGE)
        return found is not None and bool(getattr(found, usage))

    @property
    def is_ca(self) -> bool:
        """By its basic constraints."""
        found = self.extension(ExtensionOID.BASIC_CONSTRAINTS)
        return found is not None and bool(found.ca)

    @property
    def platform(self) -> str:
        """The one platform URN."""
        found = {uri for uri in self.uris if uri.startswith(URN)}
        ensure(len(found) == 1, "not one platform name")
        return found.pop()

    @property
    def spki(self) -> bytes:
        """The key, encoded."""
        return bytes(self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def key_bits(self) -> bytes:
        """What is hashed for a key identifier."""
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            return self.key.public_bytes_raw()
        return bytes(self.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def issued_by(self, issuer: Certificate) -> bool:
        """Name and signature."""
        try:
            self.x509.verify_directly_issued_by(issuer.x509)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def valid_at(self, now: int) -> bool:
        """Whether the time is within its period, both ends included."""
        return seconds(self.x509.not_valid_before_utc) <= now <= seconds(self.x509.not_valid_after_utc)

    @property
    def lifetime(self) -> int:
        """Seconds."""
        return seconds(self.x509.not_valid_after_utc) - seconds(self.x509.not_valid_before_utc)


def path(
    chain: list[Certificate], roots: list[Certificate], understood: frozenset[x509.ObjectIdentifier] = NOTHING
) -> list[Certificate]:
    """Leaf to root (IDN-10, IDN-22); critical extensions that are `understood` besides. Raises Refused."""
    ensure(1 <= len(chain) <= MOST_CERTIFICATES, "number of certificates")
    ensure(not chain[0].is_ca, "the leaf is an authority")
    for below, above in pairwise(chain):
        ensure(below.issued_by(above), "a certificate that does not certify the one before it")
    anchor = next((root for root in roots if root.der == chain[-1].der), None)
    whole = chain[:-1] if anchor else list(chain)
    anchor = anchor or next((root for root in roots if chain[-1].issued_by(root)), None)
    if anchor is None or not whole:
        raise Refused("no trust anchor at the end")
    whole.append(anchor)
    for certificate in whole:
        critical = {item.oid for item in certificate.x509.extensions if item.critical}
        unknown = critical - KNOWN - (understood if certificate is whole[0] else NOTHING)
        ensure(not unknown, "an unknown critical extension")
    for place, issuer in enumerate(whole[1:], 1):
        _authority(issuer, whole[:place])
    return whole


def _authority(issuer: Certificate, below: list[Certificate]) -> None:
    basic = issuer.extension(ExtensionOID.BASIC_CONSTRAINTS)
    ensure(issuer.is_ca and issuer.may("key_cert_sign"), "an issuer that must not issue")
    between = [item for item in below[1:] if item.x509.subject != item.x509.issuer]
    ensure(basic.path_length is None or len(between) <= basic.path_length, "path length")
    constraints = issuer.extension(ExtensionOID.NAME_CONSTRAINTS)
    if constraints is not None:
        ensure(not constraints.excluded_subtrees, "a constraint that this program cannot judge")
        bounds = constraints.permitted_subtrees or []
        ensure(all(isinstance(bound, x509.DirectoryName) for bound in bounds), "a constraint of another form")
        for item in below:
            rdns = item.x509.subject.rdns
            within = any(rdns[: len(bound.value.rdns)] == bound.value.rdns for bound in bounds)
            ensure(not bounds or within, "a name that is not permitted")


def is_pseudonym(certificate: Certificate) -> bool:
    """Whether it carries tc-anon."""
    return OID["eku_anon"] in certificate.usages


def lives_a_day(certificate: Certificate) -> bool:
    """Whether it is no pseudonym's, or lives no longer than those may (ANO-01)."""
    return not is_pseudonym(certificate) or certificate.lifetime <= PSEUDONYM


# --- status ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What a proof says."""

    revoked: bool
    since: int
    until: int | None


def _signed(key: Any, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, signed)
    else:
        assert algorithm is not None
        key.verify(signature, signed, ec.ECDSA(algorithm))


def by_crl(der: bytes, certificate: Certificate, issuer: Certificate) -> Said | None:
    """What a CRL says; None of another authority, or where it cannot be used."""
    try:
        crl = x509.load_der_x509_crl(der)
        if (
            crl.issuer != certificate.x509.issuer
            or not issuer.may("crl_sign")
            or any(e.critical for e in crl.extensions)
        ):
            return None
        _signed(issuer.key, crl.signature, crl.tbs_certlist_bytes, crl.signature_hash_algorithm)
    except (ValueError, InvalidSignature):
        return None
    listed = crl.get_revoked_certificate_by_serial_number(certificate.x509.serial_number) is not None
    return Said(listed, seconds(crl.last_update_utc), _optional(crl.next_update_utc))


def by_ocsp(der: bytes, certificate: Certificate, issuer: Certificate, now: int) -> Said | None:
    """What an OCSP response says; None of another certificate, or where it cannot be used."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        single = next((one for one in response.responses if _names(one, certificate, issuer)), None)
        signer = _responder(response, issuer, now)
        if single is None or signer is None or single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            return None
        _signed(signer.key, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm)
    except (ValueError, InvalidSignature):
        return None
    revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    return Said(revoked, seconds(single.this_update_utc), _optional(single.next_update_utc))


def _names(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    digest = hashlib.new(single.hash_algorithm.name, issuer.x509.subject.public_bytes()).digest()
    key = hashlib.new(single.hash_algorithm.name, issuer.key_bits).digest()
    return (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == (
        certificate.x509.serial_number, digest, key,
    )  # fmt: skip


def _responder(response: ocsp.OCSPResponse, issuer: Certificate, now: int) -> Certificate | None:
    """Issuer, or a delegate of it that is valid now, as the response names it."""
    sent = [Certificate(item.public_bytes(Encoding.DER)) for item in response.certificates]
    delegates = [item for item in sent if item.issued_by(issuer) and OCSP_SIGNING in item.usages and item.valid_at(now)]
    for signer in (issuer, *delegates):
        if response.responder_key_hash == hashlib.sha1(signer.key_bits).digest():
            return signer
        if response.responder_name is not None and response.responder_name == signer.x509.subject:
            return signer
    return None


def certain(
    certificate: Certificate,
    issuer: Certificate,
    proofs: bytes,
    lists: list[bytes],
    now: int,
    max_age: int,
    tolerance: int,
) -> None:
    """The certificate is known to be good (REV-03 to REV-08). Raises Refused."""
    said = [by_crl(der, certificate, issuer) for der in lists]
    if proofs:
        items = load(proofs)
        ensure(isinstance(items, list) and 1 <= len(items) <= 8, "a list of one to eight proofs", "alert:26")
        for kind, der in items:
            ensure(kind in (0, 1) and isinstance(der, bytes), "a proof is [kind, DER]", "alert:26")
            said.append(by_crl(der, certificate, issuer) if kind else by_ocsp(der, certificate, issuer, now))
    usable = [one for one in said if one is not None]
    ensure(not any(one.revoked for one in usable), "revoked", "alert:26")
    fresh = [
        one for one in usable
        if one.since <= now + tolerance and now - one.since <= max_age and (one.until is None or now <= one.until)
    ]  # fmt: skip
    ensure(fresh or certificate.lifetime <= SHORT_LIVED, "no proof of status", "alert:26")


def refuse_listed(whole: list[Certificate], lists: list[bytes]) -> None:
    """Nothing of the path is on a local list (REV-02)."""
    for certificate, issuer in pairwise(whole):
        said = [by_crl(der, certificate, issuer) for der in lists]
        ensure(not any(one.revoked for one in said if one is not None), "listed as revoked")


# --- operations ------------------------------------------------------------------------------------------------------


def certificates(listed: list[str]) -> list[Certificate]:
    """Certificates in hexadecimal digits."""
    return [Certificate(bytes.fromhex(item)) for item in listed]


def read_chain(value: Any) -> list[Certificate]:
    """The value of x5chain: one byte string, or two to eight in an array."""
    if isinstance(value, bytes):
        return [Certificate(value)]
    ensure(isinstance(value, list) and 2 <= len(value) <= MOST_CERTIFICATES, "x5chain")
    ensure(all(isinstance(item, bytes) for item in value), "x5chain")
    return [Certificate(item) for item in value]


def _presented(header: Any, known: list[Certificate]) -> list[Certificate]:
    ensure(isinstance(header, dict) and len(header) == 1, "one header parameter")
    if 33 in header:
        return read_chain(header[33])
    ensure(34 in header, "neither x5chain nor x5t")
    algorithm, digest = header[34]
    ensure(algorithm == -16 and isinstance(digest, bytes) and len(digest) == 32, "a whole SHA-256 digest")
    leaf = next((item for item in known if item.digest == digest), None)
    if leaf is None:
        raise Refused("no such certificate", "edhoc-error:3")
    chain = [leaf]
    while above := next((item for item in known if item.is_ca and chain[-1].issued_by(item)), None):
        chain.append(above)
    return chain


def presented(given: dict[str, Any], known: list[Certificate]) -> list[Certificate]:
    """The certificates that `id_cred` names, leaf first. Raises Refused."""
    return _presented(load(bytes.fromhex(given["id_cred"])), known)


def judge(whole: list[Certificate], known: list[Certificate], given: dict[str, Any]) -> None:
    """What a relying party asks of a path but whose it is. Raises Refused."""
    leaf, own, now = whole[0], Certificate(bytes.fromhex(given["own"])), given["now"]
    ensure(all(item.valid_at(now) for item in whole), "outside its period")
    ensure(leaf.may("digital_signature"), "key usage")
    mine, other = (
        OID[f"eku_{name}"] for name in (("device", "service") if given["role"] == "device" else ("service", "device"))
    )
    ensure(mine in leaf.usages and other not in leaf.usages, "role")
    ensure(not {OID["eku_eat_ak"], OID["eku_tcg_ak"]} & set(leaf.usages), "a certificate of an attestation key")
    ensure(leaf.der != own.der and leaf.spki != own.spki, "my own certificate or key")
    for held in known:
        other = held.spki == leaf.spki and (held.uris[:1] != leaf.uris[:1] or held.platform != leaf.platform)
        ensure(not other, "a key that is known under another name")
    refuse_listed(whole, [bytes.fromhex(crl) for crl in given["crls"]])


def certificate(given: dict[str, Any]) -> dict[str, str]:
    """Operation `certificate`."""
    known = certificates(given["known"])
    chain = presented(given, known)
    leaf = chain[0]
    judge(path(chain, certificates(given["roots"])), known, given)
    ensure(leaf.uris and leaf.uris[0] in given["identities"], "another identity")
    return {"identity": leaf.uris[0], "leaf": leaf.digest.hex()}


def pseudonym(given: dict[str, Any]) -> dict[str, str]:
    """Operation `pseudonym-certificate`."""
    known = certificates(given["known"])
    chain = presented(given, known)
    leaf = chain[0]
    hidden = is_pseudonym(leaf)
    judge(path(chain, certificates(given["pseudonym_roots" if hidden else "roots"])), known, given)
    ensure(given["admits_pseudonyms"] or not hidden, "pseudonyms are not admitted")
    ensure(lives_a_day(leaf), "a pseudonym for too long")
    nameless = hidden and given["role"] == "device"
    ensure(nameless or (leaf.uris and leaf.uris[0] in given["identities"]), "another identity")
    return {"identity": leaf.uris[0], "leaf": leaf.digest.hex()}


def status(given: dict[str, Any]) -> None:
    """Operation `status`."""
    asked, issuer = (Certificate(bytes.fromhex(given[name])) for name in ("certificate", "issuer"))
    certain(asked, issuer, bytes.fromhex(given["proofs"]), [], given["now"], given["max_age"], given["tolerance"])
