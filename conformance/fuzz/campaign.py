"""A campaign: traces are played to implementations, judged, confirmed, shortened and kept.

It is guided by what a complete peer shows of itself in this process: states it was in, checks that refused there. A
trace that reaches something new is kept, and changed further.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from random import Random

from ...harness.tester.session import NeedNotMet
from .ground import Ground
from .guided import explore
from .oracle import Difference
from .record import Record
from .shrink import shortened
from .trace import Trace

GROUP = 8
"""Traces that one good connection vouches for."""
BETWEEN = 60
"""Traces of the systematic part between two of them."""
STEADY = 4
"""How often a complete peer must do the same before a difference from it counts."""
OPENING = ("open", "retry", "relay")
"""Steps that make a conversation."""


@dataclass(frozen=True)
class Judged:
    """What is wrong, if anything; in which telling; what a complete peer did, and what the implementation did."""

    difference: Difference | None
    telling: int
    expected: Record
    seen: Record


@dataclass(frozen=True)
class Found:
    """A finding: the shortest trace for it and how that was judged last; when it was come upon."""

    trace: Trace
    difference: Difference
    judged: Judged
    cases: int
    seconds: float


@dataclass
class Figures:
    """How far a campaign is."""

    cases: int = 0
    conversations: int = 0
    situations: int = 0
    unmet: int = 0
    seconds: float = 0.0


@dataclass
class Campaign:
    """One campaign; the seed decides about the order of traces and every choice of the tester."""

    ground: Ground
    seed: int = 0
    figures: Figures = field(default_factory=Figures)
    found: dict[tuple[str, ...], Found] = field(default_factory=dict)
    doubtful: list[tuple[Trace, Difference]] = field(default_factory=list)
    """What did not show again."""
    corpus: list[Trace] = field(default_factory=list)
    """Traces that reached something new."""
    clock: Callable[[], float] = time.monotonic
    """What `seconds` count."""

    def __post_init__(self) -> None:
        self._tellings = 0
        self._situations: set[tuple[str, ...]] = set()
        self._unproven: deque[Trace] = deque()
        self._started = self.clock()

    # --- playing -----------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[Found | None]:
        """Play until the consumer stops; each trace gives a new finding or None."""
        random = Random(self.seed)
        systematic, vocabulary = self.ground.traces(random)
        while True:
            for trace in islice(systematic, BETWEEN):
                yield from self._case(trace)
            for trace in explore(self.corpus, vocabulary, self.reach, random.getrandbits(32)):
                yield from self._case(trace)

    def _case(self, trace: Trace) -> Iterator[Found | None]:
        self.figures.cases += 1
        yield self._concluded(trace, self.judge(trace).difference)
        self._unproven.append(trace)
        if len(self._unproven) == GROUP:
            yield from self._life()

    def judge(self, trace: Trace) -> Judged:
        """What an implementation does wrong when it is told a trace. Each time the tester chooses anew."""
        expected, number = self._expected(trace)
        try:
            seen, wrong = self.ground.seen(trace, expected, number)
        except NeedNotMet:
            self.figures.unmet += 1
            return Judged(None, number, expected, Record())
        finally:
            self.figures.conversations += sum(1 for item in trace.steps if item.do in OPENING)
            self.figures.seconds = self.clock() - self._started
        return Judged(wrong, number, expected, seen)

    def _expected(self, trace: Trace) -> tuple[Record, int]:
        """What a complete peer does when it is told a trace, and the number of that telling."""
        self._tellings += 1
        expected = self.ground.expected(trace, self._tellings)
        self._note(trace, expected)
        return expected, self._tellings

    # --- guidance ----------------------------------------------------------------------------------------------------

    def _note(self, trace: Trace, expected: Record) -> None:
        """Keep a trace that reaches something new."""
        reached = situations(trace, expected)
        if not reached <= self._situations:
            self._situations |= reached
            self.corpus.append(trace)
        self.figures.situations = len(self._situations)

    def reach(self, trace: Trace) -> tuple[int, bool]:
        """How many states a complete peer enters when it is told a trace, and whether it shows something new."""
        known = self.figures.situations
        expected, _ = self._expected(trace)
        states = max((len(set(told.states)) for told in expected.told.values()), default=0)
        return states, self.figures.situations > known

    # --- findings ----------------------------------------------------------------------------------------------------

    def _concluded(self, trace: Trace, wrong: Difference | None) -> Found | None:
        """A finding that is new, that shows again and again, and that is as short as can be."""
        if wrong is None or wrong.key in self.found:
            return None
        if not self._steady(trace, wrong):
            self.doubtful.append((trace, wrong))
            return None
        cases, seconds = self.figures.cases, self.clock() - self._started
        short = shortened(trace, lambda shorter: self._shows(shorter, wrong))
        found = Found(short, wrong, self.judge(short), cases, seconds)
        self.found[wrong.key] = found
        return found

    def _shows(self, trace: Trace, wrong: Difference) -> bool:
        again = self.judge(trace).difference
        return again is not None and again.key == wrong.key

    def _steady(self, trace: Trace, wrong: Difference) -> bool:
        """Whether the same is wrong with other choices of the tester: what chance decides is no finding."""
        self.ground.be_patient(True)
        try:
            others = [self.judge(trace) for _ in range(2)]
        finally:
            self.ground.be_patient(False)
        if not all(other.difference is not None and other.difference.kind == wrong.kind for other in others):
            return False
        return len({_outline(self._expected(trace)[0]) for _ in range(STEADY)}) == 1

    # --- life --------------------------------------------------------------------------------------------------------

    def _life(self) -> Iterator[Found | None]:
        """A good connection after the last traces; where there is none, the trace after which there is none."""
        suspects, self._unproven = list(self._unproven), deque()
        self.figures.conversations += 1
        if self.ground.is_well() and not self.ground.grown():
            return
        for trace in suspects:
            lasting = trace.with_steps((*trace.steps, *self.ground.life))
            if found := self._concluded(lasting, self.judge(lasting).difference):
                yield found
        if grown := self.ground.grown():
            yield self._leak(suspects, grown)

    def _leak(self, suspects: list[Trace], grown: str) -> Found | None:
        """The trace that makes the implementation grow when it is played many times."""
        wrong = Difference("leak", "ERR-10", grown, 0)
        for trace in suspects if wrong.key not in self.found else ():
            if self.ground.grows(partial(self.judge, trace)):
                now = self.clock() - self._started
                found = self.found[wrong.key] = Found(trace, wrong, self.judge(trace), self.figures.cases, now)
                return found
        self.ground.forget()
        return None


def _outline(expected: Record) -> tuple[object, ...]:
    """What must not depend on chance."""
    return tuple((n, tuple(s.action or s.name for s in told.seen), told.ended) for n, told in expected.told.items())


def situations(trace: Trace, expected: Record) -> set[tuple[str, ...]]:
    """What a trace reaches in a complete peer: rows by state and message, and in which state which check refused."""
    reached: set[tuple[str, ...]] = set()
    deeds = [item for item in trace.steps if item.do not in ("open", "go", "ping", "data", "send")]
    what = deeds[0].do if deeds else "honest"
    for told in expected.told.values():
        state = told.states[-1] if told.states else "start"
        reached |= {("state", a, b) for a, b in zip(told.states, told.states[1:], strict=False)}
        reached |= {("refused", check, state, what) for _, check in told.refused}
        reached.add(("seen", state, *(seen.action or seen.name for seen in told.seen[-3:])))
    return reached
