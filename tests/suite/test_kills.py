"""The suite sees what it claims to see: a fault that a peer has is found by a test that cites its requirement."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.conformance import kills
from trustconn.harness.faults.register import FAULTS
from trustconn.harness.tester.local import LocalIut

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"


def test_every_fault_is_killed_or_survives_for_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["kill"])
    said = capsys.readouterr()
    assert code == 0, said.err


def test_a_peer_that_forgets_repeats_itself() -> None:
    """What a test shows of a fault must not depend on what was played before it."""
    iut = LocalIut("service")
    first = iut.good().transcript.digest()
    assert iut.good().transcript.digest() != first
    iut.forget()
    assert iut.good().transcript.digest() == first


def test_the_index_and_the_survivors_name_faults_that_there_are() -> None:
    known = {kills.key(pair) for pair in kills.pairs(FAULTS)}
    assert set(kills.committed()) <= known
    assert {name for name in kills.survivors() if "/" in name} <= known
    assert {name for name in kills.survivors() if "/" not in name} <= set(FAULTS)
    assert all(kills.survivors().values())


def test_a_survivor_without_a_reason_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    kill = kills.killed(("pong_opens_again", "device"))
    assert kill.killer is None
    assert kills.complaint(kill) == ""
    monkeypatch.setattr(kills, "survivors", dict)
    assert "pong_opens_again/device survives" in kills.complaint(kill)


def test_a_killed_survivor_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    kill = kills.killed(("pong_twice", "device"))
    assert kills.complaint(kill) == ""
    monkeypatch.setattr(kills, "survivors", lambda: {"pong_twice": "no test does it"})
    assert "is listed as a survivor" in kills.complaint(kill)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--without", "signature_2_verifies"),
        ("--without", "eat_nonce_is_binder"),
        ("--fault", "label_digest_is_content"),
        ("--fault", "binder_of_attesters_nonce"),
        ("--fault", "no_ping_in_expired"),
        ("--fault", "hello_nonce_constant"),
        ("--fault", "restart_loses_label_sequence"),
        ("--fault", "late_error_ends_session"),
    ],
)
def test_a_run_against_a_faulty_peer_fails_and_names_its_requirement(option: str, name: str, tmp_path: Path) -> None:
    killer = kills.committed()[f"{name}/device"]
    command = [sys.executable, "-c", RUN, "run", option, name, "--rerun", killer]
    finished = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=600)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (result,) = results["tests"]
    assert results["header"]["without" if option == "--without" else "faults"] == [name]
    assert FAULTS[name].requirement in result["requirements"]
    assert FAULTS[name].requirement in finished.stdout
