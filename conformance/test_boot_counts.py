"""Boot counts across sessions: a platform that was put back to an earlier start is seen, where that is remembered."""

from __future__ import annotations

from dataclasses import replace

from ..harness.codec import cbor
from ..harness.identity.keys import derive_key
from ..harness.identity.pki import issue_leaf, serial_number
from ..harness.identity.world import World
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .parties import world_with
from .test_evidence import ROLES, att, evidence

REMEMBERED = 7


def with_another_key(iut: Iut, name: str, renewed: str = "") -> World:
    """The tester with an attestation key of its own: what is remembered of that is of no later test.

    `renewed` tells certificates of the one key apart.
    """
    serial = serial_number(iut.pki.seed, f"counts/{iut.opposite}/{name}/{renewed}")
    spec = replace(iut.pki.ak_spec(iut.opposite), key=derive_key(iut.pki.seed, f"counts/{name}"), serial=serial)
    issued = issue_leaf(spec, iut.pki.attestation.issuing)
    return world_with(iut, ak=issued.certificate, ak_chain=issued.chain, ak_key=issued.key)


def _counting(iut: Iut, count: int) -> Telling:
    return Telling(att(iut), tam={evidence(iut).token.bootcount: cbor.encode(count)})


def _remembered(iut: Iut, world: World) -> None:
    iut.good(world=world, deviation=_counting(iut, REMEMBERED))


@for_each(
    fault(role, "bootcount_has_not_fallen", "count", f"{count}-starts-after-{REMEMBERED}", count)
    for role in ROLES
    for count in (0, REMEMBERED - 1)
)
def test_fallen_boot_count(case: Case, bench: Bench) -> None:
    """A token refused solely because it counts fewer starts than one that was accepted from its key: ATT-35."""
    iut = bench.iut
    iut.need_feature("boot_counts")
    world = with_another_key(iut, case.field)
    _remembered(iut, world)
    bench.refuses(_counting(iut, case.data), world=world)


@for_each(
    citing(fault(role, "bootcount_has_not_fallen", "restart", "fewer-starts-than-before-it"), "SES-31")
    for role in ROLES
)
def test_fallen_boot_count_after_restart(case: Case, bench: Bench) -> None:
    """A boot count that fell, refused although the relying party has been started again meanwhile: ATT-35, SES-31."""
    iut = bench.iut
    iut.need_feature("boot_counts")
    world = with_another_key(iut, case.field)
    _remembered(iut, world)
    iut.restart()
    bench.refuses(_counting(iut, REMEMBERED - 1), world=world)


@for_each(fault(role, "bootcount_has_not_fallen", "renew", "fewer-starts-with-a-renewed-certificate") for role in ROLES)
def test_fallen_boot_count_of_a_renewed_certificate(case: Case, bench: Bench) -> None:
    """A boot count that fell, refused although the key has got another certificate meanwhile: ATT-35."""
    iut = bench.iut
    iut.need_feature("boot_counts")
    _remembered(iut, with_another_key(iut, case.field))
    bench.refuses(_counting(iut, REMEMBERED - 1), world=with_another_key(iut, case.field, "renewed"))


@for_each(
    Case(role, ("ATT-35",), "count", f"{count}-starts-after-{REMEMBERED}", data=count)
    for role in ROLES
    for count in (REMEMBERED, REMEMBERED + 1)
)
def test_risen_boot_count(case: Case, bench: Bench) -> None:
    """A boot count that has not fallen is accepted, and what another key counts does not matter: ATT-35."""
    iut = bench.iut
    world = with_another_key(iut, case.field)
    _remembered(iut, world)
    bench.works(opened, deviation=_counting(iut, case.data), world=world)


@for_each(Case(role, ("ATT-35",), "count", "fewer-starts-by-another-key") for role in ROLES)
def test_boot_count_of_another_key(case: Case, bench: Bench) -> None:
    """Boot counts are remembered by attestation key: fewer starts by another one are accepted. ATT-35."""
    iut = bench.iut
    _remembered(iut, with_another_key(iut, case.field))
    bench.works(opened, deviation=_counting(iut, 1), world=with_another_key(iut, f"{case.field} still"))
