"""A verifier as such: its results, each binder once, the leaf that it is asked about, its policies, its endurance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.faults import bad_ak
from ..harness.identity.keys import derive_key
from ..harness.identity.revocation import OCSP
from ..harness.tester.result import AFFIRMING, MEASUREMENTS, RAW_EVIDENCE, Expected, claims_in, complaints
from ..harness.tester.verifier_iut import (
    ENDORSEMENTS,
    EVIDENCE,
    LEAF,
    POLICY_ID,
    Exchange,
    Question,
    VerifierIut,
    context_named,
)
from ..harness.verifier.folder import EMPTY_POLICY, PROPERTIES, PROPERTY_POLICY, SERVICE_POLICY
from .asking import ATTESTERS, ROLE, VerifierBench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS
from .test_verifier_evidence import about, with_token

MEASURED, CONFIRMED = "measurements_match_reference_values", "cnf_is_peer_identity_key"

# --- what a result says ----------------------------------------------------------------------------------------------


def wrong_with(bench: VerifierBench, properties: tuple[str, ...] = ()) -> Callable[[Exchange], str]:
    def wrong(exchange: Exchange) -> str:
        if exchange.action != AFFIRMING or exchange.reply is None:
            return f"good evidence was answered by {exchange.action}"
        question, verifier = exchange.question, bench.verifier
        policy: str = question.body[POLICY_ID]
        expected = Expected(question.binder, question.leaf, policy, verifier.now(), properties)
        return "; ".join(complaints(exchange.reply, verifier.certificate, expected))

    return wrong


@for_each(Case(ROLE, ("VER-04", "VER-03"), "affirm", attester) for attester in ATTESTERS)
def test_result(case: Case, bench: VerifierBench) -> None:
    """Good evidence is affirmed by a signed EAR with binder, cnf, verifier, policy id, iat and exp: VER-04."""
    bench.answers_well(bench.verifier.question(case.field), wrong_with(bench))


@for_each([Case(ROLE, ("VER-02", "VER-04"), "affirm", "binder-of-32-octets-that-only-the-relying-party-knows")])
def test_binder_is_taken(case: Case, bench: VerifierBench) -> None:
    """The verifier takes the binder from the relying party, and names that one as eat_nonce: VER-02, VER-04."""
    binder = bytes(16) + bench.verifier.question().binder[16:]
    bench.answers_well(bench.verifier.question(binder=binder), wrong_with(bench))


@for_each([Case(ROLE, ("PBA-02",), "affirm", "properties")])
def test_properties(case: Case, bench: VerifierBench) -> None:
    """A property result names each property with its tier, and neither raw evidence nor measurements: PBA-02."""
    question = bench.verifier.question(policy=PROPERTY_POLICY)

    def wrong(exchange: Exchange) -> str:
        found = wrong_with(bench, tuple(PROPERTIES))(exchange)
        if not found and exchange.reply is not None:
            told = _keys(claims_in(exchange.reply)) & {RAW_EVIDENCE, MEASUREMENTS}
            found = "it tells evidence or measurements" if told else ""
        return found

    bench.answers_well(question, wrong)


def _keys(value: object) -> set[Any]:
    """Every key of every map inside."""
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


@for_each([citing(fault(ROLE, "eat_nonce_is_binder", "ask-for-properties", "evidence-of-another-binder"), "PBA-05")])
def test_properties_of_other_evidence(case: Case, bench: VerifierBench) -> None:
    """Properties must not be affirmed for evidence that carries another binder than the one asked about: PBA-05."""
    bench.answers_no(evidence_of_another_binder(bench.verifier, "device", PROPERTY_POLICY))


@for_each(
    citing(fault(ROLE, "measurements_match_reference_values", "ask-for-properties", field, field), "PBA-05", "PBA-02")
    for field in CLAIMS
    if field.startswith("measurements")
)
def test_properties_that_are_not_there(case: Case, bench: VerifierBench) -> None:
    """Properties must not be affirmed for a platform whose evidence does not show them: PBA-05, ATT-20."""
    tales = CLAIMS[case.data].tale(about("device"))
    bench.answers_no(bench.verifier.question(tales=tales, policy=PROPERTY_POLICY))


# --- each binder once ------------------------------------------------------------------------------------------------


def _same_request(verifier: VerifierIut, first: Question) -> Question:
    return first


def _fresh_evidence(verifier: VerifierIut, first: Question) -> Question:
    return verifier.question(first.role, binder=first.binder)


def _other_policy(verifier: VerifierIut, first: Question) -> Question:
    return verifier.question(first.role, binder=first.binder, policy=PROPERTY_POLICY)


def _other_relying_party(verifier: VerifierIut, first: Question) -> Question:
    second = verifier.question(first.role, binder=first.binder)
    context_named(second, 5, verifier.pki.party("service", "another relying party").leaf.sha256)
    return second


def _other_attester(verifier: VerifierIut, first: Question) -> Question:
    return verifier.question("service", binder=first.binder)


def _after_restart(verifier: VerifierIut, first: Question) -> Question:
    verifier.restart()
    return verifier.question(first.role, binder=first.binder)


def _after_many(verifier: VerifierIut, first: Question) -> Question:
    for _ in range(40):
        verifier.ask(verifier.question())
    return verifier.question(first.role, binder=first.binder)


Again = Callable[[VerifierIut, Question], Question]
AGAIN: dict[str, Again] = {
    "same-request": _same_request,
    "fresh-evidence": _fresh_evidence,
    "other-policy": _other_policy,
    "other-relying-party": _other_relying_party,
    "other-attester": _other_attester,
    "after-restart": _after_restart,
    "after-many-others": _after_many,
}


@for_each(fault(ROLE, "binder_is_new", "ask-again", field) for field in AGAIN)
def test_binder_again(case: Case, bench: VerifierBench) -> None:
    """A request refused solely because its binder was asked about before: VER-01."""
    first = bench.verifier.question()
    bench.verifier.affirmed(first)
    bench.answers_no(AGAIN[case.field](bench.verifier, first))


@for_each(fault(ROLE, "binder_is_new", "ask-again", field) for field in ("after-refused-evidence", "after-wrong-type"))
def test_binder_of_refused_evidence(case: Case, bench: VerifierBench) -> None:
    """A binder is used even where its evidence was refused: nobody tries until something fits. VER-01."""
    verifier = bench.verifier
    if case.field == "after-refused-evidence":
        first = verifier.question(tales=CLAIMS["measurements-one-other"].tale(about("device")))
    else:
        first = verifier.question()
        with_token(first, cbor.decode(first.body[EVIDENCE])[1], indicator=8)
    verifier.answered(first)
    bench.answers_no(verifier.question(binder=first.binder))


# --- whose evidence, and for which binder ----------------------------------------------------------------------------


def _leaf_of_another(verifier: VerifierIut, question: Question) -> None:
    question.body[LEAF] = verifier.pki.party("device", "another").leaf.der


def _leaf_of_the_relying_party(verifier: VerifierIut, question: Question) -> None:
    question.body[LEAF] = verifier.world("service").credentials.leaf.der


def _attestation_certificate(verifier: VerifierIut, question: Question) -> None:
    question.body[LEAF] = question.attester.world.credentials.ak.der


def _bit_of_the_leaf(verifier: VerifierIut, question: Question) -> None:
    question.body[LEAF] = one_bit_other(question.body[LEAF])


def _named_another(verifier: VerifierIut, question: Question) -> None:
    context_named(question, 4, verifier.pki.party("device", "another").leaf.sha256)


def _named_one_bit_other(verifier: VerifierIut, question: Question) -> None:
    context_named(question, 4, one_bit_other(question.context[4]))


def _parties_exchanged(verifier: VerifierIut, question: Question) -> None:
    context_named(question, 5, question.context[4])
    context_named(question, 4, verifier.world("service").credentials.leaf.sha256)


def _other_direction(verifier: VerifierIut, question: Question) -> None:
    context_named(question, 1, 1)
    _parties_exchanged(verifier, question)


Alter = Callable[[VerifierIut, Question], None]
LEAVES: dict[str, Alter] = {
    "leaf-of-another-device": _leaf_of_another,
    "leaf-of-the-relying-party": _leaf_of_the_relying_party,
    "attestation-certificate": _attestation_certificate,
    "one-bit-of-the-leaf": _bit_of_the_leaf,
    "cert_att-of-another-device": _named_another,
    "one-bit-of-cert_att": _named_one_bit_other,
    "cert_att-and-cert_rp-exchanged": _parties_exchanged,
    "context-of-the-other-direction": _other_direction,
}


@for_each(fault(ROLE, "request_names_the_leaf", "ask-about", field) for field in LEAVES)
def test_leaf(case: Case, bench: VerifierBench) -> None:
    """A request refused solely because its context does not name the leaf that it is about: VER-02."""
    question = bench.verifier.question()
    LEAVES[case.field](bench.verifier, question)
    bench.answers_no(question)


def evidence_of_another_binder(verifier: VerifierIut, role: str, policy: str | None = None) -> Question:
    """Good evidence, made for another relying party's binder."""
    question, other = (verifier.question(role, policy=policy) for _ in range(2))
    question.body[EVIDENCE] = other.body[EVIDENCE]
    return question


@for_each(
    citing(fault(ROLE, "eat_nonce_is_binder", "confuse", f"binder-of-another-session-of-a-{a}", a), "VER-03")
    for a in ATTESTERS
)
def test_evidence_of_another_session(case: Case, bench: VerifierBench) -> None:
    """Good evidence for another relying party's binder, refused solely because of that: VER-03 over ATT-16."""
    bench.answers_no(evidence_of_another_binder(bench.verifier, case.data))


@for_each([citing(fault(ROLE, "cnf_is_peer_identity_key", "confuse", "evidence-of-another-device"), "VER-03")])
def test_evidence_of_another_device(case: Case, bench: VerifierBench) -> None:
    """Good evidence of one device, over the binder of another one's session: VER-03 over ATT-17 to ATT-19."""
    verifier = bench.verifier
    question = verifier.question()
    another = verifier.with_credentials("device", **_credentials_of(verifier, "another"))
    question.body[EVIDENCE] = verifier.question(world=another, binder=question.binder).body[EVIDENCE]
    bench.answers_no(question)


def _credentials_of(verifier: VerifierIut, label: str) -> dict[str, Any]:
    other = verifier.pki.party("device", label)
    return {name: getattr(other, name) for name in ("leaf", "chain", "key", "ak", "ak_chain", "ak_key")}


@for_each([citing(fault(ROLE, "cnf_is_peer_identity_key", "confuse", "certificate-of-a-stolen-key"), "VER-03")])
def test_leaf_with_another_key(case: Case, bench: VerifierBench) -> None:
    """A leaf of the same platform for a key that its root of trust does not hold: VER-03 over ATT-17."""
    verifier = bench.verifier
    stolen = verifier.pki.party("device", key=derive_key(verifier.pki.seed, "stolen").public_key()).leaf
    question = verifier.question()
    question.body[LEAF] = stolen.der
    context_named(question, 4, stolen.sha256)
    bench.answers_no(question)


# --- endorsements ----------------------------------------------------------------------------------------------------


def _proofs(verifier: VerifierIut, name: str) -> list[Any]:
    """Proofs of status that another than the attestation branch's authority made, or about something else."""
    pki, ak = verifier.pki, verifier.world("device").credentials.ak
    if name == "of-the-service-branch":
        return list(cbor.decode(pki.staple(ak, pki.service.issuing)))
    if name == "of-the-root":
        return list(cbor.decode(pki.staple(ak, pki.attestation.root)))
    if name == "about-another-certificate":
        return list(cbor.decode(pki.staple(pki.party("device", "another").ak, pki.attestation.issuing)))
    return [[OCSP, b"no proof at all"]]


@for_each(
    citing(fault(ROLE, "ak_is_not_revoked", "endorse", f"{name}", name), "VER-03", "REV-06")
    for name in ("of-the-service-branch", "of-the-root", "about-another-certificate", "of-garbage")
)
def test_endorsements_of_others(case: Case, bench: VerifierBench) -> None:
    """A revoked attestation key that proofs of a foreign chain call good stays revoked: VER-03, REV-05, REV-06."""
    verifier = bench.verifier
    bad = bad_ak(verifier.pki, "device", "revoked", verifier.world("device").credentials.leaf).issued
    world = verifier.with_credentials("device", ak=bad.certificate, ak_chain=bad.chain, ak_key=bad.key)
    question = verifier.question(world=world)
    question.body[ENDORSEMENTS] = _proofs(verifier, case.data)
    bench.answers_no(question)


# --- policies --------------------------------------------------------------------------------------------------------

POLICIES = {
    "unknown": "nobody-has-this-policy",
    "empty-text": "",
    "one-character-more": SERVICE_POLICY + "0",
    "upper-case": "TC-TEST-DEVICE",
    "path": f"../policies/{SERVICE_POLICY}",
    "without-reference-values": EMPTY_POLICY,
}


@for_each(citing(fault(ROLE, "policy_is_known", "ask-for", field), "VER-06") for field in POLICIES)
def test_policy(case: Case, bench: VerifierBench) -> None:
    """Good evidence refused solely because no policy that could affirm anything is asked for: VER-03, VER-06."""
    question = bench.verifier.question()
    question.body[POLICY_ID] = POLICIES[case.field]
    bench.answers_no(question)


@for_each([citing(fault(ROLE, "measurements_match_reference_values", "ask-for", "another-policy"), "VER-03")])
def test_policy_of_others(case: Case, bench: VerifierBench) -> None:
    """Evidence of a device by the policy of services: each policy has its own reference values. VER-03, ATT-20."""
    bench.answers_no(bench.verifier.question(policy=SERVICE_POLICY))
