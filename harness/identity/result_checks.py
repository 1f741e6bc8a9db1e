"""Predicates over a verifier's result, an EAR (draft-ietf-rats-ear-04). Arguments are encoded items."""

from typing import Any

from ...spec import identifiers
from ..codec import cose
from .credential_checks import check_validity
from .deciding import Unfit, predicate, unsigned, value
from .evidence_checks import check_ueid
from .world import World, thumbprint_digest

_EAR = identifiers()["ear"]
_STATUS, _POLICY_IDS = _EAR["status"], _EAR["policy_ids"]
_WHOLE: str = _EAR["submod"]
_AFFIRMING = range(2, 32)
"""Values of the tier, draft-ietf-rats-ar4si section 2.3.2; this profile has no use for non-standard ones."""
_ALGORITHMS = (cose.ES256, -9)
_EAT_CWT = 263


@predicate
def ear_header_is_exact(world: World, alg: bytes, typ: bytes) -> None:
    """ES256, in either of its names, over a CWT."""
    if value(alg) not in _ALGORITHMS or value(typ) != _EAT_CWT:
        raise Unfit(f"algorithm {value(alg)}, type {value(typ)}")


@predicate
def ear_verifier_is_pinned(world: World, x5t: bytes) -> None:
    """The result is by a verifier that this party pins, whose certificate is valid now."""
    digest = thumbprint_digest(value(x5t))
    verifier = next((item for item in world.anchors.verifiers if item.sha256 == digest), None)
    if verifier is None:
        raise Unfit("not a pinned verifier")
    check_validity(verifier, world.time())


@predicate
def ear_cnf_is_peer_identity_key(world: World, key: bytes, id_cred: bytes) -> None:
    """The attested key is that of the peer's leaf; parameters are compared, not encodings."""
    confirmed = value(key)
    if not isinstance(confirmed, dict):
        raise Unfit("no COSE_Key")
    if cose.public_from_cose_key(confirmed) != world.credential(id_cred).leaf.public_key:
        raise Unfit("another key than the handshake's")


@predicate
def ear_ueid_is_peer_device(world: World, ueid: bytes, id_cred: bytes) -> None:
    """The attested platform is that of the peer's leaf: another certificate may hold the same key."""
    check_ueid(world, ueid, id_cred)


@predicate
def ear_is_in_force(world: World, iat: bytes, exp: bytes) -> None:
    """The result has been issued and has not expired."""
    now = world.time()
    if not unsigned(iat) <= now + world.policy.clock_tolerance or not now < unsigned(exp):
        raise Unfit("the result is not in force")


@predicate
def ear_names_the_policy(world: World, submods: bytes) -> None:
    """Everything was appraised by the policy that this party asked for, and by no other."""
    wanted = world.policy.verifier_policy
    if wanted is None or any(submod.get(_POLICY_IDS) != [wanted] for submod in _submods(submods).values()):
        raise Unfit("not the policy that was asked for")


@predicate
def ear_is_not_revoked(world: World, x5t: bytes, submods: bytes) -> None:
    """Neither the verifier nor the policy by which it appraised is on the list of what was revoked."""
    if thumbprint_digest(value(x5t)) in world.anchors.revoked_verifiers:
        raise Unfit("the verifier is revoked")
    for submod in _submods(submods).values():
        if any(policy in world.anchors.revoked_policies for policy in _policies(submod)):
            raise Unfit("the policy is revoked")


@predicate
def ear_is_affirming(world: World, submods: bytes) -> None:
    """Every status is affirming; one that is absent, or is no integer, is not. Of properties, those that policy names.

    What a verifier says of further properties is not asked for.
    """
    named = world.policy.verifier_properties
    found = _submods(submods)
    for submod in [found[name] for name in named if name in found] if named else found.values():
        status = submod.get(_STATUS)
        if type(status) is not int or status not in _AFFIRMING:
            raise Unfit(f"status {status!r}")


@predicate
def ear_names_the_properties(world: World, submods: bytes) -> None:
    """Every property that policy names is there, or the platform as a whole where it names none."""
    found = _submods(submods)
    if missing := sorted(set(world.policy.verifier_properties or (_WHOLE,)) - found.keys()):
        raise Unfit(f"nothing about {', '.join(missing)}")


def _policies(submod: dict[Any, Any]) -> list[str]:
    found = submod.get(_POLICY_IDS, [])
    if not isinstance(found, list) or not all(isinstance(policy, str) for policy in found):
        raise Unfit("policy ids are no list of texts")
    return found


def _submods(encoded: bytes) -> dict[Any, dict[Any, Any]]:
    found = value(encoded)
    if not isinstance(found, dict) or not found or not all(isinstance(item, dict) for item in found.values()):
        raise Unfit("no submodules")
    return found
