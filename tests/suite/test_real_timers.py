"""An implementation whose clock nobody can advance: its timers are waited for if that is asked for, else not tried."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trustconn.harness.identity.provision import provision

LATE = "test_timers::test_too_late[service-late-wait_message_1]"


@pytest.fixture
def description(tmp_path: Path) -> Iterator[Path]:
    """The description of a running service without a control plane."""
    provision(tmp_path / "credentials", seed=b"real timers", now=int(time.time()), role="service")
    command = [sys.executable, "-m", "trustconn", "peer", "service", "--credentials", str(tmp_path / "credentials")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdout is not None
        port = json.loads(peer.stdout.readline())["port"]
        path = tmp_path / "iut.toml"
        path.write_text(
            f'[iut]\nname = "plain"\nrole = "service"\nversion = "1"\n[wire]\naddress = "127.0.0.1:{port}"\n'
            f'[credentials]\nfolder = "credentials"\n[features]\n'
        )
        yield path
        peer.terminate()


def late(description: Path, *options: str) -> tuple[int, str]:
    """Exit code and verdict of the test whose first message comes too late."""
    out = description.parent / "out"
    command = [sys.executable, "-m", "trustconn", "run", "--iut", str(description), "--out", str(out), *options]
    ended = subprocess.run([*command, "--rerun", LATE], capture_output=True, text=True, timeout=600)
    results = json.loads((out / "results.json").read_text())
    return ended.returncode, results["tests"][0]["status"]


def test_a_timer_is_waited_for_only_when_asked(description: Path) -> None:
    assert late(description) == (3, "not exercised")
    assert late(description, "--slow") == (0, "pass")
