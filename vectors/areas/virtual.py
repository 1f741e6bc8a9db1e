"""Virtualized roots of trust: leaves of tenants with their generations, and evidence of one tenant for another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec.cbor import encode
from ...harness.codec.cose import cose_key
from ...harness.identity.der import tlv
from ...harness.identity.faults import Bad
from ...harness.identity.keys import derive_key
from ...harness.identity.pki import HOUR, Authority, Issued, issue_leaf
from ...harness.identity.tam import platform_urn
from ...harness.identity.tester import ROLES, opposite
from ...harness.identity.virtual import VirtualRoot
from ...harness.identity.virtual_faults import VIRTUAL_FAULTS, bad_virtual_leaf
from ...harness.identity.virtual_party import (
    PLATFORM,
    endorser,
    endorser_spec,
    platform_leaf,
    virtual_leaf_spec,
    virtual_party,
    virtual_root,
)
from ...harness.identity.world import LiveSeeds, World
from ...harness.tester.attesting import cmw
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Role
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import evidence
from .certificates import failing, id_cred, parties, receiver
from .honest import Moment, moment
from .judged import Candidate, invalid, valid
from .seed import NOW, SEED

SOURCE = "generated; chapter 10, RFC 5280 sections 4.2 and 6.1"
OTHER_TENANT, OTHER_PLATFORM = "other tenant", "other platform"
CLONE = sha256(b"clone").digest()
"""What a copy of a tenant has drawn when it was started."""
Remembered = tuple[VirtualRoot, ...]
"""Roots that were accepted before."""


# --- certificates ----------------------------------------------------------------------------------------------------


@contextmanager
def _knowing(world: World, remembered: Remembered, *, physical_only: bool = False) -> Iterator[None]:
    """A relying party that has accepted roots before, or wants physical ones."""
    policy = world.policy
    world.policy = dataclasses.replace(policy, physical_only=physical_only)
    world.memory.generations = {root.ueid + root.instance: root.generation for root in remembered}
    try:
        yield
    finally:
        world.policy, world.memory.generations = policy, {}


def _given(issued: Issued, remembered: Remembered = (), *, physical_only: bool = False) -> dict[str, Json]:
    return {
        "id_cred": octets(id_cred(issued)),
        "physical_only": physical_only,
        "generations": [
            {"ueid": octets(root.ueid), "instance": octets(root.instance), "generation": root.generation}
            for root in remembered
        ],
    }


def _refused(
    role: str, check: str, field: str, operator: str, comment: str, issued: Issued, remembered: Remembered = (),
    *, physical_only: bool = False,
) -> Vector:  # fmt: skip
    """An invalid vector. Raises GeneratorError where the reference refuses otherwise, or for more than one reason."""
    world = parties()[0][opposite(role)]
    with _knowing(world, remembered, physical_only=physical_only):
        found = failing(world, role, id_cred(issued))
    if check.startswith("id_cred"):
        found = found[:1]  # Behind a certificate that cannot be read nothing else has been looked at.
    if found != [check]:
        raise GeneratorError(f"{role} {operator} is refused by {found}, not by {check}")
    given = _given(issued, remembered, physical_only=physical_only)
    said = refusals(check, handshake=True)
    return Vector(requirement(check), f"{role}'s {field}", operator, False, comment, given, refusals=said)


def _check(role: str, name: str) -> str:
    return f"cred_{'i' if role == 'device' else 'r'}_{name}"


def _faults(role: str) -> Iterator[Vector]:
    """Leaves and endorsement authorities with one thing wrong."""
    worlds, pki = parties()
    victim = worlds[opposite(role)].credentials.leaf
    for name in VIRTUAL_FAULTS:
        bad: Bad = bad_virtual_leaf(pki, role, name, victim)
        comment = "one thing is wrong with the leaf or with who endorses it"
        yield _refused(role, bad.check, "tenant certificate", name, comment, bad.issued)
    wrong = _check(role, "virtual_root_is_well_formed")
    for name, (der, comment) in _encodings(role).items():
        leaf = _leaf(role, virtual=der)
        yield _refused(role, wrong, "tc-virtual", name, comment, leaf)
    for name, (check, issued, comment) in _issuers(role).items():
        yield _refused(role, _check(role, check), "endorsement authority", name, comment, issued)
    other = _leaf(role, uris=_names_of_another(role), key=derive_key(SEED, "another tenant"))
    check = _check(role, "is_authorised" if role == "device" else "is_intended")
    yield _refused(role, check, "tenant certificate", "of-another", "a good tenant that nobody asked for", other)
    physical = _check(role, "root_may_be_virtual")
    yield _refused(
        role, physical, "root", "physical-only", "policy wants a physical root", _leaf(role), physical_only=True
    )


def _leaf(role: str, issuer: Authority | None = None, **changes: Any) -> Issued:
    pki = parties()[1]
    return issue_leaf(dataclasses.replace(virtual_leaf_spec(pki, role), **changes), issuer or endorser(pki, role))


def _names_of_another(role: str) -> tuple[str, ...]:
    urn = platform_urn(parties()[1].ueid(OTHER_TENANT))
    return (urn,) if role == "device" else ("https://other.example/", urn)


def _encodings(role: str) -> dict[str, tuple[bytes, str]]:
    """Values of tc-virtual that are not its one encoding."""
    root = virtual_root(parties()[1], role)
    ueid, instance, number = tlv(4, root.ueid), tlv(4, root.instance), tlv(2, b"\x01")

    def sequence(*parts: bytes) -> bytes:
        return tlv(0x30, b"".join(parts))

    content = ueid + instance + number
    return {
        "ueid-of-32": (sequence(tlv(4, root.ueid[:-1]), instance, number), "a UEID that is an octet short"),
        "ueid-of-34": (sequence(tlv(4, root.ueid + b"\x00"), instance, number), "a UEID that is an octet long"),
        "ueid-as-text": (sequence(tlv(12, root.ueid), instance, number), "a UEID of another type"),
        "instance-of-15": (sequence(ueid, tlv(4, root.instance[:-1]), number), "an instance that is an octet short"),
        "instance-of-17": (sequence(ueid, tlv(4, root.instance + b"\x00"), number), "an instance an octet long"),
        "generation-negative": (sequence(ueid, instance, tlv(2, b"\xff")), "a generation below zero"),
        "generation-of-33-bits": (sequence(ueid, instance, tlv(2, b"\x01" + bytes(4))), "a generation above 32 bits"),
        "generation-padded": (sequence(ueid, instance, tlv(2, b"\x00\x01")), "an integer with an octet too many"),
        "generation-empty": (sequence(ueid, instance, tlv(2, b"")), "an integer of no octets"),
        "generation-enumerated": (sequence(ueid, instance, tlv(10, b"\x01")), "an ENUMERATED in place of an INTEGER"),
        "generation-absent": (sequence(ueid, instance), "no generation"),
        "further-element": (sequence(ueid, instance, number, number), "an element that the sequence does not have"),
        "other-order": (sequence(instance, ueid, number), "instance before UEID"),
        "set": (tlv(0x31, content), "a SET"),
        "long-length": (b"\x30\x81" + bytes([len(content)]) + content, "BER: a length that is not the shortest"),
        "indefinite-length": (b"\x30\x80" + content + b"\x00\x00", "BER: an indefinite length"),
        "truncated": (sequence(ueid, instance, number)[:-1], "ends early"),
        "empty": (b"", "no octets"),
    }


def _issuers(role: str) -> dict[str, tuple[str, Issued, str]]:
    pki = parties()[1]
    spec = endorser_spec(pki, role)

    def by(**changes: Any) -> Authority:
        return endorser(pki, role, dataclasses.replace(spec, **changes))

    over = {"not_before": NOW - 2 * HOUR, "not_after": NOW - HOUR}
    return {
        "without-platform": (
            "virtual_root_is_endorsed", _leaf(role, by(uris=())), "an authority that names no physical root",
        ),
        "ended-with-its-tenant": ("is_in_validity", _leaf(role, by(**over), **over), "both have ended"),
        "outlived-by-a-second": (
            "validity_is_nested", _leaf(role, by(not_after=_end(role) - 1)), "the leaf ends a second later",
        ),
        "outlived-by-years": (
            "validity_is_nested", _leaf(role, by(not_after=NOW + HOUR)), "the leaf outlives its authority",
        ),
    }  # fmt: skip


def _end(role: str) -> int:
    return virtual_leaf_spec(parties()[1], role).not_after


def _instance(role: str, generation: int, platform: str = PLATFORM, label: str = "") -> VirtualRoot:
    return virtual_root(parties()[1], label or role, platform, generation)


def _tenant(role: str, root: VirtualRoot, platform: str = PLATFORM) -> Issued:
    pki = parties()[1]
    return _leaf(role, endorser(pki, role, endorser_spec(pki, role, platform)), virtual=root.encode())


def _generations(role: str) -> Iterator[Vector]:
    """Leaves of an instance that was made anew meanwhile."""
    check = _check(role, "generation_is_not_older")
    for highest in (2, 128, 256, 65536, 2**31, 2**32 - 1):
        now, before = _instance(role, highest), _instance(role, highest - 1)
        comment = "as it was before it was made anew"
        yield _refused(
            role, check, "generation", f"{highest - 1}-after-{highest}", comment, _tenant(role, before), (now,)
        )
    zero, others = _instance(role, 0), (_instance(role, 3, label=OTHER_TENANT), _instance(role, 7))
    yield _refused(role, check, "generation", "zero-after-7", "the first again", _tenant(role, zero), others)


def _good(role: str) -> Iterator[Vector]:
    pki = parties()[1]
    spec = endorser_spec(pki, role)
    exactly = dataclasses.replace(spec, not_before=NOW - HOUR, not_after=_end(role))
    own, elsewhere = _instance(role, 1), _instance(role, 200, OTHER_PLATFORM)
    plays: dict[str, tuple[Issued, Remembered, str]] = {
        "honest": (_leaf(role), (), "a tenant of a physical root"),
        "same-generation": (_leaf(role), (own,), "it was accepted before"),
        "first-generation": (_tenant(role, _instance(role, 0)), (), "generation 0"),
        "greatest-generation": (_tenant(role, _instance(role, 2**32 - 1)), (own,), "the last of all"),
        **{
            f"generation-{number}-after-{number - 1}": (
                _tenant(role, _instance(role, number)), (_instance(role, number - 1),), "it was made anew",
            )
            for number in (128, 256, 2**31)
        },
        "another-instance": (_leaf(role), (_instance(role, 9, label=OTHER_TENANT),), "another instance is further on"),
        "another-platform": (_leaf(role), (elsewhere,), "the same instance id of another physical root is further on"),
        "as-long-as-its-endorser": (_leaf(role, endorser(pki, role, exactly)), (), "from the same second to the same"),
    }  # fmt: skip
    world = parties()[0][opposite(role)]
    for operator, (issued, remembered, comment) in plays.items():
        with _knowing(world, remembered):
            if found := failing(world, role, id_cred(issued)):
                raise GeneratorError(f"{role} {operator} is refused by {found}")
        leaf = issued.certificate
        assert leaf.virtual is not None
        output = {"identity": leaf.identity, "leaf": octets(leaf.sha256), "tc_virtual": octets(leaf.virtual)}
        yield Vector("VRT-03", f"{role}'s tenant", operator, True, comment, _given(issued, remembered), output)


# --- evidence --------------------------------------------------------------------------------------------------------


def _party(iut: LocalIut, **changes: Any) -> World:
    """The tester as a tenant."""
    own = dataclasses.replace(virtual_party(iut.pki, iut.opposite), **changes)
    return iut.fresh_world(credentials=own, tam=iut.pki.tam(iut.opposite, own))


@cache
def arriving(receiver: Role) -> Moment:
    """Evidence of a tenant on its way to a receiver."""
    return moment(receiver, f"ATT_{evidence.LETTER[OPPOSITE[receiver]]}", world=_party)


class _Live:
    """A session that goes on."""

    def lives(self) -> bool:
        """It does."""
        return True


class Maker(evidence.Maker):
    """Makes evidence of a tenant, judged beside sessions of the same leaf that live."""

    def __init__(self, at: Moment) -> None:
        super().__init__(at)
        self._sessions = [_Live()]

    def beside(self, *seeds: bytes) -> Callable[[Candidate], Candidate]:
        """What other sessions of the leaf have shown, for those who judge next."""
        live = self.at.world.memory.live = LiveSeeds()
        self._sessions = [_Live() for _ in seeds]
        for session, seed in zip(self._sessions, seeds, strict=True):
            live.show(self.at.peer.leaf.sha256, session, seed)
        shown = [octets(seed) for seed in seeds]
        return lambda candidate: candidate._replace(given={**candidate.given, "boot_seeds": shown})

    def seeded(self, operator: str, comment: str, claim: bytes) -> Candidate:
        """A token that says something else of its start."""
        return self.told("claims[268]", operator, comment, {self.terms.further: claim})


def _seeds(maker: Maker) -> Iterator[Candidate]:
    """Boot seeds that are missing or no seeds."""
    own, key = maker.at.sender.world.tam.boot_seed, encode(268)
    wrong: dict[str, tuple[bytes, str]] = {
        "absent": (b"", "no boot seed"),
        "of-31": (key + encode(own[:-1]), "an octet short"),
        "of-33": (key + encode(own + b"\x00"), "an octet long"),
        "empty": (key + encode(b""), "no octets"),
        "text": (key + encode(own.hex()), "a text"),
        "null": (key + encode(None), "nothing"),
        "in-an-array": (key + encode([own]), "in an array"),
        "under-another-key": (encode(269) + encode(own), "under the key of another claim"),
    }
    alone = maker.beside()
    for operator, (claim, comment) in wrong.items():
        yield alone(maker.seeded(operator, comment, claim))


def _clones(maker: Maker) -> Iterator[Candidate]:
    own, wrapped = maker.at.sender.world.tam.boot_seed, cmw(maker.token())
    bit = one_bit_other(own)
    for operator, seeds, comment in (
        ("another-start-lives", (CLONE,), "another start of the same leaf is connected"),
        ("one-bit-other", (bit,), "a seed that differs in its last bit is connected"),
    ):
        yield maker.beside(*seeds)(maker.candidate("claims[268]", operator, comment, wrapped))


def _of_others(maker: Maker) -> Iterator[Candidate]:
    """Evidence of another tenant, or of the physical root below."""
    at, pki = maker.at, maker.at.iut.pki
    role, token, alone = at.sender.role, maker.terms.token, maker.beside()
    other = virtual_party(pki, role, OTHER_TENANT)
    ground = platform_leaf(pki, role, PLATFORM)
    for name, leaf in (("other-tenant", other.leaf), ("physical-root", ground)):
        key = {token.cnf: encode(cose_key(leaf.public_key))}
        yield alone(maker.told("claims[8]", f"of-the-{name}", "the key of another root on the same platform", key))
    for name, ueid in (("other-tenant", pki.ueid(OTHER_TENANT)), ("physical-root", pki.ueid(PLATFORM))):
        said = {maker.terms.ueid: encode(ueid)}
        yield alone(maker.told("claims[256]", f"of-the-{name}", "the UEID of another root on the platform", said))
    for name, label in (("other-tenant", OTHER_TENANT), ("physical-root", PLATFORM)):
        party = pki.party(role, label)
        world = _party(at.iut, ak=party.ak, ak_chain=party.ak_chain, ak_key=party.ak_key)
        yield alone(
            maker.candidate(
                "attestation certificate", f"of-the-{name}", "by the attestation key of another root on the platform",
                cmw(maker.token(world=world)),
            )
        )  # fmt: skip


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    maker = Maker(at)
    own, honest = at.sender.world.tam.boot_seed, cmw(maker.token())
    for operator, seeds, comment in (
        ("honest", (), "a tenant that is connected once"),
        ("second-session", (own, own), "two sessions of the same start"),
    ):
        candidate = maker.beside(*seeds)(maker.candidate("token", operator, comment, honest))
        yield from valid(at, "VRT-13", [candidate])
    yield from invalid(at, _seeds(maker), must=True)
    for candidate in _clones(maker):
        yield from invalid(at, [candidate], must=True)
    yield from invalid(at, _of_others(maker), must=True)


def _groups() -> Iterator[Group]:
    for role in ROLES:
        vectors = (*_good(role), *_faults(role), *_generations(role))
        yield Group(role, "virtual-certificate", SOURCE, vectors, receiver(parties()[0][opposite(role)]))
    for relying in evidence.RECEIVERS:
        common = evidence.relying_party(arriving(relying))
        name = f"evidence-of-a-{OPPOSITE[relying]}"
        yield Group(name, "virtual-evidence", SOURCE, tuple(_vectors(relying)), common)


AREA = Area(
    "virtual-roots", "Leaves and evidence of virtualized roots of trust, and what was accepted before.", _groups
)
