"""Whole conversations over loopback, and what a run of the suite needs.

`python -m trustconn.harness.benchmark.conversation` prints both. A conversation is the handshake, both attestations,
both verdicts, one label each way with its receipt, and CLOSE both ways; the two ends are two processes. The memory of
a run is the sum over all its processes, sampled while it runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

from ..identity.provision import provision
from ..iut.reference import reference
from ..tester.live import IutSession
from ..tester.local import START_TIME, LocalIut
from ..tester.session import Iut

CONTENT = b"21.5 degrees"
SAMPLE = 0.2
"""Seconds between two looks at the memory of a run."""


def converse(iut: Iut) -> None:
    """One whole conversation.

    Raises:
        RuntimeError: it did not come to its end.
    """
    conversation = iut.converse(off=frozenset())
    peer = conversation.peer
    if not conversation.until(lambda: peer.state == "OPEN"):
        raise RuntimeError("the session did not open")
    peer.send_data(CONTENT)
    conversation.flush()
    receipt = f"RECEIPT_{peer.peer}"
    conversation.until_seen(receipt)
    iut.sends(conversation, CONTENT)
    if not conversation.until(lambda: any(e.name == "label_accepted" for e in peer.events)):
        raise RuntimeError("no label came")
    if not conversation.finish():
        raise RuntimeError("CLOSE was not answered")
    conversation.close()


def rate(act: Callable[[], None], seconds: float) -> float:
    """Repetitions a second."""
    act()
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        act()
        count += 1
    return count / spent


def conversations(rounds: int, seconds: float) -> dict[str, list[float]]:
    """Conversations a second, in one process and over loopback, taken in turn."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        credentials = Path(folder) / "service"
        provision(credentials, seed=b"benchmark", now=START_TIME, role="service")
        remote = IutSession(reference("service", credentials, now=START_TIME), 0)
        local = LocalIut("service")
        try:
            for _ in range(rounds):
                for name, iut in (("both ends in one process", local), ("over loopback", remote)):
                    found.setdefault(name, []).append(rate(partial(converse, iut), seconds))
        finally:
            remote.close()
    return found


def memory_of_a_run() -> tuple[float, float, int]:
    """Peak of the summed resident memory of `trustconn run` in MB, its wall time in seconds, its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        start, peak = time.perf_counter(), 0
        run = subprocess.Popen([sys.executable, "-m", "trustconn", "run", "--out", folder], stdout=subprocess.DEVNULL)
        while True:
            try:
                code = run.wait(SAMPLE)
            except subprocess.TimeoutExpired:
                peak = max(peak, resident(run.pid))
            else:
                return peak / 1e6, time.perf_counter() - start, code


def resident(leader: int) -> int:
    """Octets of memory of a process and its descendants: a page that several share counts once, in parts (PSS)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    pending, total = [leader], 0
    while pending:
        process = pending.pop()
        total += proportional(process)
        pending += parents.get(process, [])
    return total


def proportional(process: int) -> int:
    """Octets of a process's proportional set size; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--no-run", action="store_true", help="leave out the memory of a run")
    arguments = parser.parse_args()
    found = {name: median(values) for name, values in conversations(arguments.rounds, arguments.seconds).items()}
    for name, value in found.items():
        print(f"conversations a second, {name}: {value:.0f}")
    print(f"ratio loopback to one process: {found['over loopback'] / found['both ends in one process']:.2f}")
    if not arguments.no_run:
        megabytes, seconds, code = memory_of_a_run()
        print(f"trustconn run: peak memory {megabytes:.0f} MB over all processes, {seconds:.1f} s, exit code {code}")


if __name__ == "__main__":
    main()
