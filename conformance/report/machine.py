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
    """A message in a state: a state that it leads to, or none where it is refused; and what the tests said."""

    state: str
    message: str
    target: str
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
        return tuple(step for step in self.steps if step.target)

    @property
    def refusals(self) -> tuple[Step, ...]:
        """What the table has no rows for, and tests try."""
        return tuple(step for step in self.steps if not step.target)


def machine(role: Role, binding: str, statuses: Mapping[str, str]) -> MachineOf:
    """The machine of a role over a binding; `statuses` are the words of the run's tests by id."""
    rows = [row for row in profile(binding).rows if row.role == role]
    led, tried = _led(role, binding), _tried(role, binding)
    ways = dict.fromkeys((row.state, row.receives.name, row.next_state) for row in rows)
    legal = [_step(*way, led.get(way, ()), statuses, best=True) for way in ways]
    refused = [_step(*place, "", tests, statuses, best=False) for place, tests in tried.items()]
    states = tuple(dict.fromkeys(row.state for row in rows))
    steps = sorted(
        (*legal, *refused), key=lambda step: states.index(step.state) if step.state in states else len(states)
    )
    return MachineOf(role, (*states, END), tuple(steps))


def _step(
    state: str,
    message: str,
    target: str,
    tests: tuple[str, ...],
    statuses: Mapping[str, str],
    *,
    best: bool,
) -> Step:
    ran = [statuses[test] for test in tests if statuses.get(test) in ORDER]
    status = (min if best else max)(ran, key=ORDER.index, default="not exercised")
    return Step(state, message, target, status, ran.count("pass"), len(ran))


ORDER = ("pass", "inconc", "fail", "error")


@cache
def _led(role: Role, binding: str) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """The tests that lead a complete peer of a role by a message from state to state."""
    watch, found = Watch(role, binding), dict[tuple[str, str, str], list[str]]()
    for test in _tests(role, binding):
        if test.id.partition("::")[0] in MODULES:
            for who, *way in watch.play(test).taken:
                if who == role:
                    found.setdefault((way[0], way[1], way[2]), []).append(test.id)
    return {way: tuple(tests) for way, tests in found.items()}


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
