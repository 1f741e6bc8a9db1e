"""Plays, in octets, the attacks that the symbolic verifier finds when a check is missing.

Without --iut each attack is played twice against reference peers in this process: one without the check, where it must
succeed, and a complete one, which must refuse it at the step where the check stands, for the reason of that check. With
--iut the attacks on its role are played against an implementation: to pass is to refuse each.

    trustconn attack
    trustconn attack --binding tls --without eat_nonce_is_binder --chart
    trustconn attack --iut iut.toml --json trials.json
    trustconn verify --matrix --json matrix.json; trustconn attack --found matrix.json

Exit codes: 0 all as expected; 1 an attack succeeded, or brought the implementation down, or a reference peer did
otherwise; 2 bad usage or description; 3 an attack was refused for another reason or could not be played, or none was
played; 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.checks import CHECKS
from . import exit_code
from .errors import UsageError
from .options import bindings, check_names, readable_file, roles
from .status import status

if TYPE_CHECKING:
    from ..harness.attack.story import Story
    from ..harness.attack.trial import Pair, Trial
    from ..harness.tester.live import IutSession

LINE = "{:<58} {:<6} {:<7} {:<9}  {}"
ANSWERS = "{:<24} {}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `attack`."""
    add = parser.add_argument
    add(
        "--without", type=check_names, default=frozenset(), metavar="CHECK[,CHECK]", help="attacks that need these gone"
    )
    add("--found", type=readable_file, metavar="FILE", help="attacks of `verify --matrix --json FILE` instead")
    add("--iut", type=readable_file, metavar="FILE", help="description of the implementation to attack")
    add("--binding", choices=bindings(), help="secure channel of the reference peers; default: edhoc")
    add("--role", choices=roles(), help="attacks on this role; default: both")
    add("--seed", type=int, default=0, metavar="N", help="seed of every decision of the attacker; default: 0")
    add("--list", action="store_true", help="name the attacks, where they are refused, and by which requirement")
    add("--chart", action="store_true", help="print each attack as a message sequence chart")
    add("--json", type=Path, metavar="FILE", help="write what came of each")


def main(arguments: argparse.Namespace) -> int:
    """Plays, prints a line for each attack, and compares."""
    binding = _binding(arguments)
    stories = _chosen(arguments, binding)
    if arguments.list:
        return _list(stories, binding, arguments.chart)
    return _references(arguments, stories, binding) if arguments.iut is None else _against(arguments, stories)


def _binding(arguments: argparse.Namespace) -> str:
    """The secure channel over which is played."""
    from ..harness.iut.description import DescriptionError, load

    if arguments.iut is None:
        return str(arguments.binding or bindings()[0])
    if arguments.binding:
        raise UsageError("--binding is about the reference peers; it cannot go with --iut")
    try:
        return load(arguments.iut).wire.binding
    except DescriptionError as error:
        raise UsageError(str(error)) from error


def _chosen(arguments: argparse.Namespace, binding: str) -> tuple["Story", ...]:
    from ..harness.attack.trial import chosen, found

    try:
        among = None if arguments.found is None else found(arguments.found)
    except (OSError, ValueError) as error:
        raise UsageError(f"{arguments.found}: {error}") from error
    stories = chosen(arguments.without, arguments.role, among, binding)
    if not stories and arguments.without:
        on = f" on a {arguments.role}" if arguments.role else ""
        why = _why(arguments.without) if among is None else f" in {arguments.found}"
        raise UsageError(f"no attack{on} without {', '.join(sorted(arguments.without))}{why}")
    return stories


def _why(checks: frozenset[str]) -> str:
    """What the removal matrix says of a check that no attack needs gone."""
    from ..model.extract.committed import expected

    removals = expected()["matrix"]
    verdicts = [removals.get(check, {}).get("verdict", "not in the matrix") for check in sorted(checks)]
    return f": {', '.join(verdicts)}" + (", in the model alone" if "carries" in verdicts else "")


def _list(stories: Iterable["Story"], binding: str, chart: bool) -> int:
    print(LINE.format("without", "claim", "role", "step", "requirement of the check that refuses"))
    for story in stories:
        print(LINE.format(story.name, story.claim, *_place(story, binding)))
        _chart(story, chart)
    return exit_code.PASSED if stories else exit_code.UNDECIDED


def _place(story: "Story", binding: str) -> tuple[str, str, str]:
    """Role, step and requirements, or why there are none."""
    from ..harness.attack.story import Inexpressible
    from ..harness.attack.trial import place

    try:
        requirements = dict.fromkeys(CHECKS[check].requirement for check in story.reasons)
        return story.victim.role, place(story, binding), ", ".join(requirements)
    except Inexpressible as error:
        return "", "", f"not played: {error}"


def _chart(story: "Story", wanted: bool) -> None:
    if wanted:
        print(f"\n{story.text}")


def _told(trial: "Trial") -> str:
    from ..harness.attack.trial import Result

    told = {
        Result.UNPLAYED: f"{trial.result.value}: {trial.reason}",
        Result.REFUSED: f"{trial.result.value} by {trial.seen}",
        Result.SUCCEEDED: f"{trial.result.value}: then came {', '.join(trial.shown)}",
        Result.OTHERWISE: f"{trial.seen}, {trial.reason}",
        Result.BROKEN: trial.seen,
    }
    return told[trial.result]


# --- reference peers -------------------------------------------------------------------------------------------------


def _references(arguments: argparse.Namespace, stories: Iterable["Story"], binding: str) -> int:
    from ..harness.attack.trial import both

    pairs: list[Pair] = []
    print(LINE.format("without", "claim", "role", "step", ANSWERS.format("complete", "without the check")))
    try:
        with status() as tell:
            for story in stories:
                tell(story.name)
                pairs.append(pair := both(story, arguments.seed, binding))
                answers = ANSWERS.format(_told(pair.complete), _told(pair.without))
                print(LINE.format(story.name, story.claim, pair.complete.role, pair.complete.at, answers), flush=True)
                for remark in _remarks(pair):
                    print(f"    {remark}")
                _chart(story, arguments.chart)
    finally:
        _write(arguments, [trial for pair in pairs for trial in (pair.without, pair.complete)])
    return _summary(pairs)


def _remarks(pair: "Pair") -> Iterator[str]:
    from ..harness.attack.trial import beside

    known = beside().get(pair.story.name)
    if known is not None:
        yield f"without {', '.join(known.also)} too: {known.because}" if known.also else known.because
    yield from pair.without.notes
    if pair.deviation:
        yield f"NOT AS EXPECTED: {pair.deviation}"


def _summary(pairs: list["Pair"]) -> int:
    from ..harness.attack.trial import Result

    played = sum(pair.without.result is not Result.UNPLAYED for pair in pairs)
    succeeded = sum(pair.without.result is Result.SUCCEEDED for pair in pairs)
    refused = sum(pair.complete.result is Result.REFUSED for pair in pairs)
    deviations = sum(bool(pair.deviation) for pair in pairs)
    print(
        f"{len(pairs)} attacks, {played} played: {succeeded} succeed without the check, {refused} are refused with it,"
        f" {deviations} not as expected"
    )
    if deviations:
        return exit_code.FAILED
    return exit_code.PASSED if played else exit_code.UNDECIDED


# --- an implementation -----------------------------------------------------------------------------------------------


def _against(arguments: argparse.Namespace, stories: Iterable["Story"]) -> int:
    from ..harness.attack.trial import attempt, chosen

    iut = _session(arguments)
    if iut is None:
        return exit_code.UNDECIDED
    trials: list[Trial] = []
    print(LINE.format("without", "claim", "role", "step", "result"))
    try:
        with status() as tell:
            for story in chosen((), iut.role, stories, iut.binding):
                tell(story.name)
                trials.append(trial := attempt(story, iut))
                print(LINE.format(story.name, story.claim, iut.role, trial.at, _told(trial)), flush=True)
                _chart(story, arguments.chart)
    finally:
        iut.close()
        _write(arguments, trials)
    return _verdict(trials)


def _session(arguments: argparse.Namespace) -> "IutSession | None":
    """The implementation, ready to be attacked; None, and the reason said, where it does not start."""
    from ..harness.identity.credentials import CredentialError
    from ..harness.iut.control import ControlError
    from ..harness.iut.description import DescriptionError, load
    from ..harness.iut.launch import LaunchError
    from ..harness.iut.process import ProcessError
    from ..harness.peer.tcp import TcpError
    from ..harness.tester.live import IutSession

    try:
        description = load(arguments.iut)
        if arguments.role not in (None, description.iut.role):
            raise UsageError(f"--role {arguments.role}: {arguments.iut} describes a {description.iut.role}")
        return IutSession(description, arguments.seed)
    except (DescriptionError, CredentialError) as error:
        raise UsageError(str(error)) from error
    except (LaunchError, ControlError, ProcessError, TcpError) as error:
        print(f"trustconn: {arguments.iut}: {error}", file=sys.stderr)
        return None


def _verdict(trials: list["Trial"]) -> int:
    from ..harness.attack.trial import Result

    counts = {result: sum(trial.result is result for trial in trials) for result in Result}
    print(", ".join(f"{count} {result.value}" for result, count in counts.items() if count) or "no attack on this role")
    if counts[Result.SUCCEEDED] or counts[Result.BROKEN]:
        return exit_code.FAILED
    return exit_code.PASSED if trials and counts[Result.REFUSED] == len(trials) else exit_code.UNDECIDED


def _write(arguments: argparse.Namespace, trials: list["Trial"]) -> None:
    if arguments.json is None:
        return
    records = [{**asdict(trial), "result": trial.result.value} for trial in trials]
    answer = {"version": 1, "seed": arguments.seed, "trials": records}
    try:
        arguments.json.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{arguments.json}: {error.strerror}") from None
