"""The state machine of a role, and how much of it a run went through.

A transition counts as taken when a test passed that leads a complete peer over it; a refusal by the test that is about
this message in this state. Which tests lead where is found by playing them to a complete peer in this process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ...model.protocol.tables import profile
from ..collect import SuiteTest, suite_tests
from ..reach import Watch

MODULES = ("test_basic", "test_opening", "test_rows", "test_timers")
"""Modules whose tests together lead over every transition that a conversation can take."""
UNEXPECTED = "unexpected"
"""The operator of tests about a message for which a state has no transition; their field is STATE.MESSAGE."""
END = "CLOSED"
Role = Literal["device", "service"]


@dataclass(frozen=True, slots=True)
class Step:
    """A message in a state: the states that it leads to, or none where it is refused; and what the tests said."""

    state: str
    message: str
    targets: tuple[str, ...]
    status: str
    passed: int
    ran: int


@dataclass(frozen=True, slots=True)
class MachineOf:
    """The machine of a role, in the order of its states."""

    role: str
    states: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def taken(self) -> tuple[Step, ...]:
        """Transitions that a test which passed has taken."""
        return tuple(step for step in self.transitions if step.status == "pass")

    @property
    def transitions(self) -> tuple[Step, ...]:
        """What the table has rows for."""
        return tuple(step for step in self.steps if step.targets)

    @property
    def refusals(self) -> tuple[Step, ...]:
        """What the table has no rows for, and tests try."""
        return tuple(step for step in self.steps if not step.targets)


def machine(role: Role, binding: str, statuses: Mapping[str, str]) -> MachineOf:
    """The machine of a role over a binding; `statuses` are the words of the run's tests by id."""
    rows: dict[tuple[str, str], list[str]] = {}
    for row in profile(binding).rows:
        if row.role == role:
            rows.setdefault((row.state, row.receives.name), []).append(row.next_state)
    led = _led(role, binding)
    legal = [
        _step(state, message, tuple(dict.fromkeys(targets)), led.get((state, message), ()), statuses, best=True)
        for (state, message), targets in rows.items()
    ]
    tried = [
        _step(state, message, (), tests, statuses, best=False)
        for (state, message), tests in _tried(role, binding).items()
    ]
    states = tuple(dict.fromkeys(state for state, _ in rows))
    steps = sorted((*legal, *tried), key=lambda step: states.index(step.state) if step.state in states else len(states))
    return MachineOf(role, (*states, END), tuple(steps))


def _step(
    state: str,
    message: str,
    targets: tuple[str, ...],
    tests: tuple[str, ...],
    statuses: Mapping[str, str],
    *,
    best: bool,
) -> Step:
    ran = [statuses[test] for test in tests if statuses.get(test) in ORDER]
    status = (min if best else max)(ran, key=ORDER.index, default="not exercised")
    return Step(state, message, targets, status, ran.count("pass"), len(ran))


ORDER = ("pass", "inconc", "fail", "error")


@cache
def _led(role: Role, binding: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The tests that lead a complete peer of a role to a message in a state."""
    watch, found = Watch(role, binding), dict[tuple[str, str], list[str]]()
    for test in _tests(role, binding):
        if test.id.partition("::")[0] in MODULES:
            for who, state, message in watch.play(test).delivered:
                if who == role:
                    found.setdefault((state, message), []).append(test.id)
    return {place: tuple(tests) for place, tests in found.items()}


def _tried(role: Role, binding: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    states = {row.state for row in profile(binding).rows if row.role == role}
    letter = "R" if role == "device" else "I"
    for test in _tests(role, binding):
        state, _, message = test.case.field.rpartition(".")
        if test.case.operator == UNEXPECTED and state in states and message.isupper():
            place = (state, f"{message}_{letter}")
            found[place] = (*found.get(place, ()), test.id)
    return found


def _tests(role: str, binding: str) -> Iterator[SuiteTest]:
    return (test for test in suite_tests() if test.case.role == role and test.case.fits(binding))
