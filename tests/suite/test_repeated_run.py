"""A run keeps every conversation, and the same seed gives the same octets."""

import json
import subprocess
import sys
from pathlib import Path

from trustconn.harness.verdict.events import read_events
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.transcript import Transcript

SELECTION = "test_scenarios or test_attacks or test_unit_length or test_retry or test_later_label or SES-12"


def run(out: Path) -> dict[tuple[str, str], str]:
    """Digest of each conversation by its test and its name there."""
    command = [sys.executable, "-m", "trustconn", "run", "--seed", "5", "--select", SELECTION, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout
    kept: dict[tuple[str, str], Transcript] = {}
    for file in out.glob("transcripts-*.jsonl"):
        for entry in map(json.loads, file.read_text().splitlines()):
            transcript = kept.setdefault((entry["test"], entry["conversation"]), Transcript())
            transcript.add(entry["time"], entry["sender"], bytes.fromhex(entry["data"]))
    told = json.loads((out / "results.json").read_text())
    assert Results.of(read_events(out / "events.jsonl")).to_json() == told
    results = told["tests"]
    tests = {test["id"] for test in results if test["status"] == "pass"}
    assert {test for test, _ in kept} == tests
    captured = b"".join(file.read_bytes() for file in out.glob("conversations-*.pcapng"))
    assert all(f"{test}, {what}".encode() in captured for test, what in kept)
    return {name: transcript.digest() for name, transcript in kept.items()}


def test_the_same_seed_gives_the_same_octets(tmp_path: Path) -> None:
    first, second = run(tmp_path / "first"), run(tmp_path / "second")
    assert {name for name in first if first[name] != second.get(name)} == set()
