"""Runs to report on: a small one of reference peers with known faults, and one of complete ones."""

import shutil
from pathlib import Path

from trustconn.conformance.main import run
from trustconn.harness.verdict.junit import write_junit
from trustconn.harness.verdict.request import RunRequest

FAULTS = frozenset({"label_seq_increases", "eat_nonce_is_binder", "att_req_epoch_is_next", "hello_nonce_constant"})
SELECT = "LBL-09 or ATT-16 and test_fields or SES-14 or SES-02 or test_basic"


def make(folder: Path, faults: frozenset[str] = FAULTS, select: str = SELECT) -> Path:
    """A run in a new folder, with its JUnit file."""
    folder.mkdir()
    results = run(RunRequest(folder, role="device", select=select, seed=1, faults=faults))
    write_junit(results, folder / "junit.xml")
    return folder


def copy(folder: Path, to: Path) -> Path:
    """The same run elsewhere."""
    shutil.copytree(folder, to)
    return to
