"""Results about properties in ATT: what a relying party makes of what a verifier told the attester (passport form)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.codec.cose import cose_key
from ...harness.identity.policy import EAR_FORMAT, EAT_CWT
from ...harness.identity.tester import ANOTHER, REVOKED_POLICY
from ...harness.identity.world import World
from ...harness.tester.attesting import Attester, cmw
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Role
from ...harness.verifier.folder import PROPERTIES, PROPERTY_POLICIES
from ...model.protocol.attestation import binder
from ...model.protocol.frames import SIDES
from ..vector import Area, Group, Json, Vector, octets
from . import evidence
from .honest import Moment, moment, reference
from .judged import Candidate, invalid, valid
from .results import IAT, SUBMODS, Changed, Changes, Verifying, claim, of_claims, of_signers, told, without
from .seed import NOW, stream

SOURCE = "generated; section 9.1, section 6.4, draft-ietf-rats-ear-04, RFC 9334 section 5.1"
FIRST, LAST = PROPERTIES
STATUS, POLICY_IDS, RESULTS_MARK = 1000, 1003, 8


class Passport(Verifying):
    """A result on its way to a receiver, and others in its place."""

    def __init__(self, receiver: Role) -> None:
        super().__init__(reference(receiver))
        self.at: Moment = moment(
            receiver, f"ATT_{evidence.LETTER[OPPOSITE[receiver]]}", world=self._presenting, within=_accepting
        )
        self._maker = evidence.Maker(self.at)

    def _presenting(self, iut: LocalIut) -> World:
        own = PROPERTY_POLICIES[iut.opposite]
        policy = dataclasses.replace(iut.world.policy, offered=(EAR_FORMAT,), own_policy=own)
        return iut.fresh_world(policy=policy, verifier=self.answer)

    def shown(self, field: str, operator: str, comment: str, wrapped: bytes) -> Candidate:
        """A whole ATT around a wrapper."""
        made = self._maker.candidate(field, operator, comment, wrapped)
        return made._replace(given={"cmw": octets(wrapped)})

    def wrapped(self, reply: bytes) -> bytes:
        """The result of a reply in its record."""
        return cmw(encode(cbor.decode(reply)[1]), EAR_FORMAT, RESULTS_MARK)

    def elsewhere(self) -> bytes:
        """A true reply about the same attester in a session with somebody else."""
        honest, request, iut = self.honest, cbor.decode(self.request), self.iut
        context = cbor.decode(request[3])
        context[5] = iut.pki.party(iut.role, ANOTHER).leaf.sha256
        over, world = stream("binder of another relying party")(32), iut.fresh_world()
        token = Attester(iut.opposite, world, stream("diverted"), world.policy.max_age).conveyed(over)
        reply = self.answer(encode({**request, 1: token, 2: over, 3: encode(context)}))
        self.honest, self.request = honest, encode(request)
        return reply


def _accepting(iut: LocalIut) -> AbstractContextManager[None]:
    return iut.configured(
        accepted=[EAR_FORMAT, EAT_CWT],
        verifier_policy=PROPERTY_POLICIES[iut.opposite],
        verifier_properties=list(PROPERTIES),
    )


@cache
def passport(receiver: Role) -> Passport:
    """The one of a receiver."""
    return Passport(receiver)


def _of_each(change: Changed) -> Changed:
    """Something else in every submodule."""

    def changed(claims: dict[Any, Any]) -> None:
        for submod in claims[SUBMODS].values():
            change(submod)

    return changed


def _of_one(name: str, change: Changed) -> Changed:
    """Something else about one property."""
    return lambda claims: change(claims[SUBMODS][name])


def _renamed(**names: str) -> Changed:
    """Properties by other names; one that is renamed to nothing is left out."""

    def changed(claims: dict[Any, Any]) -> None:
        said = {names.get(name.replace("-", "_"), name): value for name, value in claims[SUBMODS].items()}
        claims[SUBMODS] = {name: value for name, value in said.items() if name}

    return changed


def _further(name: str, **changes: Any) -> Changed:
    """One property more, told otherwise than the first."""
    replaced = {int(key[1:]): value for key, value in changes.items()}
    return lambda claims: claims[SUBMODS].update({name: {**claims[SUBMODS][FIRST], **replaced}})


def _about_properties(p: Passport) -> Changes:
    own, other = PROPERTY_POLICIES["device"], PROPERTY_POLICIES["service"]
    changes: dict[str, tuple[Changed, str]] = {
        "first-absent": (_renamed(measured_boot=""), "nothing about the first property"),
        "last-absent": (_renamed(approved_software=""), "nothing about the last property"),
        "renamed": (_renamed(measured_boot="measured-boots"), "a property by a longer name"),
        "in-upper-case": (_renamed(measured_boot="MEASURED-BOOT"), "a property in upper case"),
        "platform-as-a-whole": (_renamed(measured_boot="", approved_software="tc"), "one status for all"),
        "first-warning": (_of_one(FIRST, claim(STATUS, 32)), "a warning about the first"),
        "last-contraindicated": (_of_one(LAST, claim(STATUS, 96)), "the last is contraindicated"),
        "last-unknown": (_of_one(LAST, claim(STATUS, 0)), "nothing is known of the last"),
        "last-vouched": (_of_one(LAST, claim(STATUS, 1)), "a status that says nothing"),
        "first-true": (_of_one(FIRST, claim(STATUS, True)), "a boolean in place of a status"),
        "first-without-status": (_of_one(FIRST, without(STATUS)), "no status of the first"),
        "another-policy": (_of_each(claim(POLICY_IDS, ["tc-test-empty"])), "by another policy"),
        "policy-of-the-other-role": (_of_each(claim(POLICY_IDS, [other])), "by the policy for services"),
        "two-policies": (_of_each(claim(POLICY_IDS, [own, other])), "by another policy too"),
        "no-policy": (_of_each(claim(POLICY_IDS, [])), "by no policy"),
        "last-by-another-policy": (_of_one(LAST, claim(POLICY_IDS, [other])), "one of two by another policy"),
        "no-properties": (claim(SUBMODS, {}), "about nothing"),
    }
    return {name: (SUBMODS, change, comment) for name, (change, comment) in changes.items()}


def _records(p: Passport) -> Iterator[Candidate]:
    """A true result in another record."""
    record = cbor.decode(p.wrapped(p.honest))
    token = evidence.Maker(p.at).token()
    made: dict[str, tuple[Any, str]] = {
        "type-of-a-token": ([EAT_CWT, *record[1:]], "announced as a token"),
        "type-of-another-profile": ([record[0].replace("#04", "#05"), *record[1:]], "announced by another draft"),
        "type-without-profile": (["application/eat+cwt", *record[1:]], "announced without its profile"),
        "marked-as-evidence": ([*record[:2], 4], "marked as evidence"),
        "marked-as-both": ([*record[:2], 12], "marked as evidence and result"),
        "marked-as-reference-values": ([*record[:2], 1], "marked as reference values"),
        "not-marked": (record[:2], "not marked at all"),
        "token-marked-as-result": ([EAT_CWT, token, RESULTS_MARK], "a token marked as a result"),
        "token-as-result": ([record[0], token, RESULTS_MARK], "a token announced as a result"),
        "reply": ([record[0], p.honest, RESULTS_MARK], "the whole reply of the verifier"),
    }
    for operator, (value, comment) in made.items():
        yield p.shown("cmw", operator, comment, encode(value))


def _results(p: Passport) -> Iterator[Candidate]:
    """Results with one thing wrong, in a good record."""
    for operator, (field, reply, comment) in {
        **of_claims(p), **told(p, _about_properties(p)), **of_signers(p),
        "for-another-relying-party": ("result", p.elsewhere(), "a true result for a session with somebody else"),
    }.items():  # fmt: skip
        yield p.shown(field, operator, comment, p.wrapped(reply))


def _good(p: Passport) -> Iterator[Candidate]:
    key = cose_key(p.at.peer.leaf.public_key)
    made: dict[str, tuple[bytes, str]] = {
        "honest": (p.honest, "both properties are affirmed"),
        "further-not-affirmed": (p.result(_further("zz", _1000=96)), "a property that policy does not name"),
        "further-claim": (p.result(claim(4711, "more")), "a claim that nobody knows"),
        "tier-31": (p.result(_of_one(LAST, claim(STATUS, 31))), "the last affirming value"),
        "barely-issued": (p.result(claim(IAT, NOW + 60)), "within what clocks may differ"),
        "key-with-kid": (p.result(claim(8, {1: {**key, 2: b"kid"}})), "a key with an identifier"),
    }
    for operator, (reply, comment) in made.items():
        yield p.shown("result", operator, comment, p.wrapped(reply))


OF_THE_BINDER = ("alert:23",)
"""How a result for another binder is refused."""


def _cited(vector: Vector) -> Vector:
    """Of properties in ATT chapter 9 says what section 6.4 says of a result that was asked for."""
    if vector.requirement == "VER-05":
        said = "PBA-04" if vector.refusals == OF_THE_BINDER else "PBA-03"
        return dataclasses.replace(vector, requirement=said)
    return dataclasses.replace(vector, refusals=()) if vector.field == "cmw" else vector


def _vectors(receiver: Role) -> Iterator[Vector]:
    p = passport(receiver)
    yield from valid(p.at, "PBA-03", _good(p))
    candidates = (*_results(p), *(_records(p) if receiver == evidence.RECEIVERS[0] else ()))
    yield from map(_cited, invalid(p.at, candidates))
    yield from _revoked_policy(p)


def _revoked_policy(p: Passport) -> Iterator[Vector]:
    """A result by the policy that is asked for, and that is on the list of those revoked."""
    world = p.at.world
    before, wanted = world.policy, p.result(_of_each(claim(POLICY_IDS, [REVOKED_POLICY])))
    world.policy = dataclasses.replace(before, verifier_policy=REVOKED_POLICY)
    try:
        shown = p.shown("result[266]", "revoked-policy", "by a policy that is revoked", p.wrapped(wanted))
        given = {**shown.given, "policy": REVOKED_POLICY}
        yield from invalid(p.at, [shown._replace(given=given)], must=True)
    finally:
        world.policy = before


def _common(p: Passport) -> dict[str, Json]:
    at, anchors, policy = p.at, p.at.world.anchors, p.at.world.policy
    return {
        "binder": octets(at.value(binder(SIDES[at.sender.letter]))),
        "leaf": octets(at.peer.leaf.der),
        "policy": policy.verifier_policy,
        "properties": list(policy.verifier_properties),
        "verifiers": [octets(item.der) for item in anchors.verifiers],
        "revoked_verifiers": sorted(octets(item) for item in anchors.revoked_verifiers),
        "revoked_policies": sorted(anchors.revoked_policies),
        "now": NOW,
        "tolerance": policy.clock_tolerance,
    }


def _groups() -> Iterator[Group]:
    for receiver in evidence.RECEIVERS:
        yield Group(OPPOSITE[receiver], "passport", SOURCE, tuple(_vectors(receiver)), _common(passport(receiver)))


AREA = Area("evidence-passport", "A verifier's result about properties that the attester itself presents.", _groups)
