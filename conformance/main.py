"""A run of the suite, as the command line asks for it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ..harness.verdict.events import EventLog
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results, rebuild
from .fleet import Fleet
from .plugin import SuitePlugin

QUIET = ("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:logging", "-p", "no:hypothesispytest")


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


def _run(request: RunRequest, out: Path) -> Results:
    here = Path(__file__).parent
    with Fleet(request) as fleet, EventLog(out / "events.jsonl") as log:
        plugin = SuitePlugin(request, fleet, log)
        code = pytest.main([*QUIET, "-c", str(here / "pytest.ini"), str(here)], plugins=[plugin])
    if plugin.interrupted:
        raise KeyboardInterrupt
    if code == pytest.ExitCode.USAGE_ERROR or plugin.refused:
        raise RequestError(plugin.refused or "the selection cannot be used")
    return rebuild(out)
