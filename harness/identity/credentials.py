"""What a party holds: its own credentials, and what it trusts of others; read from and written to a folder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import tomli_w
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ..codec import cbor
from .certificate import Certificate, CertificateError, parse_certificate
from .keys import PrivateKey
from .pki import Issued
from .revocation import ProofError, check_crl, read_crl
from .settings import SettingError, convert, octets, read_toml, text, texts

MAX_FILE = 1 << 20


class CredentialError(SettingError):
    """A credential file cannot be used."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One party's own: an identity and an attestation certificate with their keys, status proofs, perhaps a waiver.

    A key is None where it stays in a module. `proofs` is the encoded list of HELLO, b"" for none; `waiver` is the
    encoded statement. `tpm_ak` is the attestation key of a TPM, with the usage of TPM structures alone, `psa_ak` the
    initial attestation key of a PSA platform, with that of PSA tokens alone.
    """

    leaf: Certificate
    chain: tuple[Certificate, ...]
    key: PrivateKey | None
    ak: Certificate
    ak_chain: tuple[Certificate, ...]
    ak_key: PrivateKey | None
    proofs: bytes = b""
    waiver: bytes | None = None
    tpm_ak: Issued | None = None
    psa_ak: Issued | None = None

    @property
    def issued(self) -> Issued:
        """The identity certificate with its chain and key."""
        return Issued(self.leaf, self.chain, self.key)

    @property
    def attestation(self) -> Issued:
        """The attestation certificate with its chain and key."""
        return Issued(self.ak, self.ak_chain, self.ak_key)

    def save(self, folder: Path) -> None:
        """Write the files that `load` reads."""
        write_certificates(folder / "leaf.pem", (self.leaf, *self.chain))
        write_certificates(folder / "ak.pem", (self.ak, *self.ak_chain))
        write_key(folder / "leaf.key.pem", self.key)
        write_key(folder / "ak.key.pem", self.ak_key)
        for name, issued in self._of_modules().items():
            write_certificates(folder / f"{name}.pem", (issued.certificate, *issued.chain))
            write_key(folder / f"{name}.key.pem", issued.key)
        if self.proofs:
            (folder / "proofs.cbor").write_bytes(self.proofs)
        if self.waiver is not None:
            (folder / "waiver.cose").write_bytes(self.waiver)

    @classmethod
    def load(cls, folder: Path, now: int, *, keys_required: bool = True) -> "Credentials":
        """Read a folder. Raises CredentialError, also for a certificate that is not valid at `now`."""
        leaf, *chain = read_certificates(folder / "leaf.pem")
        ak, *ak_chain = read_certificates(folder / "ak.pem")
        key = _read_pair(folder / "leaf.key.pem", leaf, keys_required)
        ak_key = _read_pair(folder / "ak.key.pem", ak, keys_required)
        proofs = _read_optional(folder / "proofs.cbor")
        _check_cbor(folder / "proofs.cbor", proofs)
        waiver = _read_optional(folder / "waiver.cose")
        modules = _read_ak(folder, "tpm-ak"), _read_ak(folder, "psa-ak")
        credentials = cls(leaf, tuple(chain), key, ak, tuple(ak_chain), ak_key, proofs, waiver or None, *modules)
        credentials.require_valid(folder, now)
        return credentials

    def require_valid(self, folder: Path, now: int) -> None:
        """Raises CredentialError, which names the file in `folder`, when a certificate is not valid at `now`."""
        named = {"leaf.pem": self.leaf, "ak.pem": self.ak}
        named |= {f"{name}.pem": issued.certificate for name, issued in self._of_modules().items()}
        for name, certificate in named.items():
            _check_validity(folder / name, certificate, now)

    def _of_modules(self) -> dict[str, Issued]:
        """Attestation keys of other formats, by the name of their files."""
        return {name: issued for name, issued in (("tpm-ak", self.tpm_ak), ("psa-ak", self.psa_ak)) if issued}


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """What a party trusts. `known` certificates are held but not trusted: they resolve thumbprints. CRLs are DER."""

    peer_roots: tuple[Certificate, ...]
    attestation_roots: tuple[Certificate, ...]
    waiver_authorities: tuple[Certificate, ...] = ()
    verifiers: tuple[Certificate, ...] = ()
    """Pinned: by the certificate, not by who issued it."""
    known: tuple[Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    revoked_waivers: frozenset[bytes] = frozenset()
    revoked_verifiers: frozenset[bytes] = frozenset()
    """SHA-256 of their certificates."""
    revoked_policies: frozenset[str] = frozenset()
    """Ids of policies of verifiers."""
    anonymous_roots: tuple[Certificate, ...] = ()
    """Of issuers of pseudonyms: for those, and for their attestation keys, these alone count (ANO-05)."""

    def by_hash(self) -> dict[bytes, Certificate]:
        """Every certificate that is held, by SHA-256."""
        pinned = (*self.waiver_authorities, *self.verifiers)
        held = (*self.peer_roots, *self.attestation_roots, *self.anonymous_roots, *pinned, *self.known)
        return {certificate.sha256: certificate for certificate in held}

    def save(self, folder: Path) -> None:
        """Write the files that `load` reads."""
        for name in _BUNDLES:
            write_certificates(folder / f"{name.replace('_', '-')}.pem", getattr(self, name))
        blocks = [x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in self.crls]
        (folder / "crls.pem").write_bytes(b"".join(blocks))
        listed = ", ".join(f'"{item.hex()}"' for item in sorted(self.revoked_waivers))
        (folder / "revoked-waivers.toml").write_text(f"statements = [{listed}]\n", encoding="utf-8")
        revoked = {
            "certificates": sorted(item.hex() for item in self.revoked_verifiers),
            "policies": sorted(self.revoked_policies),
        }
        (folder / "revoked-verifiers.toml").write_text(tomli_w.dumps(revoked), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrustAnchors":
        """Read a folder; every CRL must verify under a certificate held here. Raises CredentialError."""
        bundles = {}
        for name, required in _BUNDLES.items():
            file = folder / f"{name.replace('_', '-')}.pem"
            bundles[name] = tuple(read_certificates(file)) if required or _is_filled(file) else ()
        revoked_verifiers, revoked_policies = _read_revoked_verifiers(folder / "revoked-verifiers.toml")
        anchors = cls(
            **bundles,
            crls=tuple(_read_crls(folder / "crls.pem")),
            revoked_waivers=_read_revoked_waivers(folder / "revoked-waivers.toml"),
            revoked_verifiers=revoked_verifiers,
            revoked_policies=revoked_policies,
        )
        for der in anchors.crls:
            _check_crl(folder / "crls.pem", der, anchors.by_hash().values())
        return anchors


_BUNDLES = {
    "peer_roots": True,
    "attestation_roots": True,
    "waiver_authorities": False,
    "verifiers": False,
    "known": False,
    "anonymous_roots": False,
}


def read_certificates(file: Path) -> list[Certificate]:
    """Certificates of a PEM file, at least one. Raises CredentialError."""
    try:
        blocks = x509.load_pem_x509_certificates(_read(file))
        return [parse_certificate(block.public_bytes(Encoding.DER)) for block in blocks]
    except (CertificateError, ValueError, UnsupportedAlgorithm) as error:
        raise _unless_ours(error, file, "certificate", "one or more certificates in PEM") from error


def read_key(file: Path) -> PrivateKey:
    """A private key, PEM without password. Raises CredentialError."""
    try:
        key = load_pem_private_key(_read(file), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unless_ours(error, file, "key", "a private key in PEM without password") from error
    if not isinstance(key, PrivateKey):
        raise CredentialError(file, "key", "an elliptic-curve key")
    return key


def write_key(file: Path, key: PrivateKey | None) -> None:
    """Write a private key, PKCS #8 in PEM, readable by its owner alone; None writes nothing."""
    if key is not None:
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _read(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CredentialError(file, "file", f"a readable file ({error.__class__.__name__})") from error
    if len(data) > MAX_FILE:
        raise CredentialError(file, "file", f"at most {MAX_FILE} octets")
    return data


def _read_optional(file: Path) -> bytes:
    return _read(file) if file.exists() else b""


def _is_filled(file: Path) -> bool:
    return bool(_read_optional(file).strip())


def _read_pair(file: Path, certificate: Certificate, required: bool) -> PrivateKey | None:
    if not required and not file.exists():
        return None
    key = read_key(file)
    if key.public_key() != certificate.public_key:
        raise CredentialError(file, "key", "the private key of the certificate beside it")
    return key


def _read_ak(folder: Path, name: str) -> Issued | None:
    """The key itself is there only where the module is a tester's, made of software."""
    file = folder / f"{name}.pem"
    if not file.exists():
        return None
    certificate, *chain = read_certificates(file)
    return Issued(certificate, tuple(chain), _read_pair(folder / f"{name}.key.pem", certificate, required=False))


def _check_validity(file: Path, certificate: Certificate, now: int) -> None:
    if now < certificate.not_before:
        raise CredentialError(
            file, "notBefore", f"a certificate that is valid at {now}, not from {certificate.not_before}"
        )
    if now > certificate.not_after:
        raise CredentialError(
            file, "notAfter", f"a certificate that is valid at {now}, not until {certificate.not_after}"
        )


def _check_cbor(file: Path, data: bytes) -> None:
    try:
        if data:
            cbor.decode(data)
    except cbor.CborError as error:
        raise CredentialError(file, "proofs", f"deterministic CBOR ({error})") from error


def _read_crls(file: Path) -> list[bytes]:
    end = b"-----END X509 CRL-----"
    try:
        blocks = [block + end for block in _read_optional(file).split(end) if block.strip()]
        return [x509.load_pem_x509_crl(block).public_bytes(Encoding.DER) for block in blocks]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unless_ours(error, file, "CRL", "certificate revocation lists in PEM") from error


def _check_crl(file: Path, der: bytes, held: Iterable[Certificate]) -> None:
    try:
        name = read_crl(der).issuer
    except ProofError as error:
        raise CredentialError(file, "CRL", f"a complete revocation list ({error})") from error
    if not any(_signed(der, issuer) for issuer in held if issuer.subject == name):
        raise CredentialError(file, "CRL", "a list signed by an authority in known.pem or among the roots")


def _signed(der: bytes, issuer: Certificate) -> bool:
    try:
        check_crl(der, issuer)
    except ProofError:
        return False
    return True


def _read_revoked_waivers(file: Path) -> frozenset[bytes]:
    if not file.exists():
        return frozenset()
    fields: dict[str, Callable[[object], object]] = {"statements": _statement_ids}
    statements = convert(file, read_toml(file, CredentialError), fields, CredentialError).get("statements", ())
    return frozenset(statements)


def _read_revoked_verifiers(file: Path) -> tuple[frozenset[bytes], frozenset[str]]:
    if not file.exists():
        return frozenset(), frozenset()
    fields: dict[str, Callable[[object], object]] = {"certificates": _digests, "policies": _policy_ids}
    read = convert(file, read_toml(file, CredentialError), fields, CredentialError)
    return frozenset(read.get("certificates", ())), frozenset(read.get("policies", ()))


def _digests(value: object) -> tuple[bytes, ...]:
    digest = octets(32)
    return tuple(digest(item) for item in texts(value)) if value else ()


def _policy_ids(value: object) -> tuple[str, ...]:
    return texts(value) if value else ()


def _statement_ids(value: object) -> tuple[bytes, ...]:
    try:
        ids = tuple(bytes.fromhex(text(item)) for item in texts(value)) if value else ()
    except ValueError:
        ids = (b"",)
    if any(len(item) != 16 for item in ids):
        raise ValueError("a list of statement identifiers, 32 hexadecimal digits each")
    return ids


def write_certificates(file: Path, certificates: Iterable[Certificate]) -> None:
    """Write certificates in PEM, in the order given."""
    file.write_bytes(b"".join(item.parsed.public_bytes(Encoding.PEM) for item in certificates))


def _unless_ours(error: Exception, file: Path, key: str, expected: str) -> CredentialError:
    return error if isinstance(error, CredentialError) else CredentialError(file, key, expected)


def fingerprint(certificates: Iterable[Certificate]) -> bytes:
    """SHA-256 over a set of certificates, 32 octets, to key caches by what is trusted."""
    return sha256(b"".join(sorted(item.sha256 for item in certificates))).digest()
