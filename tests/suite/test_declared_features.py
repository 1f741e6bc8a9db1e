"""Tests of features that the reference peers declare when they are told to, over processes of their own."""

import json
from pathlib import Path

import pytest

from trustconn.cli import exit_code
from trustconn.cli.main import main

SELECTED = {
    ("--evidence", "ear"): "PBA-20 and device",
    ("--evidence", "pba"): "(PBA-21 or PBA-15) and service",
    ("--anonymous",): "test_unlinkable and ANO-02",
}


@pytest.mark.parametrize("switch", SELECTED)
def test_a_feature_is_tested_where_it_is_declared(switch: tuple[str, ...], tmp_path: Path) -> None:
    chosen = ["--select", SELECTED[switch], "--out"]
    assert main(["run", *switch, *chosen, str(tmp_path / "declared")]) == 0
    assert main(["run", *chosen, str(tmp_path / "silent")]) == exit_code.UNDECIDED
    declared, silent = (json.loads((tmp_path / out / "results.json").read_text()) for out in ("declared", "silent"))
    assert {test["status"] for test in declared["tests"]} == {"pass"}
    assert {test["status"] for test in silent["tests"]} == {"not exercised"}


@pytest.mark.parametrize("switch", [("--evidence", "pba"), ("--anonymous",)])
def test_what_a_tpm_cannot_do_is_not_promised(switch: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *switch, "--tam", "swtpm"]) == 2
    assert "does not go with --tam swtpm" in capsys.readouterr().err
