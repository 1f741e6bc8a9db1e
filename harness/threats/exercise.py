"""What runs of the suite say about a threat at one component: the tests that pose it, and what became of them.

The verdicts are those of the results files; nothing is judged here a second time. A threat that no test posed is NOT
EXERCISED, whatever is claimed of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ...spec import requirements
from ..verdict.records import IutRecord, TestResult, status_reason
from ..verdict.results import Results
from ..verdict.verdict import Verdict
from .system import Component

PEERS = ("device", "service")
_EVERY_PEER = frozenset({"any", "attester", "relying-party"})


class State(Enum):
    """What is known of a threat, the worst first."""

    FAILED = "FAILED"
    """A test that poses it failed."""
    NOT_EXERCISED = "NOT EXERCISED"
    """No test that poses it ran."""
    UNDECIDED = "UNDECIDED"
    """A test that poses it came to no conclusion."""
    PARTLY = "PARTLY EXERCISED"
    """What ran passed, but the runs left tests out."""
    WITHSTOOD = "WITHSTOOD"
    """Every test that poses it and could be played passed."""


_ORDER = tuple(State)


def worst(states: Iterable[State]) -> State:
    """The state of a threat by its states at several components; of none, NOT EXERCISED."""
    return min(states, key=_ORDER.index, default=State.NOT_EXERCISED)


class KnownTest(Protocol):
    """What is known of a test of the suite without playing it."""

    @property
    def role(self) -> str:
        """The role that it is for."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """What it cites."""


@dataclass(frozen=True, slots=True)
class Run:
    """A results file: `name` as the user wrote it, `digest` the SHA-256 of its octets, hex."""

    name: str
    digest: str
    results: Results

    @property
    def whole(self) -> bool:
        """Whether it was a run of all tests, or of a frozen set, to its end; those of a handshake alone are not all.

        A run with faults is of another implementation than the one that it names.
        """
        header = self.results.header
        return self.results.complete and not header.selection and header.scope == "session" and not self.faulty

    @property
    def faulty(self) -> bool:
        """Whether checks were switched off for it, or faults on."""
        return bool(self.results.header.without or self.results.header.faults)


@dataclass(frozen=True, slots=True)
class Gap:
    """Requirements that a conversation decides and none did, for one reason."""

    reason: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exercise:
    """A threat at a component: the state, why it is no better, the tests, and what they leave open."""

    component: str
    state: State
    why: str
    tests: tuple[TestResult, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def played(self, removed: Sequence[str]) -> TestResult | None:
        """The test that plays the attack which `removed` checks prevent."""
        field = "+".join(removed)
        return next((one for one in self.tests if (one.case.operator, one.case.field) == ("attack", field)), None)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """Tests by verdict."""
        return Counter(test.status for test in self.tests if isinstance(test.status, Verdict))


def poses(met_by: Iterable[str], role: str, known: Iterable[KnownTest]) -> bool:
    """Whether the suite has a test for implementations of a role that poses the threat which requirements meet."""
    met = set(met_by)
    return any(test.role == role and not met.isdisjoint(test.requirements) for test in known)


def exercise(name: str, component: Component, met_by: Sequence[str], runs: Sequence[Run]) -> Exercise:
    """What the runs of a component's implementation say about a threat that is met by requirements."""
    mine, why = _runs_of(component, runs)
    if not mine:
        return Exercise(name, State.NOT_EXERCISED, why)
    tests = _last_verdicts(component.role, met_by, mine)
    state, why = _state(tests, mine)
    return Exercise(name, state, why, tests, (*_gaps(met_by, component.role, tests), *_other_bindings(component, mine)))


def _last_verdicts(role: str, met_by: Sequence[str], runs: Sequence[Run]) -> tuple[TestResult, ...]:
    """Each test over each binding with its last verdict; a run that could not play it takes none back."""
    met, last = set(met_by), dict[tuple[str, str], TestResult]()
    for run in sorted(runs, key=lambda run: run.results.header.started):
        for test in run.results.tests:
            if test.case.role == role and not met.isdisjoint(test.case.requirements):
                place = run.results.header.binding, test.case.id
                if isinstance(test.status, Verdict) or place not in last:
                    last[place] = test
    return tuple(last.values())


def _runs_of(component: Component, runs: Sequence[Run]) -> tuple[list[Run], str]:
    """The runs that tested exactly this component, or why there is none."""
    if component.iut is None:
        return [], "the description names no implementation that was tested (iut)"
    found, why = [], f"no results of the {component.role} {component.iut!r}"
    for run in runs:
        for iut in run.results.header.iuts:
            if (iut.name, iut.role) == (component.iut, component.role):
                why = _differs(component, iut) or why
                found += [] if _differs(component, iut) else [run]
    return found, why


def _differs(component: Component, iut: IutRecord) -> str:
    for what, wanted, tested in (("version", component.version, iut.version), ("digest", component.digest, iut.digest)):
        if wanted is not None and wanted != tested:
            return f"the results are of {what} {tested or 'unknown'}, the system has {wanted}"
    return ""


def _state(tests: Sequence[TestResult], runs: Sequence[Run]) -> tuple[State, str]:
    counts = Counter(test.status for test in tests if isinstance(test.status, Verdict))
    if counts[Verdict.FAIL]:
        return State.FAILED, f"{counts[Verdict.FAIL]} of {_tests(counts.total())} failed"
    if not counts:
        return State.NOT_EXERCISED, "no test that poses it ran"
    unsure = counts[Verdict.INCONC] + counts[Verdict.ERROR]
    if unsure:
        return State.UNDECIDED, f"{unsure} of {_tests(counts.total())} came to no conclusion"
    if not any(run.whole for run in runs):
        left = (
            "with faults that were switched on for the run"
            if all(run.faulty for run in runs)
            else "others were left out of the run"
        )
        return State.PARTLY, f"{_tests(counts.total())} passed, {left}"
    others = sum(not isinstance(test.status, Verdict) for test in tests)
    return State.WITHSTOOD, f"{_tests(counts.total())} passed" + (f", {others} could not be played" if others else "")


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"


def _gaps(met_by: Sequence[str], role: str, tests: Sequence[TestResult]) -> list[Gap]:
    """Requirements among these that bind the role and that no test decided, by reason."""
    bound = {role, *(_EVERY_PEER if role in PEERS else ())}
    reasons: dict[str, list[str]] = {}
    for name in met_by:
        requirement = requirements()[name]
        if requirement.testability.by_conversation and bound.intersection(requirement.roles):
            statuses = [test.status for test in tests if name in test.case.requirements]
            if not any(isinstance(status, Verdict) for status in statuses):
                reason = next(map(status_reason, statuses), "") or _otherwise(requirement.implemented)
                reasons.setdefault(reason, []).append(name)
    return [Gap(reason, tuple(names)) for reason, names in reasons.items()]


def _otherwise(implemented: bool) -> str:
    return "no test of these runs cites it" if implemented else "this version of the suite does not cover it"


def _other_bindings(component: Component, runs: Sequence[Run]) -> list[Gap]:
    spoken: set[object] = set()
    for run in runs:
        for iut in run.results.header.iuts:
            declared = iut.features.get("bindings", ())
            if (iut.name, iut.role) == (component.iut, component.role) and isinstance(declared, tuple):
                spoken.update(declared)
    untested = spoken - {run.results.header.binding for run in runs}
    return [Gap(f"it speaks {binding} too, and no run was over it", ()) for binding in sorted(map(str, untested))]
