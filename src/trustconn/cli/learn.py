"""Learns an implementation's state machine and compares it with the specification's.

L# asks words of letters (messages of the other side as valid as the moment allows, forged and old ones, the
application, the clock, a restart, sessions elsewhere) with the table's machine as reference. Each difference comes with
the shortest word that shows it, both answers, its severity and requirement, and the command that plays it again. In the
folder: learned.json, summary.txt, machines.svg with both machines side by side, DOT files, transcripts.

    trustconn learn --role service
    trustconn learn --iut iut.toml --alphabet basic
    trustconn learn --role device --binding tls --without verdict_comes_in_time
    trustconn learn --role service --word 'message_1 message_3 DATA'

Exit codes: 0 the machine is the table's; 1 it is not, or one word was answered in two ways; 2 bad usage or description;
3 the implementation could not be talked to; 130 interrupted, with what was found so far.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code
from .errors import UsageError, did_you_mean
from .options import bindings, fault_names, readable_file, roles, switches
from .run import make_folder

if TYPE_CHECKING:
    from ..conformance.fleet import Fleet
    from ..harness.learn.examine import Report
    from ..harness.learn.system import System
    from ..harness.tester.session import Iut, Role

EVERY = 200
"""Connections between two plain lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `learn`."""
    add = parser.add_argument
    add("--iut", type=readable_file, metavar="FILE", help="description of the implementation")
    add("--binding", choices=bindings(), help="secure channel; default: the description's, else edhoc")
    add("--role", choices=roles(), help="role of the implementation; default: both")
    none: frozenset[str] = frozenset()
    add("--without", type=switches, default=none, metavar="CHECK[,CHECK]", help="switch checks off (reference)")
    add("--fault", type=fault_names, default=none, metavar="NAME[,NAME]", help="give the reference peers faults")
    add("--alphabet", choices=("basic", "full"), default="full", help="letters to ask with; default: full")
    add("--seed", type=int, default=0, metavar="N", help="seed of the words that are chosen at random; default: 0")
    add("--out", type=Path, default=Path("results-learn"), metavar="DIR", help="default: results-learn")
    add("--wait", action="store_true", help="wait for an implementation that is started by hand")
    add("--local", action="store_true", help="the reference peers in this process, without sockets")
    add("--word", metavar="LETTERS", help="play this one word, and print the answers beside the table's")


def main(arguments: argparse.Namespace) -> int:
    """Learns each role, writes what was found and returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.iut and (arguments.without or arguments.fault or arguments.local):
        raise UsageError("--without, --fault and --local are about the reference peers; they cannot go with --iut")
    if arguments.word is None:
        make_folder(arguments.out)
    codes: list[int] = []
    with _implementations(arguments) as found:
        for name, start in found:
            try:
                codes.append(
                    _learn(arguments, name, start) if arguments.word is None else _play(arguments.word, start())
                )
            except _unreachable() as error:
                print(f"{name}: {type(error).__name__}: {error}")
                codes.append(exit_code.UNDECIDED)
            if codes[-1] == exit_code.INTERRUPTED:
                break
    return max(codes, key=_ORDER.index)


_ORDER = (exit_code.PASSED, exit_code.UNDECIDED, exit_code.FAILED, exit_code.INTERRUPTED)
Found = Iterator[tuple[str, Callable[[], "Iut"]]]
"""Names, and what starts each implementation, again if it died."""


@contextmanager
def _implementations(arguments: argparse.Namespace) -> Iterator[Found]:
    """What is to be learned; it ends with the context."""
    if arguments.local:
        yield _local(arguments)
        return
    from ..conformance.fleet import Fleet
    from ..harness.iut.description import DescriptionError
    from ..harness.verdict.request import RunRequest

    request = RunRequest(
        out=arguments.out, iut=arguments.iut, role=arguments.role, seed=arguments.seed, wait=arguments.wait,
        without=arguments.without, faults=arguments.fault, binding=arguments.binding,
    )  # fmt: skip
    try:
        fleet = Fleet(request)
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    try:
        yield _launched(arguments, fleet)
    finally:
        fleet.stop()


def _launched(arguments: argparse.Namespace, fleet: "Fleet") -> Found:
    for role, description in fleet.descriptions.items():
        if arguments.role not in (None, role):
            raise UsageError(f"--role {arguments.role}: {arguments.iut} describes a {role}")
        if description.iut.scope == "handshake":
            raise UsageError(f"{arguments.iut}: an implementation of the handshake alone has no machine of the table's")
        yield description.iut.name, partial(fleet.iut, role)


def _local(arguments: argparse.Namespace) -> Found:
    from ..harness.tester.local import LocalIut

    off, binding = arguments.without | arguments.fault, arguments.binding or "edhoc"
    both: tuple[Role, ...] = ("device", "service")
    for role in both if arguments.role is None else (arguments.role,):
        yield f"reference {role} in this process", partial(LocalIut, role, off=off, binding=binding)


# --- one implementation ----------------------------------------------------------------------------------------------


def _learn(arguments: argparse.Namespace, name: str, start: Callable[[], "Iut"]) -> int:
    from ..harness.learn.examine import examine, prepared, summary, write

    iut = start()
    with _progress() as progress:
        system = prepared(iut, full=arguments.alphabet == "full", renew=start, progress=progress)
        report = examine(system, name=_full_name(arguments, name), seed=arguments.seed)

    def command(word: tuple[str, ...]) -> str:
        return _command(arguments, iut.role, word)

    folder = arguments.out / iut.role
    write(report, folder, command)
    print("\n".join(summary(report, command)))
    print(f"  {folder}")
    return _code(report)


def _code(report: "Report") -> int:
    from ..harness.learn.examine import EQUAL, PARTIAL

    if report.verdict == PARTIAL:
        return exit_code.INTERRUPTED
    return exit_code.PASSED if report.verdict == EQUAL else exit_code.FAILED


def _play(letters: str, iut: "Iut") -> int:
    from ..harness.learn.examine import prepared
    from ..harness.learn.system import NonDeterministic

    word = tuple(letters.split())
    system = prepared(iut, full=True, progress=lambda system: None)
    for letter in word:
        if letter not in system.letters:
            raise UsageError(did_you_mean("letter", letter, system.letters))
    try:
        answers = system.query(word)
    except NonDeterministic as conflict:
        print(f"answered in two ways: {conflict}")
        return exit_code.FAILED
    expected = system.table.run(word)
    for letter, answer, right in zip(word, answers, expected, strict=True):
        print(f"{letter:18} {answer}" + ("" if answer == right else f"   the table: {right}"))
    return exit_code.PASSED if answers == expected else exit_code.FAILED


def _unreachable() -> tuple[type[Exception], ...]:
    """What shows that an implementation could not be talked to at all."""
    from ..harness.iut.control import ControlError
    from ..harness.iut.launch import LaunchError
    from ..harness.iut.process import ProcessError
    from ..harness.peer.tcp import TcpError
    from ..harness.tester.session import ControlFailed, NeedNotMet

    return ControlError, LaunchError, ProcessError, TcpError, ControlFailed, NeedNotMet


def _full_name(arguments: argparse.Namespace, name: str) -> str:
    missing = ", ".join(sorted(arguments.without))
    faults = ", ".join(sorted(arguments.fault))
    return name + (f" without {missing}" if missing else "") + (f" with {faults}" if faults else "")


def _command(arguments: argparse.Namespace, role: str, word: tuple[str, ...]) -> str:
    words = ["trustconn", "learn"]
    words += ["--iut", str(arguments.iut)] if arguments.iut else ["--role", role]
    words += ["--binding", arguments.binding] if arguments.binding else []
    words += ["--without", ",".join(sorted(arguments.without))] if arguments.without else []
    words += ["--fault", ",".join(sorted(arguments.fault))] if arguments.fault else []
    words += ["--local"] if arguments.local else []
    return shlex.join([*words, "--word", " ".join(word)])


@contextmanager
def _progress() -> Iterator[Callable[["System"], None]]:
    """A line that changes on a terminal; elsewhere a line now and then."""

    def line(system: "System") -> str:
        return f"{system.role}: {system.resets} connections, {system.num_queries} words asked"

    if not sys.stderr.isatty():
        yield lambda system: print(line(system), flush=True) if system.resets % EVERY == 0 else None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda system: status.update(line(system))
