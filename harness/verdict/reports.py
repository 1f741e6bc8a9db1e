"""The files beside a run's results that people and continuous integration read."""

from pathlib import Path

from .expected import NOTHING, Expectations, template
from .junit import write_junit
from .results import Results
from .summary import write_markdown

FAILURES = "failures.toml"
"""Where failures that nobody expects stand, ready to be expected."""


def write_reports(results: Results, out: Path, expected: Expectations = NOTHING) -> None:
    """Write `junit.xml`, `summary.md` and, where a test failed that nobody expects to, `failures.toml`."""
    write_junit(results, out / "junit.xml", expected)
    write_markdown(results, out / "summary.md")
    (out / FAILURES).unlink(missing_ok=True)
    failed = [test for test in results.tests if expected.fails(test)]
    if failed:
        (out / FAILURES).write_text(template(failed), encoding="utf-8")
