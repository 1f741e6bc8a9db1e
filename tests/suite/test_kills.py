"""The suite sees what it claims to see: a fault that a peer has is found by a test that cites its requirement."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.conformance import kills
from trustconn.harness.faults import FAULTS
from trustconn.harness.faults.fault import REMOVAL

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"
REMOVALS = [pair for pair in kills.pairs() if FAULTS[pair[0]].source == REMOVAL]


def test_every_missing_check_is_killed_or_survives_for_a_reason() -> None:
    assert [complaint for kill in kills.search(REMOVALS) if (complaint := kills.complaint(kill))] == []


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--without", "signature_2_verifies"),
        ("--without", "eat_nonce_is_binder"),
        ("--fault", "label_digest_is_content"),
        ("--fault", "binder_of_attesters_nonce"),
        ("--fault", "no_ping_in_expired"),
        ("--fault", "hello_nonce_constant"),
    ],
)
def test_a_run_against_a_faulty_peer_fails_and_names_its_requirement(option: str, name: str, tmp_path: Path) -> None:
    killer = kills.committed()[f"{name}/device"]
    command = [sys.executable, "-c", RUN, "run", option, name, "--rerun", killer]
    finished = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (result,) = results["tests"]
    assert results["header"]["without" if option == "--without" else "faults"] == [name]
    assert FAULTS[name].requirement in result["requirements"]
    assert FAULTS[name].requirement in finished.stdout
