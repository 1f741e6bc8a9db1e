"""The suite's tests made of attacks: they pass on complete peers and fail solely without the checks they are about."""

import pytest

from trustconn.conformance import kills
from trustconn.conformance.collect import SuiteTest, suite_tests
from trustconn.harness.attack.trial import missing, stories
from trustconn.harness.verdict.verdict import Verdict
from trustconn.model.checks import CHECKS

TESTS = [test for test in suite_tests() if test.id.startswith("test_attacks::")]


def test_there_is_one_for_each_attack() -> None:
    assert [test.case.data.name for test in TESTS] == list(stories())


@pytest.mark.parametrize("test", TESTS, ids=[test.case.id for test in TESTS])
def test_it_passes_with_the_check_and_fails_without(test: SuiteTest) -> None:
    story = test.case.data
    assert kills.verdict(test) is Verdict.PASS
    assert kills.verdict(test, missing(story)) is Verdict.FAIL
    assert {CHECKS[check].requirement for check in story.made} == set(test.case.requirements)
