"""Evidence as an entity attestation token: what a relying party, or a verifier in its place, makes of it.

The tester's own trust anchor module signs what it is told, so that nothing but one thing is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ...harness.codec.cbor import bstr, encode
from ...harness.crypto.curves import P_256
from ...harness.identity.status import encode_proofs, make_ocsp
from ...harness.identity.tam import MEASURED_COMPONENT
from ...harness.identity.world import World
from ...harness.tester.attesting import Attester, cmw
from ...harness.tester.operators import operators
from ...harness.tester.session import OPPOSITE, Role
from ...model.protocol.attestation import EVIDENCE, Evidence, binder
from ...model.protocol.frames import SIDES
from ...model.terms import Term
from ...spec import identifiers
from ..vector import Area, Group, Json, Vector, octets
from .evidence_keys import bad_keys, below_a_revoked_issuer
from .honest import Moment, lists, moment
from .judged import Candidate, invalid, valid
from .seed import NOW, stream

SOURCE = "generated; chapter 6, RFC 9711 section 4, RFC 9052, RFC 9999"
LETTER = {"device": "I", "service": "R"}
RECEIVERS: tuple[Role, ...] = ("service", "device")
Tales = Mapping[Term, Any]


@cache
def arriving(receiver: Role) -> Moment:
    """Evidence on its way to a receiver."""
    return moment(receiver, f"ATT_{LETTER[OPPOSITE[receiver]]}")


def relying_party(at: Moment) -> dict[str, Json]:
    """What a relying party goes by when it appraises."""
    world, policy = at.world, at.world.policy
    return {
        "binder": octets(at.value(binder(SIDES[at.sender.letter]))),
        "leaf": octets(at.peer.leaf.der),
        "own": octets(world.credentials.leaf.der),
        "known": [octets(item.der) for item in world.anchors.known],
        "roots": [octets(root.der) for root in world.anchors.attestation_roots],
        "crls": lists(world),
        "reference_values": {name: octets(value) for name, value in sorted(policy.reference_values.items())},
        "now": NOW,
        "max_age": policy.max_age,
        "tolerance": policy.clock_tolerance,
        "revocation_max_age": policy.revocation_max_age,
        "minimum_dbgstat": policy.minimum_dbgstat,
    }


class Maker:
    """Makes evidence for one moment."""

    def __init__(self, at: Moment) -> None:
        self.at = at
        self.terms: Evidence = EVIDENCE[at.sender.letter]
        self._binder: bytes = at.value(binder(SIDES[at.sender.letter]))

    def token(self, tales: Tales | None = None, world: World | None = None) -> bytes:
        """A token over the session's binder."""
        role = self.at.sender.role
        attester = Attester(
            role, world or self.at.sender.world, stream(f"evidence {role}"), self.at.world.policy.max_age
        )
        return inside(attester.conveyed(self._binder, tales))

    def candidate(
        self, field: str, operator: str, comment: str, wrapped: bytes, endorsements: bytes = b""
    ) -> Candidate:
        """A whole ATT around a wrapper."""
        body = b"\x01\x00\x02" + bstr(wrapped) + (b"\x03" + endorsements if endorsements else b"")
        frame = b"\x82\x03" + bytes([0xA3 if endorsements else 0xA2]) + body
        given = {"cmw": octets(wrapped), "endorsements": octets(endorsements)}
        return Candidate(field, operator, frame, given, comment)

    def told(self, field: str, operator: str, comment: str, tales: Tales) -> Candidate:
        """A token with a tale in it, correctly signed."""
        return self.candidate(field, operator, comment, cmw(self.token(tales)))


def inside(wrapped: bytes) -> bytes:
    """What a wrapper holds."""
    content: bytes = cbor.decode(wrapped)[1]
    return content


# --- what must be accepted -------------------------------------------------------------------------------------------


def _good(maker: Maker) -> Iterator[Candidate]:
    terms, now = maker.terms, maker.at.now
    yield maker.candidate("token", "honest", "an honest token", cmw(maker.token()))
    yield maker.told("token[alg]", "esp256", "ESP256 in place of ES256", {terms.token.alg: encode(-9)})
    yield maker.told("claims[263]", "permanently", "debug disabled for ever", {terms.debug: encode(4)})
    yield maker.told("claims", "more", "a claim that nobody knows", {terms.further: encode(4711) + encode("more")})
    policy = maker.at.world.policy
    for name, iat in {"oldest": now - policy.max_age, "from-the-future": now + policy.clock_tolerance}.items():
        yield maker.told("claims[6]", name, "at the limit of what is allowed", {terms.token.iat: encode(iat)})
    key = cbor.decode(maker.at.sender.tam.run.value(terms.token.cnf))
    yield maker.told(
        "claims[8]", "more-parameters", "a key with kid and alg", {terms.token.cnf: encode({**key, 2: b"kid", 3: -7})}
    )
    listed = cbor.decode(maker.at.sender.tam.run.value(terms.token.measurements))
    yield maker.told(
        "claims[273]", "other-order", "measurements in another order", {terms.token.measurements: encode(listed[::-1])}
    )
    good = encode_proofs(ocsp=[make_ocsp(maker.at.peer.ak, maker.at.iut.pki.attestation.issuing, now)])
    yield maker.candidate("endorsements", "ocsp", "a proof that the attestation key is good", cmw(maker.token()), good)


# --- what must be refused --------------------------------------------------------------------------------------------


def _optional_claims(maker: Maker) -> Iterator[Candidate]:
    """Claims that a token need not have, in another form than theirs."""
    claims = identifiers()["claim"]
    for claim, operator, value in (
        ("bootseed", "short", bytes(31)),
        ("bootseed", "text", "0" * 32),
        ("trusted_ui", "array", [1]),
        ("trusted_ui", "unknown-environment", {1: 2}),
        ("iso19790", "level-5", {1: 5, 2: "4321", 3: "module"}),
        ("iso19790", "without-module", {1: 3, 2: "4321"}),
    ):
        further = {maker.terms.further: encode(claims[claim]) + encode(value)}
        yield maker.told(f"claims[{claims[claim]}]", operator, "a claim that nobody asks for, of another form", further)


def _every_claim(maker: Maker) -> Iterator[Candidate]:
    """Each slot of the token by each operator, signed over that."""
    terms, token = maker.terms, maker.terms.token
    slots = {
        "token[alg]": token.alg,
        "token[typ]": token.typ,
        "token[x5t]": token.x5t,
        "claims[6]": token.iat,
        "claims[8]": token.cnf,
        "claims[10]": terms.nonce,
        "claims[256]": terms.ueid,
        "claims[263]": terms.debug,
        "claims[265]": terms.profile,
        "claims[267]": token.bootcount,
        "claims[273]": token.measurements,
        "claims[-71901]": terms.attributes,
        "token signature": token.signature,
    }
    for field, slot in slots.items():
        for name, change in operators(slot).items():
            tale = {slot: lambda attester, honest, change=change: change(honest)}
            yield maker.told(field, name, "told by the module, and signed", tale)


def claims(maker: Maker) -> Iterator[Candidate]:
    """Values that a verifier may take for good."""
    terms, at = maker.terms, maker.at
    token, now, policy = terms.token, at.now, at.world.policy
    own: bytes = at.value(binder(SIDES[at.sender.letter]))
    ages = {
        "too-old": now - policy.max_age - 1,
        "of-the-future": now + policy.clock_tolerance + 1,
        "zero": 0,
        "greatest": 2**64 - 1,
    }
    for name, iat in ages.items():
        yield maker.told("claims[6]", name, "outside the ages that are allowed", {token.iat: encode(iat)})
    nonces = {
        "list": encode([own]),
        "list-of-two": encode([own, own[::-1]]),
        "half": encode(own[:16]),
        "zeros": encode(bytes(32)),
        "text": encode(own.hex()),
        "of-the-other-direction": bstr(at.value(binder(SIDES[at.receiver.letter]))),
    }
    for name, nonce in nonces.items():
        yield maker.told("claims[10]", name, "not one byte string equal to the binder", {terms.nonce: nonce})
    for value in (0, 1, 5, 255):
        yield maker.told("claims[263]", f"dbgstat-{value}", "debug that is not disabled", {terms.debug: encode(value)})
    for name, profile in (
        ("psa", "tag:psacertified.org,2023:psa#tfm"),
        ("longer", "tag:trustconn.org,2026:tc1 "),
        ("upper-case", "TAG:TRUSTCONN.ORG,2026:TC1"),
    ):
        yield maker.told("claims[265]", name, "another profile", {terms.profile: encode(profile)})
    yield from _keys(maker)
    yield from _custody(maker)


def _keys(maker: Maker) -> Iterator[Candidate]:
    at, token = maker.at, maker.terms.token
    honest = cbor.decode(at.sender.tam.run.value(token.cnf))
    own = at.value(EVIDENCE[at.receiver.letter].token.cnf)
    changed = {
        "of-the-relying-party": own,
        "y-negated": encode({**honest, -3: _negated(honest[-3])}),
        "x-alone": encode({key: value for key, value in honest.items() if key != -3}),
        "other-curve": encode({**honest, -1: 2}),
        "padded": encode({**honest, -2: b"\x00" + honest[-2]}),
    }
    for name, key in changed.items():
        yield maker.told("claims[8]", name, "another key than the peer's", {token.cnf: key})
    ueid = cbor.decode(at.sender.tam.run.value(maker.terms.ueid))
    for name, value in {
        "other-type": b"\x02" + ueid[1:],
        "short": ueid[:-1],
        "text": ueid.hex(),
        "last-octet": one_bit_other(ueid),
    }.items():
        yield maker.told("claims[256]", name, "another platform", {maker.terms.ueid: encode(value)})


def _negated(y: bytes) -> bytes:
    return (P_256.prime - int.from_bytes(y, "big")).to_bytes(32, "big")


def _custody(maker: Maker) -> Iterator[Candidate]:
    attributes = maker.terms.attributes
    good = {1: False, 2: True, 3: True, 4: True}
    names = {1: "extractable", 2: "once-extractable", 3: "not-sensitive", 4: "imported"}
    for key, name in names.items():
        yield maker.told(
            "claims[-71901]", name, "the key is not kept", {attributes: encode({**good, key: not good[key]})}
        )
        missing = {k: v for k, v in good.items() if k != key}
        yield maker.told(
            "claims[-71901]", f"{name}-unsaid", "one attribute is not stated", {attributes: encode(missing)}
        )
        number = {**good, key: int(good[key])}
        yield maker.told(
            "claims[-71901]", f"{name}-as-number", "a number in place of a boolean", {attributes: encode(number)}
        )


def measurements(maker: Maker) -> Iterator[Candidate]:
    term = maker.terms.token.measurements
    listed = cbor.decode(maker.at.sender.tam.run.value(term))
    first, rest = listed[0], listed[1:]
    component = cbor.decode(first[1])
    name, digest = component[1][0], component[2][1]

    def measured(value: Mapping[int, Any]) -> list[Any]:
        return [MEASURED_COMPONENT, encode(value)]

    changed: dict[str, tuple[Any, str]] = {
        "missing": (rest, "a component is missing"),
        "twice": ([first, *listed], "a component twice"),
        "twice-with-another-digest": (
            [measured({**component, 2: [1, digest[::-1]]}), *listed],
            "first with another digest, then right",
        ),
        "unknown-component": ([*listed, measured({1: ["unknown"], 2: [1, digest]})], "one that has no reference value"),
        "other-digest": ([measured({**component, 2: [1, digest[::-1]]}), *rest], "another digest"),
        "half-digest": ([measured({**component, 2: [1, digest[:16]]}), *rest], "half of the digest"),
        "other-algorithm": (
            [measured({**component, 2: [2, digest]}), *rest],
            "the digest under another algorithm's number",
        ),
        "cose-algorithm": (
            [measured({**component, 2: [-16, digest]}), *rest],
            "the number of COSE, not of named information",
        ),
        "with-version": ([measured({**component, 1: [name, ["1.0"]]}), *rest], "a name with a version"),
        "with-flags": ([measured({**component, 4: bytes(8)}), *rest], "flags, which the profile does not use"),
        "raw-value": ([measured({1: [name], 5: digest}), *rest], "a raw value in place of a digest"),
        "names-exchanged": (
            [
                measured({**component, 1: cbor.decode(rest[0][1])[1]}),
                measured({**cbor.decode(rest[0][1]), 1: [name]}),
                *rest[1:],
            ],
            "two names exchanged",
        ),
        "upper-case-name": ([measured({**component, 1: [name.upper()]}), *rest], "a name in upper case"),
        "other-type": ([[MEASURED_COMPONENT + 1, first[1]], *rest], "another content type"),
        "not-wrapped": ([[MEASURED_COMPONENT, component], *rest], "a component that is not in a byte string"),
        "none": ([], "no measurements at all"),
    }
    for operator, (value, comment) in changed.items():
        yield maker.told("claims[273]", operator, comment, {term: encode(value)})


def _wrappers(maker: Maker) -> Iterator[Candidate]:
    token = maker.token()
    tagged = cbor.decode(token)
    kinds: dict[str, tuple[bytes, str]] = {
        "uccs": (encode([601, token, 4]), "announced as an unprotected claims set"),
        "detached-bundle": (encode([265, token, 4]), "announced as a detached bundle"),
        "media-type": (encode(["application/eat+cwt", token, 4]), "the media type where a number is registered"),
        "results-bit": (encode([263, token, 8]), "marked as a result"),
        "evidence-and-results": (encode([263, token, 12]), "marked as evidence and result"),
        "reference-values-bit": (encode([263, token, 1]), "marked as reference values"),
        "no-indicator": (encode([263, token]), "not marked at all"),
        "collection": (encode({"__cmwc_t": "tag:x,2026:y", 1: [263, token, 4]}), "a collection"),
        "untagged-token": (cmw(encode(tagged.value)), "a token without its tag"),
        "mac-tag": (cmw(b"\xd1" + token[1:]), "tagged as COSE_Mac0"),
        "trailing": (cmw(token + b"\x00"), "octets behind the token"),
        "no-token": (cmw(b""), "no token"),
    }
    for operator, (wrapped, comment) in kinds.items():
        yield maker.candidate("cmw", operator, comment, wrapped)


def forged(maker: Maker) -> Iterator[Candidate]:
    """Signed by somebody else, or over something else."""
    at, token = maker.at, maker.terms.token
    attester = at.sender.world.tam
    tbs = at.sender.tam.run.value(token.tbs)
    signed = {
        "by-the-identity-key": attester.sign_identity(tbs),
        "other-external-aad": attester.sign_attestation(tbs.replace(b"\x47tc1-eat", b"\x47tc1-env")),
        "no-external-aad": attester.sign_attestation(tbs.replace(b"\x47tc1-eat", b"\x40")),
        "context-signature": attester.sign_attestation(tbs.replace(b"\x6aSignature1", b"\x69Signature")),
        "zeros": bytes(64),
        "r-zero": bytes(32) + at.sender.tam.run.value(token.signature)[32:],
    }
    for operator, signature in signed.items():
        yield maker.told("token signature", operator, "not a signature over this token", {token.signature: signature})


def _endorsements(maker: Maker) -> Iterator[Candidate]:
    at, token = maker.at, cmw(maker.token())
    issuer = at.iut.pki.attestation.issuing
    proofs = {
        "ocsp-revoked": encode_proofs(ocsp=[make_ocsp(at.peer.ak, issuer, at.now, status="revoked")]),
        "empty-list": encode([]),
        "unknown-kind": encode([[2, b"der"]]),
        "text": encode("proofs"),
    }
    for operator, endorsements in proofs.items():
        yield maker.candidate("endorsements", operator, "proofs that do not show what they must", token, endorsements)


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    maker = Maker(at)
    yield from valid(at, "ATT-20", _good(maker))
    further = (_optional_claims, _every_claim, measurements, _wrappers) if receiver == RECEIVERS[0] else ()
    for made in (*further, claims, forged, bad_keys, below_a_revoked_issuer):  # What is symmetric is asked for once.
        yield from invalid(at, made(maker))
    # By their form these may be refused with the frame.
    yield from (dataclasses.replace(vector, refusals=()) for vector in invalid(at, _endorsements(maker)))


def _groups() -> Iterator[Group]:
    for receiver in RECEIVERS:
        yield Group(
            OPPOSITE[receiver], "evidence", SOURCE, tuple(_vectors(receiver)), relying_party(arriving(receiver))
        )


AREA = Area(
    "evidence-eat", "An entity attestation token in its wrapper, and what a relying party judges it by.", _groups
)
