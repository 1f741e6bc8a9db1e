"""Evidence of properties: a commitment token and a proof for each property, as an attester sends it and a relying party
appraises it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..codec import cbor
from ..crypto.random import Random, system_random
from ..identity.tam import Tam
from ..identity.world import World
from . import proof as proofs
from .certificate import PropertyCertificate
from .commitment import Commitment, accept, commit
from .errors import BadProof, PropertyError
from .issuer import PublicKeyOfIssuer
from .items import encoded, listed, read_map
from .proof import Proof, Statement
from .revocation import RevocationList

MAX_EVIDENCE = 60_000
"""Octets: with the record around it, it goes into a frame before OPEN."""
MAX_PROPERTIES = 8


@dataclass(frozen=True, slots=True)
class Demand:
    """What a relying party pins: the issuer's key, and the current list of every property that it demands."""

    issuer: PublicKeyOfIssuer
    lists: Mapping[str, RevocationList]


def attest(
    demand: Demand,
    certificates: Sequence[PropertyCertificate],
    tam: Tam,
    x5chain: bytes,
    binder: bytes,
    now: int,
    rng: Random = system_random,
) -> bytes:
    """Evidence that the platform has every property demanded, one certificate for each.

    `x5chain` is the encoded value of COSE header 33 for the attestation key. Raises PropertyError where it has not,
    where a list is not current, or where the module cannot commit.
    """
    by_property = {certificate.property_name: certificate for certificate in certificates}
    if missing := demand.lists.keys() - by_property.keys():
        raise PropertyError(f"no certificate for {', '.join(sorted(missing))}")
    made, opening = commit(tam, x5chain, binder, demand.issuer.suite, now, rng)
    found = [
        proofs.prove(_statement(demand, name, made), by_property[name], opening, now, rng).encode(demand.issuer)
        for name in sorted(demand.lists)
    ]
    evidence = cbor.encode({1: made.token, 2: found})
    if len(evidence) > MAX_EVIDENCE:
        raise PropertyError(f"evidence of {len(evidence)} octets, {MAX_EVIDENCE} at most: the lists are too long")
    return evidence


def appraise(
    world: World, id_cred: bytes, data: bytes, binder: bytes, demand: Demand, status: bytes = b""
) -> Commitment:
    """The accepted commitment of evidence that shows every property demanded, and no other, for this binder.

    `id_cred` is the peer's encoded ID_CRED_x, `status` the encoded list of status proofs that came along. The
    commitment carries the boot count, which a session compares. Raises PropertyError.
    """
    members = read_map(data, "property evidence", MAX_EVIDENCE, {1: encoded, 2: listed(encoded, 1, MAX_PROPERTIES)})
    if not demand.lists:
        raise PropertyError("no property is demanded")
    for name, revocation in demand.lists.items():
        revocation.require_good(name, world.time())
    made = accept(world, id_cred, members[1], binder, demand.issuer.suite, status)
    found: list[Proof] = [proofs.parse(item, demand.issuer) for item in members[2]]
    if sorted(item.property_name for item in found) != sorted(demand.lists):
        raise BadProof("not one proof for each property demanded")
    for item in found:
        proofs.verify(_statement(demand, item.property_name, made), item, world.time())
    return made


def _statement(demand: Demand, name: str, made: Commitment) -> Statement:
    return Statement(demand.issuer, name, made, demand.lists[name])
