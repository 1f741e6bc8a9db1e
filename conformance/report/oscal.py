"""Results as OSCAL assessment results (NIST, model version 1.2.1): requirements are the controls.

Only a requirement that a test decided has a finding. It is satisfied when all its tests that ran passed; an
inconclusive test or an error of the tester leaves it unsatisfied, with the reason `other`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ... import spec
from ...harness.verdict.records import IutRecord, TestResult, status_label
from ...harness.verdict.summary import headline
from ...harness.verdict.verdict import Verdict
from .findings import worded
from .run import BAD, Run

VERSION = "1.2.1"
NAMESPACE = "https://trustconn.org/ns/oscal"
Json = dict[str, Any]
Decided = dict[str, tuple[Verdict, tuple[TestResult, ...]]]


def oscal(run: Run) -> Json:
    """The document. Its identifiers are derived from the run: the same results, the same document."""
    return {"assessment-results": _Writer(run).document()}


class _Writer:
    def __init__(self, run: Run) -> None:
        self._run, self._results, self._header = run, run.results, run.results.header
        names = ",".join(f"{iut.role} {iut.name} {iut.digest or iut.version}" for iut in self._header.iuts)
        self._root = uuid5(NAMESPACE_URL, f"{NAMESPACE}/{self._header.started}/{self._header.seed}/{names}")
        self._plan = self._id("plan")
        self._decided: Decided = {
            name: (status, tests)
            for name, (status, tests) in self._results.by_requirement().items()
            if isinstance(status, Verdict)
        }

    def _id(self, name: str) -> str:
        return str(uuid5(self._root, name))

    def document(self) -> Json:
        """The assessment results."""
        return {
            "uuid": str(self._root),
            "metadata": {
                "title": f"Trusted connection: {', '.join(iut.name for iut in self._header.iuts)}",
                "last-modified": self._header.started,
                "version": self._header.started,
                "oscal-version": VERSION,
            },
            "import-ap": {"href": f"#{self._plan}"},
            "results": [self._result()],
            "back-matter": {"resources": [_plan(self._plan, self._header.versions.get("trustconn", "unknown"))]},
        }

    def _result(self) -> Json:
        optional = {"observations": list(self._observations()), "findings": list(map(self._finding, self._decided))}
        components = [self._component(iut) for iut in self._header.iuts]
        reviewed = [{"control-id": requirement.id} for requirement in self._results.requirements]
        return {
            "uuid": self._id("result"),
            "title": f"Conformance run, seed {self._header.seed}",
            "description": f"{headline(self._results)}.",
            "start": self._header.started,
            "props": [_prop("seed", str(self._header.seed)), _prop("binding", self._header.binding)],
            "local-definitions": {"components": components},
            "reviewed-controls": {"control-selections": [{"include-controls": reviewed}]},
            **{name: value for name, value in optional.items() if value},
        }

    def _component(self, iut: IutRecord) -> Json:
        digest = [_prop("digest", iut.digest)] if iut.digest else []
        return {
            "uuid": self._id(f"component {iut.role}"),
            "type": "software",
            "title": iut.name,
            "description": f"The {iut.role} under test, version {iut.version}.",
            "props": [_prop("role", iut.role), _prop("version", iut.version or "unknown"), *digest],
            "status": {"state": "operational"},
        }

    def _observations(self) -> Iterator[Json]:
        """One for each requirement that was decided, and one for each test that ran and did not pass."""
        for name, (_, tests) in self._decided.items():
            ran = [test for test in tests if isinstance(test.status, Verdict)]
            passed = sum(test.status is Verdict.PASS for test in ran)
            roles = {test.case.role for test in ran}
            yield self._observation(name, f"{passed} of {len(ran)} tests passed.", roles)
        for test in self._run.bad:
            words = f"{status_label(test.status)}: {worded(test.judgement.reason)}"
            yield self._observation(test.case.id, words, {test.case.role}) | {"remarks": f"Again: {test.case.rerun}"}

    def _observation(self, name: str, description: str, roles: set[str]) -> Json:
        known = {iut.role for iut in self._header.iuts}
        subjects = [
            {"subject-uuid": self._id(f"component {role}"), "type": "component"} for role in sorted(roles & known)
        ]
        return {
            "uuid": self._id(f"observation {name}"),
            "title": name,
            "description": description,
            "methods": ["TEST"],
            **({"subjects": subjects} if subjects else {}),
            "collected": self._header.started,
        }

    def _finding(self, name: str) -> Json:
        status, tests = self._decided[name]
        sentence = spec.requirements()[name].sentence if name in spec.requirements() else name
        observed = [name, *(test.case.id for test in tests if test.status in BAD)]
        reason = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}.get(status, "other")
        state = "satisfied" if status is Verdict.PASS else "not-satisfied"
        return {
            "uuid": self._id(f"finding {name}"),
            "title": name,
            "description": sentence,
            "target": {"type": "objective-id", "target-id": name, "status": {"state": state, "reason": reason}},
            "related-observations": [{"observation-uuid": self._id(f"observation {one}")} for one in observed],
        }


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": NAMESPACE, "value": value}


def _plan(uuid: str, version: str) -> Json:
    """What the results are measured against, for the reference that every assessment has to a plan."""
    title = f"Conformance suite of trustconn {version}"
    return {"uuid": uuid, "title": title, "description": "Requirements are those of its specification, by their ids."}
