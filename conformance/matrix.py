"""The whole matrix: every fault against every test of its role, with or without a citation.

It is taken up where it stopped: each line of the state file is one fault of one role, and holds for the tests that it
was made with. A test that the fault cannot reach is not played; see `reach`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from ..harness.faults.register import FAULTS
from ..harness.verdict.verdict import Verdict
from .collect import SuiteTest, suite_tests
from .kills import Pair, Role, key, passes, verdict
from .reach import Places, Watch, tells
from .workers import answers


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of one role, and the tests that fail because of it, by id."""

    fault: str
    role: Role
    killed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A fault of a role, the row that is known of it, and the tests that the row holds for."""

    pair: Pair
    known: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()


@cache
def tests_of(role: str) -> tuple[SuiteTest, ...]:
    """The tests of a role in their order; what is about no binding is played over the first one."""
    return tuple(test for test in suite_tests() if test.case.role == role)


@cache
def _places(role: Role) -> dict[str, Places]:
    assert role != "verifier", "faults of a verifier are told without a matrix"
    watch = Watch(role)
    return {test.id: watch.play(test) for test in tests_of(role)}


def row(work: Work) -> Row:
    """Play every further test that can tell the fault."""
    name, role = work.pair
    told, off = tells(FAULTS[name], role), frozenset({name})
    left = [t for t in tests_of(role) if t.id not in work.done and told(_places(role)[t.id])]
    killers = [t.id for t in left if passes(t) and verdict(t, off) is Verdict.FAIL]
    ids = {test.id for test in tests_of(role)}
    return Row(name, role, tuple(sorted((*(t for t in work.known if t in ids), *killers))))


class State:
    """The state file: lists of tests by their digest, and rows that say for which list they hold."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lists: dict[str, list[str]] = {}
        self._rows: dict[Pair, tuple[tuple[str, ...], str]] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            fields = json.loads(line)
        except ValueError:
            return  # The line that an interruption cut.
        if "list" in fields:
            self._lists[fields["list"]] = fields["tests"]
        else:
            self._rows[fields["fault"], fields["role"]] = tuple(fields["killed_by"]), fields["list_of_tests"]

    def work(self, pair: Pair) -> Work:
        """What is left to do about a fault."""
        known, listed = self._rows.get(pair, ((), ""))
        return Work(pair, known, frozenset(self._lists.get(listed, ())))

    def keep(self, one: Row) -> None:
        """A row that holds for the present tests."""
        ids = [test.id for test in tests_of(one.role)]
        name = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
        with self.file.open("a", encoding="utf-8") as stream:
            if name not in self._lists:
                self._lists[name] = ids
                print(json.dumps({"list": name, "tests": ids}), file=stream)
            print(json.dumps({**asdict(one), "list_of_tests": name}), file=stream)


def rows(pairs: Sequence[Pair], file: Path) -> Iterator[Row]:
    """The rows of these faults: those of the state file first, the others as they are played."""
    state = State(file)
    work = [state.work(pair) for pair in pairs]
    whole = [one for one in work if one.done.issuperset(test.id for test in tests_of(one.pair[1]))]
    yield from map(row, whole)
    left = [one for one in work if one not in whole]
    for role in dict.fromkeys(one.pair[1] for one in left):
        _places(role)  # Before the processes part.
    for one in answers(row, left):
        state.keep(one)
        yield one


# --- what is written -------------------------------------------------------------------------------------------------


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers in few octets: `3-7,9`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def as_json(found: Sequence[Row], date: str) -> str:
    """The matrix: for each fault and role the tests that fail, as ranges of numbers in the list of that role."""
    tests = {role: [test.id for test in tests_of(role)] for role in ("device", "service")}
    numbers = {role: {name: n for n, name in enumerate(ids)} for role, ids in tests.items()}
    body = {
        "date": date,
        "tests": tests,
        "faults": {
            key((one.fault, one.role)): {
                "requirement": FAULTS[one.fault].requirement,
                "killed_by": ranges(sorted(numbers[one.role][name] for name in one.killed_by)),
            }
            for one in found
        },
    }
    return json.dumps(body, indent=1) + "\n"


def citing(one: Row) -> list[str]:
    """Ids of the tests that kill a fault and cite its requirement."""
    requirement = FAULTS[one.fault].requirement
    cited = {test.id for test in tests_of(one.role) if requirement in test.case.requirements}
    return [name for name in one.killed_by if name in cited]


def as_markdown(found: Sequence[Row], date: str) -> str:
    """A table for readers: each fault, and how many tests see it."""
    dead = sum(1 for one in found if citing(one))
    lines = [
        "# Kill matrix", "",
        f"{date}: {len(found)} faults, counted for each role, against {len(tests_of('device'))} tests of a device and "
        f"{len(tests_of('service'))} of a service. {dead} are killed by a test that cites their requirement, "
        f"{sum(1 for one in found if one.killed_by)} by any test. Why the others live stands in "
        "[`survivors.toml`](survivors.toml).", "",
        "![Requirements against modules of tests](kill_matrix.svg)", "",
        "| requirement | fault | role | operator | source | killed by | of them citing |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in sorted(found, key=lambda r: (FAULTS[r.fault].requirement, r.fault, r.role)):
        fault = FAULTS[one.fault]
        lines.append(
            f"| {fault.requirement} | {fault.name} | {one.role} | {fault.operator}: {fault.field} | {fault.source} "
            f"| {len(one.killed_by)} | {len(citing(one))} |"
        )
    return "\n".join(lines) + "\n"
