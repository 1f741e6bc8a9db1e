"""Exit codes, the same for every command."""

from ..harness.verdict.expected import NOTHING, Expectations
from ..harness.verdict.results import Results
from ..harness.verdict.verdict import Verdict

PASSED = 0
"""All selected tests that apply passed."""
FAILED = 1
"""A test failed."""
USAGE = 2
"""Bad usage, or a bad description of the implementation under test."""
UNDECIDED = 3
"""An error of the tester, an inconclusive test, or nothing that ran; without a failure."""
INTERRUPTED = 130
"""Interrupted; what had happened is kept."""


def of_results(results: Results, expected: Expectations = NOTHING) -> int:
    """The exit code of a run. What failed as expected does not count; what passed against expectation fails it.

    Only a complete run can be green, and only when at least one test passed. A test that was not exercised does not
    hurt one that was: its requirement's status says so.
    """
    ran = [test for test in results.tests if isinstance(test.status, Verdict)]
    verdicts = {Verdict.PASS if expected.met(test) else test.status for test in ran}
    if not results.complete:
        return INTERRUPTED
    if Verdict.FAIL in verdicts or any(expected.broken(ran)):
        return FAILED
    return PASSED if verdicts == {Verdict.PASS} else UNDECIDED
