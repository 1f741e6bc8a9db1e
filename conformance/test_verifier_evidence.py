"""A verifier and evidence of every kind: the good, and what is solely wrong in one thing.

The same faults that a relying party must refuse (test_evidence) are put before the verifier, for attesters of either
role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.faults import ATTESTATION_FAULTS, bad_ak, endorsements
from ..harness.tester.attesting import Attester, cmw
from ..harness.tester.verifier_iut import EVIDENCE as EVIDENCE_KEY
from ..harness.tester.verifier_iut import Question
from ..model.protocol.attestation import EVIDENCE, Evidence
from .asking import ATTESTERS, MALFORMED, ROLE, VerifierBench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS, FURTHER
from .forging import resigned
from .parties import LETTERS
from .test_evidence import CONTEXTS, FORMS, unsigned_claims


def about(role: str) -> Evidence:
    """Terms of an attester's evidence."""
    return EVIDENCE[LETTERS[role]]


def of_both(check: str, operator: str, fields: Iterable[str], *cited: str) -> Iterator[Case]:
    """A case for each field and each role of the attester, which `data` names with the field."""
    for attester in ATTESTERS:
        for field in fields:
            case = fault(ROLE, check, operator, f"{attester}-{field}", (attester, field))
            yield citing(case, "VER-03", *cited)


def with_token(question: Question, token: bytes, kind: int | str = 263, indicator: int = 4) -> Question:
    """The question with other evidence in it."""
    question.body[EVIDENCE_KEY] = cmw(token, kind, indicator)
    return question


def token_of(question: Question) -> bytes:
    """The token in a question."""
    token = cbor.decode(question.body[EVIDENCE_KEY])[1]
    assert isinstance(token, bytes)
    return token


@for_each(case for field in CLAIMS for case in of_both(CLAIMS[field].check, "claim", [field]))
def test_verifier_claim(case: Case, bench: VerifierBench) -> None:
    """A token, well signed, refused solely because of one claim or header: VER-03 over ATT-08 to ATT-23."""
    role, field = case.data
    bench.answers_no(bench.verifier.question(role, tales=CLAIMS[field].tale(about(role))))


@for_each(case for field in FURTHER for case in of_both("eat_claims_have_their_types", "claim", [field]))
def test_verifier_type_of_claim(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because an optional claim has not the form of the grammar: VER-03 over ATT-51."""
    role, field = case.data
    bench.answers_no(bench.verifier.question(role, tales={about(role).further: FURTHER[field]}))


@for_each(case for field, bad in ATTESTATION_FAULTS.items() for case in of_both(bad.check, "issue", [field]))
def test_verifier_attestation_certificate(case: Case, bench: VerifierBench) -> None:
    """Evidence refused solely because of what its signer's certificate is: VER-03 over ATT-12 to ATT-19, REV-05."""
    role, field = case.data
    verifier = bench.verifier
    bad = bad_ak(verifier.pki, role, field, verifier.world(role).credentials.leaf)
    world = verifier.with_credentials(role, ak=bad.issued.certificate, ak_chain=bad.issued.chain, ak_key=bad.issued.key)
    bench.answers_no(verifier.question(role, world=world, endorsements=endorsements(verifier.pki, bad)))


@for_each(of_both("eat_signature_verifies", "sign", ("bit", "identity-key", "zero")))
def test_verifier_signature(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because its attestation key did not sign it: VER-03 over ATT-11."""
    role, by = case.data
    token = about(role).token

    def signature(peer: Attester, honest: bytes) -> bytes:
        if by == "identity-key":
            return peer.world.tam.sign_identity(peer.tam.run.value(token.tbs))
        return bytes(64) if by == "zero" else one_bit_other(honest)

    bench.answers_no(bench.verifier.question(role, tales={token.signature: signature}))


@for_each(of_both("frame_matches_its_grammar", "reform", FORMS, "ATT-08"))
def test_verifier_form_of_token(case: Case, bench: VerifierBench) -> None:
    """Evidence refused solely because it is no tagged COSE_Sign1 with exactly the right headers: VER-03, ATT-08."""
    role, form = case.data
    question = bench.verifier.question(role)
    token = FORMS[form](question.attester.world, token_of(question))
    bench.answers_no(with_token(question, token), MALFORMED)


@for_each(of_both("eat_signature_verifies", "resign", CONTEXTS, "ATT-08"))
def test_verifier_separation(case: Case, bench: VerifierBench) -> None:
    """A token signed as another kind of object, refused solely because of its external_aad: VER-03, ATT-08, ATT-11."""
    role, field = case.data
    question = bench.verifier.question(role)
    changed = resigned(question.attester.world, token_of(question), lambda parts: None, CONTEXTS[field])
    bench.answers_no(with_token(question, changed))


TYPES: dict[str, int | str] = {
    "eat-as-jwt": 264,
    "unsigned-claims": 267,
    "psa-token": "application/psa-attestation-token",
    "octets": 42,
    "ear": 'application/eat+cwt; eat_profile="tag:ietf.org,2026:rats/ear#04"',
}


@for_each(of_both("cmw_type_was_accepted", "convey-as", TYPES))
def test_verifier_type_of_evidence(case: Case, bench: VerifierBench) -> None:
    """Good evidence refused solely because it is announced as a type that no policy knows: VER-03."""
    role, name = case.data
    question = bench.verifier.question(role)
    bench.answers_no(with_token(question, token_of(question), TYPES[name]))


@for_each(of_both("cmw_type_was_accepted", "convey", ("unsigned",), "ATT-33"))
def test_verifier_unsigned_claims(case: Case, bench: VerifierBench) -> None:
    """Claims without any signature, announced as what they are: VER-03, ATT-33."""
    question = bench.verifier.question(case.data[0])
    bench.answers_no(with_token(question, unsigned_claims(token_of(question)), TYPES["unsigned-claims"]))


@for_each(of_both("cmw_is_marked_evidence", "convey-as", [f"indicator-{n}" for n in (1, 2, 8, 12, 16)]))
def test_verifier_indicator(case: Case, bench: VerifierBench) -> None:
    """Good evidence refused solely because its wrapper says that it is something else: VER-03, ATT-07."""
    role, name = case.data
    question = bench.verifier.question(role)
    bench.answers_no(with_token(question, token_of(question), indicator=int(name.rpartition("-")[2])))
