"""Results signed and verified: a COSE_Sign1 (RFC 9052) over the manifest of a run, in a file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ...harness.codec import cbor, cose
from ...harness.crypto.errors import BadSignature
from ...harness.identity.certificate import PublicKey
from ...harness.identity.keys import PrivateKey, algorithm_of, signer
from .manifest import SIGNATURE, Manifest, ManifestError, complaints, manifest

TYPE = "application/vnd.tc.results+cose"
CONTEXT = b"tc1-results"
"""The external_aad, as an ASCII byte string."""
MOST = 1 << 20
"""Octets of a signature file that are read."""
_KEYS = {"format", "started", "seed", "versions", "verdict", "iuts", "files", "transcripts"}


class KeyFileError(Exception):
    """A file that holds no key for this. The message names it."""


def sign(folder: Path, key: PrivateKey) -> Path:
    """Sign the run in a folder; the file that was written.

    Raises:
        RunError: there is no run, or it is damaged.
        ManifestError: its files contradict each other.
        OSError: the file cannot be written.
    """
    protected = {
        cose.ALG: algorithm_of(key).number,
        cose.KID: key_id(key.public_key()),
        cose.TYP: TYPE,
    }
    path = folder / SIGNATURE
    path.write_bytes(cose.sign1(signer(key), protected, {}, cbor.encode(manifest(folder)), CONTEXT))
    return path


def verify(folder: Path, key: PublicKey) -> tuple[Manifest | None, list[str]]:
    """What was signed of a run, None where nothing was by this key, and complaints, each beginning with a file's name.

    Raises:
        RunError: there is no run, or it is damaged.
    """
    try:
        signed = _manifest(folder / SIGNATURE, key)
    except ManifestError as error:
        return None, [str(error)]
    return signed, list(complaints(folder, signed))


def _manifest(path: Path, key: PublicKey) -> Manifest:
    """The manifest in a file, its signature verified. Raises ManifestError."""
    try:
        with path.open("rb") as file:
            message = cose.parse_sign1(file.read(MOST))
        algorithm = algorithm_of(key)
        if message.algorithm != algorithm.number or message.protected.get(cose.TYP) != TYPE:
            raise ManifestError(f"{path.name}: is no signature over results by a key of this kind")
        cose.verify1(message, lambda signature, signed: algorithm.verify(key, signature, signed), CONTEXT)
        found = cbor.decode(message.payload or b"")
    except OSError as error:
        raise ManifestError(f"{path.name}: {error.strerror}") from error
    except BadSignature as error:
        raise ManifestError(f"{path.name}: the signature does not verify with this key") from error
    except ValueError as error:
        raise ManifestError(f"{path.name}: {error}") from error
    if not isinstance(found, Mapping) or set(found) != _KEYS:
        raise ManifestError(f"{path.name}: what was signed is no manifest")
    return cast(Manifest, found)


def key_id(key: PublicKey) -> bytes:
    """SHA-256 of a public key's SubjectPublicKeyInfo, 32 octets."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def read_private(path: Path) -> PrivateKey:
    """A private key from a PEM file: P-256, P-384 or Ed25519. Raises KeyFileError."""
    return cast(PrivateKey, _usable(path, lambda data: load_pem_private_key(data, None)))


def read_public(path: Path) -> PublicKey:
    """A public key from a PEM file, or that of a certificate in one. Raises KeyFileError."""

    def read(data: bytes) -> Any:
        if b"BEGIN CERTIFICATE" in data:
            return x509.load_pem_x509_certificate(data).public_key()
        return load_pem_public_key(data)

    return cast(PublicKey, _usable(path, read))


def _usable(path: Path, read: Any) -> Any:
    try:
        key = read(path.read_bytes())
        algorithm_of(key)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: expected a key of P-256, P-384 or Ed25519 in PEM: {error}") from error
    return key
