"""A verifier and evidence in a CMW collection: the good, its form, its items, and items of two requests."""

from __future__ import annotations

from dataclasses import replace

from ..harness.codec import cbor
from ..harness.identity.pki import issue_leaf, serial_number
from ..harness.identity.policy import COLLECTION_FORMAT
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.tester.collection_faults import BUNDLE, FORMS, LABELS, TOKEN
from ..harness.tester.tpm_faults import FAULTS, GOOD
from ..harness.tester.verifier_iut import EVIDENCE, Question, VerifierIut
from ..model.protocol.attestation import EVIDENCE as TOKENS
from .asking import ATTESTERS, ROLE, VerifierBench
from .asking import MALFORMED as REFUSED_AS_MALFORMED
from .case import Case, citing, for_each
from .claiming import CLAIMS
from .parties import LETTERS
from .test_verifier import wrong_with
from .test_verifier_tpm import bundle_about, of_both


def need(bench: VerifierBench) -> VerifierIut:
    """The verifier, if it appraises collections."""
    bench.verifier.need_feature("evidence_accepted", "collection")
    return bench.verifier


def _collected(question: Question) -> dict[object, object]:
    return dict(cbor.decode(question.body[EVIDENCE]))


@for_each(
    Case(ROLE, ("VER-03", "VER-04", "ATT-49"), "affirm", f"collection-{attester}-{field}", data=(attester, field))
    for attester in ATTESTERS
    for field in ("usual", *GOOD)
)
def test_verifier_good_collection(case: Case, bench: VerifierBench) -> None:
    """A good collection is affirmed, whatever the profile leaves open in its bundle: VER-03, VER-04, ATT-49."""
    role, field = case.data
    verifier = need(bench)
    tales = GOOD[field](bundle_about(role)) if field in GOOD else {}
    bench.answers_well(verifier.question(role, kind=COLLECTION_FORMAT, tales=tales), wrong_with(bench))


@for_each(citing(case, "ATT-49") for name, bad in FAULTS.items() for case in of_both(bad.check, "collect", [name]))
def test_verifier_collected_bundle(case: Case, bench: VerifierBench) -> None:
    """A collection refused solely because of one thing in the bundle: VER-03 over ATT-49."""
    role, name = case.data
    verifier = need(bench)
    bench.answers_no(verifier.question(role, kind=COLLECTION_FORMAT, tales=FAULTS[name].tell(bundle_about(role))))


@for_each(citing(case, "ATT-49") for name, bad in CLAIMS.items() for case in of_both(bad.check, "collect", [name]))
def test_verifier_collected_token(case: Case, bench: VerifierBench) -> None:
    """A collection refused solely because of one thing in the token: VER-03 over ATT-49."""
    role, name = case.data
    tales = CLAIMS[name].tale(TOKENS[LETTERS[role]])
    bench.answers_no(need(bench).question(role, kind=COLLECTION_FORMAT, tales=tales))


OTHER_FORMS = [form for form in FORMS if form != "record-of-the-token"]
"""A record is another kind of evidence, which a verifier may appraise as well."""


@for_each(citing(case, "ATT-50") for case in of_both("frame_matches_its_grammar", "reform", OTHER_FORMS))
def test_verifier_collection_form(case: Case, bench: VerifierBench) -> None:
    """Good items refused solely because the collection around them is of another form: VER-03 over ATT-50."""
    role, form = case.data
    question = need(bench).question(role, kind=COLLECTION_FORMAT)
    question.body[EVIDENCE] = cbor.encode(FORMS[form](_collected(question)))
    bench.answers_no(question, REFUSED_AS_MALFORMED)


@for_each(case for name, (check, _) in LABELS.items() for case in of_both(check, "convey-as", [name]))
def test_verifier_collection_label(case: Case, bench: VerifierBench) -> None:
    """Good items refused solely because the collection says that they are something else: VER-03 over ATT-47."""
    role, field = case.data
    question = need(bench).question(role, kind=COLLECTION_FORMAT)
    question.body[EVIDENCE] = cbor.encode(LABELS[field][1](_collected(question)))
    bench.answers_no(question)


SPLICES = {"token": ("eat_nonce_is_binder", TOKEN), "bundle": ("tpm_quote_is_over_the_binder", BUNDLE)}


@for_each(case for what, (check, _) in SPLICES.items() for case in of_both(check, "splice", [f"{what}-of-another"]))
def test_verifier_spliced_collection(case: Case, bench: VerifierBench) -> None:
    """An item of another good request beside one of this: VER-03 over ATT-49."""
    role, field = case.data
    verifier, key = need(bench), SPLICES[field.partition("-")[0]][1]
    question, other = (verifier.question(role, kind=COLLECTION_FORMAT) for _ in range(2))
    question.body[EVIDENCE] = cbor.encode({**_collected(question), key: _collected(other)[key]})
    bench.answers_no(question)


@for_each(of_both("collected_items_are_of_one_start", "count", ("collected-earlier", "collected-later")))
def test_verifier_collection_of_two_starts(case: Case, bench: VerifierBench) -> None:
    """A token that counts another start than the bundle beside it: VER-03 over ATT-49."""
    role, field = case.data
    step = -1 if field.endswith("earlier") else 1
    term = TOKENS[LETTERS[role]].token.bootcount
    tales = {term: lambda peer, honest: cbor.encode(cbor.decode(honest) + step)}
    bench.answers_no(need(bench).question(role, kind=COLLECTION_FORMAT, tales=tales))


@for_each(of_both("tpm_ak_names_peer_device", "issue", ("collected-bundle-of-another-platform",)))
def test_verifier_collected_item_of_another_platform(case: Case, bench: VerifierBench) -> None:
    """A bundle over the right binder by the attestation key of another platform: VER-03 over ATT-49."""
    verifier, role = need(bench), case.data[0]
    pki = verifier.pki
    spec = replace(
        pki.tpm_ak_spec(role), uris=(platform_urn(pki.ueid(ANOTHER)),),
        serial=serial_number(pki.seed, f"collected/{role}"),
    )  # fmt: skip
    world = verifier.with_credentials(role, tpm_ak=issue_leaf(spec, pki.attestation.issuing))
    bench.answers_no(verifier.question(role, kind=COLLECTION_FORMAT, world=world))
