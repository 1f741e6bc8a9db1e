"""Results as SARIF 2.1.0 (OASIS Standard, errata 01): what did not pass, for code scanning.

Requirements are the rules. A failure has the kind `fail`; an inconclusive test or an error of the tester is `open`, and
stands among the notifications of the tool too, so that nobody takes it for green.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ... import spec
from ...harness.verdict.records import TestResult, status_label
from ...harness.verdict.verdict import Verdict
from .findings import check_of, worded
from .run import Run, counts

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE = "SPECIFICATION"
"""Name of the folder that locations are relative to: the chapters of the specification."""
Json = dict[str, Any]


def sarif(run: Run) -> Json:
    """The log: one run with a result for each test that ran and did not pass."""
    header = run.results.header
    rules = _rules(run)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(header.versions.get("trustconn", ""), list(rules.values()))},
                "automationDetails": {"id": f"trustconn/{'-'.join(run.roles)}/{header.binding}/{header.seed}"},
                "invocations": [_invocation(run)],
                "originalUriBaseIds": {BASE: {"description": {"text": "The folder spec/ of trustconn."}}},
                "columnKind": "utf16CodeUnits",
                "results": [_result(test, list(rules)) | _suppressed(run, test) for test in run.bad],
                "properties": {"counts": counts(run.status_of), "seed": header.seed, "binding": header.binding},
            }
        ],
    }


def _driver(version: str, rules: list[Json]) -> Json:
    return {"name": "trustconn", "version": version or "unknown", "rules": rules}


def _rules(run: Run) -> dict[str, Json]:
    """The requirements that tests which did not pass stand under, by id."""
    names = dict.fromkeys(test.case.requirements[0] for test in run.bad)
    known = spec.requirements()
    return {name: _rule(known[name]) if name in known else {"id": name} for name in names}


def _rule(requirement: spec.Requirement) -> Json:
    clauses = [f"ISO/IEC 27071 {clause}" for clause in requirement.clauses]
    return {
        "id": requirement.id,
        "shortDescription": {"text": requirement.sentence},
        "help": {"text": f"{requirement.sentence} (spec/{requirement.file}, line {requirement.line})"},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", *clauses, *requirement.threats]},
    }


def _invocation(run: Run) -> Json:
    return {
        "executionSuccessful": run.results.complete,
        "startTimeUtc": run.results.header.started,
        "toolExecutionNotifications": list(_notifications(run)),
    }


def _notifications(run: Run) -> Iterator[Json]:
    for test in run.bad:
        if test.status is not Verdict.FAIL:
            level = "error" if test.status is Verdict.ERROR else "warning"
            yield {"level": level, "message": {"text": f"{test.case.id}: {test.judgement.reason or level}"}}


def _result(test: TestResult, rules: list[str]) -> Json:
    rule = test.case.requirements[0]
    failed = test.status is Verdict.FAIL
    more = {"status": status_label(test.status), "requirements": list(test.case.requirements), "seed": test.seed}
    known = {"transcript": test.transcript, "check": check_of(test.case.id), "rerun": test.case.rerun}
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "kind": "fail" if failed else "open",
        "level": "error" if failed else "none",
        "message": {"text": f"{test.case.role}: {worded(test.judgement.reason)} ({test.case.id})"},
        "locations": [_location(test)],
        "partialFingerprints": {"test/v1": sha256(test.case.id.encode()).hexdigest()},
        "properties": more | {name: value for name, value in known.items() if value},
    }


def _suppressed(run: Run, test: TestResult) -> Json:
    """A failure that was expected is shown as one that somebody outside has accepted, and why."""
    why = run.expected.met(test)
    return {"suppressions": [{"kind": "external", "justification": why}]} if why else {"suppressions": []}


def _location(test: TestResult) -> Json:
    """The sentence that was broken, and the test that says so."""
    place: Json = {"logicalLocations": [{"fullyQualifiedName": test.case.id, "kind": "member"}]}
    requirement = spec.requirements().get(test.case.requirements[0])
    if requirement is not None:
        file = {"uri": requirement.file, "uriBaseId": BASE}
        place["physicalLocation"] = {"artifactLocation": file, "region": {"startLine": requirement.line}}
    return place
