"""The handshake group against the TLS stacks of others: one run for each endpoint, and the table of what came out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..harness.identity.provision import provision
from ..harness.iut.stacks import STACKS, NotAvailable, Stack, describe
from ..harness.verdict.records import TestResult, status_label
from ..harness.verdict.request import RunRequest
from ..harness.verdict.results import Results
from ..harness.verdict.verdict import Judgement
from .main import run

KINDS = {"service": "server", "device": "client"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What came of one endpoint; `results` is None where it could not be played, for the reason `missing`."""

    stack: str
    role: str
    version: str
    results: Results | None = None
    missing: str = ""
    seconds: float = 0.0


def play(
    stacks: Iterable[Stack], roles: Iterable[str], out: Path, *, isolated: bool, select: str | None = None
) -> Iterator[Endpoint]:
    """Each endpoint's result as it comes; `isolated`: nobody else reaches what binds every address.

    Raises:
        RequestError: a selection that cannot be used.
    """
    with TemporaryDirectory(prefix="trustconn-") as folder:
        for stack in stacks:
            scratch = Path(folder) / "".join(c for c in stack.name if c.isalnum())
            scratch.mkdir()
            for role in roles:
                yield _play(stack, role, scratch, out, isolated, select)


def _play(stack: Stack, role: str, scratch: Path, out: Path, isolated: bool, select: str | None) -> Endpoint:
    version, start = "", time.monotonic()
    try:
        if stack.everywhere and role == "service" and not isolated:
            raise NotAvailable("its server binds every address, and there is no network namespace to put it into")
        version = stack.ready(scratch)
        credentials = scratch / f"credentials-{role}"
        provision(credentials, seed=scratch.name.encode(), now=int(time.time()), role=role, plain=role in stack.plain)
        file = describe(stack, role, version, credentials, scratch)
    except NotAvailable as error:
        return Endpoint(stack.name, role, version, missing=str(error))
    results = run(RunRequest(out=out / f"{scratch.name}-{KINDS[role]}", iut=file, select=select))
    results.save(out / f"{scratch.name}-{KINDS[role]}" / "results.json")
    return Endpoint(stack.name, role, version, results, seconds=time.monotonic() - start)


# --- the table -------------------------------------------------------------------------------------------------------


def _outcome(test: TestResult) -> str:
    grade = test.judgement.grade if isinstance(test.judgement, Judgement) else None
    return f"{status_label(test.status)}{f' ({grade.value})' if grade else ''}"


def outcomes(results: Results) -> dict[str, Counter[str]]:
    """Requirement to how often each verdict with its grade came out."""
    found: dict[str, Counter[str]] = {}
    for test in results.tests:
        for requirement in test.case.requirements:
            found.setdefault(requirement, Counter())[_outcome(test)] += 1
    return dict(sorted(found.items()))


def deviations(results: Results) -> list[tuple[str, str, str]]:
    """Tests that did not pass: id, verdict with grade, and what was seen."""
    return [
        (test.case.id, _outcome(test), _seen(test)) for test in results.tests if status_label(test.status) != "pass"
    ]


def _seen(test: TestResult) -> str:
    return test.judgement.reason.partition(", specified")[0]


def markdown(endpoints: Iterable[Endpoint], explain: Callable[[str, str], str]) -> str:
    """The table of all endpoints, and each deviation with its explanation; `explain` takes a stack and a test."""
    played = list(endpoints)
    lines = ["| stack | endpoint | version | tests | verdicts with grades | seconds |", "|---|---|---|---|---|---|"]
    for end in played:
        what = f"{end.stack} | {KINDS[end.role]} | {end.version or '-'}"
        if end.results is None:
            lines.append(f"| {what} | 0 | NOT AVAILABLE: {end.missing} | - |")
        else:
            verdicts = ", ".join(f"{n} {name}" for name, n in Counter(map(_outcome, end.results.tests)).most_common())
            lines.append(f"| {what} | {len(end.results.tests)} | {verdicts} | {end.seconds:.0f} |")
    return "\n".join([*lines, "", *_requirements(played), "", *_deviations(played, explain)]) + "\n"


def _requirements(played: list[Endpoint]) -> Iterator[str]:
    shown = [(end, outcomes(end.results)) for end in played if end.results is not None]
    ids = sorted({requirement for _, found in shown for requirement in found})
    yield "Requirements: tests that passed of those that were played; `-` where the role is not bound."
    yield ""
    yield "| requirement | " + " | ".join(f"{end.stack} {KINDS[end.role]}" for end, _ in shown) + " |"
    yield "|---" * (1 + len(shown)) + "|"
    for requirement in ids:
        cells = [_share(found.get(requirement)) for _, found in shown]
        yield f"| {requirement} | " + " | ".join(cells) + " |"


def _share(found: Counter[str] | None) -> str:
    if not found:
        return "-"
    return f"{sum(n for name, n in found.items() if name.startswith('pass'))}/{found.total()}"


def _deviations(played: list[Endpoint], explain: Callable[[str, str], str]) -> Iterator[str]:
    yield "Deviations, each with what was seen and why:"
    yield ""
    yield "| endpoint | test | verdict | seen | explanation |"
    yield "|---|---|---|---|---|"
    for end in played:
        for test, verdict, seen in deviations(end.results) if end.results is not None else ():
            what = f"{end.stack} {KINDS[end.role]} | {test} | {verdict} | {seen}"
            yield f"| {what} | {explain(f'{end.stack} {KINDS[end.role]}', test)} |"


__all__ = ["KINDS", "STACKS", "Endpoint", "deviations", "markdown", "outcomes", "play"]
