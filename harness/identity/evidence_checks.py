"""Predicates over evidence and over the attestation key that signs it. Source: RFC 9711 section 4.

`x5chain` is the encoded value of COSE header 33, other arguments are encoded items unless stated otherwise.
"""

from collections.abc import Callable, Iterable

from ...spec import identifiers
from ..codec import cbor
from .certificate import DEVICE_URN
from .credential_checks import check_path_validity, check_pseudonym, check_status
from .deciding import Unfit, array, octets, predicate, unsigned, value
from .oids import EKU_ANON, EKU_EAT_AK
from .policy import EAT_CWT
from .tam import MEASURED_COMPONENT, SHA_256
from .virtual import BOOT_SEED
from .world import LENIENT, World, thumbprint_digest

UEID_LENGTH, DIGEST = 33, 32
CUSTODY = {1: False, 2: True, 3: True, 4: True}
"""Key attributes that show custody: not extractable, never was, sensitive, generated locally."""


@predicate
def peer_offers_evidence(world: World, peer_offered: bytes) -> None:
    """The peer offers some kind of evidence."""
    if not array(peer_offered):
        raise Unfit("the peer offers no evidence")


@predicate
def evidence_formats_overlap(world: World, my_accepted: bytes, peer_offered: bytes) -> None:
    """A format that I accept is among those that the peer offers; an offer of nothing is for `peer_offers_evidence`."""
    accepted, offered = array(my_accepted), array(peer_offered)
    if not accepted or (offered and not any(item in offered for item in accepted)):
        raise Unfit("no common evidence format")


@predicate
def cmw_type_was_accepted(world: World, cmw_type: bytes) -> None:
    """The evidence is of the one type that is read here, and this party accepts that."""
    kind = value(cmw_type)
    if type(kind) is not int or kind != EAT_CWT or kind not in world.policy.accepted:
        raise Unfit(f"evidence of type {kind!r}")


def _is_boot_seed(claim: object) -> bool:
    return isinstance(claim, bytes) and len(claim) == BOOT_SEED


def _is_digest(claim: object) -> bool:
    return isinstance(claim, bytes) and len(claim) == DIGEST


def _is_interface(claim: object) -> bool:
    match claim:
        case {1: 0 | 1 as drawn, **more} if type(drawn) is int and more.keys() <= {2, 3}:
            return all(map(_is_digest, more.values()))
    return False


def _is_validation(claim: object) -> bool:
    match claim:
        case {1: int(level), 2: str(), 3: str(), **more}:
            return type(level) is int and 1 <= level <= 4 and not more
    return False


_CLAIM: dict[str, int] = identifiers()["claim"]
OPTIONAL_CLAIMS: dict[int, Callable[[object], bool]] = {
    _CLAIM["bootseed"]: _is_boot_seed,
    _CLAIM["trusted_ui"]: _is_interface,
    _CLAIM["iso19790"]: _is_validation,
}
"""Claims that a token need not have, and whether a value has the form that the grammar gives it."""


@predicate
def eat_claims_have_their_types(world: World, further: bytes) -> None:
    """A claim that the grammar knows has its form there, whoever asks for it; other claims are ignored."""
    items = cbor.split_sequence(further, rules=LENIENT) if further else []
    for key, claim in zip(map(value, items[::2]), items[1::2], strict=True):
        if type(key) is int and key in OPTIONAL_CLAIMS and not OPTIONAL_CLAIMS[key](value(claim)):
            raise Unfit(f"claim {key} of another form")


@predicate
def measurements_match_reference_values(world: World, measurements: bytes) -> None:
    """Every reference value is measured exactly once, with its digest, and nothing else is measured."""
    match_references(world, map(_measured_component, array(measurements)))


def match_references(world: World, components: Iterable[tuple[str, bytes]]) -> None:
    """Raises Unfit unless the measured components, each a name and a digest, are those of policy, each once."""
    references = world.policy.reference_values
    measured = set[str]()
    for name, digest in components:
        if name in measured:
            raise Unfit(f"component {name!r} twice")
        if references.get(name) != digest:
            raise Unfit(f"component {name!r} has no such reference value")
        measured.add(name)
    if not references or measured != references.keys():
        raise Unfit("a component is not measured")


def _measured_component(item: object) -> tuple[str, bytes]:
    if not isinstance(item, list) or len(item) != 2 or item[0] != MEASURED_COMPONENT or not isinstance(item[1], bytes):
        raise Unfit("not a measured component")
    component = cbor.decode(item[1])
    match component:
        case {1: [str(name)], 2: [int(algorithm), bytes(digest)]} if len(component) == 2 and algorithm == SHA_256:
            return name, digest
    raise Unfit("a measured component needs a name and a SHA-256 digest alone")


@predicate
def env_measurements_match_reference_values(world: World, measurements: bytes) -> None:
    """Likewise for what an environment object measured, where policy has reference values."""
    if world.policy.reference_values:
        match_references(world, map(_measured_component, array(measurements)))


@predicate
def key_attributes_show_custody(world: World, attributes: bytes) -> None:
    """The module says that the identity key was generated in it and cannot leave it."""
    stated = value(attributes) if attributes else None
    if not isinstance(stated, dict) or any(stated.get(key) is not wanted for key, wanted in CUSTODY.items()):
        raise Unfit("key attributes do not show custody")


@predicate
def eat_debug_is_disabled(world: World, dbgstat: bytes) -> None:
    """Debug facilities are disabled to the degree that policy demands (RFC 9711 section 4.2.9)."""
    if not world.policy.minimum_dbgstat <= unsigned(dbgstat) <= 4:
        raise Unfit("debug is enabled")


@predicate
def eat_is_recent(world: World, iat: bytes) -> None:
    """The token was issued within the age that policy allows, and not in the future."""
    check_recent(world, unsigned(iat))


@predicate
def ak_path_verifies(world: World, x5chain: bytes) -> None:
    """The attestation certificate has a path to a pinned attestation root."""
    world.verify_path(world.x5chain(x5chain), attestation=True)


@predicate
def ak_is_for_eat(world: World, x5chain: bytes) -> None:
    """One format a key: the certificate allows EAT and nothing else."""
    if world.x5chain(x5chain).leaf.eku - {EKU_ANON} != {EKU_EAT_AK}:
        raise Unfit("extended key usage is not EAT evidence alone")


@predicate
def ak_is_as_anonymous_as_the_leaf(world: World, x5chain: bytes, id_cred: bytes) -> None:
    """The attestation key is a pseudonym's exactly where the identity is, and then as short-lived."""
    ak = world.x5chain(x5chain).leaf
    if ak.anonymous != world.credential(id_cred).leaf.anonymous:
        raise Unfit("one of the two certificates is for a pseudonym")
    check_pseudonym(ak)


@predicate
def ak_is_not_the_identity_key(world: World, x5chain: bytes, id_cred: bytes) -> None:
    """The evidence is not signed by the identity key of the peer, or of another peer whose certificate is held."""
    key = world.x5chain(x5chain).leaf.spki
    if key == world.credential(id_cred).leaf.spki or world.identities_of(key):
        raise Unfit("attestation key is an identity key")


@predicate
def ak_is_in_validity(world: World, x5chain: bytes) -> None:
    """The attestation certificate and its issuers are valid now."""
    check_path_validity(world, world.x5chain(x5chain))


@predicate
def ak_is_not_revoked(world: World, x5chain: bytes, proofs: bytes) -> None:
    """A fresh proof, sent along or held as a CRL, says that the attestation key is good, or it is short-lived."""
    check_status(world, world.x5chain(x5chain), proofs, local=True)


@predicate
def eat_x5t_is_the_ak(world: World, x5t: bytes, x5chain: bytes) -> None:
    """The protected thumbprint names the certificate that stands in the unprotected header."""
    if thumbprint_digest(value(x5t)) != world.x5chain(x5chain).leaf.sha256:
        raise Unfit("thumbprint of another certificate")


@predicate
def ak_names_peer_device(world: World, x5chain: bytes, id_cred: bytes) -> None:
    """Attestation and identity certificate carry the same platform name."""
    check_platform(world, x5chain, id_cred)


@predicate
def ueid_is_peer_device(world: World, ueid: bytes, id_cred: bytes) -> None:
    """The token's UEID is the one in the peer's identity certificate."""
    check_ueid(world, ueid, id_cred)


def check_ueid(world: World, ueid: bytes, id_cred: bytes) -> None:
    """Raise Unfit unless a UEID is that of the platform which the leaf names."""
    platform = world.credential(id_cred).leaf.platform
    if platform != DEVICE_URN + octets(ueid, UEID_LENGTH).hex():
        raise Unfit("UEID of another platform")


@predicate
def bootcount_has_not_fallen(world: World, x5chain: bytes, bootcount: bytes) -> None:
    """The platform has not been put back to a start before one that this party has seen; it is remembered."""
    world.memory.accept_bootcount(world.x5chain(x5chain).leaf.key_sha256, unsigned(bootcount))


def check_platform(world: World, x5chain: bytes, id_cred: bytes) -> None:
    """Raise Unfit unless the attestation certificate carries the platform name of the leaf and no other."""
    platform = world.credential(id_cred).leaf.platform
    if not platform or world.x5chain(x5chain).leaf.uris != (platform,):
        raise Unfit("attestation key of another platform")


def check_recent(world: World, issued_at: int) -> None:
    """Raise Unfit if `issued_at` is older than policy's max_age or further in the future than clocks may differ."""
    now, policy = world.time(), world.policy
    if not now - policy.max_age <= issued_at <= now + policy.clock_tolerance:
        raise Unfit(f"issued at {issued_at}, now {now}")
