"""What did not pass, by the requirement that is broken: the sentence, what was done, seen and specified, and how."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ... import spec
from ...harness.verdict.records import TestResult, status_label
from ...harness.verdict.speech import FAULT, Speech
from ...model.extract.committed import attacks, expected
from ...model.refusals import VerifierError
from ..collect import SuiteTest, suite_tests
from .chart import Line, answer, chart
from .run import Run

CHARTS = 3
"""Tests with one requirement and one reason whose conversation is shown; the files of the run have those of all."""
MOST_CHARTS = 300
_CODED = re.compile(r"\b(alert|receipt|edhoc-error|verifier-error):(\d+)")
_OTHER = {"device": "service", "service": "device"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A test that ran and did not pass."""

    test: TestResult
    status: str
    says: str
    """What the test does, and what is wrong solely because of it."""
    check: str
    """The check that the fault must meet, where there is one."""
    reason: str
    answer: str
    """The last ALERT, RECEIPT or error of the implementation after the fault."""
    conversation: str
    lines: tuple[Line, ...]
    """The chart of that conversation; empty where it is not shown."""
    more: bool
    """Whether there is a conversation that is not shown."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What an attacker gains where a check is missing: the claims that fall, and an attack in text if one is known."""

    check: str
    claims: tuple[str, ...]
    attack: str


@dataclass(frozen=True, slots=True)
class Group:
    """A requirement with its findings, and what the checks behind them are for."""

    requirement: spec.Requirement
    findings: tuple[Finding, ...]
    gains: tuple[Gain, ...]


def groups(run: Run) -> Iterator[Group]:
    """The broken requirements in the order of the specification; each test stands under the first that it cites."""
    found: dict[str, list[Finding]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    shown = 0
    for test in run.bad:
        cited = test.case.requirements[0]
        reason = cited, test.judgement.reason
        whole = seen[reason] < CHARTS and shown < MOST_CHARTS
        seen[reason] += 1
        made = _finding(run, test, whole=whole)
        shown += bool(made.lines)
        found.setdefault(cited, []).append(made)
    for name, requirement in spec.requirements().items():
        if name in found:
            checks = dict.fromkeys(finding.check for finding in found[name] if finding.check)
            yield Group(requirement, tuple(found[name]), tuple(filter(None, map(gain, checks))))


def _finding(run: Run, test: TestResult, *, whole: bool) -> Finding:
    suite = _tests().get(test.case.id)
    tester = _OTHER.get(test.case.role, "device")
    name, speech = _decisive(run.speeches.get(test.case.id, []))
    lines = tuple(chart(speech, tester, _deed(test))) if whole and speech.messages else ()
    return Finding(
        test, status_label(test.status), _says(suite), (suite.case.check or "") if suite else "",
        worded(test.judgement.reason), answer(speech, tester), name, lines, bool(speech.messages) and not lines,
    )  # fmt: skip


def _decisive(speeches: list[tuple[str, Speech]]) -> tuple[str, Speech]:
    """The conversation in which it happened: the last with the fault in it, else the last but what came afterwards."""
    told = [one for one in speeches if one[0].partition(" ")[0] not in ("control", "afterwards")] or speeches
    faulty = [one for one in told if any(message.name == FAULT for message in one[1].messages)]
    return (faulty or told or [("", Speech())])[-1]


def _deed(test: TestResult) -> str:
    case = test.case
    return f"{case.operator} of {case.field}" if case.field else case.operator


def _says(test: SuiteTest | None) -> str:
    """The docstring of the test; results of another version may name one that is no more."""
    return " ".join((inspect.getdoc(test.play) or "").split()) if test else ""


@cache
def _tests() -> Mapping[str, SuiteTest]:
    return {test.id: test for test in suite_tests()}


def check_of(test_id: str) -> str:
    """The check that a test is about, where there is one."""
    test = _tests().get(test_id)
    return (test.case.check or "") if test else ""


def worded(reason: str) -> str:
    """A reason with the names of the codes in it."""
    return _CODED.sub(_with_name, reason)


def _with_name(found: re.Match[str]) -> str:
    kind, number = found[1], int(found[2])
    if kind == "verifier-error":
        names = {value: name.lower() for name, value in vars(VerifierError).items() if name.isupper()}
    else:
        numbers = spec.identifiers()
        register = numbers["edhoc"]["error"] if kind == "edhoc-error" else numbers["code"]
        names = {value: name for name, value in register.items()}
    return f"{found[0]} {names[number].replace('_', ' ')}" if number in names else found[0]


def gain(check: str) -> Gain | None:
    """What an attacker gains without a check; None where nothing is known of it."""
    entry = expected()["matrix"].get(check)
    if entry is None or not entry["broken"]:
        return None
    claims = tuple(sorted({claim.partition(" ")[0] for claim in entry["broken"]}))
    return Gain(check, claims, attacks().get(check, {}).get("text", ""))
