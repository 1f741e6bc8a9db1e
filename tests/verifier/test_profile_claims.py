"""The claims of the specification over the roles that the table gives: verdicts as committed, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trustconn.model.claims import STATEMENTS
from trustconn.model.extract.committed import expected
from trustconn.model.extract.expected import decided, differences
from trustconn.model.extract.extract import Extracted, extract
from trustconn.model.extract.modes import MODES, Mode
from trustconn.model.extract.removal import remove
from trustconn.model.extract.variants import VARIANTS
from trustconn.model.extract.verdicts import Prover, Question, all_questions, questions
from trustconn.model.extract.verdicts import prover as whole_profile
from trustconn.model.protocol.tables import profile
from trustconn.model.verifier.protocol import Match, Recv, Template

ATTEST, WAIVE, NOTHING = (Mode(letter, letter) for letter in "awn")


@pytest.fixture(scope="module")
def prover() -> Prover:
    return whole_profile()


def symbols(template: Template) -> set[str]:
    """Every symbol and name in a template."""
    if isinstance(template, str):
        return {template}
    return set().union(*map(symbols, template))


def received(extracted: Extracted, role: str) -> set[str]:
    steps = extracted.protocol.role(role).steps
    return set().union(*(symbols(step.message) for step in steps if isinstance(step, Recv)))


# --- verdicts --------------------------------------------------------------------------------------------------------


def test_every_role_can_come_to_its_end(prover: Prover) -> None:
    assert prover.gate() == ""
    assert set(prover.extracted.base.values()) >= {"device", "service", "tam_device", "tam_service"}
    assert len(prover.extracted.roles("device")) == len(MODES)


@pytest.mark.parametrize("question", all_questions(), ids=lambda q: q.id)
def test_the_verdict_is_the_committed_one(question: Question) -> None:
    decision = whole_profile(variant=question.variant).decide(question)
    known = expected()["claims"][question.id]
    assert decision.kind == known["verdict"]
    assert known["powers"] == list(question.powers)
    assert (decision.attack is not None) == (decision.kind == "attack")


@pytest.mark.parametrize("question", all_questions(variant="tls"), ids=lambda q: q.id)
def test_the_verdict_is_the_same_over_tls(question: Question) -> None:
    decision = whole_profile(variant="tls").decide(question)
    assert decision.kind == expected()["claims"][question.id]["verdict"]


def test_the_numbers_of_states_are_the_committed_ones() -> None:
    decisions = list(decided())
    assert differences(decisions, states=True) == []
    fewer = [replace(decisions[0], states=decisions[0].states - 1), replace(decisions[1], kind="proof")]
    assert [line.split(": ")[1].split(",")[0] for line in differences(fewer, states=True)] == [
        f"{fewer[0].states} states", "proof"
    ]  # fmt: skip


def test_a_role_that_cannot_finish_makes_every_verdict_vacuous() -> None:
    prover = Prover(profile(), modes=(Mode("w", "w"),))
    protocol = prover.extracted.protocol
    nobody_signs = tuple(role for role in protocol.roles if not role.name.startswith("authority"))
    prover.verifier.protocol = replace(protocol, roles=nobody_signs)
    question = next(questions("CLM-01"))
    assert "device ww" in prover.gate()
    assert prover.decide(question).kind == "vacuous"


# --- what a removed check breaks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "claim", "mode"),
    [
        ("signature_2_verifies", "CLM-15", NOTHING),
        ("eat_nonce_is_binder", "CLM-04", ATTEST),
        ("ak_names_peer_device", "CLM-05", ATTEST),
        ("label_signature_verifies", "CLM-08", NOTHING),
        ("label_seq_increases", "CLM-09", NOTHING),
        ("waiver_signature_verifies", "CLM-13", WAIVE),
        ("waiver_names_the_peer_leaf", "CLM-13", WAIVE),
        ("frame_is_expected", "CLM-07", NOTHING),
        ("suite_is_most_preferred", "CLM-12", NOTHING),
    ],
)
def test_without_a_check_its_claim_has_an_attack(check: str, claim: str, mode: Mode) -> None:
    removal = remove((check,), (claim,), modes=(mode,))
    assert [breach.claim for breach in removal.breaches] == [claim]
    assert removal.breaches[0].attack.runs
    assert claim in expected()["matrix"][check]["broken"]


def test_every_symbolic_check_has_a_committed_answer() -> None:
    from trustconn.model.extract.removal import symbolic_checks

    assert set(symbolic_checks()) <= set(expected()["matrix"])


# --- the roles -------------------------------------------------------------------------------------------------------


def test_a_check_that_is_on_fixes_what_it_judges() -> None:
    strong = extract(profile(), modes=(ATTEST,))
    assert not [name for name in received(strong, "device aa") | received(strong, "service aa") if name.endswith("~")]
    assert "key of R" not in strong.protocol.role("device aa").variables


@pytest.mark.parametrize(
    ("check", "role", "variable"),
    [
        ("cred_r_path_verifies", "device aa, any identity key", "key of R"),
        ("cred_i_is_authorised", "service aa", "name of I"),
        ("ak_names_peer_device", "device aa", "platform of R"),
        ("eat_nonce_is_binder", "service aa", "EAT_NONCE_I"),
        ("label_digest_is_content", "device aa", "LABEL_DIGEST_R"),
        ("measurements_match_reference_values", "service aa", "MEASUREMENTS_I"),
    ],
)
def test_a_check_that_is_off_leaves_a_variable(check: str, role: str, variable: str) -> None:
    assert variable not in extract(profile(), modes=(ATTEST,)).protocol.role(role.partition(",")[0]).variables
    weak = extract(profile(), without=frozenset({check}), modes=(ATTEST,)).protocol.role(role)
    assert variable in weak.variables


def test_an_unverified_tag_is_the_weak_twin() -> None:
    weak = extract(profile(), without=frozenset({"record_tag_verifies"}), modes=(ATTEST,))
    assert "record R0~" in received(weak, "device aa")


def test_records_out_of_sequence_are_of_one_kind() -> None:
    loose = extract(profile(), without=frozenset({"record_is_in_sequence"}), modes=(ATTEST,))
    assert "record" in received(loose, "device aa")


def test_sequence_numbers_of_labels_differ_while_they_are_judged() -> None:
    def differing(without: frozenset[str]) -> int:
        steps = extract(profile(), without=without, modes=(ATTEST,)).protocol.role("service aa").steps
        return sum(isinstance(s, Match) and not s.equal and "LABEL_SEQ" in str(s.left) for s in steps)

    assert differing(frozenset()) == 1
    assert differing(frozenset({"label_seq_increases"})) == 0


def test_no_role_holds_what_its_peer_draws() -> None:
    roles = extract(profile()).protocol.roles
    assert all(
        "y" not in role.fresh and "nonce_r" not in role.fresh for role in roles if role.name.startswith("device")
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_statement_speaks_of_some_role(variant: str) -> None:
    """An event that no way through the table comes to would make a claim about nothing."""
    extracted = whole_profile(variant=variant).extracted
    events = {(extracted.base[role], event) for role, event in extracted.snapshots}
    asked = {question.claim for question in all_questions(variant=variant)}
    assert {(s.role, s.at) for claim in asked for s in STATEMENTS[claim]} <= events


def test_data_without_a_label_is_taken_where_data_with_one_is() -> None:
    """It needs no statement of its own: the gate is before both."""
    rows = [row for row in profile().rows if any(event.name == "data_accepted" for event in row.events)]
    assert {row.state for row in rows} == {"OPEN"}
