"""What changed from run to run, and which changes are for the worse."""

import dataclasses
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.conformance.report.diff import Change, difference
from trustconn.conformance.report.run import read_results, read_run


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ("pass", "fail", True), ("pass", "inconc", True), ("pass", "not exercised", True), ("inconc", "fail", True),
        ("not exercised", "fail", True), ("fail", "pass", False), ("not exercised", "pass", False),
        ("absent", "pass", False), ("absent", "fail", True), ("pass", "absent", True), ("fail", "absent", False),
        ("fail", "error", False), ("not exercised", "not implemented", False),
    ],
)  # fmt: skip
def test_a_lost_pass_is_worse_and_a_won_one_is_not(before: str, after: str, worse: bool) -> None:
    assert Change("one", before, after).worse is worse


def test_a_run_with_faults_is_worse_than_one_without(faulty: Path, complete: Path) -> None:
    good, bad = read_results(complete), read_results(faulty)
    found = difference(good, bad)
    assert {"LBL-09", "ATT-16", "SES-14", "SES-02"} <= {change.name for change in found.requirements if change.worse}
    assert found.worse and any(line.startswith("faults: none -> ") for line in found.circumstances)
    assert {change.name for change in found.tests} == {test.case.id for test in read_run(faulty).bad}
    assert not difference(bad, good).worse
    assert difference(good, good).tests == ()


def test_tests_that_came_and_went_are_told(complete: Path) -> None:
    results = read_results(complete)
    fewer = dataclasses.replace(results, tests=results.tests[1:])
    name = results.tests[0].case.id
    assert difference(results, fewer).tests == (Change(name, "pass", "absent"),)
    assert difference(fewer, results).tests == (Change(name, "absent", "pass"),)


def test_the_command_ends_with_one_when_something_is_worse(
    faulty: Path, complete: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "diff", str(faulty), str(complete)]) == 0
    assert main(["report", "diff", str(complete), str(faulty)]) == 1
    assert "worse LBL-09: pass -> fail" in capsys.readouterr().out
    assert main(["report", "diff", str(complete), "nowhere"]) == 2
    assert "nowhere/results.json: No such file or directory" in capsys.readouterr().err
