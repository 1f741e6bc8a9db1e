"""Which tests can tell a fault: those in which the complete peer comes to the place that the fault distorts.

Up to that place a faulty peer and a complete one are the same: a test that never gets there need not be played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal

from ..harness.evaluator.machine import Effects
from ..harness.evaluator.run import Run
from ..harness.faults.fault import Fault
from ..harness.faults.operators import only_relaxes
from ..harness.faults.register import FAULTS
from ..harness.peer.binding import BINDINGS, DEFAULT
from ..harness.peer.endpoint import Endpoint
from ..harness.tester.deviation import TesterFault
from ..harness.tester.local import LocalIut
from ..model.checks import CHECKS
from ..model.protocol.tables import profile
from ..model.table import Message, Step, Table
from ..model.terms import Term
from .bench import Bench
from .collect import SuiteTest

LIBRARIES = frozenset({"tls"})
"""Bindings whose own checks a library makes, which says of none that it was made."""


@dataclass(slots=True)
class Places:
    """Where the complete peer came in one test."""

    binding: str
    judged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    delivered: set[tuple[str, str, str]] = field(default_factory=set)
    """Role, state and message."""
    taken: set[tuple[str, str, str, str]] = field(default_factory=set)
    """The same of what was taken, and the state that it led to."""
    computed: set[Term] = field(default_factory=set)
    """Terms that some fault lies about."""
    whole: bool = False
    """Whether the test came to its end, and so to all its places."""


@cache
def _lied_about() -> frozenset[Term]:
    return frozenset(term for fault in FAULTS.values() for term in fault.seams.lies)


class _Run(Run):
    """Notes what is judged."""

    __slots__ = ("places",)

    def __init__(self, honest: Run, places: Places) -> None:
        super().__init__(honest.role, honest.provider, honest.rng, off=honest.off, rules=honest.rules)
        self.places = places
        self.pinned = {term: partial(self._noted, term) for term in _lied_about()}

    def _noted(self, term: Term, honest: Any) -> Any:
        self.places.computed.add(term)
        return honest

    def judge(self, step: Step) -> None:
        self.places.judged.add(step.check.name)
        super().judge(step)


class _Watched(Endpoint):
    """Notes where it comes."""

    def __init__(self, places: Places, *arguments: Any, **options: Any) -> None:
        self.places = places
        super().__init__(*arguments, **options)

    def new_run(self, role: str) -> Run:
        return _Run(super().new_run(role), self.places)

    def step(self, message: Message, data: bytes | None) -> None:
        self.places.delivered.add((self.role, self.state, message.name))
        super().step(message, data)

    def follow(self, before: str, effects: Effects) -> None:
        """A library delivers by itself what it has read."""
        if effects.row is not None:
            self.places.delivered.add((self.role, before, effects.row.receives.name))
            self.places.taken.add((self.role, before, effects.row.receives.name, effects.row.next_state))
        super().follow(before, effects)

    def report(self, name: str, **fields: Any) -> None:
        if name in ("refused", "data_refused") and "check" in fields:
            self.places.refused.add(fields["check"])
        super().report(name, **fields)


class Watch:
    """A complete peer of one role that is watched; tests of no binding are played over `binding`."""

    def __init__(self, role: Literal["device", "service"], binding: str = DEFAULT) -> None:
        self.places = Places(binding)
        self._binding = binding
        self._iuts = {name: LocalIut(role, seed=b"reach", binding=name, make=self._make) for name in BINDINGS}
        self._controls: dict[str, dict[str, str]] = {name: {} for name in BINDINGS}

    def _make(self, *arguments: Any, **options: Any) -> Endpoint:
        return _Watched(self.places, *arguments, **options)

    def play(self, test: SuiteTest) -> Places:
        """Where the peer comes in this test."""
        binding = test.case.binding or self._binding
        self.places = Places(binding)
        iut, controls = self._iuts[binding], self._controls[binding]
        bench = Bench(iut, test.case, controls, lambda what, conversation: None, waits=True)
        iut.forget()
        with suppress(Exception, TesterFault):  # Then the test is not taken to be whole.
            test.play(test.case, bench)
            self.places.whole = True
        return self.places


def tells(fault: Fault, role: str) -> Callable[[Places], bool]:
    """Whether a test with these places can tell the fault; always, where that cannot be known."""
    seams = fault.seams
    if seams.world or seams.kept or seams.endpoint or seams.channel:
        return lambda seen: True
    if any(CHECKS[name].beside_table for name in seams.off):
        return lambda seen: True
    judged = {name for name, judge in seams.judges.items() if not only_relaxes(judge)}
    refused = {*seams.off, *(name for name, judge in seams.judges.items() if only_relaxes(judge))}
    rows, lies = _distorted(fault, role), set(seams.lies)
    unheard = LIBRARIES.intersection(CHECKS[name].binding for name in seams.off)
    return lambda seen: bool(
        not seen.whole
        or seen.binding in unheard
        or judged & seen.judged
        or refused & seen.refused
        or rows & seen.delivered
        or lies & seen.computed
    )


@cache
def _distorted(fault: Fault, role: str) -> frozenset[tuple[str, str, str]]:
    if fault.seams.table is None:
        return frozenset()
    found = set[tuple[str, str, str]]()
    for binding in BINDINGS:
        with suppress(ValueError):  # A fault that no row of this binding's table has.
            found.update(_other_rows(profile(binding), fault.seams.table(profile(binding)), role))
    return frozenset(found)


def _other_rows(honest: Table, faulty: Table, role: str) -> Iterator[tuple[str, str, str]]:
    """Role, state and message of each row of a role that one of the tables alone has."""
    here, there = (set(map(id, table.rows)) for table in (honest, faulty))
    for row in (*honest.rows, *faulty.rows):
        if row.role == role and (id(row) in here) != (id(row) in there):
            yield row.role, row.state, row.receives.name
