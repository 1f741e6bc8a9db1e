"""The command `trustconn`: a table of subcommands, each in a module that is imported when it is called.

A command's module has `add_arguments(parser)` and `main(arguments) -> exit code`.
"""

import argparse
import errno
import importlib
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from .errors import UsageError, did_you_mean


class Command(NamedTuple):
    """A subcommand: its module in this package, and its line in the overview."""

    module: str
    help: str


COMMANDS = {
    "run": Command("run", "test an implementation, or the reference device and service, and print verdicts"),
    "stacks": Command("stacks", "play the handshake group against TLS stacks that others wrote"),
    "interop": Command("interop", "play the implementations of this project, device and service, against each other"),
    "report": Command("report", "make a page and files for other tools of a run, sign it, and compare runs"),
    "kill": Command("kill", "show that each fault of a reference peer fails a test that cites its requirement"),
    "mitm": Command("mitm", "stand between a live device and a live service and judge by what both report"),
    "fuzz": Command("fuzz", "play an attacker's traces to an implementation and keep what it does wrong"),
    "replay": Command("replay", "play a finding of the fuzzer again and show it as a chart"),
    "peer": Command("peer", "start a reference device or service and print its address as JSON"),
    "verifier": Command("verifier", "start a reference verifier, on standard input and output or over HTTP"),
    "explain": Command("explain", "show a requirement, check, threat, clause or test and what it is tied to"),
    "threats": Command("threats", "review a described system against the threats of Annex A, by results of runs"),
    "verify": Command("verify", "decide the security claims of the specification, or of a protocol in SPDL"),
    "attack": Command("attack", "play the attacks that a missing check allows, in octets, against an implementation"),
    "learn": Command("learn", "learn an implementation's state machine and compare it with the specification's"),
    "campaign": Command("campaign", "play many implementations, configurations and seeds, here or on a cluster"),
    "bench": Command("bench", "measure figures as ratios in one run, and how cost grows with size"),
    "iut": Command("iut", "write or check the description of an implementation under test"),
    "provision": Command("provision", "issue credentials for an implementation under test and for the suite"),
    "vectors": Command("vectors", "list test vectors, put them to a program, make them anew"),
    "label": Command("label", "sign, verify and show the origin and processing of data, in files"),
    "property": Command("property", "certify, prove and verify a property of a hidden configuration, in files"),
}

USAGE, UNDECIDED, INTERRUPTED = 2, 3, 130
OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
    | {errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE}
)
"""What a machine refuses, wherever it comes up, and no crash of ours."""


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; a crash of our own is exit code 3, never 1."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except UsageError as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return UNDECIDED
    except Exception as error:  # Uncaught it would end with 1, which says that a test failed.
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            _complain(f"{error.filename or 'cannot write'}: {error.strerror}")
            _forget_output()
        else:  # Told as Python tells it, where Python itself would end with 1.
            sys.excepthook(*sys.exc_info())
        return UNDECIDED


def _complain(words: str) -> None:
    """On standard error, where that takes it: the exit code says it all the same."""
    with suppress(OSError):
        print(f"trustconn: {words}", file=sys.stderr, flush=True)


def _forget_output() -> None:
    """What standard output did not take would be complained about once more when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        return _overview(words)
    name, *rest = words
    if name not in COMMANDS:
        raise UsageError(did_you_mean("command", name, COMMANDS))
    module = importlib.import_module(f".{COMMANDS[name].module}", __package__)
    parser = Parser(prog=f"trustconn {name}", description=module.__doc__, allow_abbrev=False, formatter_class=_Plain)
    module.add_arguments(parser)
    code: int = module.main(parser.parse_args(rest))
    return code


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the paragraphs of a module's docstring, as wide as the terminal, and indented lines as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(self._filled(paragraph, width) for paragraph in text.strip().split("\n\n"))

    def _filled(self, paragraph: str, width: int) -> str:
        if any(line.startswith(" ") for line in paragraph.splitlines()):
            return paragraph
        return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)


def _overview(words: list[str]) -> int:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items()]
    epilog = "commands:\n" + "\n".join(lines) + "\n\n`trustconn COMMAND --help` tells more."
    parser = Parser(
        prog="trustconn",
        usage="trustconn COMMAND ...",
        description="Trusted connections between devices and services: specification, reference peers and test suite.",
        epilog=epilog,
        formatter_class=_Plain,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    if parser.parse_args(words).version:
        from importlib.metadata import version

        print(f"trustconn {version('trustconn')}")
        return 0
    parser.print_help(sys.stderr)
    return USAGE
