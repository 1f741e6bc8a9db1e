"""Results of runs that never took place, and descriptions of systems, for tests of reviews."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from trustconn.cli.coverage import coverage
from trustconn.harness.threats.exercise import Run
from trustconn.harness.threats.review import Finding, Review, review
from trustconn.harness.threats.system import example, load
from trustconn.harness.verdict.catalogue import requirement_records
from trustconn.harness.verdict.records import Header, IutRecord, TestCase, TestResult
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Judgement, NotExercised, Verdict

DEVICE, SERVICE = (f"trustconn reference {role}" for role in ("device", "service"))
Judge = Callable[[str, str], Verdict | None]
"""The verdict of a test of a role that cites a requirement; None for a test that could not be played."""


known_tests = cache(coverage)


def every_test_passes(_: str, __: str) -> Verdict | None:
    return Verdict.PASS


def results(
    judge: Judge = every_test_passes,
    *,
    roles: tuple[str, ...] = ("device", "service"),
    selection: str = "",
    day: int = 1,
    binding: str = "edhoc",
    scope: str = "session",
    faults: tuple[str, ...] = (),
) -> Results:
    """A run in which each test of the suite, as a test without fault, has the verdict that `judge` gives it."""
    iuts = tuple(IutRecord(f"trustconn reference {role}", role, "1") for role in roles)
    made = Header(f"2026-11-{day:02}T00:00:00Z", {}, iuts, 0, selection, binding=binding, scope=scope, faults=faults)
    return Results(made, tuple(requirement_records(roles)), tuple(_tests(judge, roles)), True)


def _tests(judge: Judge, roles: tuple[str, ...]) -> Iterator[TestResult]:
    for name, test in known_tests().items():
        if test.role in roles:
            case = TestCase(name, test.requirements, test.role, test.operator, test.field, False, f"again {name}")
            verdicts = [judge(test.role, requirement) for requirement in test.requirements]
            known = [verdict for verdict in verdicts if verdict is not None]
            judged = Judgement(max(known), False, reason="made up") if known == verdicts else NotExercised("made up")
            yield TestResult(case, judged)


def reviewed(folder: Path, *found: Results, edit: Callable[[str], str] = str) -> Review:
    """The review of the example, its text edited, by such results."""
    path = folder / "system.toml"
    path.write_text(edit(example()))
    runs = [Run(f"run {number}", f"{number:064x}", results) for number, results in enumerate(found)]
    return review(load(path), runs, known_tests().values())


def decided(text: str) -> str:
    """A description with a decision about every threat."""
    decisions = (
        f'[decision.d{number}]\nthreat = "{threat}"\nchoice = "accept"\nreason = "It is little."\nby = "me"\n'
        'date = "2026-11-02"\n'
        for number, threat in enumerate(f"A.2.{part}.{item}" for part in (2, 3, 4) for item in (1, 2, 3, 4))
    )
    return text + "\n" + "\n".join(decisions)


def finding(found: Review, threat: str) -> Finding:
    """The one finding of a threat."""
    (one,) = (one for one in found.findings if one.threat.id == threat)
    return one


def interrupted(results: Results) -> Results:
    """The same, cut short."""
    return replace(results, complete=False)
