"""How good the fuzzer is: faulty peers one after the other, each fuzzed from the same seed until its first finding.

It takes peers of this process from whoever has them. What is known of a peer is kept in a file, a line each, and is not
tried again. What a complete peer does when it is told a trace does not depend on the faulty one: it is played once in
each process, and the time that it took is counted each time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from ...harness.tester.local import LocalIut
from ...harness.tester.session import Role
from ..workers import answers
from .campaign import Campaign
from .ground import OneRole
from .record import Record
from .trace import Trace

TLSFUZZER = (24, 52)
"""Conversations a second that tlsfuzzer's authors publish, the least and the most."""
Make = Callable[[str, Role], LocalIut]
"""The faulty peer of a name and a role."""
Peer = tuple[str, Role]
"""Name and role."""


@dataclass(frozen=True, slots=True)
class Search:
    """What came of one peer: `kind` and the rest are of the first finding, empty where there was none.

    `cases` and `seconds`, of CPU time, are those until the finding showed for the first time, or those of the whole
    search.
    """

    name: str
    role: str
    seed: int
    cases: int
    conversations: int
    seconds: float
    kind: str = ""
    requirement: str = ""
    reason: str = ""
    check: str = ""

    @property
    def found(self) -> bool:
        """Whether the fuzzer found the fault."""
        return bool(self.kind)


class _Ground(OneRole):
    """Remembers what a complete peer does; `spared` are the seconds that this saved."""

    spared = 0.0

    def expected(self, trace: Trace, number: int) -> Record:
        key = (self.name, self._seed, number, str(trace.plain()))
        if key in _EXPECTED:
            record, seconds = _EXPECTED[key]
            self.spared += seconds
            return record
        start = time.process_time()
        record = super().expected(trace, number)
        _EXPECTED[key] = record, time.process_time() - start
        return record

    def clock(self) -> float:
        """CPU time as it would be without memory."""
        return time.process_time() + self.spared


_EXPECTED: dict[tuple[str, int, int, str], tuple[Record, float]] = {}


def search(peer: Peer, make: Make, seed: int, cases: int) -> Search:
    """Fuzz one peer until the first finding, for at most so many cases."""
    name, role = peer
    iut = make(name, role)
    ground = _Ground(role, lambda _: iut, seed)
    campaign = Campaign(ground, seed, clock=ground.clock)
    turns = campaign.run()
    found = next((one for one in islice(turns, cases) if one is not None), None)
    figures = campaign.figures
    if found is None:
        return Search(name, role, seed, figures.cases, figures.conversations, figures.seconds)
    wrong = found.difference
    return Search(
        name, role, seed, found.cases, figures.conversations, found.seconds,
        wrong.kind, wrong.requirement, wrong.reason, wrong.check,
    )  # fmt: skip


class Known:
    """What a file holds of earlier searches."""

    def __init__(self, file: Path) -> None:
        """Lines that are cut or of another kind are passed over."""
        self._file = file
        self._searches: dict[tuple[str, str, int], Search] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            try:
                one = Search(**json.loads(line))
            except (ValueError, TypeError):
                continue  # The line that an interruption cut.
            self._searches[one.name, one.role, one.seed] = one

    def of(self, peer: Peer, seed: int, cases: int) -> Search | None:
        """The search that makes another one needless: it found something, or tried as many cases."""
        one = self._searches.get((*peer, seed))
        return one if one is not None and ((one.found and one.cases <= cases) or one.cases >= cases) else None

    def keep(self, one: Search) -> None:
        """For the next time."""
        with self._file.open("a", encoding="utf-8") as stream:
            print(json.dumps(asdict(one)), file=stream)


def evaluate(
    peers: Sequence[Peer], make: Make, seed: int, cases: int, file: Path, processes: int = 0
) -> Iterator[Search]:
    """A search for each peer: those of the file first, the others as they end, in all processes there is room for."""
    known = Known(file)
    done = {peer: one for peer in peers if (one := known.of(peer, seed, cases)) is not None}
    yield from done.values()
    left = [peer for peer in peers if peer not in done]
    for one in answers(partial(search, make=make, seed=seed, cases=cases), left, processes):
        known.keep(one)
        yield one


def told(one: Search) -> str:
    """One search in one line."""
    if not one.found:
        return f"MISSED  {one.name}/{one.role}: {one.cases} cases, {one.seconds:.1f} s"
    how = f"{one.kind} {one.requirement}: {one.reason}"
    return f"found   {one.name}/{one.role}: case {one.cases}, {one.seconds:.1f} s, {how}"


def summary(searches: Sequence[Search]) -> str:
    """The figures of all searches together."""
    found = [one for one in searches if one.found]
    faults, names = {one.name for one in found}, {one.name for one in searches}
    lines = [f"{len(faults)} of {len(names)} faults found, as {len(found)} of {len(searches)} peers that have one"]
    if found:
        seconds, cases = median(one.seconds for one in found), median(one.cases for one in found)
        lines.append(f"median until found: {seconds:.1f} s, {cases:.0f} cases")
    return "\n".join([*lines, *_rates(searches)])


def _rates(searches: Sequence[Search]) -> Iterator[str]:
    """Of the searches that found nothing: nothing was confirmed or shortened in them."""
    whole = [one for one in searches if not one.found and one.seconds]
    seconds = sum(one.seconds for one in whole)
    if seconds:
        cases = sum(one.cases for one in whole) / seconds
        talks = sum(one.conversations for one in whole) / seconds
        yield f"{cases:.1f} cases and {talks:.1f} conversations a second of CPU time"
        least, most = TLSFUZZER
        yield f"{talks / most:.2f} to {talks / least:.2f} times the {least} to {most} that tlsfuzzer publishes"
