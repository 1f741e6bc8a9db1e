"""An interrupted run ends between two tests, keeps what it has, and says that it is not whole."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.harness.verdict.results import Results


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_results_survive(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "trustconn", "run", "--out", str(tmp_path)]  # Long enough not to be over first.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        first = run.stdout.readline()
        assert "tests:" in first, first
        run.send_signal(number)
        rest = run.stdout.read()
        assert run.wait(600) == 130, rest
    results = Results.from_json(json.loads((tmp_path / "results.json").read_text()))
    statuses = {test.status.label if hasattr(test.status, "label") else "none" for test in results.tests}
    assert not results.complete
    assert {"none"} < statuses  # What the others concluded is not the matter here.
    assert "INTERRUPTED" in rest
