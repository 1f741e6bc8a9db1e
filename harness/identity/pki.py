"""A test PKI from a seed: roots, issuing authorities, leaves; the same seed and time give the same octets.

Certificates follow RFC 5280 and chapter "identity" of the specification. Every property of a certificate is a field of
`LeafSpec` or `AuthoritySpec`, so that a bad certificate is a good one with one field replaced.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ..bits import one_bit_other
from ..codec import cbor
from .certificate import VIRTUAL, Certificate, PublicKey, parse_certificate
from .der import OCTET_STRING, tlv
from .keys import PrivateKey, derive, derive_key
from .oids import EKU_CLIENT_AUTH, EKU_DEVICE, EKU_EAT_AK, EKU_SERVER_AUTH, EKU_SERVICE, EVIDENCE

HOUR, DAY = 3600, 86400
_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
LEAF_LIFETIME = 90 * DAY
AUTHORITY_LIFETIME = 3650 * DAY


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject name: organization, then common name; the organization is what name constraints bind."""

    organization: str
    common_name: str

    def name(self) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization),
                x509.NameAttribute(NameOID.COMMON_NAME, self.common_name),
            ]
        )


@dataclass(frozen=True, slots=True)
class LeafSpec:
    """An end-entity certificate. `key_usage` None leaves the extension out; `signature_broken` flips its last bit."""

    subject: Subject
    uris: tuple[str, ...]
    eku: tuple[str, ...]
    not_before: int
    not_after: int
    serial: int
    key: PrivateKey | PublicKey
    key_usage: frozenset[str] | None = frozenset({"digital_signature"})
    ca: bool = False
    critical_extension: str | None = None
    virtual: bytes | None = None
    """Value of tc-virtual."""
    virtual_is_critical: bool = True
    evidence: bytes | None = None
    """CMW record for id-pe-cmw."""
    signature_broken: bool = False
    hosts: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthoritySpec:
    """A certification authority; `permitted` is the one organization that it may certify, if any."""

    subject: Subject
    not_before: int
    not_after: int
    serial: int
    key: PrivateKey
    ca: bool = True
    path_length: int | None = None
    key_usage: frozenset[str] = frozenset({"key_cert_sign", "crl_sign"})
    permitted: str | None = None
    uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authority:
    """A key that certifies. `chain` holds the certificates to present below the root, this one's first."""

    certificate: Certificate
    key: PrivateKey
    chain: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with the chain to present and, unless it was made for a foreign public key, its private key."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: PrivateKey | None

    def x5chain(self) -> bytes:
        """Encoded value of COSE header 33: one byte string, or an array of them (RFC 9360 section 2)."""
        return encode_x5chain(self.certificate, self.chain)

    def id_cred(self) -> bytes:
        """Encoded ID_CRED with the chain by value."""
        return cbor.head(5, 1) + cbor.encode(33) + self.x5chain()


def encode_x5chain(certificate: Certificate, chain: tuple[Certificate, ...] = ()) -> bytes:
    """Encoded value of COSE header 33 for a leaf and its chain."""
    ders = [certificate.der, *(item.der for item in chain)]
    return cbor.encode(ders if chain else ders[0])


def x5t(certificate: Certificate) -> bytes:
    """Encoded value of COSE header 34: SHA-256 thumbprint (RFC 9360 section 2)."""
    return cbor.encode([-16, certificate.sha256])


def issue_leaf(spec: LeafSpec, issuer: Authority) -> Issued:
    """Certify a leaf."""
    public = _public(spec.key)
    builder = _builder(spec.subject, spec.not_before, spec.not_after, spec.serial, public, issuer.certificate)
    builder = builder.add_extension(x509.BasicConstraints(ca=spec.ca, path_length=None), critical=True)
    if spec.key_usage is not None:
        builder = builder.add_extension(_key_usage(spec.key_usage), critical=True)
    if spec.eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ObjectIdentifier(oid) for oid in spec.eku]), False)
    if spec.uris or spec.hosts:
        uris = (x509.UniformResourceIdentifier(uri) for uri in spec.uris)
        names: list[x509.GeneralName] = [*uris, *(x509.DNSName(host) for host in spec.hosts)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if spec.policies:
        stated = [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in spec.policies]
        builder = builder.add_extension(x509.CertificatePolicies(stated), critical=False)
    if spec.critical_extension:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier(spec.critical_extension), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    if spec.virtual is not None:
        virtual = x509.UnrecognizedExtension(VIRTUAL, spec.virtual)
        builder = builder.add_extension(virtual, spec.virtual_is_critical)
    if spec.evidence is not None:
        # CMW ::= CHOICE { json UTF8String, cbor OCTET STRING } (RFC 9999)
        evidence = x509.UnrecognizedExtension(ObjectIdentifier(EVIDENCE), tlv(OCTET_STRING, spec.evidence))
        builder = builder.add_extension(evidence, critical=False)
    certificate = _sign(builder, issuer.key)
    if spec.signature_broken:
        certificate = parse_certificate(one_bit_other(certificate.der))
    return Issued(certificate, issuer.chain, None if isinstance(spec.key, PublicKey) else spec.key)


def issue_root(spec: AuthoritySpec) -> Authority:
    """A self-signed authority."""
    return Authority(_sign(_authority_builder(spec, None), spec.key), spec.key)


def issue_authority(spec: AuthoritySpec, issuer: Authority) -> Authority:
    """An authority below another."""
    certificate = _sign(_authority_builder(spec, issuer.certificate), issuer.key)
    return Authority(certificate, spec.key, (certificate, *issuer.chain))


def certificate_request(subject: Subject, key: PrivateKey) -> bytes:
    """A PKCS #10 request, DER, as a party makes it whose key cannot leave its module."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject.name())
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    request = builder.sign(key, SHA256() if deterministic else None, ecdsa_deterministic=deterministic)
    return request.public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class Branch:
    """A root, the authority below it that issues, and the organization that it certifies."""

    name: str
    root: Authority
    issuing: Authority

    @property
    def organization(self) -> str:
        return organization(self.name)


def organization(branch: str) -> str:
    """The organization that a branch's issuing authority is constrained to."""
    return f"Trusted Connection Test {branch.title()}"


def authority_spec(seed: bytes, now: int, branch: str, kind: str) -> AuthoritySpec:
    """The specification of an honest `kind` of authority ("root", "issuing") of a branch."""
    issuing = kind == "issuing"
    return AuthoritySpec(
        subject=Subject(organization(branch), f"{branch} {kind} authority"),
        not_before=now - DAY,
        not_after=now + AUTHORITY_LIFETIME,
        serial=serial_number(seed, f"{branch}/{kind}"),
        key=derive_key(seed, f"{branch}/{kind}"),
        path_length=0 if issuing else None,
        permitted=organization(branch) if issuing else None,
    )


def make_branch(seed: bytes, now: int, name: str, *, constrained: bool = True) -> Branch:
    """An honest root and issuing authority, which may certify names of one organization only where `constrained`."""
    root = issue_root(authority_spec(seed, now, name, "root"))
    spec = authority_spec(seed, now, name, "issuing")
    return Branch(name, root, issue_authority(spec if constrained else replace(spec, permitted=None), root))


def leaf_spec(seed: bytes, now: int, role: str, uris: tuple[str, ...], label: str) -> LeafSpec:
    """The specification of an honest leaf of `role` "device", "service" or "attestation"."""
    ekus = {
        "device": (EKU_DEVICE, EKU_CLIENT_AUTH),
        "service": (EKU_SERVICE, EKU_SERVER_AUTH),
        "attestation": (EKU_EAT_AK,),
    }
    return LeafSpec(
        subject=Subject(organization(role), label),
        uris=uris,
        eku=ekus[role],
        not_before=now - HOUR,
        not_after=now + LEAF_LIFETIME,
        serial=serial_number(seed, label),
        key=derive_key(seed, label),
    )


def serial_number(seed: bytes, label: str) -> int:
    """A positive serial number of at most 16 octets."""
    return int.from_bytes(derive(seed, f"serial/{label}", 16), "big") >> 1 | 1


def timestamp(seconds: int) -> datetime:
    """Unix seconds as the datetime that certificates are built from."""
    return datetime.fromtimestamp(seconds, UTC)


def _public(key: PrivateKey | PublicKey) -> PublicKey:
    return key if isinstance(key, PublicKey) else key.public_key()


def _builder(
    subject: Subject, start: int, end: int, serial: int, key: PublicKey, issuer: Certificate | None
) -> x509.CertificateBuilder:
    name = subject.name()
    issuer_key = issuer.public_key if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.parsed.subject if issuer else name)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(timestamp(start))
        .not_valid_after(timestamp(end))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _authority_builder(spec: AuthoritySpec, issuer: Certificate | None) -> x509.CertificateBuilder:
    public = _public(spec.key)
    builder = _builder(spec.subject, spec.not_before, spec.not_after, spec.serial, public, issuer)
    length = spec.path_length if spec.ca else None
    builder = builder.add_extension(x509.BasicConstraints(ca=spec.ca, path_length=length), critical=True)
    builder = builder.add_extension(_key_usage(spec.key_usage), critical=True)
    if spec.permitted is not None:
        organization_name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, spec.permitted)])
        permitted = [x509.DirectoryName(organization_name)]
        builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    if spec.uris:
        uris = [x509.UniformResourceIdentifier(uri) for uri in spec.uris]
        builder = builder.add_extension(x509.SubjectAlternativeName(uris), critical=False)
    return builder


def _key_usage(bits: frozenset[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in bits for name in _KEY_USAGES})


def _sign(builder: x509.CertificateBuilder, key: PrivateKey) -> Certificate:
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    certificate = builder.sign(key, SHA256() if deterministic else None, ecdsa_deterministic=deterministic)
    return parse_certificate(certificate.public_bytes(Encoding.DER))
