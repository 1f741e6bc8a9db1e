"""The suite as pytest shows it: `pytest --pyargs trustconn.conformance --iut FILE`, of a service that lacks a check."""

import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trustconn.cli.main import main
from trustconn.conformance.collect import suite_tests
from trustconn.harness.verdict.results import Results, rebuild

pytest_plugins = ["pytester"]

IUT = """
[iut]
name = "small service"
role = "service"
version = "1"
[wire]
[credentials]
folder = "credentials"
[timeouts]
start = 120.0
reply = 60.0
[control]
mode = "stdio"
command = [
  "{python}", "-m", "trustconn.harness.peer.runner", "service", "--credentials", "credentials/iut",
  "--control", "stdio", "--clock", "control", "--without", "eat_nonce_is_binder",
]
"""
Run = Callable[..., tuple[int, str]]
BINDER = "test_evidence::test_binder[service-bind-domain]"


@pytest.fixture
def folder(pytester: pytest.Pytester, credentials: Path) -> Path:
    """A vendor's folder, in which pytest is run."""
    assert suite_tests()  # Imported here, so that the pytest inside need not do it again for each test.
    (pytester.path / "credentials").symlink_to(credentials)
    (pytester.path / "iut.toml").write_text(IUT.format(python=sys.executable))
    return pytester.path


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vendor") / "credentials"
    assert main(["provision", "service", "--out", str(path)]) == 0
    return path


@pytest.fixture
def run(pytester: pytest.Pytester, folder: Path) -> Run:
    """Exit code and output of pytest with options."""

    def run(*options: str) -> tuple[int, str]:
        plugins = ("-p", "trustconn.conformance.pytest_plugin", "-p", "no:cacheprovider")
        done = pytester.runpytest_inprocess(
            *plugins, "--pyargs", "trustconn.conformance", "--iut", "iut.toml", *options
        )
        return int(done.ret), done.stdout.str() + done.stderr.str()

    return run


def test_each_test_is_an_item_with_verdict_witness_and_reason(run: Run, folder: Path) -> None:
    code, said = run("-k", "test_binder[service or test_claim_again", "-rs", "--junitxml", "junit.xml")
    assert code == 1, said
    assert "ATT-16: The relying party MUST check that eat_nonce" in said
    assert "not exercised: feature initiates_reattestation is not declared" in said
    cases = {case.get("name"): case for case in ElementTree.parse(folder / "junit.xml").findall(".//testcase")}
    known = {one.get("name"): one.get("value") or "" for one in cases[BINDER.partition("::")[2]].iter("property")}
    assert (
        known["requirements"].startswith("ATT-16") and BINDER in known["rerun"] and "fault reached" in known["witness"]
    )
    results = rebuild(folder / "results")
    assert results.complete and results.header.selection.endswith("tests by name")
    assert len(results.tests) == len(cases)


def test_a_requirement_selects_and_the_first_failure_can_end_it(run: Run, folder: Path) -> None:
    code, said = run("-k", "ATT-16", "-x")
    assert code == 1 and "stopping after 1 failures" in said and "1 failed" in said
    assert not rebuild(folder / "results").complete


def test_expected_failures_are_strict(run: Run, folder: Path) -> None:
    chosen = ("-k", "test_binder[service-bind-domain] or test_claim[service-claim-dbgstat", "-rxX")
    (folder / "expected.toml").write_text(f'[[expected]]\ntest = "{BINDER}"\nreason = "Release 2."\n')
    code, said = run(*chosen, "--expected", "expected.toml")
    assert code == 0 and "1 xfailed" in said and "Release 2." in said, said
    (folder / "expected.toml").write_text('[[expected]]\nrequirement = "ATT-21"\nreason = "Release 3."\n')
    code, said = run(*chosen, "--expected", "expected.toml")
    assert code == 1 and "ATT-21 was expected to fail, and every test of it that ran passed: Release 3." in said, said


def test_the_suite_by_itself_and_under_pytest_agree(run: Run, folder: Path) -> None:
    chosen = "test_binder and (bind-domain or bind-longer) or test_claim and dbgstat"
    run("--trustconn-select", chosen)
    under = verdicts(rebuild(folder / "results"))
    assert main(["run", "--iut", str(folder / "iut.toml"), "--select", chosen, "--out", str(folder / "alone")]) == 1
    assert under == verdicts(rebuild(folder / "alone"))


def verdicts(results: Results) -> dict[str, object]:
    return {test.case.id: test.status for test in results.tests}


def test_a_vendor_without_a_waiver_is_not_asked_to_present_one(run: Run) -> None:
    code, said = run("-k", "test_mode", "-rs")
    assert code == 0 and "feature presents_waiver is not declared" in said, said
    assert "6 passed, 3 skipped" in said, said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--iut", "nowhere.toml"), "nowhere.toml is no file"),
        (("--iut", "bad.toml"), "bad.toml:2: iut.nam: expected a known key"),
        (("--expected", "bad.toml"), "bad.toml: expected tables [[expected]]"),
        (("--trustconn-select", "and"), "--select: unexpected 'and'"),
    ],
)
def test_mistakes_are_told_as_such(run: Run, folder: Path, options: tuple[str, ...], complaint: str) -> None:
    (folder / "bad.toml").write_text('[iut]\nnam = "x"\n')
    code, said = run(*options)
    assert code == 4 and complaint in said and "Traceback" not in said, said
