"""Predicates over waiver statements and data labels. Arguments are encoded items."""

from .credential_checks import check_validity
from .deciding import Unfit, octets, predicate, unsigned, value
from .evidence_checks import check_recent
from .world import World, thumbprint_digest

HIGHEST_LEVEL = 4
"""Security levels of ISO/IEC 19790 end here."""


@predicate
def waiver_authority_is_pinned(world: World, x5t: bytes) -> None:
    """The statement is by an authority that this party pins, whose certificate is valid now."""
    digest = thumbprint_digest(value(x5t))
    authority = next((item for item in world.anchors.waiver_authorities if item.sha256 == digest), None)
    if authority is None:
        raise Unfit("not a pinned waiver authority")
    check_validity(authority, world.time())


@predicate
def waiver_level_suffices(world: World, level: bytes) -> None:
    """The module's security level is at least what policy demands."""
    if not world.policy.minimum_waiver_level <= unsigned(level) <= HIGHEST_LEVEL:
        raise Unfit("security level is too low")


@predicate
def waiver_is_in_force(world: World, iat: bytes, exp: bytes) -> None:
    """The statement has been issued and has not expired."""
    now = world.time()
    if not unsigned(iat) <= now + world.policy.clock_tolerance or not now < unsigned(exp):
        raise Unfit("statement is not in force")


@predicate
def waiver_key_is_not_exportable(world: World, assertion: bytes) -> None:
    """The authority asserts that the key was generated in the module and cannot leave it."""
    if value(assertion) is not True:
        raise Unfit("the key's custody is not asserted")


@predicate
def waiver_is_not_revoked(world: World, statement_id: bytes) -> None:
    """The statement is not on the list of revoked statements."""
    if octets(statement_id, 16) in world.anchors.revoked_waivers:
        raise Unfit("statement is revoked")


@predicate
def waiver_names_the_peer_leaf(world: World, digest: bytes, id_cred: bytes) -> None:
    """The statement is about the very certificate that the peer authenticated with."""
    if octets(digest, 32) != world.credential(id_cred).leaf.sha256:
        raise Unfit("statement about another certificate")


@predicate
def label_is_recent(world: World, iat: bytes) -> None:
    """The label was issued within the age that policy allows, and not in the future."""
    check_recent(world, unsigned(iat))


@predicate
def label_subject_is_peer(world: World, sub: bytes, iss: bytes, id_cred: bytes) -> None:
    """The label's subject is the identity in the peer's certificate, its issuer the platform in it."""
    leaf = world.credential(id_cred).leaf
    if not leaf.identity or value(sub) != leaf.identity:
        raise Unfit("subject is another identity")
    if not leaf.platform or value(iss) != leaf.platform:
        raise Unfit("issuer is another platform")
