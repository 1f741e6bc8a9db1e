"""What a relying party asks of evidence of properties beside what it asks of every token: the checks of section 9.3.

Each is called by the name of its check with a World and encoded terms, as the predicates of harness/identity are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..codec import cbor
from ..codec.cose_key import thumbprint
from ..identity.certificate import parse_certificate
from ..identity.world import LENIENT, World
from . import proof as proofs
from .commitment import Commitment, read_commitment
from .errors import BadProof, PropertyError
from .evidence import MAX_EVIDENCE, MAX_PROPERTIES, Demand
from .items import encoded, listed
from .proof import Proof, Statement


def _demand(world: World) -> Demand:
    if world.properties is None or not world.properties.demand.lists:
        raise PropertyError("no property is demanded")
    return world.properties.demand


def _proofs(world: World, data: bytes) -> list[Proof]:
    """The proofs in an encoded array of byte strings, each in its form."""
    if len(data) > MAX_EVIDENCE:
        raise PropertyError(f"{len(data)} octets, {MAX_EVIDENCE} at most")
    found: list[bytes] = listed(encoded, 1, MAX_PROPERTIES)(cbor.decode(data, rules=LENIENT))
    return [proofs.parse(item, _demand(world).issuer) for item in found]


def properties_are_not_withdrawn(world: World, data: bytes) -> None:
    """This party holds a current list for each property that it demands, and none withdraws its property."""
    for name, revocation in _demand(world).lists.items():
        revocation.require_good(name, world.time())


def proofs_answer_current_lists(world: World, data: bytes) -> None:
    """One proof for each property demanded, which answers the list that this party holds."""
    lists, found = _demand(world).lists, _proofs(world, data)
    if sorted(item.property_name for item in found) != sorted(lists):
        raise BadProof("not one proof for each property demanded")
    if any(item.list_digest != lists[item.property_name].digest for item in found):
        raise BadProof("a proof answers another list")


def property_proofs_verify(
    world: World, data: bytes, token: bytes, commitment: bytes, binder: bytes, cred: bytes
) -> None:
    """Every number has the length and the range that the suite gives it, and each challenge is that over every public
    input, with binder and identity key as this party has them itself."""
    demand = _demand(world)
    element = read_commitment(cbor.decode(commitment, rules=LENIENT), demand.issuer.suite)
    key = parse_certificate(cbor.unbstr(cred)).public_key
    if isinstance(key, RSAPublicKey):
        raise PropertyError("an RSA key has no place in this profile")
    made = Commitment(demand.issuer.suite.group, element, binder, thumbprint(key), 0, token)
    for item in _proofs(world, data):
        revocation = demand.lists.get(item.property_name)
        if revocation is None:
            raise BadProof("proof of another property")
        proofs.check(Statement(demand.issuer, item.property_name, made, revocation), item)


JUDGES: Mapping[str, Callable[..., None]] = {
    judge.__name__: judge
    for judge in (
        properties_are_not_withdrawn,
        proofs_answer_current_lists,
        property_proofs_verify,
    )
}
"""Raises PropertyError, or ValueError for what cannot be read."""


def ends(world: World) -> int:
    """When the first of the lists in force ends, unix seconds."""
    return min(revocation.next_update for revocation in _demand(world).lists.values())
