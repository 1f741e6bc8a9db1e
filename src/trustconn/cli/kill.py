"""Shows that the suite sees faults: each fault of the reference peers must fail a test that cites its requirement.

Without NAME every fault is tried. Exit codes: 0 every fault was killed, or survives for a reason that is listed; 1 a
fault survived without a reason, or was killed though one is listed; 2 bad usage; 130 interrupted. With --full every
fault meets every test; an interrupted matrix is taken up again where it stopped.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code
from .errors import UsageError
from .options import fault_name, roles, tested_roles

if TYPE_CHECKING:
    from ..conformance.kills import Kill, Pair

LINES = 10
"""Plain lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kill`."""
    parser.add_argument("name", nargs="*", type=fault_name, metavar="NAME", help="a fault; default: all")
    parser.add_argument("--role", choices=tested_roles(), help="role of the faulty implementation; default: all")
    parser.add_argument("--full", action="store_true", help="every fault of peers against every test; takes hours")
    parser.add_argument("--out", type=Path, default=Path("kill-matrix"), metavar="DIR", help="folder of the matrix")
    parser.add_argument("--list", action="store_true", help="name the faults and try none")
    parser.add_argument("--write", action="store_true", help="write the index of killers, of all faults")


def main(arguments: argparse.Namespace) -> int:
    """Tries the faults and prints what killed each."""
    from ..conformance import kills

    chosen = list(kills.pairs(arguments.name, [arguments.role] if arguments.role else tested_roles()))
    if not chosen:
        raise UsageError(f"--role {arguments.role}: no such peer can have this fault")
    if arguments.write and (arguments.name or arguments.role):
        raise UsageError("--write is about all faults; it goes with neither NAME nor --role")
    if arguments.list:
        return _print_list(arguments.name)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.full:
        return _matrix([pair for pair in chosen if pair[1] in roles()], arguments.out)
    start, found = time.monotonic(), list["Kill"]()
    try:
        _search(kills.search(chosen), len(chosen), found)
    except KeyboardInterrupt:
        _report(found, time.monotonic() - start)
        return exit_code.INTERRUPTED
    if arguments.write:
        kills.write(found)
    return _report(found, time.monotonic() - start)


def _print_list(names: Iterable[str]) -> int:
    from ..harness.faults.register import FAULTS

    for name in names or FAULTS:
        fault = FAULTS[name]
        print(f"{fault.requirement:8} {name}: {fault.sentence} ({fault.source}; {', '.join(fault.roles)})")
    return exit_code.PASSED


def _matrix(chosen: list["Pair"], out: Path) -> int:
    from ..conformance import matrix, picture

    start, found = time.monotonic(), list["matrix.Row"]()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: expected a folder that can be written: {error.strerror}") from error
    with _progress(len(chosen)) as advance:
        for row in matrix.rows(chosen, out / "state.jsonl"):
            found.append(row)
            advance(len(found), sum(1 for one in found if not one.killed_by))
    found.sort(key=lambda row: (row.fault, row.role))
    date = time.strftime("%Y-%m-%d", time.gmtime())
    for name, make in (("json", matrix.as_json), ("md", matrix.as_markdown), ("svg", picture.as_svg)):
        (out / f"kill_matrix.{name}").write_text(make(found, date), encoding="utf-8")
    alive = [row for row in found if not matrix.citing(row)]
    print(f"{len(found) - len(alive)} of {len(found)} faults killed by a test that cites their requirement")
    print(f"{len(found)} faults met every test that can tell them, in {time.monotonic() - start:.0f} s; see {out}")
    return exit_code.PASSED


def _search(search: Iterator["Kill"], total: int, found: list["Kill"]) -> None:
    """Add each kill to `found` as it comes, so that an interruption loses none."""
    with _progress(total) as advance:
        for kill in search:
            found.append(kill)
            advance(len(found), sum(1 for one in found if one.killer is None))
    found.sort(key=lambda kill: kill.pair)


def _report(found: list["Kill"], seconds: float) -> int:
    from ..conformance import kills
    from ..harness.faults.register import FAULTS

    for kill in found:
        name, role = kill.pair
        how = kill.killer or f"SURVIVED: {kills.excuse(kill.pair) or f'{kill.tried} tests'}"
        print(f"{FAULTS[name].requirement:8} {role:8} {name:45} {how}")
    dead = sum(1 for kill in found if kill.killer)
    triples = {FAULTS[kill.pair[0]].triple for kill in found if kill.killer}
    print(f"{dead} of {len(found)} faults killed, {len(triples)} kinds, in {seconds:.1f} s")
    complaints = [complaint for kill in found if (complaint := kills.complaint(kill))]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return exit_code.FAILED if complaints else exit_code.PASSED


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line now and then elsewhere, on standard error."""
    if not sys.stderr.isatty():
        yield lambda done, alive: _line(done, alive, total)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, alive: bar.update(task, completed=done, description=f"{alive} alive")


def _line(done: int, alive: int, total: int) -> None:
    if total >= LINES and done * LINES // total > (done - 1) * LINES // total:
        print(f"{done}/{total} faults, {alive} alive", file=sys.stderr, flush=True)
