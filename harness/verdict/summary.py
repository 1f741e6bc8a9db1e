"""The summary of a run by requirement: a table on a terminal, plain lines elsewhere, Markdown in a file."""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple, TextIO

from .records import TestResult, one_line, status_label, status_reason
from .results import STATUSES, Results
from .verdict import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold magenta", "inconc": "yellow"}


class Row(NamedTuple):
    """A requirement's line."""

    id: str
    status: str
    tests: str
    remark: str


def rows(results: Results) -> Iterator[Row]:
    """One row for each requirement, in the specification's order."""
    for name, (status, tests) in results.by_requirement().items():
        ran = sum(isinstance(test.status, Verdict) for test in tests)
        count = f"{ran}/{len(tests)}" if tests else ""
        yield Row(name, status_label(status).upper(), count, _remark(status_reason(status), tests))


def headline(results: Results) -> str:
    """One line: the verdict and the counts of tests."""
    counts = Counter(status_label(test.status) for test in results.tests)
    parts = ", ".join(f"{counts[label]} {label}" for label in STATUSES if counts[label]) or "nothing selected"
    cut = "" if results.complete else ", INTERRUPTED"
    return f"verdict {results.verdict.label}: {parts}{cut}"


def complaints(results: Results) -> Iterator[str]:
    """For each test that neither passed nor was left out: what happened, and the command that repeats it."""
    for test in results.tests:
        if isinstance(test.status, Verdict) and test.status is not Verdict.PASS:
            yield _complaint(test)


def _complaint(test: TestResult) -> str:
    assert isinstance(test.status, Verdict)
    name = f"{test.status.label.upper()} {test.case.id} [{' '.join(test.case.requirements)}]"
    return f"{name}: {one_line(test.judgement.reason)}\n  again: {test.case.rerun}"


def write_markdown(results: Results, path: Path) -> None:
    """Writes the summary as a Markdown document."""
    lines = ["# Conformance run", "", f"{headline(results)}.", "", "## Implementations under test", ""]
    lines += [
        f"* {_plain(f'{iut.name} {iut.version}')} ({iut.role}), digest {iut.digest or 'not known'}"
        for iut in results.header.iuts
    ]
    lines += ["", "## Requirements", "", "| requirement | status | tests | remark |", "|---|---|---|---|"]
    lines += [f"| {row.id} | {row.status} | {row.tests} | {_cell(row.remark)} |" for row in rows(results)]
    bad = list(complaints(results))
    lines += ["", "## Not passed", "", *(f"* {_cell(line)}" for line in bad)] if bad else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def print_summary(results: Results, stream: TextIO) -> None:
    """Prints the requirements that tests decided, those that none did by reason, complaints, and the headline."""
    width = WIDTH
    if stream.isatty():
        from rich.console import Console

        width = min(WIDTH, get_terminal_size((WIDTH, 0)).columns)
        Console(file=stream).print(_table(results))
    else:
        for row in decided(results):
            print(f"{row.id:8} {row.status:16} {row.tests:8} {row.remark}".rstrip(), file=stream)
    for status, remark, names in undecided(results):
        line = f"{status} ({len(names)}): {remark}: {' '.join(names)}"
        print(fill(line, width, subsequent_indent="  ", break_on_hyphens=False), file=stream)
    for line in shortened(results):
        print(line, file=stream)
    print(headline(results), file=stream)


WIDTH = 120
"""Columns of plain output."""
SHOWN = 3
"""Tests that are named for one and the same reason; `summary.md` names all."""


def shortened(results: Results) -> Iterator[str]:
    """Complaints, but of those that give the same reason only the first ones."""
    seen: Counter[str] = Counter()
    for test in results.tests:
        if isinstance(test.status, Verdict) and test.status is not Verdict.PASS:
            seen[test.judgement.reason] += 1
            if seen[test.judgement.reason] <= SHOWN:
                yield _complaint(test)
    for reason, times in seen.items():
        if times > SHOWN:
            yield f"... and {times - SHOWN} more for the same reason: {one_line(reason)}"


def decided(results: Results) -> list[Row]:
    """Requirements with a verdict."""
    return [row for row in rows(results) if row.status.lower() in _STYLES]


def undecided(results: Results) -> list[tuple[str, str, list[str]]]:
    """Requirements without a verdict, together by status and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows(results):
        if row.status.lower() not in _STYLES:
            groups.setdefault((row.status, row.remark), []).append(row.id)
    return [(status, remark, names) for (status, remark), names in groups.items()]


def _table(results: Results) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table("requirement", "status", "tests", "remark")
    for row in decided(results):
        style = _STYLES[row.status.lower()]
        table.add_row(row.id, Text(row.status, style), row.tests, Text(row.remark))
    return table


def _remark(reason: str, tests: tuple[TestResult, ...]) -> str:
    """The reason why there is no verdict, or the worst test's complaint."""
    if reason or not tests:
        return one_line(reason)
    verdicts = [(test.status, test) for test in tests if isinstance(test.status, Verdict)]
    status, test = max(verdicts, key=lambda pair: pair[0])
    return "" if status is Verdict.PASS else f"{test.case.id}: {one_line(test.judgement.reason)}"


def _cell(text: str) -> str:
    """What an implementation had a part in: in one line, and neither markup nor a link or picture."""
    return escape(one_line(text), quote=False).replace("|", "\\|").replace("](", "]\\(")


def _plain(text: str) -> str:
    """What a description says, letter for letter."""
    return re.sub(r"([\\`*_\[\]!#|])", r"\\\1", escape(one_line(text), quote=False))
