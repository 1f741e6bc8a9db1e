"""Expected failures: they count as expected, what passes against expectation counts as a failure, and nothing else."""

import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trustconn.cli import exit_code
from trustconn.harness.verdict.expected import Expectations, load, template
from trustconn.harness.verdict.records import Header, TestCase, TestResult
from trustconn.harness.verdict.reports import EXPECTED, FAILURES, write_reports
from trustconn.harness.verdict.request import RequestError
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Judgement, NotExercised, Verdict

PASS, FAIL, INCONC, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.INCONC, Verdict.ERROR


def results(**statuses: Verdict | None) -> Results:
    """A whole run: test name to verdict; each test cites ATT-16."""
    tests = []
    for name, verdict in statuses.items():
        case = TestCase(name, ("ATT-16",), "service", "operator", "field", False, f"again {name}")
        judged = Judgement(verdict, False, reason=f"seen\n{name}") if verdict else NotExercised("no clock")
        tests.append(TestResult(case, judged))
    return Results(Header("2026-11-01T00:00:00Z", {}, (), 0), (), tuple(tests), True)


BY_TEST = Expectations({"a": "later"}, {})
BY_REQUIREMENT = Expectations({}, {"ATT-16": "later"})


@pytest.mark.parametrize(
    ("expected", "run", "code"),
    [
        (BY_TEST, {"a": FAIL, "b": PASS}, exit_code.PASSED),
        (BY_TEST, {"a": INCONC, "b": PASS}, exit_code.PASSED),
        (BY_TEST, {"a": FAIL}, exit_code.PASSED),
        (BY_TEST, {"a": FAIL, "b": FAIL}, exit_code.FAILED),
        (BY_TEST, {"a": PASS, "b": PASS}, exit_code.FAILED),
        (BY_TEST, {"a": ERROR, "b": PASS}, exit_code.UNDECIDED),
        (BY_TEST, {"a": None, "b": PASS}, exit_code.PASSED),
        (BY_TEST, {"a": None}, exit_code.UNDECIDED),
        (BY_TEST, {"b": PASS}, exit_code.PASSED),
        (BY_REQUIREMENT, {"a": FAIL, "b": PASS}, exit_code.PASSED),
        (BY_REQUIREMENT, {"a": FAIL, "b": FAIL}, exit_code.PASSED),
        (BY_REQUIREMENT, {"a": PASS, "b": None}, exit_code.FAILED),
        (BY_REQUIREMENT, {"a": None, "b": ERROR}, exit_code.UNDECIDED),
    ],
)
def test_what_is_expected_decides_the_exit_code(
    expected: Expectations, run: dict[str, Verdict | None], code: int
) -> None:
    assert exit_code.of_results(results(**run), expected) == code


def test_the_results_themselves_stay_as_they_are(tmp_path: Path) -> None:
    run = results(a=FAIL, b=PASS)
    write_reports(run, tmp_path, BY_TEST)
    assert run.verdict is FAIL
    skipped = ElementTree.parse(tmp_path / "junit.xml").findall(".//skipped")
    assert [element.get("message") for element in skipped] == ["failed as expected: later: seen\na"]


def test_a_pass_against_expectation_is_a_failure_in_junit(tmp_path: Path) -> None:
    write_reports(results(a=PASS), tmp_path, BY_TEST)
    (failure,) = ElementTree.parse(tmp_path / "junit.xml").findall(".//failure")
    assert failure.get("message") == "expected to fail, and passed: later"


def test_failures_are_written_ready_to_be_expected_but_for_the_reason(tmp_path: Path) -> None:
    write_reports(results(a=FAIL, b=PASS, c=INCONC), tmp_path)
    path = tmp_path / FAILURES
    with pytest.raises(RequestError, match=r"failures.toml:4: reason: say why a fails"):
        load(path, {"a", "b", "c"})
    path.write_text(path.read_text().replace('reason = ""', 'reason = "later"'))
    assert load(path, {"a", "b", "c"}).tests == {"a": "later", "c": "later"}
    write_reports(results(a=PASS), tmp_path)
    assert not path.exists()


def test_what_was_expected_is_kept_for_reports_that_are_made_later(tmp_path: Path) -> None:
    expected = Expectations({'t["\n]': 'It\'s "later"\u2028.'}, {"ATT-16": "Also."})
    write_reports(results(a=FAIL), tmp_path, expected)
    assert load(tmp_path / EXPECTED) == expected
    write_reports(results(a=FAIL), tmp_path)
    assert not (tmp_path / EXPECTED).exists()


def test_no_word_of_an_implementation_leaves_its_comment() -> None:
    case = TestCase('t["]', ("ATT-16",), "service", "o", "f", False, "again")
    text = template([TestResult(case, Judgement(FAIL, False, reason="x\n[[expected]]\x00\u2028y"))])
    assert [row["test"] for row in tomllib.loads(text)["expected"]] == ['t["]']


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[expected]]\ntest = "a"\n', "e.toml:1: expected test or requirement, and reason; found test"),
        ('\n[[expected]]\ntest = "z"\nreason = "r"', "e.toml:2: test: there is no 'z'"),
        ('[[expected]]\nrequirement = "ATT-999"\nreason = "r"', "e.toml:1: requirement: there is no 'ATT-999'"),
        ('[[expected]]\ntest = "a"\nrequirement = "ATT-16"\nreason = "r"', "found reason, requirement, test"),
        (
            '[[expected]]\ntest = "a"\nreason = "r"\n[[expected]]\ntest = "a"\nreason = "s"',
            "e.toml:4: test: a is expec",
        ),
        ('[[expected]]\ntest = ["a"]\nreason = "r"', "e.toml:1: expected a table with texts"),
        ('[expected]\ntest = "a"', "found one [expected]"),
        ('[[expect]]\ntest = "a"', "found 'expect'"),
        ("[[expected", "expected TOML"),
        ("\xff", "expected TOML"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "e.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RequestError) as error:
        load(path, {"a"})
    assert complaint in str(error.value) and "\n" not in str(error.value)
