"""Predicates over the peer's identity certificate, named by an encoded ID_CRED_x. Source: RFC 9528 section 3.5."""

import sys
from itertools import pairwise

from ...spec import identifiers
from .certificate import Certificate
from .deciding import Unfit, array, both_sides, named, predicate, unsigned, value
from .oids import EKU_DEVICE, EKU_EAT_AK, EKU_PSA_AK, EKU_SERVICE, EKU_TPM_AK
from .path import MAX_PATH
from .revocation import SHORT_LIVED, ProofError, Status, crl_status, read_proof
from .world import X5CHAIN, X5T, PeerCredential, Source, World, thumbprint_digest

MAX_PROOFS = 8
FLAG_ANONYMOUS: int = identifiers()["hello"]["flag"]["anonymous"]
PSEUDONYM_LIFETIME: int = identifiers()["limit"]["anonymous_seconds"]


def _id_cred_is_a_certificate(world: World, id_cred: bytes) -> None:
    header = value(id_cred)
    if not isinstance(header, dict) or len(header) != 1:
        raise Unfit("ID_CRED is not a map of one header")
    ((label, content),) = header.items()
    if label == X5T and type(label) is int:
        thumbprint_digest(content)
    elif label == X5CHAIN and type(label) is int:
        if isinstance(content, list) and not 2 <= len(content) <= MAX_PATH:
            raise Unfit("an array of certificates holds two or more")
        world.credential(id_cred)
    else:
        raise Unfit(f"header {label} names no certificate of this profile")


def _path_verifies(world: World, id_cred: bytes) -> None:
    world.verify_path(world.credential(id_cred))


def _is_in_validity(world: World, id_cred: bytes) -> None:
    check_path_validity(world, world.credential(id_cred))


def _key_usage_is_signature(world: World, id_cred: bytes) -> None:
    if not world.credential(id_cred).leaf.digital_signature:
        raise Unfit("key usage lacks digitalSignature")


def _has_service_role(world: World, id_cred: bytes) -> None:
    _check_role(world.credential(id_cred).leaf, EKU_SERVICE, EKU_DEVICE)


def _has_device_role(world: World, id_cred: bytes) -> None:
    _check_role(world.credential(id_cred).leaf, EKU_DEVICE, EKU_SERVICE)


def _check_role(leaf: Certificate, role: str, other: str) -> None:
    """One role a certificate: with both, a party's messages could be reflected to it."""
    if role not in leaf.eku or other in leaf.eku:
        raise Unfit("extended key usage does not name this role alone")


def _is_no_attestation_certificate(world: World, id_cred: bytes) -> None:
    if world.credential(id_cred).leaf.eku & {EKU_TPM_AK, EKU_EAT_AK, EKU_PSA_AK}:
        raise Unfit("an attestation key's certificate")


def _is_intended(world: World, id_cred: bytes) -> None:
    leaf = world.credential(id_cred).leaf
    identity = leaf.identity
    _check_admitted(world, leaf)
    if not identity or identity != world.policy.intended_peer:
        raise Unfit(f"{identity!r} is not the intended peer")


def _is_authorised(world: World, id_cred: bytes) -> None:
    leaf = world.credential(id_cred).leaf
    identity = leaf.identity
    _check_admitted(world, leaf)
    if not leaf.anonymous and (not identity or identity not in world.policy.authorised_devices):
        raise Unfit(f"{identity!r} is not authorised")


def _check_admitted(world: World, leaf: Certificate) -> None:
    if leaf.anonymous and not world.policy.admits_anonymous:
        raise Unfit("pseudonyms are not admitted")


def _pseudonym_is_short_lived(world: World, id_cred: bytes) -> None:
    check_pseudonym(world.credential(id_cred).leaf)


def check_pseudonym(certificate: Certificate) -> None:
    """Raise Unfit for a certificate of a pseudonym that lives longer than a day."""
    if certificate.anonymous and certificate.lifetime > PSEUDONYM_LIFETIME:
        raise Unfit(f"a pseudonym for {certificate.lifetime} seconds")


def _is_not_mine(world: World, id_cred: bytes) -> None:
    leaf, mine = world.credential(id_cred).leaf, world.credentials.leaf
    if leaf.sha256 == mine.sha256 or leaf.spki == mine.spki:
        raise Unfit("my own certificate or key")


def _key_is_of_one_identity(world: World, id_cred: bytes) -> None:
    leaf = world.credential(id_cred).leaf
    known = [[item.identity, item.platform] for item in world.identities_of(leaf.spki)]
    if any(names != [leaf.identity, leaf.platform] for names in (*known, *world.memory.names_of(leaf.spki))):
        raise Unfit("the key is that of another identity")


def _is_not_revoked_locally(world: World, id_cred: bytes) -> None:
    if any(status.revoked for _, status in local_statuses(world, world.credential(id_cred))):
        raise Unfit("revoked by a list that this party holds")


id_cred_r_is_a_certificate, id_cred_i_is_a_certificate = both_sides(
    "id_cred_{}_is_a_certificate", _id_cred_is_a_certificate
)
cred_r_path_verifies, cred_i_path_verifies = both_sides("cred_{}_path_verifies", _path_verifies)
cred_r_is_in_validity, cred_i_is_in_validity = both_sides("cred_{}_is_in_validity", _is_in_validity)
cred_r_key_usage_is_signature, cred_i_key_usage_is_signature = both_sides(
    "cred_{}_key_usage_is_signature", _key_usage_is_signature
)
cred_r_has_service_role = named("cred_r_has_service_role", _has_service_role)
cred_i_has_device_role = named("cred_i_has_device_role", _has_device_role)
cred_r_is_no_attestation_certificate, cred_i_is_no_attestation_certificate = both_sides(
    "cred_{}_is_no_attestation_certificate", _is_no_attestation_certificate
)
cred_r_is_intended = named("cred_r_is_intended", _is_intended)
cred_i_is_authorised = named("cred_i_is_authorised", _is_authorised)
cred_r_pseudonym_is_short_lived, cred_i_pseudonym_is_short_lived = both_sides(
    "cred_{}_pseudonym_is_short_lived", _pseudonym_is_short_lived
)
cred_r_is_not_mine, cred_i_is_not_mine = both_sides("cred_{}_is_not_mine", _is_not_mine)
cred_r_key_is_of_one_identity, cred_i_key_is_of_one_identity = both_sides(
    "cred_{}_key_is_of_one_identity", _key_is_of_one_identity
)
cred_r_is_not_revoked_locally, cred_i_is_not_revoked_locally = both_sides(
    "cred_{}_is_not_revoked_locally", _is_not_revoked_locally
)


@predicate
def anonymity_is_the_leafs(world: World, flags: bytes, id_cred: bytes) -> None:
    """Who has a pseudonym's leaf says so by flag 4, and nobody else does."""
    if bool(unsigned(flags) & FLAG_ANONYMOUS) != world.credential(id_cred).leaf.anonymous:
        raise Unfit("flag 4 and tc-anon come together or not at all")


@predicate
def peer_leaf_is_not_revoked(world: World, id_cred: bytes, proofs: bytes) -> None:
    """A fresh proof says that the leaf is good, or the leaf is short-lived; nothing else will do.

    `proofs` is the encoded `[+ [kind, DER]]` of HELLO, b"" if absent.
    """
    check_status(world, world.credential(id_cred), proofs)


@predicate
def peer_leaf_is_still_not_revoked(world: World, id_cred: bytes, proofs: bytes, renewed: bytes) -> None:
    """The same at a later epoch, by the proofs of HELLO or by `renewed` ones, and by the CRLs that are held now."""
    _is_not_revoked_locally(world, id_cred)
    check_status(world, world.credential(id_cred), proofs, renewed=renewed)


def check_validity(certificate: Certificate, now: int) -> None:
    """Raise Unfit outside notBefore to notAfter, both included."""
    if not certificate.not_before <= now <= certificate.not_after:
        raise Unfit(f"valid from {certificate.not_before} to {certificate.not_after}, not at {now}")


def check_path_validity(world: World, credential: PeerCredential) -> None:
    """Raise Unfit unless the leaf and every issuer of it, the root included, is valid now."""
    for certificate in whole_path(world, credential):
        check_validity(certificate, world.time())


def whole_path(world: World, credential: PeerCredential) -> list[Certificate]:
    """The leaf and every issuer of it, the root included where it is held."""
    path = [credential.leaf, *credential.chain]
    root = world.issuer(PeerCredential(path[-1], ()))
    return path if root is None else [*path, root]


def check_status(
    world: World, credential: PeerCredential, proofs: bytes, local: bool = False, renewed: bytes = b""
) -> None:
    """Raise Unfit unless the leaf is known not to be revoked.

    `local` admits the CRLs that this party holds, and asks the same of every issuer below the trust anchor; without it
    the leaf is an identity, and an own source is asked.
    """
    fresh = fresh_statuses(world, credential, proofs, local, renewed)
    if local:
        check_issuers(world, credential, proofs)
    if world.source is not None and not local:
        fresh = [_asked(world, world.source, credential)]
    if fresh:
        latest = max(item.this_update for item in fresh)
        world.memory.time_floor = max(world.memory.time_floor, latest)
    elif credential.leaf.lifetime > SHORT_LIVED:
        raise Unfit("no fresh proof of status")


def check_issuers(world: World, credential: PeerCredential, proofs: bytes) -> list[Status]:
    """Fresh proofs, held or sent along, that each issuer below the trust anchor is good, one for each that needs one.

    Raises Unfit for an issuer that is revoked, or neither known to be good nor short-lived.
    """
    found = []
    for at, certificate in enumerate(credential.chain):
        issuer = PeerCredential(certificate, credential.chain[at + 1 :])
        if certificate.subject == certificate.issuer or world.issuer(issuer) is None:
            break  # The anchor, or a path that leads to none: `ak_path_verifies` judges that.
        fresh = fresh_statuses(world, issuer, proofs, local=True)
        if fresh:
            found.append(max(fresh, key=lambda status: status.next_update or sys.maxsize))
        elif certificate.lifetime > SHORT_LIVED:
            raise Unfit("nothing fresh about the status of an issuer")
    return found


def _asked(world: World, source: Source, credential: PeerCredential) -> Status:
    """What the own source says now. Raises Unfit for revoked and for unknown, whatever was sent along."""
    issuer = world.issuer(credential)
    if issuer is None:
        raise Unfit("no issuer to ask about")
    status = source(credential.leaf, issuer, world.time())
    if status.revoked:
        raise Unfit("revoked, says the own source")
    if not status.is_fresh(world.time(), world.policy.revocation_max_age, world.policy.clock_tolerance):
        raise Unfit("the own source knows nothing new")
    return status


def fresh_statuses(
    world: World, credential: PeerCredential, proofs: bytes, local: bool = False, renewed: bytes = b""
) -> list[Status]:
    """What shows now that the leaf is good. Raises Unfit where anything says that it or an issuer is revoked."""
    held = local_statuses(world, credential) if local else []
    if any(status.revoked for _, status in held):
        raise Unfit("revoked by a list that this party holds")
    statuses = [status for given in (proofs, renewed) for status in _presented_statuses(world, credential, given)]
    statuses += [status for certificate, status in held if certificate is credential.leaf]
    if any(status.revoked for status in statuses):
        raise Unfit("revoked")
    policy, now = world.policy, world.time()
    return [item for item in statuses if item.is_fresh(now, policy.revocation_max_age, policy.clock_tolerance)]


def local_statuses(world: World, credential: PeerCredential) -> list[tuple[Certificate, Status]]:
    """What the CRLs that this party holds say about the leaf and each of its issuers."""
    path = [credential.leaf, *credential.chain]
    if root := world.issuer(PeerCredential(path[-1], ())):
        path.append(root)
    statuses = []
    for certificate, above in pairwise(path):
        for der in world.anchors.crls:
            try:
                statuses.append((certificate, crl_status(der, certificate, above)))
            except ProofError:
                continue
    return statuses


def _presented_statuses(world: World, credential: PeerCredential, proofs: bytes) -> list[Status]:
    """Statuses by the proofs that concern the leaf; a proof that cannot be used counts as none."""
    if not proofs:
        return []
    issuer = world.issuer(credential)
    items = array(proofs)
    if not 1 <= len(items) <= MAX_PROOFS:
        raise Unfit(f"{len(items)} proofs, 1 to {MAX_PROOFS} are read")
    statuses = []
    for item in items:
        if not isinstance(item, list) or [type(part) for part in item] != [int, bytes]:
            raise Unfit("a proof is not [kind, DER]")
        if issuer is not None:
            try:
                statuses.append(read_proof(item[0], item[1], credential.leaf, issuer, world.time()))
            except ProofError:
                continue
    return statuses
