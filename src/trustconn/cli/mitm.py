"""Stands between a live device and a live service, as an attacker does, and judges by what both of them report.

Without --device and --service these are the reference peers. Exit codes: 0 all selected scenarios passed; 1 the ends
did not agree in one; 2 bad usage or description; 3 an error, an inconclusive scenario or nothing selected, without a
failure; 130 interrupted, with the results kept.
"""

import argparse
from pathlib import Path

from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results
from ..harness.verdict.verdict import Verdict
from . import exit_code
from .errors import UsageError
from .options import add_key_log, add_switches, bindings, key_log, readable_file
from .run import make_folder, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mitm`."""
    add = parser.add_argument
    add("--device", type=readable_file, metavar="FILE", help="description of the device")
    add("--service", type=readable_file, metavar="FILE", help="description of the service")
    add("--binding", choices=bindings(), help="secure channel of the reference peers; default: edhoc")
    add("--select", metavar="ID", help="one scenario, or an expression over scenario and requirement ids")
    add("--seed", type=int, default=0, metavar="N", help="seed of every decision of the tester; default: 0")
    add("--out", type=Path, default=Path("results-mitm"), metavar="DIR", help="default: results-mitm")
    add("--list", action="store_true", help="name the selected scenarios, each with its sentence, and play none")
    add_key_log(parser)
    add_switches(parser)


def main(arguments: argparse.Namespace) -> int:
    """Plays the scenarios, writes the reports and returns the exit code."""
    from ..conformance.middle import run, selected
    from ..harness.iut.description import DescriptionError

    files = {role: path for role in ("device", "service") if (path := getattr(arguments, role)) is not None}
    request = _request(arguments, files)
    try:
        if arguments.list:
            found = selected(request)
            for scenario in found:
                print(f"{scenario.id} [{' '.join(scenario.requirements)}]: {scenario.sentence}")
            return exit_code.PASSED if found else exit_code.UNDECIDED
        make_folder(request.out)
        results = run(request, files)
    except (RequestError, DescriptionError) as error:
        raise UsageError(str(error)) from error
    _report(results, request.out)
    return exit_code.of_results(results)


def _request(arguments: argparse.Namespace, files: dict[str, Path]) -> RunRequest:
    if len(files) == 1:
        raise UsageError("--device and --service go together; without both, the reference peers are used")
    if files and (arguments.without or arguments.fault or arguments.binding):
        raise UsageError(
            "--without, --fault and --binding are about the reference peers; they cannot go with descriptions"
        )
    return RunRequest(
        out=arguments.out,
        select=arguments.select,
        seed=arguments.seed,
        without=arguments.without,
        faults=arguments.fault,
        binding=arguments.binding,
        key_log=key_log(arguments),
    )


def _report(results: Results, out: Path) -> None:
    """One line where one reason keeps everything from being judged."""
    reasons = {test.judgement.reason for test in results.tests}
    if len(reasons) == 1 and {test.status for test in results.tests} == {Verdict.INCONC}:
        print(f"nothing could be judged: {reasons.pop()}")
    else:
        report(results, out)
