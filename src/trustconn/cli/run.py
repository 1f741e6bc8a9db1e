"""Tests an implementation, or without --iut the reference device and service, and prints verdicts by requirement.

Exit codes: 0 all selected tests that apply passed, or failed as expected; 1 a test failed, or one passed that was
expected to fail; 2 bad usage or description; 3 an error, an inconclusive test or nothing selected, without a failure;
130 interrupted, with the results kept.
"""

import argparse
import signal
import sys
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

from ..harness.iut.equipment import Equipment
from ..harness.verdict.expected import NOTHING, Expectations
from ..harness.verdict.expected import load as load_expected
from ..harness.verdict.profile_set import read_set
from ..harness.verdict.request import RequestError, RunRequest
from ..harness.verdict.results import Results
from . import exit_code
from .coverage import test_ids
from .errors import UsageError, require_known
from .options import (
    add_evidence,
    add_key_log,
    add_switches,
    add_tam,
    add_virtual,
    bindings,
    key_log,
    readable_file,
    require_committer,
    require_plain,
    require_plain_module,
    require_tam,
    tams,
    tested_roles,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    add = parser.add_argument
    add("--iut", type=readable_file, metavar="FILE", help="description of the implementation under test")
    add("--role", choices=tested_roles(), help="role of the implementation under test; default: both peers")
    add("--select", metavar="EXPR", help="expression over test and requirement ids, such as 'ATT and not replay'")
    add("--binding", choices=bindings(), help="secure channel; default: the description's, else edhoc")
    add_tam(parser)
    add_virtual(parser)
    add_evidence(parser)
    add("--chains", action="store_true", help="also test how the reference peers judge blocks and processing chains")
    add("--anonymous", action="store_true", help="also test the reference peers under pseudonyms, and before them")
    add("--interface", action="store_true", help="the reference device has a trusted user interface")
    add("--verifier", action="store_true", help="also test how the reference peers ask a verifier")
    add("--seed", type=int, default=0, metavar="N", help="seed of every decision of the tester; default: 0")
    add("--out", type=Path, default=Path("results"), metavar="DIR", help="folder for the results; default: results")
    add("--wait", action="store_true", help="wait for an implementation that is started by hand")
    add("--list", action="store_true", help="name the selected tests and run none")
    add("--rerun", metavar="TEST-ID", help="run this one test")
    add_switches(parser)
    add("--slow", action="store_true", help="wait for real timers where the IUT has no clock to advance (minutes)")
    add_key_log(parser)
    add("--profile-set", metavar="NAME", help="run a frozen list of tests, such as tc1-2026.1")
    add("--expected", type=readable_file, metavar="FILE", help="failures that are expected, and why (strict)")


def main(arguments: argparse.Namespace) -> int:
    """Runs the suite, writes its reports and returns the exit code."""
    request = _request(arguments)
    expected = _expected(arguments.expected)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        results = _run(request)
    except RequestError as error:
        raise UsageError(str(error)) from error
    if request.list_only:
        return _print_list(results)
    report(results, request.out, expected)
    return exit_code.of_results(results, expected)


def _expected(path: Path | None) -> Expectations:
    if path is None:
        return NOTHING
    try:
        return load_expected(path, test_ids())
    except RequestError as error:
        raise UsageError(str(error)) from error


_REFERENCE_ALONE = {
    "without": "--without switches checks off in the reference peers only; it cannot go with --iut",
    "fault": "--fault gives faults to the reference peers only; it cannot go with --iut",
    "tam": "--tam says where the reference peers keep their keys; it cannot go with --iut",
    "verifier": "--verifier is about the reference peers; a description says it by features.verifier",
    "virtual": "--virtual is about the reference peers; a description says features.virtual_root_of_trust",
    "anonymous": "--anonymous is about the reference peers; a description says features.anonymous",
    "evidence": "--evidence is about the reference peers; a description says it by features.evidence_formats",
    "interface": "--interface is about the reference peers; a description says features.trusted_user_interface",
    "chains": "--chains is about the reference peers; a description says features.label_inputs",
}
"""Options that a description takes the place of, and what is said of them then."""


def _request(arguments: argparse.Namespace) -> RunRequest:
    _check_peers(arguments)
    if arguments.rerun and (arguments.select or arguments.profile_set):
        raise UsageError("--rerun names one test; it cannot go with --select or --profile-set")
    if arguments.rerun and (known := test_ids()):
        require_known("test", arguments.rerun, known)
    _check_profile_set(arguments.profile_set)
    _check_description(arguments.iut, arguments.role)
    make_folder(arguments.out)
    return RunRequest(
        out=arguments.out,
        iut=arguments.iut,
        role=arguments.role,
        select=arguments.select,
        seed=arguments.seed,
        wait=arguments.wait,
        list_only=arguments.list,
        rerun=arguments.rerun,
        without=arguments.without,
        faults=arguments.fault,
        slow=arguments.slow,
        key_log=key_log(arguments),
        binding=arguments.binding,
        equipment=_equipment(arguments),
        profile_set=arguments.profile_set,
    )


def _equipment(arguments: argparse.Namespace) -> Equipment:
    wanted = {field.name: getattr(arguments, field.name) for field in fields(Equipment)}
    return Equipment(**{**wanted, "evidence": tuple(dict.fromkeys(arguments.evidence))})


def _check_peers(arguments: argparse.Namespace) -> None:
    if arguments.iut:
        asked = {**vars(arguments), "tam": arguments.tam != tams()[0]}
        for option, reason in _REFERENCE_ALONE.items():
            if asked[option]:
                raise UsageError(reason)
    require_plain(arguments.evidence, arguments.tam, arguments.virtual)
    require_tam(arguments.tam, arguments.binding)
    require_committer(arguments.evidence, arguments.tam)
    require_plain_module(arguments.anonymous, arguments.tam, arguments.virtual)


def _check_profile_set(name: str | None) -> None:
    if name is not None:
        try:
            read_set(files("trustconn.conformance") / "sets", name)
        except RequestError as error:
            raise UsageError(str(error)) from error


def _check_description(path: Path | None, role: str | None) -> None:
    if path is None:
        return
    from ..harness.iut.description import DescriptionError, load

    try:
        described = load(path).iut.role
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    if role is not None and role != described:
        raise UsageError(f"--role {role}: {path} describes a {described}")


def make_folder(out: Path) -> None:
    """Make the folder for results. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: expected a folder that can be written: {error.strerror}") from error


def _run(request: RunRequest) -> Results:
    """The suite's results, also when it was interrupted: its event log has them. The folder keeps one run."""
    from ..conformance.main import run
    from ..harness.iut.description import DescriptionError
    from ..harness.verdict.results import rebuild

    log = request.out / "events.jsonl"
    if not request.list_only:
        log.unlink(missing_ok=True)
    try:
        return run(request)
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        if not log.exists():
            raise
        return rebuild(request.out)


def _print_list(results: Results) -> int:
    for test in results.tests:
        print(test.case.id, *test.case.requirements)
    return exit_code.PASSED if results.tests else exit_code.UNDECIDED


def report(results: Results, out: Path, expected: Expectations = NOTHING) -> None:
    """Write the reports of a run beside its results, and print the summary."""
    from ..harness.verdict.reports import write_reports
    from ..harness.verdict.summary import print_summary

    write_reports(results, out, expected)
    print_summary(results, sys.stdout)
    met = sum(expected.met(test) is not None for test in results.tests)
    if met:
        print(f"{met} failed as expected")
    for sentence in expected.broken(results.tests):
        print(sentence)
