"""Everything that is generated and committed: specification, plan, coverage, faults, vectors, Wireshark names, sets.

    python -m trustconn.conformance.generate            write what is stale
    python -m trustconn.conformance.generate --check    name what is stale, exit code 1
    python -m trustconn.conformance.generate --freeze   and write the frozen list of tests anew

It works in a checkout: the files are those beside this module.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..harness.wireshark import names as wireshark_names
from ..model.draw import check_table, markdown, message_table, state_diagram
from ..model.extract.render import render_attacks, render_verdicts
from ..model.protocol import tls
from ..model.protocol.edhoc import DEVICE, SERVICE
from ..model.protocol.tables import profile
from ..model.table import Table, Transition
from ..spec import Requirement, requirements
from ..spec.prose import FOLDER, chapters
from ..vectors.store import close, current_files
from . import plan
from .collect import suite_tests
from .fault_table import fault_table
from .solution_table import solution_table

HERE = Path(__file__).parent
SET = "tc1-2026.1"
_BLOCK = re.compile(r"(<!-- generated:([a-z-]+) -->)(.*?)(<!-- /generated -->)", re.DOTALL)
EVERYWHERE = ("ALERT", "CLOSE", "app_close", "timer_handshake", "timer_verdict")
LEFT_OUT = "Left out is what changes no state, and what ends a session from nearly everywhere: ALERT, CLOSE, deadlines."
TESTED = ("device", "service", "verifier")
"""Roles of implementations that have tests."""
FURTHER_ROLES = ("issuer", "manufacturer")


@dataclass(frozen=True, slots=True)
class Generated:
    """One file and the text that it must have."""

    path: Path
    text: str

    @property
    def stale(self) -> bool:
        """Whether the file has another text."""
        return not self.path.is_file() or self.path.read_text(encoding="utf-8") != self.text


# --- blocks of the specification -------------------------------------------------------------------------------------


def _session_states() -> str:
    parts = []
    for role in (DEVICE, SERVICE):
        diagram = state_diagram(profile(), role, without=EVERYWHERE)
        parts.append(f"The {role}. {LEFT_OUT}\n\n{diagram}")
    return "\n\n".join(parts)


def _tls_handshake() -> str:
    """The messages of the TLS binding, and what each row judges, in order."""
    table = Table("TLS handshake", (), tls.rows())
    rows = [
        (row.role, f"`{row.state}`", f"`{row.receives.name}`", _checks_of(row), f"`{row.next_state}`")
        for row in table.rows
    ]
    judged = markdown(("role", "state", "message", "checks, * those of the library", "next state"), rows)
    return f"{message_table(table)}\n\n{judged}"


def _checks_of(row: Transition) -> str:
    return ", ".join(f"`{step.check.name}`{'*' if step.by_library else ''}" for step in row.checks) or "-"


BLOCKS: dict[str, Callable[[], str]] = {
    "session-states": _session_states,
    "messages": lambda: message_table(profile()),
    "checks": check_table,
    "tls-handshake": _tls_handshake,
    "verdicts": render_verdicts,
    "attacks": render_attacks,
}


def _fill(match: re.Match[str]) -> str:
    opening, name, _, closing = match.groups()
    return f"{opening}\n{BLOCKS[name]()}\n{closing}"


def _chapters() -> Iterator[Generated]:
    for path in chapters(FOLDER):
        text = path.read_text(encoding="utf-8")
        if "<!-- generated:" in text:
            yield Generated(path, _BLOCK.sub(_fill, text))


# --- coverage --------------------------------------------------------------------------------------------------------


def _coverage() -> str:
    """Test id to what it cites and does; a change of it is a reviewed difference."""
    lines = []
    for test in sorted(suite_tests(), key=lambda t: t.id):
        case = test.case
        record = {
            "requirements": case.requirements, "check": case.check, "operator": case.operator,
            "field": case.field, "role": case.role,
        }  # fmt: skip
        lines.append(f"{json.dumps(test.id)}: {json.dumps(record)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _requirement_coverage() -> str:
    counts: dict[str, Counter[str]] = {id_: Counter() for id_ in requirements()}
    for test in suite_tests():
        for id_ in test.case.requirements:
            counts[id_][test.case.role] += 1
    rows = [(r.id, r.level.value, r.testability.value, *_standing(r, counts[r.id])) for r in requirements().values()]
    head = ("requirement", "level", "decided by", *TESTED, "not covered")
    return f"# Coverage\n\nTests that cite each requirement, by the role under test.\n\n{markdown(head, rows)}\n"


def _standing(requirement: Requirement, count: Counter[str]) -> tuple[str, ...]:
    return *(str(count[role]) for role in TESTED), "" if count else f"NOT COVERED: {_reason(requirement)}"


def _reason(requirement: Requirement) -> str:
    if not requirement.implemented:
        return "not implemented in this version"
    if not requirement.testability.by_conversation:
        return f"no conversation can decide it ({requirement.testability.value})"
    if requirement.roles and set(requirement.roles) <= set(FURTHER_ROLES):
        return f"it binds: {', '.join(requirement.roles)}"
    return uncovered().get(requirement.id, "no test yet")


@cache
def uncovered() -> dict[str, str]:
    """Requirement to the reason why no test cites it, though a conversation could decide it."""
    return tomllib.loads((HERE / "uncovered.toml").read_text(encoding="utf-8"))


def _set() -> str:
    ids = sorted(test.id for test in suite_tests())
    return "\n".join((f"# Tests of {SET}. This list never changes once it is released.", *ids)) + "\n"


# --- all of it -------------------------------------------------------------------------------------------------------


def generated(*, freeze: bool = False) -> Iterator[Generated]:
    """Every generated file. A frozen set is generated only where there is none, or with `freeze`."""
    yield from _chapters()
    yield Generated(HERE / plan.PLAN_FILE, plan.render(plan.make_plan()))
    yield Generated(HERE / "coverage.json", _coverage())
    yield Generated(HERE / "coverage.md", _requirement_coverage())
    yield Generated(HERE / "faults.md", fault_table())
    yield Generated(HERE / "annex_b.md", solution_table())
    yield Generated(wireshark_names.FILE, wireshark_names.render())
    yield from (Generated(path, text) for path, text in current_files().items())
    frozen = HERE / "sets" / f"{SET}.txt"
    if freeze or not frozen.is_file():
        yield Generated(frozen, _set())


def write(*, freeze: bool = False) -> list[Path]:
    """Write what is stale, one after the other: the suite's tests are collected only once the plan is written.

    With `freeze` the lists of tests and of vectors are closed together.
    """
    written = []
    for file in generated(freeze=freeze):
        if file.stale:
            file.path.parent.mkdir(exist_ok=True)
            file.path.write_text(file.text, encoding="utf-8")
            written.append(file.path)
    return [*written, *(close() if freeze else ())]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trustconn.conformance.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="name what is stale, and write nothing")
    parser.add_argument("--freeze", action="store_true", help="close the lists of tests and of vectors of this set")
    options = parser.parse_args(arguments)
    if options.check:
        stale = [file.path for file in generated() if file.stale]
        for path in stale:
            print(f"{path.parent.name}/{path.name} is stale", file=sys.stderr)
        return 1 if stale else 0
    for path in write(freeze=options.freeze):
        print(f"{path.parent.name}/{path.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
