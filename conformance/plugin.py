"""pytest runs the suite; this plugin chooses the tests, gives them a bench, and records what they conclude."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from ..harness.iut.control import ControlError
from ..harness.iut.launch import LaunchError
from ..harness.iut.process import ProcessError
from ..harness.memory import settle_memory
from ..harness.peer.tcp import TcpError
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import TesterFault
from ..harness.tester.session import ControlFailed, Iut, NeedNotMet
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.transcript import Transcript, save_conversations
from ..harness.verdict.verdict import Judgement, NotExercised, Verdict
from .bench import Bench
from .case import Case
from .disputes import heard
from .fleet import Fleet
from .health import Health
from .interrupt import Interruption
from .parallel import Companion, Log
from .progress import Progress
from .selection import chooses
from .stages import StageNotReached

FIRST = "test_basic"
"""The module that runs first: if an honest conversation fails, that is the finding."""


LAST = ("test_resources",)
"""Modules that run last, for what all the others leave behind."""

GROUP = 16
"""Tests that one good connection vouches for."""


NO_CONVERSATION = (TcpError, LaunchError, ControlError, ControlFailed, StageNotReached, ProcessError)
"""What keeps a test from coming to its point: no verdict about the implementation, and no fault of the tester."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A test that lacks nothing but the sign of life afterwards."""

    item: pytest.Function
    bench: Bench
    duration: float


class SuitePlugin:
    """One run."""

    def __init__(
        self, request: RunRequest, fleet: Fleet, log: Log, roles: tuple[str, ...], *, silent: bool = False
    ) -> None:
        self.request, self.fleet, self.log, self.roles = request, fleet, log, roles
        self.interruption = Interruption()
        self.companion: Companion | None = None
        """Runs the other role's tests meanwhile."""
        self.results: dict[str, TestResult] = {}
        self.interrupted = False
        self.refused = ""
        self._controls: dict[str, str] = {}
        self._health = {role: Health() for role in fleet.roles}
        self.progress = Progress(silent)
        self._started = time.monotonic()
        self._benches: dict[str, Bench] = {}
        self._keepers: dict[str, Keeper] = {}
        self._waiting: list[Waiting] = []
        self._streams: dict[str, TextIO] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Judgements say what was wrong; drawing the source around each failure would cost more than the test."""
        config.option.tbstyle = "value"

    # --- choosing ----------------------------------------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        """Keep what the request selects, a role at a time, so that each implementation is started once."""
        try:
            kept = [item for item in items if isinstance(item, pytest.Function) and self._selected(item)]
        except RequestError as error:
            self.refused = str(error)
            items.clear()
            return
        kept.sort(key=lambda item: (case_of(item).role, _place(name_of(item))))
        items[:] = kept
        plan = [self.test_case(item) for item in kept]
        self.log.run_started(self.fleet.header(self.request), self.fleet.requirements(), plan, self._now())
        self.progress.begin(len(items))
        mine = [item for item in kept if case_of(item).role in self.roles and not self.request.list_only]
        items[:] = mine
        settle_memory()
        if self.companion is not None:
            self.companion.start()

    def _selected(self, item: pytest.Function) -> bool:
        case = case_of(item)
        if case.role not in self.fleet.roles or not case.fits(self.fleet.binding):
            return False
        if self.fleet.handshake_only and not case.handshake:
            return False
        return chooses(self.request, name_of(item), case.requirements)

    def test_case(self, item: pytest.Function) -> TestCase:
        """The record of an item."""
        case, name = case_of(item), name_of(item)
        options = f" --iut {self.request.iut}" if self.request.iut else ""
        options += " --slow" if self.request.slow else ""
        options += f" --binding {self.request.binding}" if self.request.binding else ""
        rerun = f"trustconn run{options} --seed {self.request.seed} --rerun '{name}'"
        return TestCase(name, case.requirements, case.role, case.operator, case.field, case.negative, rerun)

    # --- running -----------------------------------------------------------------------------------------------------

    @pytest.fixture
    def bench(self, request: pytest.FixtureRequest, case: Case) -> Bench:
        """The bench of one test."""
        name = name_of(request.node)
        if self._health[case.role].given_up:
            raise ControlFailed(f"given up: {self._health[case.role].last}")
        iut = self.fleet.iut(case.role)
        bench = self._bench(name, iut, case, waits=True)
        self._benches[name] = bench
        return bench

    def _bench(self, name: str, iut: Iut, case: Case, *, waits: bool) -> Bench:
        keeper = self._keepers[name] = Keeper()
        return Bench(iut, case, self._controls, keeper, self._health[case.role], waits=waits)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function, nextitem: pytest.Function | None) -> Iterator[None]:
        """Frame a test with its events."""
        self.log.test_started(name_of(item), self._now())
        try:
            return (yield)
        finally:
            if self.interruption.asked:
                item.session.shouldstop = "interrupted"
                self.interrupted = True
            last = nextitem is None or self.interrupted or case_of(nextitem).role != case_of(item).role
            if self._waiting and (last or len(self._waiting) >= GROUP):
                self._settle()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Record what the test concluded, or why it could not."""
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            self._record(item, call)
        return (yield)

    def _record(self, item: pytest.Function, call: pytest.CallInfo[None]) -> None:
        name, error = name_of(item), call.excinfo.value if call.excinfo else None
        if isinstance(error, KeyboardInterrupt):
            return
        bench = self._benches.pop(name, None)
        if bench is not None and bench.missing_life is not None and error is None:
            self._waiting.append(Waiting(item, bench, call.duration))
        else:
            self._store(item, bench, error, call.duration)

    def _settle(self) -> None:
        """One good connection vouches for the tests before it; if it fails, each of them is played again alone."""
        waiting, self._waiting = self._waiting, []
        digest = waiting[-1].bench.alive()
        for test in waiting:
            if digest:
                test.bench.vouch(digest)
                self._store(test.item, test.bench, None, test.duration)
            else:
                self._play_alone(test.item)

    def _play_alone(self, item: pytest.Function) -> None:
        name, case, error, start = name_of(item), case_of(item), None, time.monotonic()
        bench: Bench | None = None
        try:
            bench = self._bench(name, self.fleet.iut(case.role), case, waits=False)
            item.obj(case=case, bench=bench)
        except (Exception, TesterFault) as failure:
            error = failure
        self._store(item, bench, error, time.monotonic() - start)

    def _store(self, item: pytest.Function, bench: Bench | None, error: BaseException | None, duration: float) -> None:
        name = name_of(item)
        if keeper := self._keepers.pop(name, None):
            keeper.store(self._transcripts(case_of(item).role), self.request.out / "pcap", name)
        judgement = self._judgement(case_of(item), bench, error)
        if isinstance(judgement, Judgement):
            judgement = heard(name, judgement)
        digest = bench.main.transcript.digest() if bench and bench.main else None
        result = TestResult(self.test_case(item), judgement, self.request.seed, digest, duration)
        self.results[name] = result
        self.log.test_finished(result, self._now())
        self.progress.advance(result)

    def _transcripts(self, role: str) -> TextIO:
        """The file that keeps a role's transcripts, test by test."""
        if role not in self._streams:
            (self.request.out / "pcap").mkdir(parents=True, exist_ok=True)
            self._streams[role] = (self.request.out / f"transcripts-{role}.jsonl").open("w", encoding="utf-8")
        return self._streams[role]

    def _judgement(self, case: Case, bench: Bench | None, error: BaseException | None) -> Judgement | NotExercised:
        if bench is not None and bench.judgement is not None and error is None:
            return bench.judgement
        if isinstance(error, NeedNotMet):
            return NotExercised(str(error))
        if isinstance(error, NO_CONVERSATION):
            self._health[case.role].failed(f"{type(error).__name__}: {error}")
            return Judgement(Verdict.INCONC, case.negative, reason=self._health[case.role].last)
        if isinstance(error, TesterFault) or error is not None:
            return Judgement(Verdict.ERROR, case.negative, reason=f"{type(error).__name__}: {error}")
        return Judgement(Verdict.ERROR, case.negative, reason="the test concluded nothing")

    def pytest_keyboard_interrupt(self, excinfo: object) -> None:
        """Asked twice: results so far are kept all the same."""
        self.interrupted = True

    def pytest_sessionfinish(self) -> None:
        """End the log and everything that was started."""
        for stream in self._streams.values():
            stream.close()
        if self.companion is not None and not self.refused:
            if self.interrupted:
                self.companion.stop()
            self.companion.join()
        self.progress.end()
        if self.refused:
            return
        self.log.run_finished(self.interrupted, self._now())

    def _now(self) -> float:
        return time.monotonic() - self._started


class Keeper:
    """Keeps the conversations of one test, to be stored when it ends."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Transcript]] = []

    def __call__(self, what: str, conversation: Conversation) -> None:
        self._kept.append((what, conversation.transcript))

    def store(self, stream: TextIO, folder: Path, test: str) -> None:
        """Write transcript and capture."""
        if self._kept:
            save_conversations(stream, folder / f"{_file_name(test)}.pcap", test, self._kept)


def _file_name(test: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in test)[-180:]


def _place(test: str) -> int:
    return 0 if test.startswith(FIRST) else 2 if test.startswith(LAST) else 1


def case_of(item: pytest.Item) -> Case:
    """The case of an item."""
    assert isinstance(item, pytest.Function)
    case = item.callspec.params["case"]
    assert isinstance(case, Case)
    return case


def name_of(item: pytest.Item) -> str:
    """`module::function[case]`, without folders."""
    return item.nodeid.rpartition("/")[2].replace(".py::", "::")
