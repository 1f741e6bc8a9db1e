"""Whole conversations with the implementation in JavaScript, which shares no code with the Python one."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from availability import not_available

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.harness.identity.provision import provision
from trustconn.harness.iut import node
from trustconn.harness.iut.interop import IMPLEMENTATIONS, play
from trustconn.spec.prose import FOLDER

PYTHON, NODE = IMPLEMENTATIONS
GUIDE = node.FOLDER.parents[1] / "docs" / "guide.md"
TABLE = re.compile(r"^device +service +binding +result(\n\S+ +\S+ +\S+ +\S+)+", re.MULTILINE)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device and a service that trust each other; without Node.js there is nothing to test, and CI has to have it."""
    if lacks := node.missing():
        not_available(f"Node.js peer not available: {lacks}")
    folder = tmp_path_factory.mktemp("credentials")
    for role in ("device", "service"):
        provision(folder / role, seed=b"interop tests", now=int(time.time()), role=role)
    return folder


def test_every_pair_has_a_whole_conversation(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Handshake, evidence both ways, labelled data both ways with receipts, the end: as in the table of the guide."""
    code = main(["interop"])
    printed = capsys.readouterr().out
    table = TABLE.search(GUIDE.read_text(encoding="utf-8"))
    assert table is not None
    assert (code, printed.strip()) == (exit_code.PASSED, table[0])


@pytest.mark.parametrize("role", ["device", "service"])
def test_the_suite_passes_as_its_readme_has_it(role: str, credentials: Path, tmp_path: Path) -> None:
    """Each row of the table, with the committed description and credentials beside the checkout."""
    shutil.copytree(node.FOLDER, tmp_path / "peers" / "node")
    (tmp_path / "spec").symlink_to(FOLDER)
    provision(tmp_path / role, seed=b"suite", now=int(time.time()), role=role, with_waiver=True)
    iut, out = tmp_path / "peers" / "node" / f"{role}.toml", tmp_path / "results"
    chosen = ["--select", "test_basic or test_rows"]
    assert main(["run", "--iut", str(iut), "--out", str(out), *chosen]) == exit_code.PASSED


def test_strangers_do_not_open(credentials: Path, tmp_path: Path) -> None:
    """The device of another deployment is refused, and the pair fails."""
    provision(tmp_path / "device", seed=b"another deployment", now=int(time.time()), role="device")
    (tmp_path / "service").symlink_to(credentials / "service")
    assert play(NODE, PYTHON, "tls", tmp_path).status == "failed"


def test_what_is_not_installed_is_never_passed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each pair with it is not available, with what installs it; the command is undecided."""
    monkeypatch.setenv("PATH", "")
    assert main(["interop", "--binding", "tls"]) == exit_code.UNDECIDED
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if "not available" in line and "apt-get install" in line] == [
        ["Python", "Node.js"],
        ["Node.js", "Python"],
        ["Node.js", "Node.js"],
    ]
