"""X.509 certificates, parsed once: every fact that a check asks for, so that no check meets a parser error.

Source: RFC 5280 section 4; its URI names carry the identity and the platform of a leaf.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from ...spec import identifiers

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

MAX_CERTIFICATE = 8192
"""Octets of DER; a longer certificate is refused unparsed."""
DEVICE_URN: str = identifiers()["urn"]["device"]
ANONYMOUS: str = identifiers()["oid"]["eku_anon"]

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the X.509 library raises over octets that it cannot read."""

VIRTUAL = x509.ObjectIdentifier(identifiers()["oid"]["extension_virtual"])
"""The extension that tells a virtualized root of trust."""
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        VIRTUAL,
    }
)


class CertificateError(ValueError):
    """The octets are no certificate that this profile can read."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """Facts of one certificate. Times are unix seconds, names are DER, `sha256` (32 octets) is over the whole DER."""

    der: bytes
    sha256: bytes
    parsed: x509.Certificate
    public_key: PublicKey
    spki: bytes
    subject: bytes
    issuer: bytes
    serial: int
    not_before: int
    not_after: int
    uris: tuple[str, ...]
    eku: frozenset[str]
    digital_signature: bool
    signs_certificates: bool
    signs_crls: bool
    is_ca: bool
    path_length: int | None
    constraints: x509.NameConstraints | None
    alternative_names: tuple[x509.GeneralName, ...]
    unknown_critical: tuple[str, ...]
    virtual: bytes | None
    """Value of tc-virtual, whatever its form; None where there is none."""
    virtual_is_critical: bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def key_sha256(self) -> bytes:
        """SHA-256, 32 octets, over the SubjectPublicKeyInfo: the key, whoever certifies it and how often."""
        return sha256(self.spki).digest()

    @property
    def lifetime(self) -> int:
        """Seconds from notBefore to notAfter."""
        return self.not_after - self.not_before

    @property
    def identity(self) -> str:
        """The first URI subject alternative name, or "" where there is none."""
        return self.uris[0] if self.uris else ""

    @property
    def anonymous(self) -> bool:
        """Whether it is for a pseudonym: it carries tc-anon."""
        return ANONYMOUS in self.eku

    @property
    def policies(self) -> frozenset[str]:
        """Certificate policies, as dotted names."""
        for extension in self.parsed.extensions:
            if isinstance(extension.value, x509.CertificatePolicies):
                return frozenset(policy.policy_identifier.dotted_string for policy in extension.value)
        return frozenset()

    @property
    def platform(self) -> str:
        """The `urn:tc:device:` name if the certificate has exactly one, else ""."""
        urns = {uri for uri in self.uris if uri.startswith(DEVICE_URN)}
        return urns.pop() if len(urns) == 1 else ""


@lru_cache(maxsize=512)
def parse_certificate(der: bytes) -> Certificate:
    """Read a DER certificate of at most `MAX_CERTIFICATE` octets.

    Raises CertificateError for anything that is malformed, oversized, or uses a key or an extension form that is not
    understood.
    """
    if len(der) > MAX_CERTIFICATE:
        raise CertificateError(f"certificate of {len(der)} octets, at most {MAX_CERTIFICATE}")
    try:
        return _read(der, x509.load_der_x509_certificate(der))
    except UNREADABLE as error:
        raise CertificateError(f"not a readable certificate: {error}") from error


def _read(der: bytes, cert: x509.Certificate) -> Certificate:
    if cert.serial_number <= 0:
        raise CertificateError("serial number is not positive")
    key = cert.public_key()
    if not isinstance(key, PublicKey):
        raise CertificateError(f"unsupported key type {type(key).__name__}")
    usage = _extension(cert, x509.KeyUsage)
    basic = _extension(cert, x509.BasicConstraints)
    names = _extension(cert, x509.SubjectAlternativeName)
    virtual = next((extension for extension in cert.extensions if extension.oid == VIRTUAL), None)
    return Certificate(
        der=der,
        sha256=sha256(der).digest(),
        parsed=cert,
        public_key=key,
        spki=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        subject=cert.subject.public_bytes(),
        issuer=cert.issuer.public_bytes(),
        serial=cert.serial_number,
        not_before=int(cert.not_valid_before_utc.timestamp()),
        not_after=int(cert.not_valid_after_utc.timestamp()),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
        eku=frozenset(oid.dotted_string for oid in _extension(cert, x509.ExtendedKeyUsage) or ()),
        digital_signature=usage is not None and usage.digital_signature,
        signs_certificates=usage is not None and usage.key_cert_sign,
        signs_crls=usage is not None and usage.crl_sign,
        is_ca=basic is not None and basic.ca,
        path_length=basic.path_length if basic else None,
        constraints=_extension(cert, x509.NameConstraints),
        alternative_names=tuple(names or ()),
        unknown_critical=tuple(
            item.oid.dotted_string for item in cert.extensions if item.critical and item.oid not in _UNDERSTOOD
        ),
        virtual=None if virtual is None else virtual.value.public_bytes(),
        virtual_is_critical=virtual is not None and virtual.critical,
    )


def _extension(cert: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """The value of the extension of that kind, if there is one; no kind occurs twice in what the library reads."""
    return next((item.value for item in cert.extensions if isinstance(item.value, kind)), None)
