"""All figures as ratios: what is measured and its yardstick take turns in one run, so that a ratio travels.

A ratio is the median over rounds of the ratio within a round; a command counts by the time of the processor, its own
and that of its children.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from ..tester.local import LocalIut
from . import edhoc, tls
from . import labels as signed_data
from . import property as zero_knowledge
from .conversation import conversations, converse, memory_of_a_run, proportional, rate


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is measured: rounds of `seconds` each, and rounds of whole commands."""

    rounds: int = 5
    seconds: float = 0.5
    commands: int = 1


QUICK = Effort(1, 0.05, 1)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line: `value` in `unit` is `ratio` times that of `yardstick`, in single rounds from `low` to `high`."""

    name: str
    value: float
    unit: str
    yardstick: str
    ratio: float
    low: float
    high: float


class Failed(Exception):
    """A command that is measured did not do what it should; one line."""


def against(yardstick: str, unit: str, found: Mapping[str, list[float]]) -> Iterator[Ratio]:
    """A line for each of `found` but the yardstick itself."""
    for name, values in found.items():
        if name != yardstick:
            ratios = [a / b for a, b in zip(values, found[yardstick], strict=True)]
            yield Ratio(name, median(values), unit, yardstick, median(ratios), min(ratios), max(ratios))


def _rates(acts: Mapping[str, Callable[[], None]], effort: Effort) -> dict[str, list[float]]:
    """Repetitions a second of each, in turn."""
    found: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(effort.rounds):
        for name, act in acts.items():
            found[name].append(rate(act, effort.seconds))
    return found


def handshakes(effort: Effort) -> Iterator[Ratio]:
    """EDHOC beside the bare cryptography and, where it is installed, lakers."""
    found = edhoc.measure(edhoc.contenders(), effort.rounds, max(1, round(effort.seconds * 80)))
    for yardstick in ("cryptography alone, method 0", "lakers, method 3, suite 2"):
        if yardstick in found:
            ours = {name: values for name, values in found.items() if name.startswith("evaluator")}
            yield from against(yardstick, "/s", {**ours, yardstick: found[yardstick]})


def sessions(effort: Effort) -> Iterator[Ratio]:
    """Whole conversations over loopback, beside both ends in one process."""
    yield from against("both ends in one process", "/s", conversations(effort.rounds, effort.seconds))


def sessions_over_tls(effort: Effort) -> Iterator[Ratio]:
    """Conversations over TLS, and of the tester that can misbehave, beside bare handshakes of OpenSSL."""
    found = _rates(tls.acts(), effort)
    yield from against("bare OpenSSL handshakes", "/s", found)
    yield published(tls.TESTER, median(found[tls.TESTER]))


def published(name: str, rate: float) -> Ratio:
    """So many conversations a second beside those of the paper on tlsfuzzer: 24 to 52, by the machine and the peer."""
    least, most = 24, 52
    return Ratio(name, rate, "/s", "tlsfuzzer as published", 2 * rate / (least + most), rate / most, rate / least)


def conversation_in_handshakes(effort: Effort) -> Iterator[Ratio]:
    """What attestation, verdicts and labels add to the handshake."""
    yardstick = "EDHOC handshake, method 0, suite 3"
    handshake = edhoc.evaluator(0, 3)
    acts: dict[str, Callable[[], None]] = {
        "conversation over EDHOC": partial(converse, LocalIut("service")),
        yardstick: lambda: (handshake(), None)[1],
    }
    yield from against(yardstick, "/s", _rates(acts, effort))


def properties(effort: Effort) -> Iterator[Ratio]:
    """A proof of a property in zero knowledge, beside one exponentiation of its size with a secret exponent."""
    yield from against("exponentiation with a secret", "/s", _rates(zero_knowledge.acts(), effort))


def memory(effort: Effort) -> Iterator[Ratio]:
    """The peak of all processes of `trustconn run`, beside an interpreter that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1) as idle:
        assert idle.stdin is not None and idle.stdout is not None
        idle.stdout.readline()
        yardstick = proportional(idle.pid) / 1e6
        idle.communicate(b"\n")
    megabytes, _, code = memory_of_a_run()
    if code:
        raise Failed(f"trustconn run: exit code {code}")
    ratio = megabytes / yardstick
    yield Ratio("run, all its processes", megabytes, "MB", "idle interpreter", ratio, ratio, ratio)


def commands(effort: Effort) -> Iterator[Ratio]:
    """Whole commands by their CPU time, and runs by the clock, beside `trustconn run`."""
    from ..tpm.swtpm import SwtpmMissing, require_swtpm

    calls: dict[str, tuple[str, ...]] = {
        "run": ("run",),
        "run --binding tls": ("run", "--binding", "tls"),
        "verify": ("verify",),
        "verify --matrix --alone": ("verify", "--matrix", "--alone"),
        "attack": ("attack",),
        "kill": ("kill",),
        "learn --role service": ("learn", "--role", "service"),
        "mitm": ("mitm",),
    }
    with suppress(SwtpmMissing):
        require_swtpm()
        calls["run --tam swtpm"] = ("run", "--tam", "swtpm")
    cost: dict[str, list[float]] = {name: [] for name in calls}
    clock: dict[str, list[float]] = {name: [] for name in calls if name.startswith("run")}
    for _ in range(effort.commands):
        for name, call in calls.items():
            used, passed = spent(*call)
            cost[name].append(used)
            if name in clock:
                clock[name].append(passed)
    for unit, found in (("s of CPU", cost), ("s", clock)):
        yield from against("run", unit, found)
        yield Ratio("run", median(found["run"]), unit, "run", 1, 1, 1)


def searches(effort: Effort) -> Iterator[Ratio]:
    """The verifier's longest searches by their CPU time, beside those for all claims together."""
    yardstick = "all claims"
    longest: dict[str, list[float]] = {yardstick: []}
    for _ in range(effort.commands):
        with tempfile.TemporaryDirectory() as folder:
            spent("verify", "--times", "--json", "times.json", folder=Path(folder))
            rows = json.loads((Path(folder) / "times.json").read_text())["answers"]
        groups: dict[str, list[float]] = {}
        for row in rows:
            groups.setdefault(row["group"], []).append(1000 * row["seconds"])
        longest[yardstick].append(sum(groups["claim"]))
        for group, found in groups.items():
            longest.setdefault(f"longest: {group}", []).append(max(found))
    yield from against(yardstick, "ms of CPU", longest)
    yield Ratio(yardstick, median(longest[yardstick]), "ms of CPU", yardstick, 1, 1, 1)


def fuzzing(effort: Effort) -> Iterator[Ratio]:
    """What the fuzzer plays in a second, beside the conversations that tlsfuzzer publishes."""
    cases = round(300 * effort.seconds)
    rates: dict[str, list[float]] = {"fuzz: cases": [], "fuzz: conversations": []}
    for seed in range(effort.rounds):
        said = _called("fuzz", "--role", "service", "--cases", str(cases), "--seed", str(seed))
        if not (counted := _COUNTED.findall(said)):
            raise Failed(f"trustconn fuzz: {said.strip()[-200:]}")
        played, conversations, seconds = map(float, counted[-1])
        rates["fuzz: cases"].append(played / seconds)
        rates["fuzz: conversations"].append(conversations / seconds)
    for name, found in rates.items():
        yield published(name, median(found))


_COUNTED = re.compile(r"(\d+) cases, (\d+) conversations in (\d+(?:\.\d+)?) s")


def spent(*arguments: str, folder: Path | None = None) -> tuple[float, float]:
    """Seconds of the processor, and by the clock, of a call of `trustconn` in a folder, by default one of its own.

    Raises:
        Failed: it ended with another exit code than 0.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _called(*arguments, folder=folder)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall


def _called(*arguments: str, folder: Path | None = None) -> str:
    """What a call of `trustconn` printed. Raises Failed."""
    with tempfile.TemporaryDirectory() as own:
        ended = subprocess.run(
            [sys.executable, "-m", "trustconn", *arguments], cwd=folder or own, capture_output=True, text=True
        )
    if ended.returncode:
        raise Failed(f"trustconn {' '.join(arguments)}: exit code {ended.returncode}; {ended.stderr.strip()[-200:]}")
    return ended.stdout


def labels(effort: Effort) -> Iterator[Ratio]:
    """Signing and verifying a file in blocks, beside plain SHA-256 of the same file."""
    mebibytes = max(8, round(512 * effort.seconds))
    with signed_data.bench(mebibytes) as made:
        yield from against(signed_data.PLAIN, "MiB/s", signed_data.rates(made, mebibytes, effort.rounds))


FIGURES: Mapping[str, Callable[[Effort], Iterator[Ratio]]] = {
    "edhoc": handshakes,
    "sessions": sessions,
    "tls": sessions_over_tls,
    "conversation": conversation_in_handshakes,
    "property": properties,
    "labels": labels,
    "memory": memory,
    "fuzz": fuzzing,
    "searches": searches,
    "commands": commands,
}
"""Groups of figures by name."""
