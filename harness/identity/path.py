"""Certification path validation to a pinned root. Source: RFC 5280 section 6.1, without certificate policies.

Validity periods and the purposes of the leaf are checks of their own and not judged here, so that a verified path stays
verified.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from .certificate import Certificate
from .names import NameConstraintError, check_names

MAX_PATH = 8
"""Certificates that a peer may present, leaf included."""

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class PathError(ValueError):
    """No valid path leads from the presented certificates to a pinned root."""


def verify_path(leaf: Certificate, chain: Sequence[Certificate], roots: Sequence[Certificate]) -> Certificate:
    """Verify `leaf`, certified by `chain` in order, to one of `roots`, which is returned.

    The chain may end in the root itself or just below it. Raises PathError.
    """
    path = [leaf, *chain]
    if len(path) > MAX_PATH:
        raise PathError(f"{len(path)} certificates, at most {MAX_PATH}")
    if leaf.is_ca:
        raise PathError("the end-entity certificate is a certification authority's")
    for certificate, issuer in pairwise(path):
        check_issued(certificate, issuer)
    anchor = _anchor(path, roots)
    path.append(anchor)
    for depth, (certificate, issuer) in enumerate(pairwise(path)):
        if certificate.unknown_critical:
            raise PathError(f"critical extension {certificate.unknown_critical[0]} is not understood")
        _check_authority(issuer, path[: depth + 1])
    return anchor


def _anchor(path: list[Certificate], roots: Sequence[Certificate]) -> Certificate:
    """The pinned root that issued the end of the path; a root that was sent along is taken off the path."""
    for root in roots:
        if len(path) > 1 and root.sha256 == path[-1].sha256:
            path.pop()
            return root
    failure = PathError("no pinned root at the end of the path")
    for root in roots:
        if root.subject == path[-1].issuer:
            try:
                check_issued(path[-1], root)
            except PathError as error:
                failure = error
            else:
                return root
    raise failure


def _check_authority(issuer: Certificate, below: Sequence[Certificate]) -> None:
    if not issuer.is_ca or not issuer.signs_certificates:
        raise PathError("an issuer is not a certification authority")
    if issuer.unknown_critical:
        raise PathError(f"critical extension {issuer.unknown_critical[0]} is not understood")
    authorities = sum(1 for item in below[1:] if item.subject != item.issuer)
    if issuer.path_length is not None and authorities > issuer.path_length:
        raise PathError(f"{authorities} authorities below one that allows {issuer.path_length}")
    if issuer.constraints is not None:
        try:
            for item in below:
                check_names(issuer.constraints, item)
        except NameConstraintError as error:
            raise PathError(str(error)) from error


@lru_cache(maxsize=256)
def has_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether `issuer` is named in `certificate` and signed it."""
    try:
        check_issued(certificate, issuer)
    except PathError:
        return False
    return True


def check_issued(certificate: Certificate, issuer: Certificate) -> None:
    """Raise PathError unless `issuer` is named in `certificate` and signed it with an accepted algorithm."""
    try:
        digest = certificate.parsed.signature_hash_algorithm
        if digest is not None and not isinstance(digest, _HASHES):
            raise PathError(f"signature with {digest.name}")
        certificate.parsed.verify_directly_issued_by(issuer.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise PathError(f"certificate is not signed by its issuer: {str(error) or 'bad signature'}") from error
