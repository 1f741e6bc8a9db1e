"""Exit codes of a run: green needs a pass, and nothing that is not one."""

import pytest

from trustconn.cli import exit_code
from trustconn.harness.verdict.records import Header, TestCase, TestResult
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Judgement, NotApplicable, NotExercised, Verdict

HEADER = Header("2026-11-21T10:00:00Z", {}, (), 0)
CASE = TestCase("open", ("SES-03",), "device", "none", "", False, "trustconn run --rerun open")
PASS, INCONC, FAIL, ERROR = Verdict.PASS, Verdict.INCONC, Verdict.FAIL, Verdict.ERROR
SKIPPED, EXEMPT = NotExercised("no clock"), NotApplicable("service only")


@pytest.mark.parametrize(
    ("statuses", "complete", "expected"),
    [
        ([PASS, PASS], True, 0),
        ([PASS, SKIPPED, EXEMPT], True, 0),
        ([PASS, FAIL, ERROR, INCONC], True, 1),
        ([PASS, INCONC], True, 3),
        ([PASS, ERROR], True, 3),
        ([], True, 3),
        ([SKIPPED, EXEMPT], True, 3),
        ([PASS, SKIPPED], False, 130),
        ([FAIL], False, 130),
    ],
)
def test_exit_code_of_a_run(
    statuses: list[Verdict | NotExercised | NotApplicable], complete: bool, expected: int
) -> None:
    judgements = [Judgement(status, False) if isinstance(status, Verdict) else status for status in statuses]
    results = Results(HEADER, (), tuple(TestResult(CASE, judgement) for judgement in judgements), complete)
    assert exit_code.of_results(results) == expected
