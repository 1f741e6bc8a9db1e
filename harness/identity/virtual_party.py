"""Parties whose root of trust is virtual: tenants of a physical platform, certified by its endorsement authority.

The names and keys of a tenant are those of its label, so that it takes the place of a party with a root of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .certificate import Certificate, PublicKey
from .credentials import Credentials
from .keys import PrivateKey, derive, derive_key
from .pki import (
    HOUR,
    Authority,
    AuthoritySpec,
    LeafSpec,
    Subject,
    authority_spec,
    issue_authority,
    issue_leaf,
    serial_number,
)
from .revocation import SHORT_LIVED
from .tam import platform_urn
from .virtual import BOOT_SEED, INSTANCE, VirtualRoot

if TYPE_CHECKING:
    from .tester import TesterPki

Evidence = Callable[["TesterPki", str, bytes], bytes]
"""From the authorities, a role and SubjectPublicKeyInfo to a CMW record."""
PLATFORM, REVOKED_PLATFORM = "physical platform", "revoked platform"
"""Labels of physical roots of trust; the identity certificate of the second is on every party's local CRL."""


def endorser_spec(pki: TesterPki, role: str, platform: str = PLATFORM) -> AuthoritySpec:
    """The specification of the endorsement authority of a physical platform, for identities of that role."""
    label = f"{role}/{platform} endorsement"
    spec = authority_spec(pki.seed, pki.now, role, "issuing")
    return replace(
        spec,
        subject=Subject(spec.subject.organization, f"{platform} endorsement authority"),
        serial=serial_number(pki.seed, label),
        key=derive_key(pki.seed, label),
        key_usage=frozenset({"key_cert_sign"}),
        permitted=None if pki.plain else spec.permitted,
        uris=(platform_urn(pki.ueid(platform)),),
    )


def endorser(pki: TesterPki, role: str, spec: AuthoritySpec | None = None) -> Authority:
    """That authority, below the root of the branch."""
    return issue_authority(spec or endorser_spec(pki, role), pki.branch(role).root)


def virtual_root(pki: TesterPki, label: str, platform: str = PLATFORM, generation: int = 1) -> VirtualRoot:
    """Which virtualized root of a platform the party with that label has."""
    return VirtualRoot(pki.ueid(platform), derive(pki.seed, f"instance/{label}", INSTANCE), generation)


def virtual_leaf_spec(
    pki: TesterPki, role: str, label: str = "", platform: str = PLATFORM, generation: int = 1
) -> LeafSpec:
    """The specification of an honest leaf of a tenant, short-lived because its issuer signs no CRL (VRT-12).

    `platform` and `generation` are those of `virtual_root`.
    """
    label = label or role
    virtual = virtual_root(pki, label, platform, generation)
    start = pki.now - HOUR
    serial = serial_number(pki.seed, f"{label} tenant {virtual.generation}")
    value = virtual.encode()
    return replace(
        pki.leaf_spec(role, label), serial=serial, not_before=start, not_after=start + SHORT_LIVED, virtual=value
    )


def virtual_party(
    pki: TesterPki,
    role: str,
    label: str = "",
    *,
    key: PublicKey | None = None,
    with_waiver: bool = False,
    evidence: Evidence | None = None,
) -> Credentials:
    """Honest credentials of a party whose root of trust is virtual.

    `key` is a foreign public key of the identity; `evidence` makes what the platform says about the key (VRT-09).
    """
    return deployed(pki, role, pki.party(role, label, key=key, with_waiver=with_waiver), label, evidence=evidence)


def deployed(
    pki: TesterPki, role: str, party: Credentials, label: str = "", *, evidence: Evidence | None = None
) -> Credentials:
    """The party as a tenant: the platform's endorsement authority certifies the key that it has."""
    spec = replace(virtual_leaf_spec(pki, role, label), key=party.key or party.leaf.public_key)
    record = evidence(pki, role, spki_of(spec.key)) if evidence else None
    leaf = issue_leaf(replace(spec, evidence=record), endorser(pki, role))
    waiver = pki.waiver(leaf.certificate).sign(pki.waiver_authority) if party.waiver else None
    return replace(party, leaf=leaf.certificate, chain=leaf.chain, proofs=b"", waiver=waiver)


def spki_of(key: PrivateKey | PublicKey) -> bytes:
    """SubjectPublicKeyInfo of a key, DER."""
    public = key if isinstance(key, PublicKey) else key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def platform_leaf(pki: TesterPki, role: str, platform: str) -> Certificate:
    """The identity certificate of the physical root of a platform."""
    spec = replace(pki.leaf_spec(role, platform), uris=(platform_urn(pki.ueid(platform)),))
    return issue_leaf(spec, pki.branch(role).issuing).certificate


def boot_seed(pki: TesterPki, leaf: Certificate) -> bytes:
    """What a tenant's root has drawn when it was started; nothing for a root that is physical."""
    return b"" if leaf.virtual is None else derive(pki.seed, f"boot seed/{leaf.platform}", BOOT_SEED)
