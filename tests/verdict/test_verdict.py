"""Verdicts: ordering, the rule for refusals, and that no pass exists without its witness."""

import itertools

import pytest

from trustconn.harness.verdict.allowed import allowed_refusals
from trustconn.harness.verdict.catalogue import requirement_records
from trustconn.harness.verdict.verdict import (
    Grade,
    Judgement,
    NotApplicable,
    NotExercised,
    NotYetImplemented,
    Outcome,
    Reaction,
    UnwitnessedPass,
    Verdict,
    Witness,
    judge,
    judged,
    requirement_status,
    worst,
)
from trustconn.model.checks import CHECKS
from trustconn.spec import requirements

PARTS = ("control_worked", "fault_reached", "refused_for_reason", "alive_afterwards")
WHOLE = Witness(*PARTS)
STALE, POLICY = "alert:25", "alert:27"
UNTESTED = NotYetImplemented("no test")


def test_a_verdict_never_improves() -> None:
    order = [Verdict.NONE, Verdict.PASS, Verdict.INCONC, Verdict.FAIL, Verdict.ERROR]
    for better, worse in itertools.combinations(order, 2):
        assert worst([worse, better]) is worst([better, worse]) is worse
    assert worst([]) is Verdict.NONE


@pytest.mark.parametrize(
    ("observed", "alert_required", "expected"),
    [
        (Outcome(Reaction.REFUSED, STALE), True, (Verdict.PASS, Grade.SPECIFIED)),
        (Outcome(Reaction.REFUSED, POLICY), True, (Verdict.PASS, Grade.TOLERATED)),
        (Outcome(Reaction.REFUSED, "alert:80"), True, (Verdict.INCONC, Grade.OTHERWISE)),
        (Outcome(Reaction.REFUSED, "edhoc-error:25"), True, (Verdict.INCONC, Grade.OTHERWISE)),
        (Outcome(Reaction.REFUSED, "close"), False, (Verdict.INCONC, Grade.SILENT)),
        (Outcome(Reaction.REFUSED, "close"), True, (Verdict.FAIL, Grade.SILENT)),
        (Outcome(Reaction.REFUSED, "drop"), True, (Verdict.FAIL, Grade.SILENT)),
        (Outcome(Reaction.REFUSED, "close-frame"), True, (Verdict.INCONC, Grade.OTHERWISE)),
        (Outcome(Reaction.ACCEPTED), False, (Verdict.FAIL, Grade.ACCEPTED)),
        (Outcome(Reaction.CRASHED), False, (Verdict.FAIL, Grade.CRASHED)),
        (Outcome(Reaction.HUNG), False, (Verdict.FAIL, Grade.HUNG)),
        (Outcome(Reaction.FLAKY), False, (Verdict.FAIL, Grade.FLAKY)),
    ],
)
def test_a_reaction_is_judged_by_what_is_allowed_there(
    observed: Outcome, alert_required: bool, expected: tuple[Verdict, Grade]
) -> None:
    assert judge(observed, [STALE], [POLICY], alert_required) == expected


def test_silence_passes_only_where_the_specification_asks_for_it() -> None:
    closed = Outcome(Reaction.REFUSED, "close")
    assert judge(closed, ["close"]) == (Verdict.PASS, Grade.SPECIFIED)
    assert judge(closed, [STALE], ["close"]) == (Verdict.PASS, Grade.TOLERATED)
    assert judge(closed, ["drop"]) == (Verdict.INCONC, Grade.SILENT)
    assert judge(Outcome(Reaction.ACCEPTED), ["close"]) == (Verdict.FAIL, Grade.ACCEPTED)


def test_an_outcome_has_an_action_exactly_when_it_is_a_refusal() -> None:
    for reaction, action in [(Reaction.REFUSED, ""), (Reaction.ACCEPTED, STALE)]:
        with pytest.raises(ValueError, match=reaction.value):
            Outcome(reaction, action)


def test_a_check_allows_its_own_code_and_what_the_specification_tolerates() -> None:
    allowed = allowed_refusals(CHECKS["eat_is_recent"], handshake=False)
    assert STALE in allowed.specified
    assert not allowed.specified & allowed.tolerated
    assert "close" in allowed_refusals(CHECKS["record_tag_verifies"], handshake=False).specified


def test_every_check_has_a_way_to_refuse() -> None:
    assert all(allowed_refusals(check, handshake=True).specified for check in CHECKS.values())


def test_a_requirement_without_tests_says_whether_it_binds_and_what_decides_it() -> None:
    standings = {record.id: record.otherwise for record in requirement_records(["device"])}
    assert standings["OVR-03"] == NotApplicable("it binds: service")
    assert standings["OVR-02"] == NotExercised("no selected test cites it")
    assert standings["OVR-01"] == NotExercised("a statement of the implementer decides it")
    unwritten = [name for name, item in requirements().items() if not item.implemented]
    assert all(isinstance(standings[name], NotYetImplemented | NotApplicable) for name in unwritten)
    assert standings["TLS-01"] == NotApplicable("the binding is edhoc")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("absent", [None, ""])
def test_no_pass_without_each_part_of_the_witness(part: str, absent: str | None) -> None:
    witness = Witness(**{name: absent if name == part else name for name in PARTS})
    with pytest.raises(UnwitnessedPass, match=part):
        Judgement(Verdict.PASS, True, Grade.SPECIFIED, witness)
    lowered = judged(Verdict.PASS, Grade.SPECIFIED, witness)
    assert lowered.verdict is Verdict.INCONC
    assert part in lowered.reason


def test_no_pass_for_a_fault_without_any_witness_or_with_a_failing_grade() -> None:
    for grade, witness in [(Grade.SPECIFIED, None), (Grade.ACCEPTED, WHOLE), (None, WHOLE)]:
        with pytest.raises(UnwitnessedPass):
            Judgement(Verdict.PASS, True, grade, witness)
    assert Judgement(Verdict.PASS, True, Grade.TOLERATED, WHOLE).verdict is Verdict.PASS


def test_a_missing_witness_excuses_nothing() -> None:
    assert judged(Verdict.FAIL, Grade.ACCEPTED, Witness(), "accepted").verdict is Verdict.FAIL


def test_a_test_without_a_fault_has_no_witness_to_show() -> None:
    with pytest.raises(ValueError, match="sends a fault"):
        Judgement(Verdict.PASS, False, Grade.SPECIFIED, WHOLE)
    with pytest.raises(ValueError, match="verdict"):
        Judgement(Verdict.NONE, False)


def test_a_requirement_is_as_good_as_its_worst_test() -> None:
    skipped = NotExercised("no clock verb")
    assert requirement_status([Verdict.PASS, Verdict.FAIL, skipped, Verdict.INCONC], UNTESTED) is Verdict.FAIL
    assert requirement_status([skipped, Verdict.PASS], UNTESTED) is Verdict.PASS


def test_a_requirement_without_verdicts_says_why() -> None:
    skipped, exempt = NotExercised("no clock verb"), NotApplicable("service only")
    assert requirement_status([exempt, skipped], UNTESTED) is skipped
    assert requirement_status([exempt], UNTESTED) is exempt
    assert requirement_status([], UNTESTED) is UNTESTED
