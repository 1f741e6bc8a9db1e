"""The review in the Open Threat Model format 0.2.0 (https://github.com/iriusrisk/OpenThreatModel), for other tools.

Its schema is `otm.schema.json`, unchanged from there; see `SOURCE`. A threat is `exposed` there unless every test that
poses it passed and somebody decided about what is left; only then it is `mitigated`, `transferred` or `accepted`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ...spec import Threat, requirements
from ..verdict.verdict import Verdict
from .exercise import State
from .review import Finding, Review, claim_verdicts, shown_attacks
from .system import System

VERSION = "0.2.0"
_STATES = {"mitigate": "mitigated", "transfer": "transferred", "accept": "accepted"}
_PERCENT = 100
Json = dict[str, Any]


@cache
def schema() -> Mapping[str, Any]:
    """The published schema."""
    found: Mapping[str, Any] = json.loads((files(__package__) / "otm.schema.json").read_text(encoding="utf-8"))
    return found


def to_otm(review: Review) -> Json:
    """The review as an object of the schema."""
    system = review.system
    return {
        "otmVersion": VERSION,
        "project": _project(system),
        "assets": [_asset(name, system) for name in system.assets],
        "trustZones": [
            {"id": name, "name": zone.title, "type": name, "risk": {"trustRating": zone.trust}}
            for name, zone in system.zones.items()
        ],
        "components": [_component(name, review) for name in system.components],
        "dataflows": [_flow(name, review) for name in system.flows],
        "threats": [_threat(threat, found) for threat, found in _by_threat(review)],
        "mitigations": [_mitigation(threat, found) for threat, found in _by_threat(review)],
    }


def _project(system: System) -> Json:
    about = system.about
    return {
        "name": about.name, "id": system.file.stem, "description": about.description or None,
        "owner": about.owner or None, "ownerContact": about.contact or None,
        "attributes": {"version": about.version, "parties": {n: party.title for n, party in system.parties.items()}},
    }  # fmt: skip


def _asset(name: str, system: System) -> Json:
    asset = system.assets[name]
    ratings = {key: getattr(asset, key) for key in ("confidentiality", "integrity", "availability")}
    return {"id": name, "name": asset.title, "risk": ratings}


def _component(name: str, review: Review) -> Json:
    component = review.system.components[name]
    return {
        "id": name, "name": component.title, "type": component.role, "parent": {"trustZone": component.zone},
        "assets": {"processed": [], "stored": list(component.assets)}, "threats": _threats_at(name, review),
        "attributes": {"party": component.party, "iut": component.iut, "outside": component.outside},
    }  # fmt: skip


def _flow(name: str, review: Review) -> Json:
    flow = review.system.flows[name]
    return {
        "id": name, "name": flow.title, "bidirectional": True, "source": flow.source, "destination": flow.target,
        "assets": list(flow.assets), "threats": _threats_at(name, review), "attributes": {"channel": flow.channel},
    }  # fmt: skip


def _threats_at(element: str, review: Review) -> list[Json]:
    return [
        {
            "threat": finding.threat.id,
            "state": _state(finding),
            "mitigations": [{"mitigation": _controls(finding.threat), "state": _implemented([finding])}],
        }
        for finding in review.findings
        if finding.applies.element == element
    ]


def _state(finding: Finding) -> str:
    decided = finding.decision if finding.state is State.WITHSTOOD else None
    return _STATES[decided.choice] if decided else "exposed"


def _implemented(findings: Iterable[Finding]) -> str:
    return "implemented" if all(finding.state is State.WITHSTOOD for finding in findings) else "required"


def _by_threat(review: Review) -> list[tuple[Threat, list[Finding]]]:
    found: dict[str, list[Finding]] = {}
    for finding in review.findings:
        found.setdefault(finding.threat.id, []).append(finding)
    return [(findings[0].threat, findings) for findings in found.values()]


def _threat(threat: Threat, findings: list[Finding]) -> Json:
    return {
        "id": threat.id, "name": threat.title, "description": f"ISO/IEC 27071, {threat.id}",
        "categories": list(threat.stride),
        "risk": {
            "likelihood": None, "likelihoodComment": "not estimated",
            "impact": max(finding.impact for finding in findings),
            "impactComment": "the highest rating of an asset that the threat's categories put at stake",
        },
        "tags": list(threat.emb3d),
        "attributes": {
            "powers": list(threat.powers),
            "claims": {claim.id: claim.verdict for claim in claim_verdicts(threat.id)},
            "attackWithout": [list(attack.removed) for attack in shown_attacks(threat.id)],
            "states": {finding.applies.element: _known(finding) for finding in findings},
        },
    }  # fmt: skip


def _known(finding: Finding) -> Json:
    decision = finding.decision
    return {
        "state": finding.state.value,
        "because": finding.applies.because,
        "tests": {one.component: {v.label: n for v, n in one.counts.items()} for one in finding.exercises},
        "residualRisk": list(finding.left),
        "decision": {name: getattr(decision, name) for name in ("choice", "reason", "by", "date")}
        if decision
        else None,
    }


def _controls(threat: Threat) -> str:
    return f"controls-{threat.id}"


def _mitigation(threat: Threat, findings: list[Finding]) -> Json:
    return {
        "id": _controls(threat), "name": f"The requirements that meet {threat.id}",
        "description": "riskReduction is the share of these requirements whose tests all passed, in percent, or 0 "
        "while the threat is not exercised or a test failed.",
        "riskReduction": _share(threat, findings),
        "attributes": {"requirements": list(threat.requirements), "state": _implemented(findings)},
    }  # fmt: skip


def _share(threat: Threat, findings: list[Finding]) -> int:
    """Percent of a threat's requirements that tests decided, none to their disadvantage."""
    if any(finding.state in (State.FAILED, State.NOT_EXERCISED) for finding in findings):
        return 0
    tests = [test for finding in findings for one in finding.exercises for test in one.tests]
    verdicts: dict[str, set[Verdict]] = {name: set() for name in requirements()}
    for test in tests:
        for name in test.case.requirements:
            if isinstance(test.status, Verdict):
                verdicts[name].add(test.status)
    return _PERCENT * sum(verdicts[name] == {Verdict.PASS} for name in threat.requirements) // len(threat.requirements)
