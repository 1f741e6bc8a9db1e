"""Verdicts: ordering, the rule for refusals, and that no pass exists without its witness."""

import itertools

import pytest

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
from trustconn.model.checks import SILENT, Code, alert, edhoc_error

PARTS = ("control_worked", "fault_reached", "refused_for_reason", "alive_afterwards")
WHOLE = Witness(*PARTS)
STALE, POLICY = alert(Code.STALE), alert(Code.POLICY)
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
        (Outcome(Reaction.REFUSED, alert(Code.INTERNAL)), True, (Verdict.INCONC, Grade.OTHERWISE)),
        (Outcome(Reaction.REFUSED, edhoc_error(Code.STALE)), True, (Verdict.INCONC, Grade.OTHERWISE)),
        (Outcome(Reaction.SILENT), False, (Verdict.INCONC, Grade.SILENT)),
        (Outcome(Reaction.SILENT), True, (Verdict.FAIL, Grade.SILENT)),
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
    assert judge(Outcome(Reaction.SILENT), [SILENT]) == (Verdict.PASS, Grade.SPECIFIED)
    assert judge(Outcome(Reaction.SILENT), [STALE], [SILENT]) == (Verdict.PASS, Grade.TOLERATED)
    assert judge(Outcome(Reaction.ACCEPTED), [SILENT]) == (Verdict.FAIL, Grade.ACCEPTED)


def test_an_outcome_has_a_refusal_exactly_when_it_is_one() -> None:
    for reaction, refusal in [(Reaction.REFUSED, None), (Reaction.ACCEPTED, STALE), (Reaction.REFUSED, SILENT)]:
        with pytest.raises(ValueError, match="refusal"):
            Outcome(reaction, refusal)


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
