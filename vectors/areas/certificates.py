"""Certificates: what a peer presents in the handshake, judged by path, validity, usage, role, name and local lists."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ...harness.bits import one_bit_other
from ...harness.codec.cbor import encode
from ...harness.identity.errors import CredentialUnavailable, Refused
from ...harness.identity.faults import CREDENTIAL_FAULTS, bad_leaf
from ...harness.identity.pki import Issued
from ...harness.identity.predicates import PREDICATES
from ...harness.identity.provision import make_pair
from ...harness.identity.tester import ROLES, TesterPki, opposite
from ...harness.identity.world import World
from ...model.protocol.edhoc import INITIATOR, RESPONDER, credential_checks
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .honest import lists
from .seed import NOW, SEED

SOURCE = "generated; chapter 2, RFC 5280 section 6, RFC 9360"
UNAVAILABLE = "credential is not available"
SIDE = {"device": INITIATOR, "service": RESPONDER}


@cache
def parties() -> tuple[dict[str, World], TesterPki]:
    """Worlds by role, and the PKI behind both."""
    device, service, pki = make_pair(SEED, NOW)
    for world in (device, service):
        world.now = lambda: NOW
    return {"device": device, "service": service}, pki


def id_cred(issued: Issued) -> bytes:
    """ID_CRED_x by value: the leaf and its chain."""
    ders = [issued.certificate.der, *(item.der for item in issued.chain)]
    return encode({33: ders[0] if len(ders) == 1 else ders})


def failing(world: World, role: str, credential: bytes) -> list[str]:
    """Every check that a relying party's world refuses the credential of a peer of `role` by, in the table's order."""
    found = []
    for step in credential_checks(SIDE[role]):
        try:
            PREDICATES[step.check.name](world, credential)
        except CredentialUnavailable:
            return [UNAVAILABLE]
        except Refused:
            found.append(step.check.name)
    return found


def receiver(world: World) -> dict[str, Json]:
    """What a relying party goes by."""
    policy = world.policy
    return {
        "role": opposite(world.role),
        "identities": [policy.intended_peer] if policy.intended_peer else list(policy.authorised_devices),
        "own": octets(world.credentials.leaf.der),
        "roots": [octets(root.der) for root in world.anchors.peer_roots],
        "known": [octets(item.der) for item in world.anchors.known],
        "crls": lists(world),
        "now": NOW,
    }


def _faulty(role: str) -> Iterator[Vector]:
    worlds, pki = parties()
    world = worlds[opposite(role)]
    for name in CREDENTIAL_FAULTS:
        bad = bad_leaf(pki, role, name, world.credentials.leaf)
        credential = id_cred(bad.issued)
        found = failing(world, role, credential)
        if found[:1] != [bad.check]:
            raise GeneratorError(f"{role} {name} is refused by {found}, not by {bad.check}")
        yield _bad(
            bad.check, f"{role}'s certificate", name, credential, "one thing is wrong with the certificate or its path"
        )


def _bad(check: str, field: str, operator: str, credential: bytes, comment: str) -> Vector:
    known = check != UNAVAILABLE
    needed = requirement(check) if known else "IDN-19"
    said = refusals(check, handshake=True) if known else ("close", "edhoc-error:1", "edhoc-error:3")
    return Vector(needed, field, operator, False, comment, {"id_cred": octets(credential)}, refusals=said)


def _shapes(role: str) -> Iterator[Vector]:
    """References to a good certificate that are none of the two forms."""
    worlds, _ = parties()
    world, leaf = worlds[opposite(role)], worlds[role].credentials.leaf
    chain = [leaf.der, *(item.der for item in worlds[role].credentials.chain)]
    shapes: dict[str, tuple[object, str]] = {
        "kid": ({4: leaf.sha256}, "a kid"),
        "kccs": ({14: {2: "peer"}}, "a claims set"),
        "x5u": ({35: "https://example.org/cert"}, "a URL"),
        "x5bag": ({32: chain}, "a bag without order"),
        "both-forms": ({33: chain, 34: [-16, leaf.sha256]}, "two parameters"),
        "no-form": ({}, "no parameter"),
        "array-of-one": ({33: [leaf.der]}, "an array where one certificate is a byte string"),
        "empty-array": ({33: []}, "an array of none"),
        "text": ({33: "certificate"}, "a text in place of a certificate"),
        "nine": ({33: [*chain, *chain[-1:] * (9 - len(chain))]}, "nine certificates"),
        "garbage": ({33: leaf.der[:-1]}, "a certificate that ends early"),
        "x5t-sha-1-length": ({34: [-16, leaf.sha256[:20]]}, "a digest of 20 octets"),
        "x5t-other-algorithm": ({34: [-15, leaf.sha256]}, "SHA-256 cut to 64 bits, by its number"),
        "x5t-bare": ({34: leaf.sha256}, "a digest without its algorithm"),
        "x5t-unknown": ({34: [-16, leaf.sha256[::-1]]}, "the digest of no certificate that is known"),
        "x5t-one-octet-other": (
            {34: [-16, one_bit_other(leaf.sha256)]},
            "the last octet of the digest is another",
        ),
    }
    for name, (header, comment) in shapes.items():
        credential = encode(header)
        found = failing(world, role, credential)
        if not found:
            raise GeneratorError(f"{role} {name} is accepted")
        yield _bad(found[0], f"{role}'s ID_CRED", name, credential, comment)


def _good(role: str) -> Iterator[Vector]:
    worlds, _ = parties()
    held = worlds[role].credentials
    leaf, root = held.leaf, worlds[opposite(role)].anchors.peer_roots[0]
    chain = [leaf.der, *(item.der for item in held.chain)]
    for name, header, comment in (
        ("x5chain", {33: chain}, "leaf and issuer"),
        ("x5chain-with-root", {33: [*chain, root.der]}, "the root is sent along"),
        ("x5t", {34: [-16, leaf.sha256]}, "the digest of a certificate that is known"),
    ):
        credential = encode(header)
        if found := failing(worlds[opposite(role)], role, credential):
            raise GeneratorError(f"{role} {name} is refused by {found}")
        output = {"identity": leaf.identity, "leaf": octets(leaf.sha256)}
        yield Vector("IDN-10", f"{role}'s certificate", name, True, comment, {"id_cred": octets(credential)}, output)


def _groups() -> Iterator[Group]:
    for role in ROLES:
        vectors = (*_good(role), *_faulty(role), *_shapes(role))
        yield Group(role, "certificate", SOURCE, vectors, receiver(parties()[0][opposite(role)]))


AREA = Area("certificates", "The credential of a peer, and what a relying party knows when it judges it.", _groups)
