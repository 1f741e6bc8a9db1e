"""A run of the suite, as the command line asks for it."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import pytest

from ..harness.verdict.events import EventLog
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results, rebuild
from .fleet import Fleet
from .interrupt import listening
from .parallel import SharedLog
from .plugin import SuitePlugin

UNUSED = (
    "cacheprovider", "terminal", "logging", "capture", "warnings", "unraisableexception", "threadexception", "doctest",
    "junitxml", "stepwise", "setuponly", "setupplan", "hypothesispytest",
)  # fmt: skip
"""Plugins of pytest that would do something for every test, and that a run has no use for."""
QUIET = ("--assert=plain", *(word for name in UNUSED for word in ("-p", f"no:{name}")))


def run(request: RunRequest) -> Results:
    """Run the selected tests; the results are what the event log holds.

    Raises:
        RequestError: a selection that cannot be used.
        DescriptionError: a description that cannot be used.
        KeyboardInterrupt: interrupted; the event log is whole.
    """
    if request.list_only:
        with TemporaryDirectory() as folder:
            return _run(request, Path(folder))
    return _run(request, request.out)


def clear(out: Path) -> None:
    """The folder keeps one run: conversations of an earlier one would be taken for this one's."""
    rmtree(out / "pcap", ignore_errors=True)
    for transcripts in out.glob("transcripts-*.jsonl"):
        transcripts.unlink()


def _run(request: RunRequest, out: Path) -> Results:
    clear(out)
    with Fleet(request) as fleet, EventLog(out / "events.jsonl") as log:
        plugin = SuitePlugin(request, fleet, SharedLog(log))
        _pytest(plugin)
    if plugin.refused:
        raise RequestError(plugin.refused)
    if plugin.interrupted:
        raise KeyboardInterrupt
    return rebuild(out)


def _pytest(plugin: SuitePlugin) -> None:
    here = Path(__file__).parent
    with listening() as plugin.interruption:
        code = pytest.main([*QUIET, "-c", str(here / "pytest.ini"), str(here)], plugins=[plugin])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR) and not plugin.refused:
        raise RuntimeError(f"pytest ended with {code!r}")
