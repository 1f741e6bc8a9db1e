"""Peers that do everything right and release nothing: a leak fails a requirement of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_peer import describe

from trustconn.harness.iut.usage import Usage, leak

PEER = """
import os, sys
from trustconn.harness.peer import connection, runner

kept = []
made = connection.PeerConnection.connection_made

def connection_made(self, transport):
    {leak}
    made(self, transport)

connection.PeerConnection.connection_made = connection_made
sys.exit(runner.main(sys.argv[1:]))
"""
LEAKS = {
    "files": "kept.append(os.dup(transport.get_extra_info('socket').fileno()))",
    "memory": "kept.append(b'x' * 400_000)",
}


@pytest.mark.parametrize("what", LEAKS)
def test_a_leak_fails_the_requirement_on_release(tmp_path: Path, what: str) -> None:
    iut, out = describe(tmp_path, PEER.format(leak=LEAKS[what])), tmp_path / "out"
    command = [sys.executable, "-m", "trustconn", "run", "--iut", str(iut), "--select", "ERR-28", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 1, ended.stdout[-2000:] + ended.stderr[-2000:]
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    statuses = {test["id"].rpartition("-")[2].rstrip("]"): test["status"] for test in results["tests"]}
    assert statuses[what] == "fail"
    assert statuses == {"files": "pass", "memory": "pass", what: "fail"}
    reason = next(test["reason"] for test in results["tests"] if test["status"] == "fail")
    assert reason.startswith(f"{what}: ")


def series(*points: tuple[int, int, int]) -> list[Usage]:
    return [Usage(connections, files, megabytes << 20) for connections, files, megabytes in points]


@pytest.mark.parametrize(
    ("noted", "files", "memory"),
    [
        pytest.param(series(*((n, 8, 40) for n in range(0, 97, 16))), False, False, id="flat"),
        pytest.param(series(*((n, 8 + n, 40) for n in range(0, 97, 16))), True, False, id="one-file-each"),
        pytest.param(series(*((n, 8 + n // 4, 40) for n in range(0, 97, 16))), True, False, id="one-file-of-four"),
        pytest.param(series(*((n, 8, 40 + n) for n in range(0, 97, 16))), False, True, id="a-megabyte-each"),
        pytest.param(
            series(*((n, 8, 40 + min(n, 48)) for n in range(0, 97, 16))), False, False, id="a-cache-that-fills"
        ),
        pytest.param(
            series(*((n, 100 if n == 48 else 8, 40) for n in range(0, 97, 16))), False, False, id="many-at-one-moment"
        ),
        pytest.param(
            series(*((n, 8, 40 + n // 32) for n in range(0, 1501, 16))), False, True, id="32-KiB-each-in-a-long-run"
        ),
    ],
)
def test_growth_in_both_spans_is_a_leak(noted: list[Usage], files: bool, memory: bool) -> None:
    assert bool(leak(noted, "files")) is files
    assert bool(leak(noted, "memory")) is memory
