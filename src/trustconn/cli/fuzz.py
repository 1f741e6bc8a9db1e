"""Fuzzes an implementation, or without --iut the reference device and service, with traces of an attacker.

Every trace is told to a complete reference peer too; what an implementation does otherwise, and may not, is a finding:
a file that `trustconn replay` plays again. Exit codes: 0 no finding; 1 findings; 2 bad usage or description; 3 nothing
was played; 130 interrupted, with the findings kept.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..harness.verdict.request import RequestError, RunRequest
from . import exit_code
from .errors import UsageError
from .options import bindings, fault_names, readable_file, roles, switches

if TYPE_CHECKING:
    from ..conformance.fuzz.finding import Finding
    from ..conformance.fuzz.main import Outcome, Told

SECONDS = 60.0
EVERY = 5.0
"""Seconds between plain lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fuzz`."""
    add = parser.add_argument
    add("--iut", type=readable_file, metavar="FILE", help="description of the implementation under test")
    add("--binding", choices=bindings(), help="secure channel; default: the description's, else edhoc")
    add("--role", choices=roles(), help="role of the implementation under test; default: both, in turn")
    add("--seed", type=int, default=0, metavar="N", help="seed of the order and of every choice; default: 0")
    add("--seconds", type=float, default=SECONDS, metavar="S", help="how long; default: 60")
    add("--cases", type=int, metavar="N", help="at most so many traces a role")
    add("--out", type=Path, default=Path("findings"), metavar="DIR", help="folder for findings; default: findings")
    add("--without", type=switches, default=frozenset(), metavar="CHECK[,CHECK]", help="checks off (reference)")
    add("--fault", type=fault_names, default=frozenset(), metavar="NAME[,NAME]", help="give the reference peers faults")
    add("--in-process", action="store_true", help="play to the reference peers in this process")


def main(arguments: argparse.Namespace) -> int:
    """Fuzzes, prints findings as they come, and returns the exit code."""
    from ..conformance.fuzz.main import FuzzRequest, fuzz
    from ..harness.iut.description import DescriptionError
    from ..harness.iut.launch import LaunchError

    _check(arguments)
    request = RunRequest(
        out=arguments.out, iut=arguments.iut, role=arguments.role, seed=arguments.seed,
        without=arguments.without, faults=arguments.fault, binding=arguments.binding,
    )  # fmt: skip
    print(f"seed {arguments.seed}", flush=True)
    try:
        with _progress() as told:
            outcome = fuzz(FuzzRequest(request, arguments.seconds, arguments.cases, arguments.in_process), told)
    except (RequestError, DescriptionError, LaunchError) as error:
        raise UsageError(str(error)) from error
    return _report(outcome)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.iut and (arguments.without or arguments.fault or arguments.in_process):
        raise UsageError("--without, --fault and --in-process are about the reference peers; they cannot go with --iut")
    if arguments.seconds <= 0 or (arguments.cases is not None and arguments.cases <= 0):
        raise UsageError("--seconds and --cases want a number above zero")
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {arguments.out}: expected a folder that can be written: {error.strerror}") from error
    for old in arguments.out.glob("finding-*.json"):
        old.unlink()


def _report(outcome: "Outcome") -> int:
    for path, finding in outcome.findings:
        print(f"{path}: {finding.headline}")
    for role, figures in outcome.figures.items():
        print(f"{role}: {_told(figures)}")
    if outcome.interrupted:
        return exit_code.INTERRUPTED
    if outcome.findings:
        return exit_code.FAILED
    return exit_code.PASSED if any(f.cases for f in outcome.figures.values()) else exit_code.UNDECIDED


def _told(figures: Any) -> str:
    rate = figures.conversations / figures.seconds if figures.seconds else 0
    return (
        f"{figures.cases} cases, {figures.conversations} conversations in {figures.seconds:.1f} s ({rate:.1f}/s), "
        f"{figures.situations} situations"
    )


@contextmanager
def _progress() -> Iterator["Told"]:
    """A line that is renewed on a terminal, a line now and then elsewhere; findings stay."""
    if not sys.stdout.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.status import Status

    console = Console()
    with Status("", console=console) as status:

        def told(figures: Mapping[str, Any], finding: "Finding | None") -> None:
            status.update("; ".join(f"{role}: {_told(f)}" for role, f in figures.items()))
            if finding is not None:
                console.print(finding.headline, markup=False)

        yield told


class _Lines:
    """Plain progress."""

    def __init__(self) -> None:
        self._next = time.monotonic() + EVERY

    def __call__(self, figures: Mapping[str, Any], finding: "Finding | None") -> None:
        if finding is not None:
            print(finding.headline, flush=True)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            print("; ".join(f"{role}: {_told(f)}" for role, f in figures.items()), flush=True)
