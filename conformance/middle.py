"""A run of the man in the middle: its scenarios between two live implementations, with the results of any other run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..harness.identity.settings import SettingError
from ..harness.identity.tester import TesterPki
from ..harness.iut.checking import check
from ..harness.iut.description import Description
from ..harness.iut.features import BINDINGS
from ..harness.memory import settle_memory
from ..harness.mitm.ends import NotAPair, Pair, binding_named
from ..harness.mitm.play import GROUP, NO_CONVERSATION, Played, Player, inconclusive
from ..harness.mitm.scenario import Expected, Scenario
from ..harness.mitm.scenarios import scenarios
from ..harness.verdict.events import EventLog
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results, rebuild
from ..harness.verdict.transcript import Archive
from .fleet import Fleet
from .interrupt import Interruption, listening
from .parallel import Companion, Log, SharedLog
from .progress import Progress
from .selection import matches

DEFAULT = BINDINGS[0]
ALONE = 2 * GROUP
"""Scenarios for which a second pair of reference peers is not worth its start."""


def run(request: RunRequest, files: Mapping[str, Path]) -> Results:
    """Play the selected scenarios between the described implementations, by role, or between the reference peers.

    Raises:
        RequestError: a selection, or a pair of descriptions, that cannot be used.
        DescriptionError: a description that cannot be used.
    """
    described = _described(files)
    Archive.clear(request.out)
    if described:
        request = replace(request, binding=next(iter(described.values())).wire.binding)
    return _run(request, described, request.out, selected(request))


def _described(files: Mapping[str, Path]) -> dict[str, Description] | None:
    """The descriptions by role; None for the reference peers."""
    if not files:
        return None
    described = {role: check(path, int(time.time())) for role, path in files.items()}
    for role, description in described.items():
        if description.iut.role != role:
            raise RequestError(f"--{role} {files[role]}: it describes a {description.iut.role}")
    roots = {_roots(description) for description in described.values()}
    if len(roots) > 1:
        raise RequestError(
            "the device and the service were provisioned apart and do not trust each other: "
            "make their credentials with `trustconn provision both`"
        )
    return described


def _roots(description: Description) -> tuple[bytes, ...]:
    try:
        pki = TesterPki.load(description.credentials.tester)
    except SettingError as error:
        raise RequestError(str(error)) from error
    return tuple(branch.root.certificate.sha256 for branch in (pki.device, pki.service, pki.attestation))


def selected(request: RunRequest) -> list[Scenario]:
    """The scenario that has the selection as its id, else those that the expression selects. Raises RequestError."""
    try:
        known = list(scenarios(binding_named(request.binding or DEFAULT)))
    except NotAPair as error:
        raise RequestError(str(error)) from error
    if request.select is None:
        return known
    exact = [scenario for scenario in known if scenario.id == request.select]
    return exact or [s for s in known if matches(request.select, (s.id, *s.requirements))]


def _run(
    request: RunRequest, described: Mapping[str, Description] | None, out: Path, chosen: Sequence[Scenario]
) -> Results:
    cases = [_case(scenario, request, described) for scenario in chosen]
    started = time.monotonic()
    with Fleet(request, described) as fleet, EventLog(out / "events.jsonl") as events, listening() as interruption:
        log = SharedLog(events)
        log.run_started(fleet.header(request), fleet.requirements(), cases, 0.0)
        campaign = Campaign(fleet, request, out, interruption, started)
        alone = described is not None or len(chosen) <= ALONE
        campaign.share(chosen, cases, log) if not alone else campaign.play(chosen, cases, log)
        log.run_finished(interruption.asked, time.monotonic() - started)
    return rebuild(out)


@dataclass(slots=True)
class Campaign:
    """Scenarios on their way into the log, the transcripts and the progress."""

    fleet: Fleet
    request: RunRequest
    out: Path
    interruption: Interruption
    started: float
    progress: Progress = field(default_factory=Progress)

    def share(self, chosen: Sequence[Scenario], cases: Sequence[TestCase], log: Log) -> None:
        """Every other scenario is played on a second pair of reference peers, in a process of its own."""
        companion = Companion(
            lambda told: replace(self, progress=Progress(silent=True)).play(chosen[1::2], cases[1::2], told, "-2"),
            log,
            self.progress.advance,
        )
        self.progress.begin(len(chosen))
        companion.start()
        try:
            self._play(chosen[::2], cases[::2], log, "")
        finally:
            if self.interruption.asked:
                companion.stop()
            companion.join()
            self.progress.end()

    def play(self, chosen: Sequence[Scenario], cases: Sequence[TestCase], log: Log, name: str = "") -> None:
        """All of them on one pair."""
        self.progress.begin(len(chosen))
        try:
            self._play(chosen, cases, log, name)
        finally:
            self.progress.end()

    def _play(self, chosen: Sequence[Scenario], cases: Sequence[TestCase], log: Log, name: str) -> None:
        known = {case.id: case for case in cases}
        with Archive(self.out, f"mitm{name}") as archive:
            for played in self._played(chosen):
                case = known[played.scenario.id]
                result = TestResult(case, played.judgement, self.request.seed, played.digest, played.seconds)
                log.test_started(case.id, self._now() - played.seconds)
                log.test_finished(result, self._now())
                archive.save(case.id, played.transcripts)
                self.progress.advance(result)

    def _played(self, chosen: Sequence[Scenario]) -> Iterator[Played]:
        if not chosen:
            return
        try:
            pair = Pair(self.fleet.descriptions, self.request.seed, self.fleet.key_log())
        except NotAPair as error:
            raise RequestError(str(error)) from error
        except (*NO_CONVERSATION, SettingError, OSError) as error:
            yield from (inconclusive(scenario, str(error)) for scenario in chosen)
            return
        settle_memory()
        with pair:
            for played in Player(pair).all(chosen):
                yield played
                if self.interruption.asked:
                    return

    def _now(self) -> float:
        return time.monotonic() - self.started


def _case(scenario: Scenario, request: RunRequest, described: Mapping[str, Description] | None) -> TestCase:
    negative = scenario.expected is not Expected.WORKS
    reference = f" --binding {request.binding}" if request.binding else ""
    options = reference if described is None else " --device FILE --service FILE"
    rerun = f"trustconn mitm{options} --seed {request.seed} --select '{scenario.id}'"
    return TestCase(
        scenario.id, scenario.requirements, scenario.role, scenario.operator, scenario.field, negative, rerun
    )
