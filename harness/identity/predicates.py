"""The predicate checks: a function for each, called by the check's name with a World and the octets that it judges.

`PREDICATES` holds them by name; each returns None or raises Refused. Besides them, the keys that verification needs.
"""

from . import (
    credential_checks,
    evidence_checks,
    interface,
    psa_checks,
    result_checks,
    statement_checks,
    tpm_checks,
    virtual_checks,
)
from .certificate import PublicKey
from .deciding import PREDICATES, value
from .errors import Refused
from .world import World, thumbprint_digest

__all__ = [
    "PREDICATES",
    "ak_public_key",
    "credential_checks",
    "evidence_checks",
    "interface",
    "leaf_public_key",
    "leaf_sha256",
    "psa_checks",
    "result_checks",
    "statement_checks",
    "tpm_checks",
    "virtual_checks",
    "waiver_public_key",
]


def leaf_public_key(world: World, id_cred: bytes) -> PublicKey:
    """The key in the certificate that an encoded ID_CRED_x names. Raises Refused or CredentialUnavailable."""
    return world.credential(id_cred).leaf.public_key


def leaf_sha256(world: World, id_cred: bytes) -> bytes:
    """SHA-256, 32 octets, over the DER of the certificate that an encoded ID_CRED_x names."""
    return world.credential(id_cred).leaf.sha256


def ak_public_key(world: World, x5chain: bytes) -> PublicKey:
    """The key in the first certificate of an encoded value of header 33. Raises Refused."""
    return world.x5chain(x5chain).leaf.public_key


def waiver_public_key(world: World, x5t: bytes) -> PublicKey:
    """The key of a held authority, by encoded thumbprint; pinning is a check of its own. Raises Refused."""
    try:
        certificate = world.held().get(thumbprint_digest(value(x5t)))
    except ValueError as error:
        raise Refused("waiver_authority_is_pinned", str(error)) from error
    if certificate is None:
        raise Refused("waiver_authority_is_pinned", "no such authority is held")
    return certificate.public_key
