"""Plays a finding of `trustconn fuzz` again and shows what happens, as a chart.

Without --iut the finding is played to the reference peer, as it was when it was found. Exit codes: 0 the implementation
does as it must; 1 it does not; 2 bad usage, or a file that is no finding.
"""

import argparse
from pathlib import Path

from ..harness.verdict.request import RequestError, RunRequest
from . import exit_code
from .errors import UsageError
from .options import readable_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`."""
    add = parser.add_argument
    add("file", type=readable_file, metavar="FILE", help="a finding")
    add("--iut", type=readable_file, metavar="FILE", help="description of the implementation under test")
    add("--in-process", action="store_true", help="play to the reference peer in this process")
    add("--mermaid", action="store_true", help="print the chart as a Mermaid diagram")


def main(arguments: argparse.Namespace) -> int:
    """Plays it and returns the exit code."""
    from ..conformance.fuzz.finding import FindingError, load
    from ..conformance.fuzz.main import replay
    from ..conformance.fuzz.relay import BOTH
    from ..harness.iut.description import DescriptionError
    from ..harness.iut.launch import LaunchError

    if arguments.iut and arguments.in_process:
        raise UsageError("--in-process is about the reference peers; it cannot go with --iut")
    try:
        finding = load(arguments.file)
        role = None if arguments.iut or finding.trace.role == BOTH else finding.trace.role
        request = RunRequest(
            out=Path(), iut=arguments.iut, role=role, seed=finding.seed,
            without=frozenset() if arguments.iut else frozenset(finding.without),
            faults=frozenset() if arguments.iut else frozenset(finding.faults),
            binding=None if arguments.iut else finding.implementation.get("binding"),
        )  # fmt: skip
        wrong, again = replay(finding, request, local=arguments.in_process)
    except (FindingError, RequestError, DescriptionError, LaunchError) as error:
        raise UsageError(str(error)) from error
    print(again.mermaid if arguments.mermaid else "\n".join(again.chart))
    print(again.headline if wrong else f"does not show: {finding.headline}")
    return exit_code.FAILED if wrong else exit_code.PASSED
