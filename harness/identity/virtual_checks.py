"""Predicates over a peer's certificate that tells a virtualized root of trust. Source: specification, chapter 10.

Each decides one thing; what another one refuses is nothing to it.
"""

from cryptography.x509.oid import ExtensionOID

from .certificate import Certificate
from .credential_checks import local_statuses
from .deciding import Unfit, both_sides
from .oids import EKU_DEVICE, EKU_EAT_AK, EKU_PSA_AK, EKU_SERVICE, EKU_TPM_AK
from .virtual import VirtualRoot, read_virtual_root
from .world import PeerCredential, World

_USES = frozenset({EKU_DEVICE, EKU_SERVICE, EKU_EAT_AK, EKU_TPM_AK, EKU_PSA_AK})
"""Of certificates that are no authority's."""
_ONLY_CERTIFICATES = b"\x03\x02\x02\x04"
"""DER of key usage keyCertSign and no other (RFC 5280 section 4.2.1.3)."""


def _is_well_formed(world: World, id_cred: bytes) -> None:
    credential = world.credential(id_cred)
    platform = _endorsing_platform(world, credential)
    if credential.leaf.virtual is None:
        if platform:
            raise Unfit("an endorsement authority of a physical root certifies a leaf without tc-virtual")
        return
    if not credential.leaf.virtual_is_critical:
        raise Unfit("tc-virtual is not critical")
    if platform not in ("", read_virtual_root(credential.leaf.virtual).physical):
        raise Unfit("tc-virtual names another physical root than its issuer's")


def _is_endorsed(world: World, id_cred: bytes) -> None:
    credential = world.credential(id_cred)
    if credential.leaf.virtual is None:
        return
    issuer = world.issuer(credential)
    if issuer is None or not issuer.platform:
        raise Unfit("the issuer is no endorsement authority of a physical root")
    if not issuer.is_ca or issuer.path_length != 0 or not _signs_certificates_only(issuer):
        raise Unfit("the endorsement authority may do more than certify leaves")


def _has_a_key_of_its_own(world: World, id_cred: bytes) -> None:
    credential = world.credential(id_cred)
    if credential.leaf.virtual is None or (issuer := world.issuer(credential)) is None:
        return
    leaves = (credential.leaf, *(item for item in world.held().values() if item.eku & _USES))
    if issuer.spki in {item.spki for item in leaves}:
        raise Unfit("the endorsement authority's key is an identity or attestation key")


def _is_nested(world: World, id_cred: bytes) -> None:
    credential = world.credential(id_cred)
    leaf = credential.leaf
    if leaf.virtual is None or (issuer := world.issuer(credential)) is None:
        return
    if leaf.not_before < issuer.not_before or leaf.not_after > issuer.not_after:
        raise Unfit("valid beyond the endorsement authority's certificate")


def _stands_on_good_ground(world: World, id_cred: bytes) -> None:
    root = _root(world.credential(id_cred))
    if root is None:
        return
    for certificate in world.held().values():
        if certificate.platform == root.physical and _is_revoked(world, certificate):
            raise Unfit("the physical root is revoked")


def _may_be_virtual(world: World, id_cred: bytes) -> None:
    if world.credential(id_cred).leaf.virtual is not None and world.policy.physical_only:
        raise Unfit("policy wants a physical root of trust")


def _is_not_older(world: World, id_cred: bytes) -> None:
    root = _root(world.credential(id_cred))
    if root is None:
        return
    highest = world.memory.generations.get(root.ueid + root.instance, 0)
    if root.generation < highest:
        raise Unfit(f"generation {root.generation} after {highest}")


def _endorsing_platform(world: World, credential: PeerCredential) -> str:
    """The physical root whose endorsement authority has issued the leaf, "" where none has."""
    issuer = world.issuer(credential)
    return issuer.platform if issuer is not None and issuer.is_ca else ""


def _root(credential: PeerCredential) -> VirtualRoot | None:
    try:
        return None if credential.leaf.virtual is None else read_virtual_root(credential.leaf.virtual)
    except ValueError:
        return None


def _signs_certificates_only(issuer: Certificate) -> bool:
    if not issuer.signs_certificates:
        return False
    usage = issuer.parsed.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
    return usage.public_bytes() == _ONLY_CERTIFICATES


def _is_revoked(world: World, certificate: Certificate) -> bool:
    return any(status.revoked for _, status in local_statuses(world, _on_its_path(world, certificate)))


def _on_its_path(world: World, certificate: Certificate) -> PeerCredential:
    issuer = world.issuer(PeerCredential(certificate, ()))
    return PeerCredential(certificate, () if issuer is None else (issuer,))


cred_r_virtual_root_is_well_formed, cred_i_virtual_root_is_well_formed = both_sides(
    "cred_{}_virtual_root_is_well_formed", _is_well_formed
)
cred_r_virtual_root_is_endorsed, cred_i_virtual_root_is_endorsed = both_sides(
    "cred_{}_virtual_root_is_endorsed", _is_endorsed
)
cred_r_endorser_key_is_for_that_alone, cred_i_endorser_key_is_for_that_alone = both_sides(
    "cred_{}_endorser_key_is_for_that_alone", _has_a_key_of_its_own
)
cred_r_validity_is_nested, cred_i_validity_is_nested = both_sides("cred_{}_validity_is_nested", _is_nested)
cred_r_physical_root_is_not_revoked, cred_i_physical_root_is_not_revoked = both_sides(
    "cred_{}_physical_root_is_not_revoked", _stands_on_good_ground
)
cred_r_root_may_be_virtual, cred_i_root_may_be_virtual = both_sides("cred_{}_root_may_be_virtual", _may_be_virtual)
cred_r_generation_is_not_older, cred_i_generation_is_not_older = both_sides(
    "cred_{}_generation_is_not_older", _is_not_older
)
