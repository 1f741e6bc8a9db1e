"""The suite sees what it claims to see: a check that a peer leaves out is found by a test that cites it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.conformance import kills
from trustconn.conformance.collect import SuiteTest, suite_tests
from trustconn.model.checks import CHECKS

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"
PAIRS = {kills.key(pair): pair for pair in kills.pairs()}
TESTS: dict[str, SuiteTest] = {test.id: test for test in suite_tests()}


def test_every_check_is_killed_or_survives_for_a_reason() -> None:
    killed, surviving = set(kills.committed()), set(kills.survivors())
    assert killed | surviving == set(PAIRS)
    assert not killed & surviving
    assert all(kills.survivors().values())


@pytest.mark.parametrize("name", sorted(kills.committed()))
def test_the_committed_killer_kills(name: str) -> None:
    check, role = PAIRS[name]
    killer = TESTS[kills.committed()[name]]
    assert killer.case.role == role
    assert killer.case.check in (check, None)
    assert CHECKS[check].requirement in killer.case.requirements
    assert kills.kills(killer, check)


def test_what_is_said_to_survive_does() -> None:
    assert [name for name in kills.survivors() if kills.killer(PAIRS[name]) is not None] == []


@pytest.mark.parametrize("check", ["signature_2_verifies", "eat_nonce_is_binder", "label_digest_is_content"])
def test_a_run_without_a_check_fails_and_names_its_requirement(check: str, tmp_path: Path) -> None:
    killer = TESTS[kills.committed()[f"{check}/device"]]
    command = [sys.executable, "-c", RUN, "run", "--without", check, "--rerun", killer.id]
    finished = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    (result,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    assert CHECKS[check].requirement in result["requirements"]
    assert CHECKS[check].requirement in finished.stdout
