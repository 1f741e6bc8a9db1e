"""PSA tokens (RFC 9783): what a relying party makes of what the attestation API of a root of trust signed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from ...harness.codec.cbor import encode
from ...harness.identity.oids import EKU_EAT_AK
from ...harness.identity.pki import issue_leaf
from ...harness.identity.policy import PSA_TOKEN
from ...harness.identity.psa import on_psa, psa_ak_spec, psa_party
from ...harness.identity.world import World
from ...harness.tester.attesting import Attester, cmw
from ...harness.tester.local import LocalIut
from ...harness.tester.psa_faults import FAULTS, GOOD, MALFORMED
from ...harness.tester.session import OPPOSITE, Role
from ...model.protocol.attestation import binder
from ...model.protocol.frames import SIDES
from ...model.protocol.psa import PSA
from ...model.terms import Term
from ..vector import Area, Group, Json, Vector, octets
from . import evidence, psa_published
from .honest import Moment, moment
from .judged import Candidate, invalid, valid
from .seed import stream

SOURCE = "generated; section 6.5, RFC 9783 sections 4 and 5"
RECEIVER: Role = "service"


@cache
def arriving() -> Moment:
    """A token on its way to a service."""
    return moment(RECEIVER, f"ATT_{evidence.LETTER[OPPOSITE[RECEIVER]]}", psa=True)


def references(at: Moment) -> dict[str, Json]:
    """By what components are appraised."""
    policy = at.world.policy
    values = {name: octets(value) for name, value in sorted(policy.reference_values.items())}
    return {"reference_values": values, "signers": {n: octets(item) for n, item in sorted(policy.signers.items())}}


def relying_party(at: Moment) -> dict[str, Json]:
    """What a relying party goes by when it appraises."""
    known = sorted(octets(item) for item in at.world.policy.implementations)
    return {**evidence.relying_party(at), "implementations": known, **references(at)}


class Maker(evidence.Maker):
    """Makes tokens for one moment."""

    def __init__(self, at: Moment) -> None:
        super().__init__(at)
        self.psa = PSA[at.sender.letter].token

    def made(self, tales: Mapping[Term, Any] | None = None, **changes: Any) -> bytes:
        """A token over the session's binder; `changes` are credentials of the attester."""
        at = self.at
        world = at.sender.world
        if changes:
            world = dataclasses.replace(world, credentials=dataclasses.replace(world.credentials, **changes))
        attester = Attester(at.sender.role, world, stream("psa token"), at.world.policy.max_age)
        expected: bytes = at.value(binder(SIDES[at.sender.letter]))
        return evidence.inside(attester.conveyed(expected, tales, kind=PSA_TOKEN))

    def tokened(self, field: str, operator: str, comment: str, token: bytes) -> Candidate:
        """A whole ATT around a token."""
        return self.candidate(field, operator, comment, cmw(token, PSA_TOKEN))


def _good(maker: Maker) -> Iterator[Candidate]:
    yield maker.tokened("token", "honest", "an honest token", maker.made())
    for name, tell in GOOD.items():
        yield maker.tokened(
            "token", name, "differs in what RFC 9783 and the profile leave open", maker.made(tell(maker.psa))
        )


def _tales(maker: Maker) -> Iterator[Candidate]:
    for name, bad in FAULTS.items():
        yield maker.tokened(
            "token", name, "told by the root of trust, and signed where it signs", maker.made(bad.tell(maker.psa))
        )
    for name, tell in MALFORMED.items():
        yield maker.tokened("token", name, "claims of another form", maker.made(tell(maker.psa)))
    token = maker.made()
    yield maker.candidate("cmw", "as-eat", "a PSA token announced as another token", cmw(token))
    yield maker.candidate("cmw", "results-bit", "marked as a result", encode([PSA_TOKEN, token, 8]))
    yield maker.tokened("token", "untagged", "a token without its tag", token[1:])


def _certificates(maker: Maker) -> Iterator[Candidate]:
    at = maker.at
    pki = at.iut.pki
    spec, issuing = psa_ak_spec(pki, at.sender.role), pki.attestation.issuing
    made = {
        "eat-usage-only": dataclasses.replace(spec, eku=(EKU_EAT_AK,)),
        "eat-usage-too": dataclasses.replace(spec, eku=(*spec.eku, EKU_EAT_AK)),
        "no-extended-key-usage": dataclasses.replace(spec, eku=()),
        "no-platform": dataclasses.replace(spec, uris=()),
        "expired": dataclasses.replace(spec, not_after=at.now - 1),
        "not-yet-valid": dataclasses.replace(spec, not_before=at.now + 3600),
        "revoked": dataclasses.replace(spec, serial=pki.revoked_serial("attestation")),
    }
    for operator, changed in made.items():
        token = maker.made(psa_ak=issue_leaf(changed, issuing))
        yield maker.tokened("attestation certificate", operator, "one thing is wrong with the certificate", token)


def _without_custody() -> Iterator[Vector]:
    """A good token beside a leaf that does not say that its key is kept."""

    def world(iut: LocalIut) -> World:
        own = psa_party(iut.pki, iut.opposite)
        leaf = issue_leaf(iut.pki.leaf_spec(iut.opposite, iut.opposite), iut.pki.branch(iut.opposite).issuing)
        proofs = iut.pki.staple(leaf.certificate, iut.pki.branch(iut.opposite).issuing)
        policy = dataclasses.replace(on_psa(iut.world.policy), offered=(PSA_TOKEN,), accepted=(PSA_TOKEN,))
        credentials = dataclasses.replace(own, leaf=leaf.certificate, key=leaf.key, proofs=proofs)
        return iut.fresh_world(policy=policy, credentials=credentials)

    name = f"ATT_{evidence.LETTER[OPPOSITE[RECEIVER]]}"
    at = moment(RECEIVER, name, world=world, within=lambda iut: iut.attesting_by_psa())
    maker = Maker(at)
    shown = maker.tokened("leaf", "without-key-in-hsm", "the leaf does not say that its key is kept", maker.made())
    known = relying_party(at)
    given = {**shown.given, "leaf": known["leaf"], "binder": known["binder"]}
    yield from invalid(at, [shown._replace(given=given)], must=True)


def _vectors() -> Iterator[Vector]:
    at = arriving()
    maker = Maker(at)
    yield from valid(at, "ATT-34", _good(maker))
    for vector in invalid(at, chain(_tales(maker), _certificates(maker))):
        yield dataclasses.replace(vector, refusals=()) if vector.requirement == "ERR-08" else vector
    yield from _without_custody()


def _groups() -> Iterator[Group]:
    yield Group(OPPOSITE[RECEIVER], "psa-evidence", SOURCE, tuple(_vectors()), relying_party(arriving()))
    yield from psa_published.groups()


AREA = Area(
    "evidence-psa", "A PSA token in its wrapper, and what a relying party judges it by; that of its RFC.", _groups
)
