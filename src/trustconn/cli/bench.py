"""Prints the figures of this project as ratios that are measured in one run, and how cost grows with size.

What is compared takes turns, so that whatever else the machine does weighs on both alike: ratios travel, absolute
numbers do not. Without NAME all groups are measured, which takes some minutes. Exit codes: 0 measured; 1 what is
measured did not work; 2 bad usage; 130 interrupted, with what was measured so far printed and written.

    trustconn bench edhoc sessions
    trustconn bench --json bench.json
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import exit_code
from .errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from ..harness.benchmark.figures import Effort, Ratio
    from ..harness.benchmark.growth import Growth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    parser.add_argument("name", nargs="*", metavar="NAME", help="a group or a series; default: all; see --list")
    parser.add_argument("--list", action="store_true", help="name groups and series and measure none")
    parser.add_argument("--quick", action="store_true", help="one short round of each: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")


def main(arguments: argparse.Namespace) -> int:
    """Measures, prints each line as it comes, and returns the exit code."""
    from ..harness.benchmark.figures import FIGURES, QUICK, Effort, Failed
    from ..harness.benchmark.growth import GROWTHS

    known = {**FIGURES, **GROWTHS}
    for name in arguments.name:
        if name not in known:
            raise UsageError(did_you_mean("figure", name, known))
    if arguments.list:
        for name, measure in known.items():
            print(f"{name:14} {(measure.__doc__ or '').splitlines()[0]}")
        return exit_code.PASSED
    found: list[dict[str, Any]] = []
    code = exit_code.PASSED
    try:
        for line, data in _measured(arguments.name or list(known), QUICK if arguments.quick else Effort()):
            print(line, flush=True)
            found.append(data)
    except (Failed, RuntimeError) as error:
        print(error)
        code = exit_code.FAILED
    except KeyboardInterrupt:
        code = exit_code.INTERRUPTED
    if arguments.json:
        _write(arguments.json, found)
    return code


def _measured(names: list[str], effort: "Effort") -> Iterator[tuple[str, dict[str, Any]]]:
    from ..harness.benchmark.figures import FIGURES
    from ..harness.benchmark.growth import GROWTHS

    for name in names:
        if name in FIGURES:
            for ratio in FIGURES[name](effort):
                yield _ratio(ratio), {"group": name, **asdict(ratio)}
        else:
            growth = GROWTHS[name](effort)
            yield _growth(growth), {"series": name, **asdict(growth), "exponent": growth.exponent}


def _ratio(found: "Ratio") -> str:
    spread = f" ({found.low:.2f} to {found.high:.2f})" if found.low != found.high else ""
    return f"{found.name:42} {found.value:10.3g} {found.unit:9} {found.ratio:6.2f} x {found.yardstick}{spread}"


def _growth(found: "Growth") -> str:
    points = ", ".join(f"{size}: {cost:.3g}" for size, cost in found.points)
    return f"{found.name:42} {found.unit} by {found.of}: {points}; exponent {found.exponent:.2f}"


def _write(path: Path, found: list[dict[str, Any]]) -> None:
    try:
        path.write_text(json.dumps(found, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"--json {path}: expected a file that can be written: {error.strerror}") from error
