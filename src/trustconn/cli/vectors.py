"""Test vectors: lists and counts them, puts them to any program, makes them anew.

    trustconn vectors count
    trustconn vectors list --select ATT-16
    trustconn vectors run --area encoding -- node peers/node/vectors.js
    trustconn vectors generate --check

`run` writes a JSON object a line to the program, `{"id", "operation", "input"}`, and reads one for each:
`{"id", "result": "valid" | "invalid" | "unsupported", "output": {...}}`. `vectors/README.md` tells more.

Exit codes of run: 0 every vector that the program knows passed; 1 one failed; 2 bad usage, or the program cannot be
started; 3 one is inconclusive, or none was exercised, without a failure; 130 interrupted. Of generate: 0 written, or
nothing differs; 1 something differs, or a frozen set would change.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code
from .errors import UsageError, require_known

if TYPE_CHECKING:
    from ..vectors.run import Outcome
    from ..vectors.store import Stored

SECONDS = 10.0
MOST_SHOWN = 20
LINES = 10
"""Plain lines of progress in a whole run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="count|list|run|generate")
    count = verbs.add_parser("count", help="how many there are, by area")
    listed = verbs.add_parser("list", help="their ids, a line each")
    run = verbs.add_parser("run", help="put them to a program")
    for verb in (count, listed, run):
        verb.add_argument("--area", action="append", default=[], metavar="NAME", help="an area; may be repeated")
        verb.add_argument("--select", metavar="TEXT", help="a requirement, a flag, or a part of an id")
        verb.add_argument("--set", metavar="NAME", help="the sets up to this one; default: all")
    run.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help=f"for a reply; default: {SECONDS:g}")
    run.add_argument("--out", type=Path, metavar="FILE", help="write the results there, JSON")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the program and its arguments")
    generate = verbs.add_parser("generate", help="make the files of the current set anew")
    generate.add_argument("--check", action="store_true", help="write nothing, and say what differs")
    generate.add_argument("--freeze", action="store_true", help="close the current set for ever")
    generate.add_argument("--area", action="append", default=[], metavar="NAME", help="an area; may be repeated")


def main(arguments: argparse.Namespace) -> int:
    """Does what the verb says."""
    verbs = {"count": _count, "list": _list, "run": _run, "generate": _generate}
    return verbs[arguments.verb](arguments)


def _chosen(arguments: argparse.Namespace) -> tuple[list[Stored], list[Stored]]:
    """The vectors that are meant, and all."""
    from ..vectors.store import set_names, stored

    if arguments.set is not None:
        require_known("set", arguments.set, set_names())
    every = list(stored(arguments.set))
    for name in arguments.area:
        require_known("area", name, {vector.area for vector in every})
    chosen = [v for v in every if not arguments.area or v.area in arguments.area]
    if arguments.select:
        wanted = arguments.select
        chosen = [v for v in chosen if wanted in (v.requirement, *v.flags) or wanted in v.id]
    if not chosen:
        raise UsageError(f"no vector matches {arguments.select!r}")
    return chosen, every


# --- looking ---------------------------------------------------------------------------------------------------------


def _count(arguments: argparse.Namespace) -> int:
    chosen, _ = _chosen(arguments)
    areas = dict.fromkeys(vector.area for vector in chosen)
    width = max(map(len, (*areas, "distinct (requirement, operator, field)")))
    print(f"{'area':{width}}  valid  invalid  requirements")
    for area in areas:
        _print_count(area, width, [vector for vector in chosen if vector.area == area])
    _print_count("in all", width, chosen)
    distinct = len({vector.triple for vector in chosen})
    print(f"{'distinct (requirement, operator, field)':{width}}  {distinct:5}")
    return exit_code.PASSED


def _print_count(name: str, width: int, vectors: list[Stored]) -> None:
    valid = sum(vector.valid for vector in vectors)
    requirements = len({vector.requirement for vector in vectors})
    print(f"{name:{width}}  {valid:5}  {len(vectors) - valid:7}  {requirements:12}")


def _list(arguments: argparse.Namespace) -> int:
    for vector in _chosen(arguments)[0]:
        flags = f"  [{' '.join(vector.flags)}]" if vector.flags else ""
        print(f"{vector.id}  {'valid' if vector.valid else 'invalid'}: {vector.comment}{flags}")
    return exit_code.PASSED


# --- running ---------------------------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from ..harness.iut.process import ProcessError
    from ..vectors.run import play, with_witnesses

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("no program: give its command behind --")
    if arguments.seconds <= 0:
        raise UsageError("--seconds: more than none")
    chosen, every = _chosen(arguments)
    vectors = with_witnesses(chosen, every)
    outcomes: list[Outcome] = []
    interrupted = False
    progress = _Progress(len(vectors))
    try:
        for outcome in play(vectors, command, arguments.seconds, progress):
            outcomes.append(outcome)
    except ProcessError as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.end()
    _report(outcomes, arguments.out, complete=not interrupted)
    return exit_code.INTERRUPTED if interrupted else _code(outcomes)


def _code(outcomes: Iterable[Outcome]) -> int:
    verdicts = {outcome.verdict for outcome in outcomes}
    if "fail" in verdicts:
        return exit_code.FAILED
    return exit_code.UNDECIDED if "inconclusive" in verdicts or "pass" not in verdicts else exit_code.PASSED


class _Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._counts: Counter[str] = Counter()
        self._total = total
        self._bar = None
        if sys.stdout.isatty():
            self._bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), transient=True)
            self._bar.add_task("", total=total)
            self._bar.start()

    def __call__(self, outcome: Outcome) -> None:
        self._counts[outcome.verdict] += 1
        done = self._counts.total()
        said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self._counts.items()))
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=said)
        elif self._total >= LINES and done * LINES // self._total > (done - 1) * LINES // self._total:
            print(f"{done}/{self._total} vectors: {said}", flush=True)

    def end(self) -> None:
        """Nothing more comes."""
        if self._bar is not None:
            self._bar.stop()


def _report(outcomes: list[Outcome], out: Path | None, *, complete: bool) -> None:
    from ..vectors.flags import FLAGS
    from ..vectors.run import counts

    _table("area", counts(outcomes, lambda o: [o.vector.area]))
    failed = [o for o in outcomes if o.verdict in ("fail", "inconclusive")]
    if failed:
        _table("requirement", counts(failed, lambda o: [o.vector.requirement]))
    for name, found in counts(failed, lambda o: o.vector.flags).items():
        print(f"flag {name} ({FLAGS[name].bug}), {found.total()} vectors: {FLAGS[name].text}")
    for outcome in failed[:MOST_SHOWN]:
        print(f"{outcome.verdict.upper()} {outcome.vector.id}: {outcome.text} ({outcome.vector.comment})")
    if len(failed) > MOST_SHOWN:
        print(f"and {len(failed) - MOST_SHOWN} more" + (f": {out}" if out else "; --out FILE writes all"))
    if out is not None:
        _write(out, {"complete": complete, "outcomes": [outcome.record() for outcome in outcomes]})


def _table(title: str, rows: dict[str, Counter[str]]) -> None:
    verdicts = ("pass", "fail", "inconclusive", "not exercised")
    width = max(map(len, (*rows, title)))
    print(f"{title:{width}}  " + "  ".join(verdicts))
    for name, row in rows.items():
        print(f"{name:{width}}  " + "  ".join(f"{row[verdict]:{len(verdict)}}" for verdict in verdicts))


def _write(path: Path, content: object) -> None:
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


# --- making ----------------------------------------------------------------------------------------------------------


def _generate(arguments: argparse.Namespace) -> int:
    from ..vectors.areas import AREAS
    from ..vectors.store import differences, generated, write

    for name in arguments.area:
        require_known("area", name, [area.name for area in AREAS])
    if arguments.freeze and (arguments.area or arguments.check):
        raise UsageError("--freeze is about a whole set; it goes with neither --area nor --check")
    made = generated(frozenset(arguments.area))
    problems = differences(made) if arguments.check else write(made, freeze=arguments.freeze)
    for problem in problems[:MOST_SHOWN]:
        print(problem)
    if len(problems) > MOST_SHOWN:
        print(f"and {len(problems) - MOST_SHOWN} more")
    return exit_code.FAILED if problems else exit_code.PASSED
