"""Plays tests one after another, gives each a bench, and records what it concludes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..harness.iut.control import ControlError
from ..harness.iut.launch import LaunchError
from ..harness.iut.process import ProcessError
from ..harness.peer.tcp import TcpError
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import TesterFault
from ..harness.tester.session import ControlFailed, Iut, NeedNotMet, Recorded
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RunRequest
from ..harness.verdict.speech import Speech
from ..harness.verdict.transcript import Archive, Transcript
from ..harness.verdict.verdict import Judgement, NotExercised, Verdict
from .asking import ROLE as VERIFIER
from .asking import VerifierBench
from .bench import Bench
from .case import Case
from .collect import SuiteTest
from .disputes import heard
from .fleet import Fleet
from .health import Health
from .interrupt import Interruption
from .parallel import Log
from .stages import StageNotReached

GROUP = 32
"""Tests that one good connection vouches for."""

NO_CONVERSATION = (TcpError, LaunchError, ControlError, ControlFailed, StageNotReached, ProcessError)
"""What keeps a test from coming to its point: no verdict about the implementation, and no fault of the tester."""


class Keeper:
    """Keeps the conversations of one test, in their order, to be stored when it ends."""

    def __init__(self) -> None:
        self._kept: list[Transcript] = []
        self._speeches: dict[int, Speech] = {}
        self._names: dict[int, str] = {}

    def begun(self, recorded: Recorded) -> None:
        """One more conversation."""
        self._kept.append(recorded.transcript)
        if isinstance(recorded, Conversation):
            self._speeches[id(recorded.transcript)] = recorded.speech

    def __call__(self, what: str, recorded: Recorded) -> None:
        """A conversation is of more than the common kind."""
        self._names[id(recorded.transcript)] = what

    def store(self, archive: Archive, test: str, *, told: bool) -> None:
        """Save them; if they are to be `told`, with what was said."""
        counts: Counter[str] = Counter()
        kept = []
        for one in self._kept:
            name = self._names.get(id(one), "conversation")
            counts[name] += 1
            kept.append((f"{name} {counts[name]}" if counts[name] > 1 else name, one))
        if kept:
            archive.save(test, kept)
        if kept and told:
            said = self._speeches
            archive.tell(test, [(name, said.get(id(one)) or Speech.of_exchange(one.turns())) for name, one in kept])


@dataclass(frozen=True, slots=True)
class Waiting:
    """A test that lacks nothing but the sign of life afterwards."""

    test: SuiteTest
    bench: Bench
    keeper: Keeper
    duration: float


class Player:
    """The tests of one role. `plan` has the record of each; `now` is the time in a run."""

    def __init__(
        self, request: RunRequest, fleet: Fleet, log: Log, plan: Mapping[str, TestCase], now: Callable[[], float]
    ) -> None:
        self._request, self._fleet, self._log, self._plan, self._now = request, fleet, log, plan, now
        self._controls: dict[str, str] = {}
        self._health = Health()
        self._waiting: list[Waiting] = []

    def play(self, tests: Sequence[SuiteTest], interruption: Interruption, told: Callable[[TestResult], None]) -> None:
        """Play all tests, or those that begin before the interruption; `told` gets each result as it comes."""
        if not tests:
            return
        with Archive(self._request.out, tests[0].case.role) as self._archive:
            self._told = told
            for test in tests:
                if interruption.asked:
                    break
                self._log.test_started(test.id, self._now())
                self._play(test, Keeper())
                if len(self._waiting) >= GROUP:
                    self._settle()
            self._settle()

    def _play(self, test: SuiteTest, keeper: Keeper, *, alone: bool = False) -> None:
        """Play a test; unless alone, it may wait for a good connection that vouches for others too."""
        start = time.monotonic()
        bench: Bench | None = None
        error: BaseException | None = None
        try:
            bench = self._bench(test.case, keeper, waits=not alone)
            test.play(test.case, bench)
        except (Exception, TesterFault) as failure:
            error = failure
        duration = time.monotonic() - start
        if bench is not None and bench.missing_life is not None and error is None:
            self._waiting.append(Waiting(test, bench, keeper, duration))
        else:
            self._record(test, bench, keeper, error, duration)

    def _bench(self, case: Case, keeper: Keeper, *, waits: bool) -> Bench:
        if self._health.given_up and waits:
            raise ControlFailed(f"given up: {self._health.last}")
        if case.role == VERIFIER:
            verifier = self._fleet.verifier()
            verifier.began = keeper.begun
            return VerifierBench(verifier, case, self._controls, keeper, self._health, waits=waits)
        iut: Iut = self._fleet.iut(case.role)
        iut.began = keeper.begun
        iut.hold_events()
        return Bench(iut, case, self._controls, keeper, self._health, waits=waits)

    def _settle(self) -> None:
        """One good connection vouches for the tests before it; if it fails, each of them is played again alone."""
        waiting, self._waiting = self._waiting, []
        digest = self._alive(waiting[-1]) if waiting else None
        for one in waiting:
            if digest:
                one.bench.vouch(digest)
                self._record(one.test, one.bench, one.keeper, None, one.duration)
            else:
                self._play(one.test, one.keeper, alone=True)

    def _alive(self, last: Waiting) -> str | None:
        """The good connection belongs to the last of them."""
        last.bench.iut.began = last.keeper.begun
        return last.bench.alive()

    def _record(
        self, test: SuiteTest, bench: Bench | None, keeper: Keeper, error: BaseException | None, duration: float
    ) -> None:
        judgement = self._judgement(test.case, bench, error)
        if isinstance(judgement, Judgement):
            judgement = heard(test.id, judgement)
        told = isinstance(judgement, Judgement) and judgement.verdict is not Verdict.PASS
        keeper.store(self._archive, test.id, told=told)
        digest = bench.main.digest() if bench and bench.main else None
        result = TestResult(self._plan[test.id], judgement, self._request.seed, digest, duration)
        self._log.test_finished(result, self._now())
        self._told(result)

    def _judgement(self, case: Case, bench: Bench | None, error: BaseException | None) -> Judgement | NotExercised:
        if bench is not None and bench.judgement is not None and error is None:
            return bench.judgement
        if isinstance(error, NeedNotMet):
            return NotExercised(str(error))
        if isinstance(error, NO_CONVERSATION):
            self._health.failed(f"{type(error).__name__}: {error}")
            return Judgement(Verdict.INCONC, case.negative, reason=self._health.last)
        if error is not None:
            return Judgement(Verdict.ERROR, case.negative, reason=f"{type(error).__name__}: {error}")
        return Judgement(Verdict.ERROR, case.negative, reason="the test concluded nothing")
