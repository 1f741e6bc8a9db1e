"""TLS stacks of others, each in a namespace of its own: they complete the handshake, and refuse the plainest faults.

A stack that is not installed is not passed: its tests say what installs it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from availability import not_available

from trustconn.harness.iut.stacks import INSTALL, STACKS

SELECTED = "test_complete or test_empty_certificate or other-key"
ENDPOINTS = [(stack.name, kind) for stack in STACKS for kind in ("server", "client")]
Tests = dict[str, dict[str, Any]]
Played = dict[tuple[str, str], Tests | str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """What came of each endpoint: its tests by what they do, or why it is not available."""
    out = tmp_path_factory.mktemp("stacks")
    command = [sys.executable, "-m", "trustconn", "stacks", "--select", SELECTED, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 3), done.stderr[-2000:]
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith("|") and ": " in line)
    return {(stack, kind): _tests(out, stack, kind) or told[f"{stack} {kind}"] for stack, kind in ENDPOINTS}


def _tests(out: Path, stack: str, kind: str) -> Tests:
    file = out / f"{''.join(c for c in stack if c.isalnum())}-{kind}" / "results.json"
    tests = json.loads(file.read_text(encoding="utf-8"))["tests"] if file.is_file() else []
    return {f"{test['operator']} {test['field']}": test for test in tests}


def of(played: Played, stack: str, kind: str) -> Tests:
    found = played[stack, kind]
    if isinstance(found, str):
        not_available(f"{stack} {kind} NOT AVAILABLE: {found}")
    return found


@pytest.mark.parametrize(("stack", "kind"), ENDPOINTS)
def test_the_handshake_completes_and_another_key_is_refused(stack: str, kind: str, played: Played) -> None:
    tests = of(played, stack, kind)
    assert tests["complete handshake"]["status"] == "pass"
    assert tests["sign other-key"]["status"] == "pass", tests["sign other-key"]["reason"]


@pytest.mark.parametrize("stack", [stack.name for stack in STACKS])
def test_a_server_refuses_whoever_has_no_certificate(stack: str, played: Played) -> None:
    """Go says bad_certificate in place of certificate_required: that is graded, and no failure."""
    test = of(played, stack, "server")["answer empty-certificate"]
    assert (test["status"], test["grade"]) == ("pass", "tolerated" if stack == "Go crypto/tls" else "specified")


APT = """#!{bash}
case "$*" in
  update*) ;;
  *--download-only*" absent"*) exit 100 ;;
  *)
    for package in "$@"; do
      case $package in present*) printf '' > {folder}/"$package"; chmod +x {folder}/"$package" ;; esac
    done
    ;;
esac
"""


def test_what_cannot_be_installed_is_told_and_the_rest_is_installed(tmp_path: Path) -> None:
    """With a package source that lacks one of three."""
    tools = {name: shutil.which(name) for name in ("bash", "timeout", "chmod")}
    for name, path in tools.items():
        (tmp_path / name).symlink_to(str(path))
    apt = tmp_path / "apt-get"
    apt.write_text(APT.format(folder=tmp_path, bash=tools["bash"]), encoding="utf-8")
    apt.chmod(0o755)
    command = [str(tools["bash"]), INSTALL, "present1=present1", "absent=absent", "present2=present2"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("not available:")
    assert "absent" in done.stderr and "present" not in done.stderr.splitlines()[-1]
    assert (tmp_path / "present1").exists() and (tmp_path / "present2").exists()
