"""Plays a plan: many implementations, configurations and seeds, each combination in a process of its own.

The plan is a TOML file with tables [iut.NAME] (description or reference) and [configuration.NAME] (command run, fuzz or
learn, its options, seeds such as "1-50"). Results go into one SQLite file in the folder of --out, each once; the same
command goes on where an earlier one stopped, whatever ended it. Items are played in processes of this machine, or with
--scheduler on a Dask cluster that is there already. Exit codes: 0 every item passed; 1 an item failed; 2 bad usage or a
bad plan; 3 an item is inconclusive, could not be played or is left, without a failure; 130 interrupted, with the
results kept.

    trustconn campaign plan.toml --out nightly
    trustconn campaign plan.toml --out nightly --show
    trustconn campaign plan.toml --out nightly --extract 3f0c
"""

import argparse
import os
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code
from .errors import UsageError
from .options import readable_file

if TYPE_CHECKING:
    from ..conformance.campaign.campaign import Ended, Runner
    from ..conformance.campaign.plan import Item
    from ..conformance.campaign.store import Kept, Store

LIMIT = 600.0
SHOWN = 20
"""Results that are told one by one at the end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `campaign`."""
    add = parser.add_argument
    add("plan", type=readable_file, metavar="PLAN.toml", help="what is to be played")
    add("--out", type=Path, default=Path("campaign"), metavar="DIR", help="folder of the results; default: campaign")
    add("--workers", type=int, metavar="N", help="items side by side on this machine; default: one for each core")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that plays the items, such as tcp://10.0.0.5:8786")
    add("--limit", type=float, default=LIMIT, metavar="SECONDS", help="for one item; default: 600")
    add("--again", action="store_true", help="play those again that could not be played")
    add("--show", action="store_true", help="show what is known, also while it plays elsewhere; play nothing")
    add("--extract", metavar="ITEM", help="write what an item left to a folder of its name in --out; play nothing")


def main(arguments: argparse.Namespace) -> int:
    """Plays what is left of the plan and tells what came out."""
    from ..conformance.campaign.plan import load
    from ..conformance.campaign.play import ERROR
    from ..conformance.campaign.store import Store, StoreError
    from ..harness.iut.description import DescriptionError

    _check(arguments)
    try:
        items = load(arguments.plan)
        with closing(Store(arguments.out, looks=arguments.show or bool(arguments.extract))) as store:
            if arguments.extract:
                return _extract(store, arguments.extract, arguments.out)
            if arguments.again:
                store.forget([ERROR])
            ended = None if arguments.show else _play(items, store, arguments)
            return _report(items, list(store.results()), ended)
    except (DescriptionError, StoreError) as error:
        raise UsageError(str(error)) from error


def _check(arguments: argparse.Namespace) -> None:
    if arguments.limit <= 0 or (arguments.workers is not None and arguments.workers < 1):
        raise UsageError("--limit and --workers want a number above zero")
    if arguments.scheduler and arguments.workers:
        raise UsageError("--workers is about this machine; it cannot go with --scheduler")
    if (arguments.show or arguments.extract) and arguments.again:
        raise UsageError("--again plays; it goes with neither --show nor --extract")


def _play(items: list["Item"], store: "Store", arguments: argparse.Namespace) -> "Ended":
    from ..conformance.campaign.campaign import play_all
    from ..conformance.campaign.view import cells, watching

    runner = _runner(arguments)
    with watching(cells(items, store.results())) as view:
        return play_all(items, store, runner, view)


def _runner(arguments: argparse.Namespace) -> "Runner":
    if arguments.scheduler:
        from ..conformance.campaign.cluster import ClusterError, ClusterRunner

        try:
            return ClusterRunner(arguments.scheduler, arguments.limit)
        except ClusterError as error:
            raise UsageError(str(error)) from error
    from ..conformance.campaign.local import LocalRunner

    return LocalRunner(arguments.workers or os.cpu_count() or 1, arguments.limit, arguments.out)


def _report(items: list["Item"], results: list["Kept"], ended: "Ended | None") -> int:
    from rich.console import Console

    from ..conformance.campaign.view import cells, table

    Console().print(table(cells(items, results)))
    wanted = {item.id for item in items}
    results = [result for result in results if result.id in wanted]
    for line in _bad(results):
        print(line)
    left = len(items) - len(results)
    if left:
        print(f"{left} items are left: the same command goes on with them")
    if ended is not None and ended.interrupted:
        return exit_code.INTERRUPTED
    statuses = {result.status for result in results}
    if "fail" in statuses:
        return exit_code.FAILED
    return exit_code.PASSED if not left and statuses == {"pass"} else exit_code.UNDECIDED


def _bad(results: list["Kept"]) -> Iterator[str]:
    """What did not pass, with the command that plays it alone."""
    bad = [result for result in results if result.status != "pass"]
    for result in bad[:SHOWN]:
        yield f"{result.status} {result.id}: trustconn {shlex.join(result.arguments)}"
        if result.status == "error":
            yield f"    {(result.told.strip().splitlines() or ['nothing was printed'])[-1]}"
    if len(bad) > SHOWN:
        yield f"and {len(bad) - SHOWN} more"


def _extract(store: "Store", wanted: str, out: Path) -> int:
    found = [result.id for result in store.results() if result.id.startswith(wanted)]
    if len(found) != 1:
        raise UsageError(f"--extract {wanted}: {len(found)} results begin with this, expected one")
    for name, octets in store.files(found[0]).items():
        path = out / found[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        print(path)
    return exit_code.PASSED
