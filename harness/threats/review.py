"""The review: each threat at each element that it applies to, with everything that is known about it, and the sign-off.

Claims have the verdicts that the verifier committed, attacks are those that it found without a control, tests have the
verdicts of the runs. A decision says what is done about what is left; it makes nothing pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...model.checks import CHECKS
from ...model.extract.committed import attacks, expected
from ...model.verifier.attack import Attack
from ...spec import IsoRow, Testability, Threat, claims, iso_register, powers, requirements, threats
from ..verdict.verdict import Verdict
from .exercise import Exercise, Gap, KnownTest, Run, State, exercise, poses, worst
from .rules import Applies, applicable, peers, rules
from .system import MOST, Decision, System

_ASKED = {
    Testability.ICS: "a statement of the implementer decides",
    Testability.ATTESTED: "an attested claim or a certificate decides",
    Testability.LABORATORY: "an examination of the product decides",
}
_PROPERTIES = {
    "spoofing": ("integrity", "confidentiality"),
    "tampering": ("integrity",),
    "repudiation": ("integrity",),
    "information disclosure": ("confidentiality",),
    "denial of service": ("availability",),
    "elevation of privilege": ("integrity", "confidentiality", "availability"),
}
"""What of an asset a category of STRIDE is at the cost of."""
SEPARATOR = " + "


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """A claim that answers a threat: the committed verdict under its powers, and the powers that defeat it."""

    id: str
    sentence: str
    verdict: str
    powers: tuple[str, ...]
    defeated_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownAttack:
    """What becomes possible when `removed` checks are missing: the claim that breaks, and how."""

    removed: tuple[str, ...]
    claim: str
    attack: Attack


@dataclass(frozen=True, slots=True)
class Finding:
    """A threat at an element. `left` is what is left of it, a sentence each; `impact` goes from 0 to 100."""

    applies: Applies
    threat: Threat
    exercises: tuple[Exercise, ...]
    left: tuple[str, ...]
    impact: int
    decision: Decision | None

    @property
    def state(self) -> State:
        """The worst of all components that have to do with it."""
        return worst(one.state for one in self.exercises)

    @property
    def place(self) -> str:
        """Threat and element, as complaints name them."""
        return f"{self.threat.id} at {self.applies.element}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario of A.1, as users meet it: the row of the standard, and what runs say about the requirements in it."""

    row: IsoRow
    exercises: tuple[Exercise, ...]

    @property
    def state(self) -> State:
        """The worst of all components; no better than PARTLY while a requirement is open."""
        found = worst(one.state for one in self.exercises)
        return State.PARTLY if found is State.WITHSTOOD and self.open else found

    @property
    def open(self) -> tuple[str, ...]:
        """The requirements that no test decided."""
        tests = [test for one in self.exercises for test in one.tests if isinstance(test.status, Verdict)]
        decided = {name for test in tests for name in test.case.requirements}
        return tuple(name for name in self.row.requirements if name not in decided)


@dataclass(frozen=True, slots=True)
class Blocker:
    """What stands in the way of a sign-off at one finding."""

    finding: Finding
    whys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.finding.place}: {self.finding.state.value}: {'; '.join(self.whys)}"


@dataclass(frozen=True, slots=True)
class Review:
    """A system, the runs that count for it, and the findings in the order of Annex A."""

    system: System
    runs: tuple[Run, ...]
    findings: tuple[Finding, ...]
    scenarios: tuple[Scenario, ...]
    outside: tuple[Applies, ...]
    """What applies to components that are outside the review."""

    @property
    def inapplicable(self) -> Mapping[str, str]:
        """Threats that apply to nothing, and why."""
        hit = {finding.threat.id for finding in self.findings} | {applies.threat for applies in self.outside}
        return {rule.threat: _unmet(rule.to, rule.when) for rule in rules().values() if rule.threat not in hit}

    @property
    def unseen(self) -> tuple[str, ...]:
        """Flows that the threats of Annex A are not about, because they go over something else."""
        return tuple(name for name, flow in self.system.flows.items() if flow.channel == "other")

    def blockers(self) -> Iterator[Blocker]:
        """Why the review cannot be signed off: at most one reason for each finding."""
        for finding in self.findings:
            if finding.state is not State.WITHSTOOD:
                whys = tuple(
                    f"{self.system.title(one.component)}: {one.why}"
                    for one in finding.exercises
                    if one.state is finding.state
                )
                yield Blocker(finding, whys or ("everything that it concerns is outside this review",))
            elif finding.decision is None:
                yield Blocker(finding, ("nobody has decided what is done about what is left",))


def review(system: System, runs: Sequence[Run], known: Collection[KnownTest]) -> Review:
    """The review of a system by runs; `known` are the tests that the suite has."""
    everything = applicable(system)
    outside = tuple(one for one in everything if _is_outside(system, one.element))
    findings = (_finding(system, applies, runs, known) for applies in everything if applies not in outside)
    rows = (row for row in iso_register().values() if row.clause.startswith("A.1."))
    scenarios = (Scenario(row, _exercises(system, row.requirements, runs, known)) for row in rows)
    return Review(system, tuple(runs), tuple(findings), tuple(scenarios), outside)


def _is_outside(system: System, element: str) -> bool:
    component = system.components.get(element)
    return component is not None and component.outside is not None


def _exercises(
    system: System, met_by: Sequence[str], runs: Sequence[Run], known: Collection[KnownTest]
) -> tuple[Exercise, ...]:
    """What runs say of requirements at every component that the review is about."""
    return tuple(
        exercise(name, component, met_by, runs)
        for name, component in system.components.items()
        if not component.outside and poses(met_by, component.role, known)
    )


def _finding(system: System, applies: Applies, runs: Sequence[Run], known: Collection[KnownTest]) -> Finding:
    threat = threats()[applies.threat]
    met_by = threat.requirements
    concerned = [
        name for name in _concerned(system, applies.element) if poses(met_by, system.components[name].role, known)
    ]
    inside = [name for name in concerned if not system.components[name].outside]
    exercises = tuple(exercise(name, system.components[name], met_by, runs) for name in inside)
    others = tuple(
        f"{system.components[name].title} is outside this review: {system.components[name].outside}"
        for name in concerned
        if name not in inside
    )
    left = (*_defeats(threat), *others, *_gaps(system, exercises), *_not_by_conversation(threat))
    return Finding(applies, threat, exercises, left, _impact(system, applies), _decision(system, applies))


def _concerned(system: System, element: str) -> tuple[str, ...]:
    """The components that have to do with a threat: the element or its ends, whom it speaks with, their verifiers."""
    if flow := system.flows.get(element):
        found = [flow.source, flow.target]
    else:
        found = [element, *peers(system, element)]
    found += [verifier for name in tuple(found) for verifier in peers(system, name, "verification")]
    return tuple(dict.fromkeys(found))


def _decision(system: System, applies: Applies) -> Decision | None:
    """The decision about this element, else one about the threat everywhere; of several the latest."""
    about = [one for one in system.decisions.values() if one.threat == applies.threat]
    for at in (applies.element, None):
        if fitting := [one for one in about if one.at == at]:
            return max(fitting, key=lambda one: one.date)
    return None


def _impact(system: System, applies: Applies) -> int:
    """The highest rating that the threat's categories put at stake among the assets concerned; 100 without any."""
    flow = system.flows.get(applies.element)
    names = set(flow.assets if flow else system.components[applies.element].assets)
    if flow is None:
        flows = (one for one in system.flows.values() if applies.element in (one.source, one.target))
        names.update(asset for one in flows for asset in one.assets)
    assets = [system.assets[name] for name in names]
    wanted = {name for category in threats()[applies.threat].stride for name in _PROPERTIES[category]}
    return max((int(getattr(asset, name)) for asset in assets for name in wanted), default=MOST)


# --- What is left ----------------------------------------------------------------------------------------------------


def _defeats(threat: Threat) -> Iterator[str]:
    """Powers that the threat's adversary has and that defeat a claim which answers it."""
    for claim in threat.claims:
        for power in claims()[claim].fails:
            if power in threat.powers:
                yield f"{claim} does not hold against an adversary who {_deed(power)} ({power})."


def _deed(power: str) -> str:
    return powers()[power].rstrip(".").partition(";")[0]


def _gaps(system: System, exercises: Sequence[Exercise]) -> Iterator[str]:
    """What runs left open, components with the same gap together."""
    found: dict[Gap, list[str]] = {}
    for one in exercises:
        for gap in one.gaps:
            found.setdefault(gap, []).append(system.title(one.component))
    for gap, titles in found.items():
        ids = f": {', '.join(gap.requirements)}" if gap.requirements else ""
        yield f"Not exercised at {' and '.join(titles)}, because {gap.reason}{ids}."


def _not_by_conversation(threat: Threat) -> Iterator[str]:
    """What no test of conversations decides."""
    for testability, decides in _ASKED.items():
        names = [name for name in threat.requirements if requirements()[name].testability is testability]
        if names:
            yield f"No conversation shows it, {decides}: {', '.join(names)}."


def _unmet(to: str, when: Mapping[str, tuple[object, ...]]) -> str:
    asked = ", ".join(
        f"{name} = {' or '.join(str(value).lower() for value in values)}" for name, values in when.items()
    )
    return f"no {to} with {asked}"


# --- Proofs ----------------------------------------------------------------------------------------------------------


@cache
def claim_verdicts(threat: str) -> tuple[ClaimVerdict, ...]:
    """The claims that answer a threat, as the verifier decided them."""
    return tuple(_claim_verdict(name, expected()["claims"]) for name in threats()[threat].claims)


def _claim_verdict(name: str, decided: Mapping[str, Any]) -> ClaimVerdict:
    claim = claims()[name]
    verdict = decided[name]["verdict"] if name in decided else "not decided by the verifier"
    return ClaimVerdict(name, claim.sentence, verdict, claim.holds, claim.fails)


@cache
def shown_attacks(threat: str) -> tuple[ShownAttack, ...]:
    """The committed attacks that a missing control against a threat allows, the most telling first.

    First those without a check that a requirement of the threat demands, then those that break a claim which answers
    it; among equals the shortest.
    """
    about = threats()[threat]
    found = []
    for name, row in attacks().items():
        removed = tuple(name.split(SEPARATOR))
        demanded = any(CHECKS[check].requirement in about.requirements for check in removed)
        if demanded or row["claim"] in about.claims:
            rank = (not demanded, row["claim"] not in about.claims, len(row["attack"]["events"]))
            found.append((rank, ShownAttack(removed, row["claim"], Attack.from_json(row["attack"]))))
    return tuple(attack for _, attack in sorted(found, key=lambda pair: pair[0]))
