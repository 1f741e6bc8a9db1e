"""The files beside a run's results that people and continuous integration read."""

from pathlib import Path

from .expected import NOTHING, Expectations, template, written
from .junit import write_junit
from .results import Results
from .summary import write_markdown

FAILURES = "failures.toml"
"""Where failures that nobody expects stand, ready to be expected."""
EXPECTED = "expected.toml"
"""What a run was told to expect, kept for reports that are made later."""


def write_reports(results: Results, out: Path, expected: Expectations = NOTHING) -> None:
    """Write `junit.xml`, `summary.md`, what was expected, and failures that nobody expects, if any."""
    write_junit(results, out / "junit.xml", expected)
    write_markdown(results, out / "summary.md")
    for name in (FAILURES, EXPECTED):
        (out / name).unlink(missing_ok=True)
    if expected != NOTHING:
        (out / EXPECTED).write_text(written(expected), encoding="utf-8")
    failed = [test for test in results.tests if expected.fails(test)]
    if failed:
        (out / FAILURES).write_text(template(failed), encoding="utf-8")
