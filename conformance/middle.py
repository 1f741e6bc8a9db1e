"""A run of the man in the middle: its scenarios between two live implementations, with the results of any other run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..harness.identity.settings import SettingError
from ..harness.identity.tester import TesterPki
from ..harness.iut.description import Description, check
from ..harness.memory import settle_memory
from ..harness.mitm.edhoc import EdhocBinding
from ..harness.mitm.ends import NotAPair, Pair
from ..harness.mitm.play import NO_CONVERSATION, Played, Player, inconclusive
from ..harness.mitm.scenario import Expected, Scenario
from ..harness.mitm.scenarios import scenarios
from ..harness.verdict.events import EventLog
from ..harness.verdict.records import TestCase, TestResult
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results, rebuild
from ..harness.verdict.transcript import save_conversations
from .fleet import Fleet
from .interrupt import Interruption, listening
from .main import clear
from .progress import Progress
from .selection import matches

TRANSCRIPTS = "transcripts-mitm.jsonl"


def run(request: RunRequest, files: Mapping[str, Path]) -> Results:
    """Play the selected scenarios between the described implementations, by role, or between the reference peers.

    Raises:
        RequestError: a selection, or a pair of descriptions, that cannot be used.
        DescriptionError: a description that cannot be used.
    """
    described = _described(files)
    if request.list_only:
        with TemporaryDirectory() as folder:
            return _run(request, described, Path(folder), [])
    clear(request.out)
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
    """The scenario that has the selection as its id, else those that the expression selects."""
    known = list(scenarios(EdhocBinding()))
    if request.select is None:
        return known
    exact = [scenario for scenario in known if scenario.id == request.select]
    return exact or [s for s in known if matches(request.select, (s.id, *s.requirements))]


def _run(
    request: RunRequest, described: Mapping[str, Description] | None, out: Path, chosen: Sequence[Scenario]
) -> Results:
    listed = selected(request) if request.list_only else chosen
    cases = [_case(scenario, request, described) for scenario in listed]
    started = time.monotonic()
    progress = Progress()
    with Fleet(request, described) as fleet, EventLog(out / "events.jsonl") as log, listening() as interruption:
        log.run_started(fleet.header(request), fleet.requirements(), cases, 0.0)
        progress.begin(len(chosen))
        try:
            for played in _played(fleet, request, chosen, interruption):
                result = _result(played, cases, request, time.monotonic() - started)
                log.test_started(result.case.id, time.monotonic() - started)
                log.test_finished(result, time.monotonic() - started)
                _keep(played, out)
                progress.advance(result)
        finally:
            progress.end()
        log.run_finished(interruption.asked, time.monotonic() - started)
    return rebuild(out)


def _played(
    fleet: Fleet, request: RunRequest, chosen: Sequence[Scenario], interruption: Interruption
) -> Iterator[Played]:
    if not chosen:
        return
    try:
        pair = Pair(fleet.descriptions, request.seed)
    except NotAPair as error:
        raise RequestError(str(error)) from error
    except (*NO_CONVERSATION, SettingError, OSError) as error:
        yield from (inconclusive(scenario, str(error)) for scenario in chosen)
        return
    settle_memory()
    with pair:
        for played in Player(pair).all(chosen):
            yield played
            if interruption.asked:
                return


def _case(scenario: Scenario, request: RunRequest, described: Mapping[str, Description] | None) -> TestCase:
    negative = scenario.expected is not Expected.WORKS
    options = "" if described is None else " --device FILE --service FILE"
    rerun = f"trustconn mitm{options} --seed {request.seed} --select '{scenario.id}'"
    return TestCase(
        scenario.id, scenario.requirements, scenario.role, scenario.operator, scenario.field, negative, rerun
    )


def _result(played: Played, cases: Sequence[TestCase], request: RunRequest, now: float) -> TestResult:
    case = next(case for case in cases if case.id == played.scenario.id)
    return TestResult(case, played.judgement, request.seed, played.digest, played.seconds)


def _keep(played: Played, out: Path) -> None:
    if not played.transcripts:
        return
    (out / "pcap").mkdir(parents=True, exist_ok=True)
    with (out / TRANSCRIPTS).open("a", encoding="utf-8") as stream:
        name = played.scenario.id
        save_conversations(stream, out / "pcap" / f"{name}.pcap", name, played.transcripts)
