"""Virtualized roots of trust: bad certificates of tenants, one tenant's evidence for another, clones, old generations.

The tester is a tenant of a physical platform. Honest tenants are accepted, and show that each fault is the only one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ..harness.codec import cbor, cose
from ..harness.identity.pki import issue_leaf
from ..harness.identity.tester import TesterPki
from ..harness.identity.virtual import INSTANCE, VirtualRoot
from ..harness.identity.virtual_faults import VIRTUAL_FAULTS, bad_virtual_leaf
from ..harness.identity.virtual_party import endorser, virtual_leaf_spec, virtual_party, virtual_root
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling, tell
from ..model.protocol.attestation import Evidence
from ..model.terms import Term
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .parties import credential_message, leaf_of, presenting, tam_of, world_with
from .test_credentials import ROLES, side_of_peer
from .test_evidence import att, evidence
from .test_evidence_again import reattested

OTHER_TENANT = "other tenant"
CLONE = sha256(b"clone").digest()
"""What the copy of a tenant has drawn when it was started."""


def issuing(iut: Iut) -> TesterPki:
    """The authorities, which issue now: a tenant's leaf lives for seven days only."""
    return dataclasses.replace(iut.pki, now=iut.clock.now())


_own = lru_cache(4)(virtual_party)


def tenant(iut: Iut, **changes: Any) -> World:
    """The tester with a virtualized root of trust. Raises NeedNotMet."""
    iut.need_feature("accepts_virtual_root")
    own = _own(issuing(iut), iut.opposite)
    return world_with(iut, **{"leaf": own.leaf, "chain": own.chain, "key": own.key, "proofs": b"", **changes})


def honest(bench: Bench) -> dict[str, Any]:
    """What tells the bench that the control of a fault is a good conversation with an honest tenant."""
    bench.iut.need_feature("accepts_virtual_root")
    return {
        "configuration": "virtualized root of trust",
        "control": lambda: bench.iut.good(world=tenant(bench.iut)).transcript.digest(),
    }


# --- certificates ----------------------------------------------------------------------------------------------------


def _certificates() -> Iterator[Case]:
    for role in ROLES:
        for name, bad in VIRTUAL_FAULTS.items():
            case = fault(role, bad.check_on(side_of_peer(role)), "issue", name)
            if name == "extension-twice":
                case = citing(dataclasses.replace(case, only="edhoc"), "VRT-03")
            yield citing(case, "VRT-05") if name == "endorser-revoked" else case


@for_each(_certificates())
def test_certificate(case: Case, bench: Bench) -> None:
    """A tenant's leaf refused solely because of the one thing that makes it bad: VRT-01 to VRT-05."""
    control = honest(bench)
    bad = bad_virtual_leaf(issuing(bench.iut), bench.iut.opposite, case.field, bench.iut.world.credentials.leaf)
    bench.refuses(Telling(credential_message(bench.iut)), world=presenting(bench.iut, bad), **control)


@for_each(fault(role, f"cred_{side_of_peer(role)}_root_may_be_virtual", "demand", "physical-only") for role in ROLES)
def test_physical_only(case: Case, bench: Bench) -> None:
    """An honest tenant, refused solely because policy wants a physical root of trust: VRT-06."""
    world = tenant(bench.iut)
    with bench.iut.configured(physical_only=True):
        bench.refuses(Telling(credential_message(bench.iut)), world=world, configuration="physical roots only")


# --- generations -----------------------------------------------------------------------------------------------------


def instance(iut: Iut) -> bytes:
    """An instance that no test has been about, nor an earlier run whose generations an implementation has kept."""
    return sha256(iut.stream("instance")(INSTANCE) + cbor.encode(iut.clock.now())).digest()[:INSTANCE]


def generation(iut: Iut, of: bytes, number: int) -> World:
    """A tenant of an instance, in a generation."""
    pki = issuing(iut)
    spec = virtual_leaf_spec(pki, iut.opposite, generation=number)
    root = VirtualRoot(virtual_root(pki, "").ueid, of, number)
    leaf = issue_leaf(dataclasses.replace(spec, virtual=root.encode()), endorser(pki, iut.opposite))
    return tenant(iut, leaf=leaf.certificate, chain=leaf.chain)


def _old_generations() -> Iterator[Case]:
    for role in ROLES:
        case = fault(role, f"cred_{side_of_peer(role)}_generation_is_not_older", "present", "older")
        yield case
        yield citing(dataclasses.replace(case, field="older-after-restart"), "SES-31")


@for_each(_old_generations())
def test_old_generation(case: Case, bench: Bench) -> None:
    """A tenant as it was before it was made anew, refused solely because the newer one was accepted: VRT-07."""
    iut, control, of = bench.iut, honest(bench), instance(bench.iut)
    iut.good(world=generation(iut, of, 256))
    if case.field.endswith("restart"):
        iut.restart()
    old = generation(iut, of, 255)
    bench.refuses(Telling(credential_message(iut)), world=old, **control)


@for_each(Case(role, ("VRT-07",), "present", field) for role in ROLES for field in ("newer", "of-another-instance"))
def test_good_generation(case: Case, bench: Bench) -> None:
    """A tenant that was made anew is accepted, and so is one beside a tenant that was made anew more often: VRT-07."""
    iut, first = bench.iut, instance(bench.iut)
    iut.good(world=generation(iut, first, 127))
    then = (first, 128) if case.field == "newer" else (instance(iut), 126)
    bench.works(opened, world=generation(iut, *then))


# --- one tenant, one instance ----------------------------------------------------------------------------------------


def started_anew(iut: Iut, seed: bytes) -> World:
    """The tenant with another boot seed: after another start, or as a copy that runs elsewhere."""
    world = tenant(iut)
    module = tam_of(iut, world.credentials)
    module.boot_seed = seed
    return dataclasses.replace(world, tam=module)


def _clones() -> Iterator[Case]:
    for role in ROLES:
        yield fault(role, "boot_seed_is_of_one_instance", "attest", "another-boot-seed")
        yield citing(fault(role, "boot_seed_is_of_one_instance", "attest", "no-boot-seed"), "VRT-13")


@for_each(_clones())
def test_clone(case: Case, bench: Bench) -> None:
    """A copy of a tenant beside it, refused solely for its boot seed: VRT-08, VRT-13."""
    iut, control = bench.iut, honest(bench)
    seed = CLONE if case.field == "another-boot-seed" else b""
    with closing(iut.converse(world=tenant(iut))) as first:
        first.until_open()
        bench.refuses(Telling(att(iut)), world=started_anew(iut, seed), **control)
        first.finish()


@for_each(fault(role, "boot_seed_is_of_one_instance", "attest-again", "no-boot-seed") for role in ROLES)
def test_later_evidence(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1, refused solely because the tenant shows no boot seed any more: VRT-08."""
    control = honest(bench)
    further = evidence(bench.iut).further
    deviation = Telling(att(bench.iut), nth=1)
    reattested(bench, deviation, lambda peer: tell(peer, None, {further: b""}), world=tenant(bench.iut), **control)


def used(conversation: Conversation) -> str:
    """Open the session and close it by agreement, so that it is over for both; what went wrong."""
    return opened(conversation) or ("" if conversation.finish() else "the session did not close")


@for_each(
    Case(role, ("VRT-06", "VRT-07", "VRT-08"), "attest", field)
    for role in ROLES
    for field in ("second-session", "second-start")
)
def test_same_tenant(case: Case, bench: Bench) -> None:
    """Two sessions of one tenant at once, and a session after another start of it, are accepted: VRT-06 to VRT-08."""
    iut = bench.iut
    if case.field == "second-start":
        iut.good(world=tenant(iut))
        bench.works(used, world=started_anew(iut, CLONE))
        return
    with closing(iut.converse(world=tenant(iut))) as first:
        first.until_open()
        bench.works(used, world=tenant(iut))
        first.finish()


# --- one tenant's evidence for another -------------------------------------------------------------------------------

Told = Callable[[Iut, Evidence], dict[Term, bytes]]


def _key_of_the_other(iut: Iut, mine: Evidence) -> dict[Term, bytes]:
    other = virtual_party(issuing(iut), iut.opposite, OTHER_TENANT)
    return {mine.token.cnf: cbor.encode(cose.cose_key(other.leaf.public_key))}


def _ueid_of_the_other(iut: Iut, mine: Evidence) -> dict[Term, bytes]:
    return {mine.ueid: cbor.encode(iut.pki.ueid(OTHER_TENANT))}


BORROWED: dict[str, tuple[str, Told]] = {
    "attestation-key": ("ak_names_peer_device", lambda iut, mine: {}),
    "identity-key": ("cnf_is_peer_identity_key", _key_of_the_other),
    "ueid": ("ueid_is_peer_device", _ueid_of_the_other),
}
"""What of a tenant's evidence is the other tenant's, the check that meets it, and what the module then says."""


@for_each(
    citing(fault(role, check, "borrow", field), "VRT-03") for role in ROLES for field, (check, _) in BORROWED.items()
)
def test_evidence_of_another_tenant(case: Case, bench: Bench) -> None:
    """Another tenant's evidence, refused solely for the one thing that tells: VRT-03, ATT-17 to ATT-19."""
    iut, control = bench.iut, honest(bench)
    other: dict[str, Any] = {}
    if case.field == "attestation-key":
        party = iut.pki.party(iut.opposite, OTHER_TENANT)
        other = {"ak": party.ak, "ak_chain": party.ak_chain, "ak_key": party.ak_key}
    told = BORROWED[case.field][1](iut, evidence(iut))
    bench.refuses(Telling(att(iut), tam=told), world=tenant(iut, **other), **control)


# --- the implementation's own ----------------------------------------------------------------------------------------


@for_each(Case(role, ("VRT-01", "VRT-03", "VRT-04", "VRT-12", "VRT-13"), "send", "own-virtual-root") for role in ROLES)
def test_own_virtual_root(case: Case, bench: Bench) -> None:
    """An implementation with a virtualized root passes every check of the tester, again and again: VRT-01 to VRT-13."""
    iut = bench.iut
    iut.need_feature("virtual_root_of_trust")
    if leaf_of(iut).virtual is None:
        bench.show("its certificate tells of no virtualized root")
        return
    bench.works(opened, off=frozenset())
