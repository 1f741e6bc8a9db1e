"""TPM evidence: bundles of an emulated TPM, whose structures are those of a real one, made by the tester's module."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.identity.oids import EKU_EAT_AK, EKU_TPM_AK
from ...harness.identity.pki import issue_leaf
from ...harness.identity.policy import TPM_FORMAT
from ...harness.identity.tam import COMPONENTS
from ...harness.tester.attesting import Attester, cmw
from ...harness.tester.operators import operators
from ...harness.tester.session import OPPOSITE, Role
from ...harness.tester.tpm_faults import FAULTS, GOOD
from ...model.protocol.attestation import binder
from ...model.protocol.frames import SIDES
from ...model.protocol.tpm import BUNDLE
from ...model.terms import Term
from ..vector import Area, Group, Json, Vector, octets
from . import evidence
from .honest import Moment, moment
from .judged import Candidate, invalid, valid
from .seed import stream

SOURCE = "generated; chapter 7, TCG TPM 2.0 Library part 2, TCG PC Client Platform Firmware Profile"


@cache
def arriving(receiver: Role) -> Moment:
    """A bundle on its way to a receiver."""
    return moment(receiver, f"ATT_{evidence.LETTER[OPPOSITE[receiver]]}", tpm=True)


def relying_party(at: Moment) -> dict[str, Json]:
    """What a relying party goes by when it appraises."""
    policy = at.world.policy
    references = {str(COMPONENTS[name]): octets(value) for name, value in policy.reference_values.items()}
    types = {str(pcr): kind for pcr, kind in sorted(policy.event_types.items())}
    return {**evidence.relying_party(at), "reference_pcrs": dict(sorted(references.items())), "event_types": types}


class Maker(evidence.Maker):
    """Makes bundles for one moment."""

    def __init__(self, at: Moment) -> None:
        super().__init__(at)
        self.bundle = BUNDLE[at.sender.letter]

    def made(self, tales: Mapping[Term, Any] | None = None, **changes: Any) -> bytes:
        """A bundle over the session's binder; `changes` are credentials of the attester."""
        at = self.at
        world = at.sender.world
        if changes:
            world = dataclasses.replace(world, credentials=dataclasses.replace(world.credentials, **changes))
        attester = Attester(at.sender.role, world, stream(f"bundle {at.sender.role}"), at.world.policy.max_age)
        expected: bytes = at.value(binder(SIDES[at.sender.letter]))
        return evidence.inside(attester.conveyed(expected, tales, kind=TPM_FORMAT))

    def bundled(self, field: str, operator: str, comment: str, bundle: bytes) -> Candidate:
        """A whole ATT around a bundle."""
        return self.candidate(field, operator, comment, cmw(bundle, TPM_FORMAT))


def _good(maker: Maker) -> Iterator[Candidate]:
    yield maker.bundled("bundle", "honest", "an honest bundle", maker.made())
    for name, tell in GOOD.items():
        yield maker.bundled("bundle", name, "differs in what the profile leaves open", maker.made(tell(maker.bundle)))


def _tales(maker: Maker) -> Iterator[Candidate]:
    for name, bad in FAULTS.items():
        yield maker.bundled(
            "bundle", name, "told by the module, and signed where it signs", maker.made(bad.tell(maker.bundle))
        )


def _parts(maker: Maker) -> Iterator[Candidate]:
    """Each field of the structures by each operator, signed over that."""
    bundle = maker.bundle
    slots: dict[str, Term] = {
        "bundle[2]": bundle.ak_public,
        "bundle[3]": bundle.chain,
        "bundle[6]": bundle.pcrs,
        "bundle[7]": bundle.idk_public,
        "bundle[10]": bundle.log,
    }
    for which, key in (("quote", 4), ("certification", 8)):
        made = getattr(bundle, which)
        parts = ("magic", "type", "signer", "extra", "clock", "reset", "restart", "safe", "firmware", "attested")
        slots |= {f"bundle[{key}].{part}": getattr(made, part) for part in parts}
        slots[f"bundle[{key + 1}]"] = made.signature
    for field, slot in slots.items():
        for name, change in operators(slot).items():
            tale = {slot: lambda attester, honest, change=change: change(honest)}
            yield maker.bundled(field, name, "told by the module, and signed where it signs", maker.made(tale))


def _maps(maker: Maker) -> Iterator[Candidate]:
    """The map of the bundle."""
    honest = cbor.decode(maker.made())
    for key in honest:
        if key != 10:
            left = {k: v for k, v in honest.items() if k != key}
            yield maker.bundled(f"bundle[{key}]", "absent", "an entry is missing", encode(left))
    yield maker.bundled("bundle[1]", "other-text", "another format version", encode({**honest, 1: "1.2"}))
    yield maker.bundled("bundle", "unknown-key", "an entry that nobody knows", encode({**honest, 99: b""}))
    swapped = {**honest, 4: honest[8], 5: honest[9], 8: honest[4], 9: honest[5]}
    yield maker.bundled(
        "bundle", "quote-and-certification-exchanged", "each in the place of the other", encode(swapped)
    )
    twice = {**honest, 8: honest[4], 9: honest[5]}
    yield maker.bundled("bundle", "quote-twice", "the quote in both places", encode(twice))


def _certificates(maker: Maker) -> Iterator[Candidate]:
    at = maker.at
    pki = at.iut.pki
    spec = pki.tpm_ak_spec(at.sender.role)
    issuing = pki.attestation.issuing
    made = {
        "eat-usage-only": (dataclasses.replace(spec, eku=(EKU_EAT_AK,)), issuing),
        "eat-usage-too": (dataclasses.replace(spec, eku=(EKU_TPM_AK, EKU_EAT_AK)), issuing),
        "no-extended-key-usage": (dataclasses.replace(spec, eku=()), issuing),
        "other-platform": (pki.tpm_ak_spec("another"), issuing),
        "no-platform": (dataclasses.replace(spec, uris=()), issuing),
        "expired": (dataclasses.replace(spec, not_after=at.now - 1), issuing),
        "not-yet-valid": (dataclasses.replace(spec, not_before=at.now + 3600), issuing),
        "revoked": (dataclasses.replace(spec, serial=pki.revoked_serial("attestation")), issuing),
        "other-key": (dataclasses.replace(spec, key=pki.ak_spec("another").key), issuing),
    }
    for operator, (changed, issuer) in made.items():
        issued = issue_leaf(changed, issuer)
        bundle = maker.made(tpm_ak=issued)
        yield maker.bundled("bundle[3]", operator, "one thing is wrong with the certificate", bundle)


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    maker = Maker(at)
    yield from valid(at, "TPM-01", _good(maker))
    yield from invalid(at, _tales(maker))
    if receiver != evidence.RECEIVERS[0]:
        return  # What is symmetric is asked for once.
    rest = chain(_parts(maker), _maps(maker), _certificates(maker))
    yield from (_form_alone(vector) for vector in invalid(at, rest))


def _form_alone(vector: Vector) -> Vector:
    """A structure whose form is broken may be refused with the bundle, before anything is judged."""
    return (
        dataclasses.replace(vector, refusals=())
        if vector.operator in ("truncate", "extend", "retype", "empty", "absent")
        else vector
    )


def _groups() -> Iterator[Group]:
    for receiver in evidence.RECEIVERS:
        yield Group(
            OPPOSITE[receiver], "tpm-evidence", SOURCE, tuple(_vectors(receiver)), relying_party(arriving(receiver))
        )


AREA = Area("evidence-tpm", "A TPM bundle in its wrapper, and what a relying party judges it by.", _groups)
