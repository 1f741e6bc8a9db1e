"""Claims that are asked over a variant of the table: what its roles are, and what the claims rest on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trustconn.model.checks import CHECKS, CheckClass
from trustconn.model.extract.committed import expected, shown
from trustconn.model.extract.extract import Extracted
from trustconn.model.extract.removal import remove, symbolic_checks
from trustconn.model.extract.variants import DEFAULT, VARIANTS, variant_of, variant_of_all
from trustconn.model.extract.verdicts import Prover, all_questions, new_prover, prover
from trustconn.model.protocol.tables import BINDINGS
from trustconn.model.statements import Labelled
from trustconn.model.verifier.attack import Attack
from trustconn.model.verifier.checking import Checker
from trustconn.model.verifier.claims import Claim
from trustconn.model.verifier.protocol import Match, Recv, Send, Step, Template
from trustconn.model.verifier.query import Query
from trustconn.model.verifier.replay import ReplayError, replay
from trustconn.model.verifier.verify import Verdict

OTHERS = [name for name in VARIANTS if name not in BINDINGS]


def inside(template: Template) -> set[str]:
    """Every symbol and name in a template."""
    return {template} if isinstance(template, str) else set().union(*map(inside, template))


def steps_of(extracted: Extracted, role: str) -> tuple[Step, ...]:
    return extracted.protocol.role(role).steps


def taken(extracted: Extracted, role: str) -> set[str]:
    steps = extracted.protocol.role(role).steps
    return set().union(*(inside(step.message) for step in steps if isinstance(step, Recv)))


# --- what is asked where ---------------------------------------------------------------------------------------------


def test_a_claim_and_a_check_are_of_one_variant() -> None:
    claims = [claim for variant in VARIANTS.values() for claim in variant.claims]
    assert len(claims) == len(set(claims))
    assert {variant_of(name) for name in symbolic_checks()} == set(VARIANTS)


@pytest.mark.parametrize(
    ("form", "variant", "number"),
    [("tpm2", "tpm", 26), ("psa", "psa", 15), ("collection", "collection", 1), ("pba", "proofs", 3)],
)
def test_what_is_judged_of_one_form_of_evidence_alone_is_left_out_there(form: str, variant: str, number: int) -> None:
    own = [name for name, check in CHECKS.items() if check.form == form and check.cls is CheckClass.SYMBOLIC]
    assert len(own) == number
    assert {variant_of(name) for name in own} == {variant}


def test_a_set_is_left_out_where_its_own_member_is() -> None:
    assert variant_of_all(["ak_is_not_the_identity_key", "tpm_ak_is_for_tpm"]) == "tpm"
    assert variant_of_all(["ak_is_not_the_identity_key"]) == DEFAULT


@pytest.mark.parametrize("variant", OTHERS)
def test_every_role_can_come_to_its_end(variant: str) -> None:
    assert prover(variant=variant).gate() == ""


# --- what roles take in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "role", "variable"),
    [
        ("tpm_quote_is_generated", "service an", "QUOTE_MAGIC_I"),
        ("tpm_quote_covers_the_policy", "service an", "QUOTE_SELECTION_I"),
        ("tpm_identity_key_is_kept", "device na", "TPM_IDK_MADE_R"),
        ("tpm_reset_counts_agree", "device na", "CERTIFICATION_RESET_R"),
        ("psa_nonce_is_binder", "service an", "PSA_NONCE_I"),
        ("psa_client_is_secure", "service an", "PSA_CLIENT_I"),
        ("psa_implementation_is_known", "device na", "PSA_IMPLEMENTATION_R"),
        ("env_token_lifecycle_is_secured", "service an", "PSA_ENV_LIFECYCLE_I"),
        ("property_proofs_verify", "service an", "PROOFS_I"),
        ("proofs_answer_current_lists", "device na", "LIST_R"),
        ("ear_is_affirming", "service an", "EAR_STATUS_I"),
        ("ear_cnf_is_peer_identity_key", "service an", "EAR_CNF_I"),
        ("confirmation_is_by_the_interface", "service an", "key of the confirmation"),
        ("confirmation_names_the_transaction", "service an", "CONFIRMED 2"),
        ("cred_r_virtual_root_is_well_formed", "device nn, virtual service", "endorsing host"),
        ("chain_labels_are_there", "service nn", "NAMED_LABEL_processed"),
        ("chain_names_its_data", "device nn", "NAMED_DATA_created"),
        ("chain_signatures_verify", "service nn", "SIGNED_BY_created"),
        ("chain_subjects_are_signers", "service nn", "SIGNER_processed"),
        ("chain_signers_have_a_path", "device nn", "KEY_processed"),
    ],
)
def test_a_check_that_is_off_leaves_a_variable(check: str, role: str, variable: str) -> None:
    variant = variant_of(check)
    assert variable not in prover(variant=variant).extracted.protocol.role(role).variables
    assert variable in new_prover(variant, frozenset({check})).extracted.protocol.role(role).variables


@pytest.mark.parametrize("check", ["tpm_ak_is_restricted", "tpm_ak_is_the_certified_one"])
def test_an_attestation_key_of_which_nothing_is_known_may_sign_anything(check: str) -> None:
    weak = new_prover("tpm", frozenset({check})).extracted
    assert "loose ak" in taken(weak, "service an, unrestricted attestation key")


def test_quote_and_certification_are_signed_by_one_key_in_one_form() -> None:
    extracted = prover(variant="tpm").extracted
    ((send,), (other,)) = (
        [step for step in extracted.protocol.role(name).steps if isinstance(step, Send)]
        for name in ("TPM quotes", "tam_device certifies its identity key")
    )
    assert send.message[:2] == other.message[:2]
    assert len(send.message[2]) == len(other.message[2])


def test_a_root_of_trust_says_who_asked_for_a_token() -> None:
    extracted = prover(variant="psa").extracted
    tokens = {
        role: next(inside(s.message) for s in steps_of(extracted, role) if isinstance(s, Send))
        for role in ("tam_device", "tam_device answers from outside", "tam_device is not secured")
    }
    assert {"secure client", "secured", "known implementation", "expected"} <= tokens["tam_device"]
    assert "client outside" in tokens["tam_device answers from outside"]
    assert "not secured" in tokens["tam_device is not secured"]
    assert {"secure client", "secured", "expected"} <= taken(extracted, "service an")


def test_the_leaf_of_a_peer_with_a_psa_token_says_where_its_key_is() -> None:
    asked = Recv(("keeps its key", "D"), "certificate policy")
    assert asked in steps_of(prover(variant="psa").extracted, "service an")
    weak = new_prover("psa", frozenset({"psa_leaf_shows_custody"})).extracted
    assert asked not in steps_of(weak, "service an")


def test_a_relying_party_that_asks_takes_nothing_of_evidence_but_the_result() -> None:
    extracted = prover(variant="verifier").extracted
    assert "sign eat" not in taken(extracted, "service an")
    assert "sign result" in taken(extracted, "service an")
    assert "sign eat" in taken(extracted, "verifier of devices, affirming by policy of the relying party")


def test_a_verifier_takes_any_certificate_with_any_key() -> None:
    role = prover(variant="verifier").extracted.protocol.role(
        "verifier of services, affirming by policy of the relying party"
    )
    assert role.variables["key of the leaf"] == "private key"


def test_a_virtualized_root_is_vouched_for_by_the_host_that_it_names() -> None:
    extracted = prover(variant="virtual").extracted
    assert {"sign endorsement", "endorsement key", "host_not_revoked"} <= taken(extracted, "device nn, virtual service")
    assert not {"sign endorsement", "endorsement key"} & taken(extracted, "device nn, virtual device")


def test_a_confirmation_is_of_the_interface_that_evidence_names() -> None:
    extracted = prover(variant="interface").extracted
    assert {"sign confirmation", "public key"} <= taken(extracted, "service an")
    sent = [step.message for step in extracted.protocol.role("tam_device").steps if isinstance(step, Send)]
    assert "confirmation key" in inside(sent[0])
    assert "sign confirmation" not in taken(prover(variant="tpm").extracted, "service an")


def test_the_second_confirmation_of_a_session_must_be_another() -> None:
    steps = prover(variant="interface").extracted.protocol.role("service an").steps
    assert Match("CONFIRMATION_CTI 2", "CONFIRMATION_CTI", equal=False) in steps


def test_a_label_of_a_chain_is_that_of_the_table_without_what_a_session_gives() -> None:
    extracted = prover(variant="chain").extracted
    own = next(s.message for s in steps_of(extracted, "device nn") if isinstance(s, Send) and s.label == "DATA_I")
    (label,) = (s.message for s in steps_of(extracted, "processor") if isinstance(s, Send))
    assert {"sign label", "leaf_digest", "tc1-label"} <= inside(own) & inside(label)
    assert "sequence_i 2" in inside(own) and "sequence_i" not in str(label)


def test_the_labels_of_inputs_come_before_the_data_and_name_each_other() -> None:
    taken = [s.message for s in steps_of(prover(variant="chain").extracted, "service nn") if isinstance(s, Recv)]
    original, made = [message for message in taken if message[0] == "sign label"]
    digest = ("sha256", original)
    assert digest in made[2] and digest not in original[2]
    assert ("sha256", made) not in made[2] and str(("sha256", made)) in str(taken[taken.index(made) + 2])


def test_whoever_forwards_data_sends_what_came() -> None:
    for role in ("device nn", "service nn"):
        matches = [s for s in steps_of(prover(variant="chain").extracted, role) if isinstance(s, Match) and s.equal]
        assert len(matches) == 2  # What it sends, and what it takes.


def test_a_step_below_that_of_the_peer_is_authentic_whoever_the_others_are() -> None:
    asked = new_prover("chain")
    claims = [
        claim
        for question in all_questions(("CLM-18",))
        for statement, scenario in question.scenarios
        if isinstance(statement, Labelled) and statement.step == "created" and question.expected == "proof"
        for claim in asked.claims(statement, scenario)
    ]
    others = [dict(claim.classes) for claim in claims]
    assert {"D": "stolen-identity-key", "A": "stolen-identity-key"} in others
    assert {"S": "stolen-identity-key", "A": "stolen-identity-key"} in others
    assert {} in others


# --- removals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checks", "claims"),
    [
        (("tpm_ak_is_restricted",), ("CLM-24", "CLM-25")),
        (("tpm_identity_key_is_kept",), ("CLM-24", "CLM-25")),
        (("tpm_reset_counts_agree",), ("CLM-24",)),
        (("tpm_quote_is_a_quote",), ()),
        (("ak_is_not_the_identity_key", "tpm_ak_is_for_tpm"), ("CLM-24", "CLM-25", "CLM-26")),
        (("psa_signature_verifies",), ("CLM-27", "CLM-28")),
        (("psa_client_is_secure",), ("CLM-27", "CLM-28")),
        (("psa_implementation_is_known",), ("CLM-27",)),
        (("psa_leaf_shows_custody",), ("CLM-27",)),
        (("psa_instance_is_peer_device",), ()),
        (("ak_is_not_the_identity_key", "psa_ak_is_for_psa"), ("CLM-27", "CLM-28")),
        (("collected_items_are_of_one_start",), ("CLM-29",)),
        (("commitment_signature_verifies",), ("CLM-30",)),
        (("property_proofs_verify",), ("CLM-30",)),
        (("proofs_answer_current_lists",), ("CLM-30",)),
        (("ear_nonce_is_binder",), ("CLM-19",)),
        (("ear_names_the_policy",), ("CLM-19",)),
        (("request_names_the_leaf",), ()),
        (("cred_i_physical_root_is_not_revoked",), ("CLM-23",)),
        (("cred_r_endorser_key_is_for_that_alone",), ("CLM-23",)),
        (("confirmation_is_by_the_interface",), ("CLM-21",)),
        (("confirmation_names_the_transaction",), ("CLM-21",)),
        (("confirmation_is_new",), ("CLM-21",)),
        (("forwarded_data_is_unchanged",), ("CLM-18",)),
        (("chain_labels_are_there",), ("CLM-18",)),
        (("chain_names_its_data",), ("CLM-18",)),
        (("chain_signatures_verify",), ("CLM-18",)),
        (("chain_subjects_are_signers",), ("CLM-18",)),
        (("chain_signers_have_a_path",), ("CLM-18",)),
        (("chain_signers_are_not_revoked",), ("CLM-18",)),
    ],
)
def test_what_a_check_carries(checks: tuple[str, ...], claims: tuple[str, ...]) -> None:
    removal = remove(checks)
    assert tuple(breach.claim for breach in removal.breaches) == claims
    assert removal.variant == variant_of_all(checks)
    assert tuple(expected()["matrix"][" + ".join(checks)]["broken"]) == claims


@pytest.mark.parametrize(
    "check",
    [
        "eat_signature_verifies",
        "eat_nonce_is_binder",
        "cnf_is_peer_identity_key",
        "tpm_quote_signature_verifies",
        "tpm_quote_is_over_the_binder",
        "tpm_certification_is_over_the_binder",
        "tpm_reset_counts_agree",
    ],
)
def test_an_item_of_another_platform_session_or_signer_is_seen_in_a_collection(check: str) -> None:
    """These checks are left out of the forms of evidence that have them alone; here they are of one item."""
    weak = new_prover("collection", frozenset({check}))
    (question,) = (q for q in all_questions(variant="collection") if q.expected == "proof")
    assert weak.decide(question).kind == "attack"


def test_a_proof_stands_in_for_the_binder_in_the_token() -> None:
    """Both hold the binder: without one of them the other does, without both neither."""
    (question,) = (q for q in all_questions(variant="proofs") if q.expected == "proof")
    for off, kind in (
        (("eat_nonce_is_binder",), "proof"),
        (("eat_nonce_is_binder", "property_proofs_verify"), "attack"),
    ):
        assert new_prover("proofs", frozenset(off)).decide(question).kind == kind


def test_a_proof_tells_what_it_shows_and_not_what_with() -> None:
    (symbol,) = (s for s in prover(variant="proofs").extracted.protocol.symbols.values() if s.name == "property proof")
    assert [opening.yields for opening in symbol.opens] == [1]
    assert symbol.builds == ((0, 1),)


@pytest.mark.parametrize(
    ("check", "variant"),
    [
        ("tpm_identity_key_is_kept", "tpm"),
        ("psa_client_is_secure", "psa"),
        ("collected_items_are_of_one_start", "collection"),
        ("proofs_answer_current_lists", "proofs"),
        ("chain_names_its_data", "chain"),
    ],
)
def test_an_attack_on_a_variant_is_replayed_without_the_check_and_not_with_it(check: str, variant: str) -> None:
    """By the replayer, which shares nothing with the search."""
    attack = Attack.from_json(shown()[check]["attack"])
    assert shown()[check]["variant"] == variant
    classes = dict(attack.classes)
    for without, replays in ((frozenset({check}), True), (frozenset(), False)):
        weak = new_prover(variant, without)
        queries = _queries(weak, variant, classes)
        assert any(_replays(weak, attack, query, powers) for query, powers in queries) is replays


def _queries(weak: Prover, variant: str, classes: dict[str, str]) -> list[tuple[Query, frozenset[str]]]:
    found = []
    for question in all_questions(variant=variant):
        for statement, scenario in question.scenarios:
            for claim in weak.claims(statement, scenario):
                queries = claim.queries(weak.extracted.protocol)
                found += [(query, scenario.powers) for query in queries if dict(query.classes) == classes]
    return found


def _replays(weak: Prover, attack: Attack, query: Query, powers: frozenset[str]) -> bool:
    try:
        replay(weak.extracted.protocol, attack, query, powers)
    except (ReplayError, KeyError):
        return False
    return True


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", OTHERS)
def test_all_proofs_of_a_variant_are_checked(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one direction; the other mirrors it."""
    fresh = new_prover(variant, modes=VARIANTS[variant].modes[:1])
    found: list[tuple[Claim, frozenset[str], Verdict]] = []
    verify = fresh.verifier.verify

    def noted(claim: Claim, **options: Any) -> Verdict:
        verdict = verify(claim, **options, certify=True)
        found.append((claim, options["powers"], verdict))
        return verdict

    monkeypatch.setattr(fresh.verifier, "verify", noted)  # Every question goes through it.
    for question in all_questions(variant=variant):
        if question.expected == "proof":
            assert fresh.decide(question).kind == "proof"
    proofs = [one for one in found if one[2].kind == "proof"]
    assert proofs
    checkers: dict[frozenset[str], Checker] = {}
    for claim, powers, verdict in proofs:
        assert verdict.certificate is not None
        checker = checkers.setdefault(powers, Checker(fresh.extracted.protocol, powers))
        for query, given in zip(claim.queries(fresh.extracted.protocol), verdict.certificate.trees, strict=True):
            assert checker.check(query, json.loads(json.dumps(given))) >= 0
