"""Implementations that are no peers at all: each ends with its verdict and exit code, and none yields a pass."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trustconn.harness.identity.provision import provision

LISTEN = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    {behave}
"""
CLOSES_AT_ONCE = "connection.close()"
STAYS_SILENT = "kept = globals().setdefault('kept', []); kept.append(connection)"
SENDS_GARBAGE = "connection.sendall(bytes(range(256)) * 64); connection.close()"
CRASHES_ON_THE_THIRD = """[connection.recv(65536) for _ in range(1)]
    connection.sendall(bytes.fromhex("000000020148"))
    globals()["n"] = globals().get("n", 0) + 1
    if n == 3: import os, signal; os.kill(os.getpid(), signal.SIGSEGV)
    connection.close()"""


def free_port() -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def describe(folder: Path, behave: str | None) -> Path:
    """The description of a service that behaves so, or of nothing at all."""
    provision(folder / "credentials", seed=b"bad peers", now=int(time.time()), role="service")
    port = free_port()
    command = ""
    if behave is not None:
        script = folder / "peer.py"
        script.write_text(LISTEN.format(behave=behave))
        command = f"command = {json.dumps([sys.executable, str(script), str(port)])}"
    path = folder / "iut.toml"
    path.write_text(
        f'[iut]\nname = "bad"\nrole = "service"\nversion = "1"\n'
        f'[wire]\naddress = "127.0.0.1:{port}"\n{command}\n'
        f'[credentials]\nfolder = "credentials"\n[features]\n[timeouts]\nreply = 0.3\nsilence = 0.1\ndial = 0.5\n'
    )
    return path


@pytest.mark.parametrize(
    ("behave", "code", "status"),
    [
        pytest.param(None, 3, "inconc", id="nothing-listens"),
        pytest.param(CLOSES_AT_ONCE, 1, "fail", id="closes-at-once"),
        pytest.param(STAYS_SILENT, 1, "fail", id="stays-silent"),
        pytest.param(SENDS_GARBAGE, 1, "fail", id="sends-garbage"),
        pytest.param(CRASHES_ON_THE_THIRD, 1, "fail", id="crashes-on-the-third"),
    ],
)
def test_a_bad_peer_never_passes(tmp_path: Path, behave: str | None, code: int, status: str) -> None:
    iut, out = describe(tmp_path, behave), tmp_path / "out"
    command = [sys.executable, "-m", "trustconn", "run", "--iut", str(iut), "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == code, ended.stdout[-2000:] + ended.stderr[-2000:]
    tests = json.loads((out / "results.json").read_text())["tests"]
    statuses = {test["status"] for test in tests}
    assert "pass" not in statuses
    assert "error" not in statuses
    basic = {test["status"] for test in tests if test["id"].startswith("test_basic::test_session")}
    assert basic == {status}
