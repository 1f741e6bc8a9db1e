"""Results of a verifier (EAR): what a relying party that asked for one makes of the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cbor2 import CBORTag

from ...harness.bits import one_bit_other
from ...harness.codec import cbor, cose
from ...harness.codec.cbor import encode
from ...harness.identity.keys import signer
from ...harness.identity.pki import Issued
from ...harness.identity.tester import REVOKED_POLICY, REVOKED_VERIFIER
from ...harness.tester.background import honest_verifier
from ...harness.tester.local import LocalIut
from ...harness.tester.session import Role
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .honest import reference
from .judged import OF_FORM
from .seed import NOW, SEED

SOURCE = "generated; section 6.4, chapter 9, draft-ietf-rats-ear-04"
ROLE: Role = "service"
"""The relying party, which asks about a device."""
EXP, IAT, CNF, NONCE, UEID, PROFILE, SUBMODS = 4, 6, 8, 10, 256, 265, 266
STATUS, POLICY_IDS = 1000, 1003
Changed = Callable[[dict[Any, Any]], None]


class Verifying:
    """A verifier, the honest reply of one moment, and what may be said in its place."""

    def __init__(self, iut: LocalIut) -> None:
        self.iut = iut
        self.request = b""
        self.honest = b""

    def answer(self, request: bytes) -> bytes:
        """The truth."""
        self.request = request
        self.honest = honest_verifier(self.iut.pki, lambda: NOW).answer(request)
        return self.honest

    def result(
        self,
        claims: Changed = lambda claims: None,
        header: Changed = lambda header: None,
        *,
        by: Issued | None = None,
        own: bool = True,
        signature: bytes = b"",
        aad: bytes = b"",
    ) -> bytes:
        """The reply with its result changed and signed again, `by` another, which names itself only if `own`."""
        tagged = cbor.decode(self.honest)[1]
        signed_by = by or self.iut.pki.verifier()
        protected, said = cbor.decode(tagged.value[0]), cbor.decode(tagged.value[2])
        if own:
            protected[34] = [-16, signed_by.certificate.sha256]
        header(protected)
        claims(said)
        head, payload = encode(protected), encode(said)
        assert signed_by.key is not None
        made = signature or signer(signed_by.key)(cose.sig_structure(head, aad, payload))
        return encode({1: CBORTag(18, [head, tagged.value[1], payload, made])})


class Asked(Verifying):
    """One question of the honest session, and what may be said in the answer's place."""

    def __init__(self) -> None:
        super().__init__(LocalIut(ROLE, seed=SEED))
        if (refused := self.refusing(None)) is not None:
            raise GeneratorError(f"an honest result is refused by {refused}")

    def refusing(self, reply: bytes | None, off: frozenset[str] = frozenset()) -> str | None:
        """The check by which the relying party refuses a reply (the truth, if none is given); None if it takes it."""
        iut = reference(ROLE, off)
        with iut.judged_by(self.answer if reply is None else lambda request: reply):
            conversation = iut.converse(label="vectors")
            conversation.until(lambda: conversation.peer.state == "OPEN")
        assert iut.latest is not None
        return next((event.fields["check"] for event in iut.latest.events if event.name == "refused"), None)


@cache
def asked() -> Asked:
    """The one question of this area."""
    return Asked()


def claim(key: int, value: Any) -> Changed:
    """Another value of a claim."""
    return lambda claims: claims.update({key: value})


def without(key: int) -> Changed:
    """A claim left out."""
    return lambda claims: claims.pop(key)


def _submod(**changes: Any) -> Changed:
    """Another value in the one submodule; None takes it out."""

    def change(claims: dict[Any, Any]) -> None:
        submod = {**claims[SUBMODS]["tc"], **{int(key[1:]): value for key, value in changes.items()}}
        claims[SUBMODS] = {"tc": {key: value for key, value in submod.items() if value is not None}}

    return change


Told = dict[str, tuple[str, bytes, str]]
"""By operator: field, reply, comment."""
Changes = dict[str, tuple[int, Changed, str]]


def of_claims(a: Verifying) -> Told:
    """Claims with other values, whatever the result is about."""
    honest = cbor.decode(cbor.decode(a.honest)[1].value[2])
    nonce, other = honest[NONCE], a.iut.pki.party("device", "another").leaf.public_key
    own = a.iut.pki.party(ROLE).leaf.public_key
    changes: Changes = {
        "nonce-bit": (NONCE, claim(NONCE, one_bit_other(nonce)), "one bit of the binder the other way"),
        "nonce-zeros": (NONCE, claim(NONCE, bytes(32)), "a nonce of zeros"),
        "nonce-in-a-list": (NONCE, claim(NONCE, [nonce]), "the binder in a list"),
        "nonce-half": (NONCE, claim(NONCE, nonce[:16]), "half of the binder"),
        "nonce-absent": (NONCE, without(NONCE), "no nonce: a cached result"),
        "cnf-of-another": (CNF, claim(CNF, {1: cose.cose_key(other)}), "another key"),
        "cnf-of-the-relying-party": (CNF, claim(CNF, {1: cose.cose_key(own)}), "the relying party's own key"),
        "cnf-absent": (CNF, without(CNF), "no key"),
        "ueid-of-another": (UEID, claim(UEID, b"\x01" + bytes(32)), "another platform"),
        "ueid-short": (UEID, claim(UEID, honest[UEID][:-1]), "one octet less of the UEID"),
        "ueid-absent": (UEID, without(UEID), "no platform"),
        "expired": (EXP, claim(EXP, NOW - 1), "has expired"),
        "expires-now": (EXP, claim(EXP, NOW), "expires this second"),
        "exp-absent": (EXP, without(EXP), "never expires"),
        "of-the-future": (IAT, claim(IAT, NOW + 61), "issued in the future"),
        "profile-of-evidence": (PROFILE, claim(PROFILE, "tag:trustconn.org,2026:tc1"), "the profile of evidence"),
        "profile-of-another-draft": (
            PROFILE,
            claim(PROFILE, "tag:ietf.org,2026:rats/ear#03"),
            "another draft's profile",
        ),
    }
    return told(a, changes)


def told(a: Verifying, changes: Changes) -> Told:
    """Results with those claims changed."""
    return {name: (f"result[{key}]", a.result(change), comment) for name, (key, change, comment) in changes.items()}


def _of_submodules(a: Verifying) -> Told:
    """What is said of the one submodule."""
    honest = cbor.decode(cbor.decode(a.honest)[1].value[2])
    return told(
        a,
        {
            "status-none": (SUBMODS, _submod(_1000=0), "no status"),
            "status-unknown": (SUBMODS, _submod(_1000=1), "a status that says nothing"),
            "status-warning": (SUBMODS, _submod(_1000=32), "a warning"),
            "status-contraindicated": (SUBMODS, _submod(_1000=96), "contraindicated"),
            "status-text": (SUBMODS, _submod(_1000="affirming"), "a status as text"),
            "status-true": (SUBMODS, _submod(_1000=True), "a boolean in place of a status"),
            "status-negative": (SUBMODS, _submod(_1000=-2), "a negative status"),
            "status-absent": (SUBMODS, _submod(_1000=None), "no status at all"),
            "other-policy": (SUBMODS, _submod(_1003=["tc-test-service"]), "by another policy"),
            "two-policies": (SUBMODS, _submod(_1003=["tc-test-device", "tc-test-service"]), "by another policy too"),
            "no-policy": (SUBMODS, _submod(_1003=[]), "by no policy"),
            "policy-absent": (SUBMODS, _submod(_1003=None), "the policy is not named"),
            "revoked-policy": (SUBMODS, _submod(_1003=[REVOKED_POLICY]), "by a policy that is revoked"),
            "no-submodule": (SUBMODS, claim(SUBMODS, {}), "says nothing of anybody"),
            "other-submodule": (SUBMODS, claim(SUBMODS, {"other": honest[SUBMODS]["tc"]}), "says something of another"),
            "second-contraindicated": (
                SUBMODS,
                claim(SUBMODS, {**honest[SUBMODS], "zz": {**honest[SUBMODS]["tc"], STATUS: 96}}),
                "one of two submodules is contraindicated",
            ),
            "submods-absent": (SUBMODS, without(SUBMODS), "no submodules"),
        },
    )


def of_signers(a: Verifying) -> Told:
    """Results that somebody else signed, or that are said to be something else."""
    pki = a.iut.pki
    other, revoked = pki.verifier("another verifier"), pki.verifier(REVOKED_VERIFIER)
    device = pki.party("device")
    made = {
        "other-verifier": (a.result(by=other), "by a verifier that is not pinned"),
        "revoked-verifier": (a.result(by=revoked), "by a verifier that is revoked"),
        "by-the-attester": (a.result(by=device.issued), "by the attester itself"),
        "other-in-its-name": (a.result(by=other, own=False), "by another under the verifier's name"),
        "by-the-attestation-key": (a.result(by=device.attestation, own=False), "by the attestation key"),
        "zeros": (a.result(signature=bytes(64)), "a signature of zeros"),
        "external-aad": (a.result(aad=b"tc1-eat"), "under the domain of evidence"),
        "x5t-zeros": (a.result(header=claim(34, [-16, bytes(32)])), "names nobody"),
        "alg-eddsa": (a.result(header=claim(1, -8)), "another algorithm"),
        "alg-hmac": (a.result(header=claim(1, 5)), "a MAC"),
        "typ-of-a-label": (a.result(header=claim(16, "application/vnd.tc.label+cose")), "the type of a label"),
    }
    return {name: ("result signature", reply, comment) for name, (reply, comment) in made.items()}


def _replies(a: Asked) -> dict[str, tuple[str, bytes, str]]:
    honest = cbor.decode(a.honest)
    evidence = cbor.decode(cbor.decode(cbor.decode(a.request)[1])[1])
    made: dict[str, tuple[bytes, str]] = {
        **{f"error-{code}": (encode({2: code}), "an error in place of a result") for code in range(1, 6)},
        "empty": (b"", "no octets"),
        "number": (b"\x02", "a number"),
        "tier-alone": (encode({1: 2}), "a status in place of a result"),
        "result-and-error": (encode({**honest, 2: 1}), "a result and an error"),
        "claims-alone": (encode({1: cbor.decode(honest[1].value[2])}), "claims that nobody signed"),
        "evidence-itself": (encode({1: evidence}), "the evidence, sent back"),
        "untagged": (encode({1: honest[1].value}), "a result without its tag"),
        "truncated": (a.honest[:-1], "cut short"),
        "trailing-octet": (a.honest + b"\x00", "an octet behind it"),
    }
    return {name: ("reply", reply, comment) for name, (reply, comment) in made.items()}


def _invalid(a: Asked) -> Iterator[Vector]:
    made: Mapping[str, tuple[str, bytes, str]] = {**of_claims(a), **_of_submodules(a), **of_signers(a), **_replies(a)}
    for operator, (field, reply, comment) in made.items():
        check = a.refusing(reply)
        if check is None:
            raise GeneratorError(f"{field} {operator} is accepted")
        form = check in OF_FORM or check == "result_is_given"
        if form or a.refusing(reply, frozenset({check})) is None:
            given = {"reply": octets(reply)}
            yield Vector(requirement(check), field, operator, False, comment, given, refusals=refusals(check))


def _valid(a: Asked) -> Iterator[Vector]:
    made = {
        "honest": (a.honest, "an affirming result"),
        "esp256": (a.result(header=claim(1, -9)), "ESP256 in place of ES256"),
        "further-claim": (a.result(claim(4711, "more")), "a claim that nobody knows"),
        "barely-issued": (a.result(claim(IAT, NOW + 60)), "within what clocks may differ"),
        "tier-31": (a.result(_submod(_1000=31)), "the last affirming value"),
        "two-submodules": (
            a.result(lambda claims: claims[SUBMODS].update({"zz": claims[SUBMODS]["tc"]})),
            "two submodules, both affirming",
        ),
    }
    for operator, (reply, comment) in made.items():
        if (check := a.refusing(reply)) is not None:
            raise GeneratorError(f"{operator} is refused by {check}")
        yield Vector("VER-05", "result", operator, True, comment, {"reply": octets(reply)})


def _common(a: Asked) -> dict[str, Json]:
    request, anchors = cbor.decode(a.request), a.iut._honest.anchors
    return {
        "binder": octets(request[2]),
        "policy": request[4],
        "leaf": octets(request[5]),
        "verifiers": [octets(item.der) for item in anchors.verifiers],
        "revoked_verifiers": sorted(octets(item) for item in anchors.revoked_verifiers),
        "revoked_policies": sorted(anchors.revoked_policies),
        "now": NOW,
        "tolerance": a.iut._honest.policy.clock_tolerance,
    }


def _groups() -> Iterator[Group]:
    a = asked()
    yield Group("device", "result", SOURCE, (*_valid(a), *_invalid(a)), _common(a))


AREA = Area("evidence-result", "A verifier's reply to a relying party that asked about a device.", _groups)
