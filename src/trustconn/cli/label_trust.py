"""What a verifier of labels trusts: folders that `provision` wrote, or certificates in PEM."""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from ..harness.identity.credentials import TrustAnchors, read_certificates
from ..harness.identity.revocation import CRL
from ..harness.identity.settings import SettingError
from ..harness.identity.world import World
from ..harness.labels.stored import Stored
from ..harness.labels.trust import Trust
from .errors import UsageError
from .files import read_file
from .options import readable_file

MAX_FILE = 1 << 24


def add_trust(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """`--trust`, `--crl` and `--authority`."""
    text = "folder whose party trusts the signers, or their roots in PEM; may be repeated"
    if not required:
        text = "who else signs inputs than the platform and those whom it trusts: such a folder as verify takes"
    parser.add_argument("--trust", type=Path, action="append", required=required, default=[], metavar="PATH", help=text)
    text = "a newer revocation list, PEM or DER; may be repeated"
    parser.add_argument("--crl", type=readable_file, action="append", default=[], metavar="FILE", help=text)
    text = "root of a time stamping authority, PEM; may be repeated"
    parser.add_argument("--authority", type=readable_file, action="append", default=[], metavar="FILE", help=text)


def read_trust(arguments: argparse.Namespace, stored: Stored, world: World | None = None) -> Trust:
    """What the options name and what a party trusts, with the proofs that are kept with the data. Raises UsageError."""
    trust = Trust(int(time.time()), (), proofs=stored.proofs) if world is None else Trust.of(world, stored.proofs)
    roots, attestation = list(trust.roots), list(trust.attestation_roots)
    held, proofs = dict(trust.held), list(trust.proofs)
    for path in arguments.trust:
        try:
            if path.is_dir():
                anchors = TrustAnchors.load(path)
                roots += anchors.peer_roots
                attestation += anchors.attestation_roots
                held |= anchors.by_hash()
                proofs += ((CRL, der) for der in anchors.crls)
            else:
                roots += read_certificates(path)
        except SettingError as error:
            raise UsageError(f"--trust {path}: {error}") from error
    proofs += (
        (CRL, crl.public_bytes(Encoding.DER)) for file in arguments.crl for crl in read_file(file, MAX_FILE, _crls)
    )
    authorities = [one for file in arguments.authority for one in read_file(file, MAX_FILE, _authorities)]
    return replace(
        trust, roots=tuple(roots), held=held, proofs=tuple(proofs), attestation_roots=tuple(attestation),
        authorities=tuple(dict.fromkeys(authorities)),
    )  # fmt: skip


def _crls(data: bytes) -> list[x509.CertificateRevocationList]:
    """Lists of a file. Raises ValueError."""
    try:
        if b"-----BEGIN" not in data:
            return [x509.load_der_x509_crl(data)]
        end = b"-----END X509 CRL-----"
        return [x509.load_pem_x509_crl(part + end) for part in data.split(end)[:-1]]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("expected revocation lists in PEM, or one in DER") from error


def _authorities(data: bytes) -> list[x509.Certificate]:
    """Certificates of a file. Raises ValueError."""
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise ValueError("expected certificates in PEM") from error
