"""Shows a requirement, check, threat, clause, claim or test, and what it is tied to.

The id says what it is: ATT-16 is a requirement, CLM-05 a claim, eat_nonce_is_binder a check, 6.5/2 an item of
ISO/IEC 27071, A.2.2.1 a clause or threat of its Annex A; anything else is a test.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .. import spec
from ..harness.verdict.allowed import allowed_refusals
from ..model.checks import CHECKS
from . import exit_code
from .coverage import Covered, coverage
from .errors import UsageError, did_you_mean

WIDTH = 100


class Part(NamedTuple):
    """A line of the answer: a relation and what stands in it; prose is wrapped, ids are separated by commas."""

    name: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument of `explain`."""
    parser.add_argument("id", metavar="ID", help="id of a requirement, check, threat, clause, claim or test")


def main(arguments: argparse.Namespace) -> int:
    """Prints everything that has this id; exit code 2 when nothing has."""
    wanted = arguments.id
    found = [parts for kind in _KINDS for parts in kind(wanted)]
    if not found:
        raise UsageError(did_you_mean("id", wanted, _known()))
    for number, parts in enumerate(found):
        print(*([""] if number else []), *_lines(parts), sep="\n")
    return exit_code.PASSED


def _requirement(wanted: str) -> Iterator[list[Part]]:
    if found := spec.requirements().get(wanted):
        tests = [name for name, test in coverage().items() if wanted in test.requirements]
        yield [
            Part("requirement", f"{wanted}, {found.level.value}, spec/{found.file} line {found.line}"),
            Part("", found.sentence),
            Part("binds", ", ".join(found.roles)),
            Part("decided by", found.testability.value + ("" if found.implemented else "; not yet implemented here")),
            Part("clauses", ", ".join(found.clauses)),
            Part("threats", ", ".join(found.threats)),
            Part("checks", ", ".join(name for name, check in CHECKS.items() if check.requirement == wanted)),
            Part("claims", ", ".join(found.claims)),
            Part("tests", _tests(tests)),
        ]


def _check(wanted: str) -> Iterator[list[Part]]:
    if check := CHECKS.get(wanted):
        requirement = spec.requirements()[check.requirement]
        allowed = {phase: allowed_refusals(check, handshake=phase == "handshake") for phase in ("handshake", "session")}
        tolerated = sorted(allowed["handshake"].tolerated | allowed["session"].tolerated)
        yield [
            Part("check", f"{wanted}, {check.cls.value}"),
            Part("requirement", f"{requirement.id}: {requirement.sentence}"),
            Part("refused by", ", ".join(sorted(allowed["session"].specified))),
            Part("tolerated", f"{', '.join(tolerated)} (by {allowed['session'].because})" if tolerated else ""),
            Part("threats", ", ".join(requirement.threats)),
            Part("claims", ", ".join(requirement.claims)),
            Part("tests", _tests(name for name, test in coverage().items() if test.check == wanted)),
        ]


def _claim(wanted: str) -> Iterator[list[Part]]:
    if claim := spec.claims().get(wanted):
        named = (item for item in spec.requirements().values() if wanted in item.claims)
        answered = (threat.id for threat in spec.threats().values() if wanted in threat.claims)
        yield [
            Part("claim", f"{wanted}, spec/{claim.file} line {claim.line}"),
            Part("", claim.sentence),
            Part("holds under", ", ".join(claim.holds)),
            Part("fails under", ", ".join(claim.fails)),
            Part("threats", ", ".join(answered)),
            Part("requirements", ", ".join(item.id for item in named)),
        ]


def _threat(wanted: str) -> Iterator[list[Part]]:
    if threat := spec.threats().get(wanted):
        yield [
            Part("threat", f"{wanted}, to the {threat.category}: {threat.title}"),
            Part("STRIDE", ", ".join(threat.stride)),
            Part("EMB3D", ", ".join(f"{id_} {title}" for id_, title in threat.emb3d.items())),
            Part("powers", ", ".join(threat.powers)),
            Part("claims", ", ".join(threat.claims)),
            Part("requirements", ", ".join(threat.requirements)),
            Part("checks", ", ".join(_checks_of(threat.requirements))),
            Part("tests", _tests(_tests_of(threat.requirements))),
        ]


def _clause(wanted: str) -> Iterator[list[Part]]:
    for row in spec.iso_register().values():
        if wanted in (row.id, row.clause):
            asked = f"; asked for instead: {row.evidence.value}" if row.evidence else ""
            yield [
                Part("clause", f"ISO/IEC 27071 {row.id}: {row.label}"),
                Part("requirements", ", ".join(row.requirements)),
                Part("no wire test", f"{row.not_wire_testable}{asked}" if row.not_wire_testable else ""),
                Part("checks", ", ".join(_checks_of(row.requirements))),
                Part("tests", _tests(_tests_of(row.requirements))),
            ]


def _test(wanted: str) -> Iterator[list[Part]]:
    if test := coverage().get(wanted):
        cited = (spec.requirements()[name] for name in test.requirements)
        yield [
            Part("test", f"{wanted}, for the {test.role}"),
            Part("does", _deed(test)),
            *(Part("requirement", f"{item.id}: {item.sentence}") for item in cited),
            Part("check", test.check or ""),
            Part("again", f"trustconn run --rerun '{wanted}'"),
        ]


def _deed(test: Covered) -> str:
    return f"{test.operator} of {test.field}" if test.field else test.operator


_KINDS: tuple[Callable[[str], Iterator[list[Part]]], ...] = (_requirement, _check, _claim, _threat, _clause, _test)


def _known() -> set[str]:
    rows = spec.iso_register().values()
    clauses = {row.id for row in rows} | {row.clause for row in rows}
    return {*spec.requirements(), *CHECKS, *spec.claims(), *spec.threats(), *clauses, *coverage()}


def _checks_of(requirements: Iterable[str]) -> list[str]:
    wanted = set(requirements)
    return [name for name, check in CHECKS.items() if check.requirement in wanted]


def _tests_of(requirements: Iterable[str]) -> list[str]:
    wanted = set(requirements)
    return [name for name, test in coverage().items() if wanted.intersection(test.requirements)]


def _tests(names: Iterable[str]) -> str:
    """Their number and ids; a test id can hold a comma, so each has its own line."""
    listed = sorted(names)
    return "\n".join([str(len(listed)), *listed]) if listed else "none"


def _lines(parts: Iterable[Part]) -> Iterator[str]:
    import textwrap

    for part in parts:
        for number, line in enumerate(part.text.split("\n") if part.text else []):
            head = part.name if number == 0 else ""
            wrapped = textwrap.wrap(line, WIDTH - 14, break_long_words=False, break_on_hyphens=False)
            yield from (f"{head if row == 0 else '':13} {text}" for row, text in enumerate(wrapped))
