"""A run of the suite, as the command line asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..harness.verdict.events import EventLog
from ..harness.verdict.request import RunRequest
from ..harness.verdict.results import RESULTS, Results, Tally
from ..harness.verdict.transcript import Archive
from .fleet import Fleet
from .interrupt import listening
from .parallel import SharedLog
from .progress import Progress
from .suite import SuiteRun

DECLARATION = "declaration.toml"


def run(request: RunRequest, teller: Callable[[SuiteRun], Progress] | None = None) -> Results:
    """Run the selected tests; the results are those that the event log tells. `teller` makes what tells the progress.

    Raises:
        RequestError: a selection that cannot be used.
        DescriptionError: a description that cannot be used.
        KeyboardInterrupt: interrupted; the event log is whole.
    """
    if request.list_only:
        with TemporaryDirectory() as folder:
            return _run(request, Path(folder), teller)
    return _run(request, request.out, teller)


def keep_declaration(iut: Path | None, out: Path) -> None:
    """A copy of the description, or of none: what was declared belongs to what was found."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / DECLARATION
    kept.unlink(missing_ok=True)
    if iut is not None:
        kept.write_bytes(iut.read_bytes())


def _run(request: RunRequest, out: Path, teller: Callable[[SuiteRun], Progress] | None) -> Results:
    Archive.clear(out)
    keep_declaration(request.iut, out)
    tally = Tally()
    with Fleet(request) as fleet, EventLog(out / "events.jsonl") as log:
        suite = SuiteRun(request, fleet, SharedLog(log, tally))
        suite.progress = teller(suite) if teller else suite.progress
        with listening() as suite.interruption:
            suite.run()
    if suite.interrupted:
        raise KeyboardInterrupt
    results = tally.results()
    results.save(out / RESULTS)
    return results
