"""How cost grows with size: the exponent of a series is the slope of cost over size, both as logarithms.

1 is linear. Sizes within a series take turns in every round.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..tester.local import LocalIut
from . import labels
from .conversation import converse
from .figures import Effort, spent

PLAN = """
[iut.device]
reference = "device"
[configuration.short]
command = "run"
select = "EDH-08"
seeds = "1-{items}"
"""


SELECTIONS = ("EDH-08", "EDH", "EDH or ATT", "EDH or ATT or SES or LBL")
"""Ever more tests."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A series: `cost` of each size in `unit`, and the exponent with which it grows."""

    name: str
    of: str
    unit: str
    points: tuple[tuple[int, float], ...]

    @property
    def exponent(self) -> float:
        """Slope of the least squares line through the logarithms."""
        xs = [math.log(size) for size, _ in self.points]
        ys = [math.log(max(cost, 1e-9)) for _, cost in self.points]
        x, y = sum(xs) / len(xs), sum(ys) / len(ys)
        return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def series(name: str, of: str, unit: str, sizes: Sequence[int], rounds: int, cost: Callable[[int], float]) -> Growth:
    """Measure each size in each round."""
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            found[size].append(cost(size))
    return Growth(name, of, unit, tuple((size, median(costs)) for size, costs in found.items()))


def tests(effort: Effort) -> Growth:
    """CPU time of a run over its number of tests."""
    points = [(_selected(wanted), spent("run", "--select", wanted)[0]) for wanted in SELECTIONS]
    return Growth("tests of a run", "tests", "s of CPU", tuple(points))


def _selected(expression: str) -> int:
    command = [sys.executable, "-m", "trustconn", "run", "--list", "--select", expression]
    return len(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def open_sessions(effort: Effort) -> Growth:
    """Time to open, use and close sessions that are open at the same time."""

    def cost(number: int) -> float:
        with closing(LocalIut("service")) as iut:
            converse(iut)
            start = time.perf_counter()
            held = [iut.converse(off=frozenset()) for _ in range(number)]
            for conversation in held:
                if not conversation.until_open():
                    raise RuntimeError("the session did not open")
            for conversation in held:
                conversation.peer.send_data(b"21.5 degrees")
                conversation.flush()
                conversation.until_seen(f"RECEIPT_{conversation.peer.peer}")
            for conversation in held:
                conversation.finish()
                conversation.close()
            return time.perf_counter() - start

    return series("sessions at the same time", "sessions", "s", (1, 2, 4, 8, 16, 32), effort.rounds, cost)


def data(effort: Effort) -> Growth:
    """Time for a label over data of a session, with its receipt."""

    def cost(size: int) -> float:
        with closing(LocalIut("service")) as iut:
            conversation = iut.converse(off=frozenset())
            if not conversation.until_open():
                raise RuntimeError("the session did not open")
            start = time.perf_counter()
            conversation.peer.send_data(bytes(size))
            conversation.flush()
            conversation.until_seen(f"RECEIPT_{conversation.peer.peer}")
            spent = time.perf_counter() - start
            conversation.finish()
            conversation.close()
            return spent

    return series("data of one label", "octets", "s", (1 << 10, 1 << 13, 1 << 16, 1 << 19), effort.rounds, cost)


def chain(effort: Effort) -> Growth:
    """Time to verify a processing chain over its labels."""
    sizes = (50, 200, 800, 3200)
    return series("chain of labels", "labels", "s of CPU", sizes, effort.rounds, lambda links: labels.chain(links)[0])


def machine(effort: Effort) -> Growth:
    """CPU time to learn a machine over its transitions: both roles, with the small and the full alphabet."""
    points = []
    for role in ("device", "service"):
        for alphabet in ("basic", "full"):
            with tempfile.TemporaryDirectory() as folder:
                cost, transitions = _learnt(role, alphabet, Path(folder))
            points.append((transitions, cost))
    return Growth("state machine that is learnt", "transitions", "s of CPU", tuple(sorted(points)))


def _learnt(role: str, alphabet: str, folder: Path) -> tuple[float, int]:
    cost, _ = spent("learn", "--local", "--role", role, "--alphabet", alphabet, "--out", ".", folder=folder)
    learned = json.loads((folder / role / "learned.json").read_text())["learned"]
    return cost, len(learned["states"]) * len(learned["alphabet"])


def workers(effort: Effort) -> Growth:
    """Time by the clock for the items of a campaign over its workers: -1 would be perfect."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.toml"
        plan.write_text(PLAN.format(items=8 * effort.rounds))
        sizes = [count for count in (1, 2, 4, 8) if count <= (os.cpu_count() or 1)]
        return series(
            "workers of a campaign", "workers", "s", sizes, 1,
            lambda number: spent("campaign", str(plan), "--workers", str(number))[1],
        )  # fmt: skip


GROWTHS: Mapping[str, Callable[[Effort], Growth]] = {
    "tests": tests,
    "parallel": open_sessions,
    "data": data,
    "chain": chain,
    "machine": machine,
    "workers": workers,
}
"""Series by name."""


def each(names: Sequence[str], effort: Effort) -> Iterator[Growth]:
    """These series, one by one."""
    for name in names:
        yield GROWTHS[name](effort)
