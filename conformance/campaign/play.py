"""One item: a call of `trustconn` in a process of its own, and what it left.

The process ends with whoever started it, so that a worker that is killed leaves nothing running.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .plan import Item

KEPT = ("results.json", "summary.md", "finding-*.json", "*/learned.json")
"""What is kept of the results of a command. The rest comes out again with the same seed."""

PREFIX = "trustconn-"
"""Of the folder that an item's results are in while it is played."""

LARGEST = 32 << 20
"""Octets of one file that is kept."""

TOLD = 2_000
"""Characters of what a command printed last that are kept."""

STATUS = {0: "pass", 1: "fail", 3: "inconc"}
"""What an exit code says."""

ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item. `status`: pass, fail, inconc or error; `again`: it did not come to its end by itself."""

    status: str
    exit_code: int
    seconds: float
    told: str
    """The end of what was printed."""
    worker: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    """Verdicts of its tests."""
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    again: bool = False


def play(
    item: Item, limit: float, folder: Path | None = None, began: Callable[[subprocess.Popen[bytes]], None] | None = None
) -> Outcome:
    """Play an item for at most `limit` seconds, with its results in a `folder` that is emptied afterwards.

    `began` is told the process.
    """
    start = time.monotonic()
    worker = f"{socket.gethostname()}:{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as name:
        out = Path(name)
        with (out / "printed").open("w+b") as printed:
            command = [sys.executable, "-S", "-E", str(Path(__file__).with_name("child.py")), str(os.getpid())]
            process = subprocess.Popen(
                [*command, *item.arguments, "--out", str(out / "out")],
                stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            if began is not None:
                began(process)
            late = _wait(process, limit)
            printed.seek(max(0, printed.seek(0, os.SEEK_END) - TOLD))
            told = printed.read().decode(errors="replace")
        seconds = time.monotonic() - start
        if late:
            return Outcome(ERROR, process.returncode, seconds, f"{told}\nnot ended after {limit:g} s", worker)
        again = process.returncode < 0 or process.returncode == 128 + signal.SIGINT
        files = _kept(out / "out")
        # Whatever a command finds is in its files: without any it found nothing, and could not even say so.
        status = STATUS.get(process.returncode, ERROR) if files or not process.returncode else ERROR
        try:
            counts = _counts(files)
        except ValueError:  # Half a file, of a disk that was full.
            status, counts = ERROR, {}
        return Outcome(status, process.returncode, seconds, told, worker, counts, files, again)


def end(process: subprocess.Popen[bytes]) -> None:
    """Let an item end; it cleans up after itself."""
    with suppress(ProcessLookupError):
        process.terminate()


def _wait(process: subprocess.Popen[bytes], limit: float) -> bool:
    """Whether the process had to be ended."""
    try:
        process.wait(limit)
        return False
    except subprocess.TimeoutExpired:
        end(process)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return True


def _kept(out: Path) -> dict[str, bytes]:
    found = (path for pattern in KEPT for path in sorted(out.glob(pattern)))
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in found
        if path.is_file() and path.stat().st_size <= LARGEST
    }


def _counts(files: dict[str, bytes]) -> dict[str, int]:
    """Verdicts of a run; findings of a fuzzer."""
    if "results.json" in files:
        return {name: count for name, count in json.loads(files["results.json"])["counts"].items() if count}
    findings = sum(name.startswith("finding-") for name in files)
    return {"findings": findings} if findings else {}
