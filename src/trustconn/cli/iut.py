"""Writes or checks the description of an implementation under test.

`init` prints a commented template that is valid as it stands, with what its options say; `check` judges a description,
the commands that it names and its credentials, and answers each fault with one line.
"""

import argparse
import shlex
import sys
import time
from pathlib import Path

from ..harness.iut.checking import check
from ..harness.iut.description import ROLES, SCOPES, DescriptionError, load, template
from ..harness.iut.features import BINDINGS
from . import exit_code
from .errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `iut init` and `iut check`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="init|check")
    init = verbs.add_parser("init", help="write a commented template")
    init.add_argument("role", choices=ROLES, help="role of the implementation")
    init.add_argument("file", type=Path, nargs="?", help="file to write; default: standard output")
    init.add_argument("--force", action="store_true", help="replace a file that exists")
    init.add_argument("--name", help="name that reports show")
    init.add_argument("--binding", choices=BINDINGS, help="secure channel that it is tested over; default: edhoc")
    init.add_argument("--scope", choices=SCOPES, help="the whole session, or the handshake of TLS alone")
    init.add_argument("--address", metavar="HOST:PORT", help="where a service listens; default: 127.0.0.1:4433")
    init.add_argument("--command", type=_words, metavar="WORDS", help="command that starts it")
    init.add_argument("--connect", type=_words, metavar="WORDS", help="command that makes a device dial {host} {port}")
    init.add_argument("--control", type=_words, metavar="WORDS", help="command that starts it behind the control plane")
    init.add_argument("--probe", metavar="TEXT", help="what makes it answer after the handshake (scope handshake)")
    init.add_argument("--provision", action="store_true", help="issue credentials beside the file, if there are none")
    judge = verbs.add_parser("check", help="check a description and what it points to")
    judge.add_argument("file", type=Path)


def main(arguments: argparse.Namespace) -> int:
    """Exit code 0, or 2 for a bad description."""
    if arguments.verb == "init":
        _init(template(arguments.role, _known(arguments)), arguments.file, arguments.force)
        return _provision(arguments) if arguments.provision else exit_code.PASSED
    try:
        description = check(arguments.file, int(time.time()))
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    print(f"{arguments.file}: {description.iut.name} {description.iut.version}, {description.iut.role}: good")
    return exit_code.PASSED


def _words(text: str) -> tuple[str, ...]:
    """A command, split as a shell does it."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error
    if not words:
        raise argparse.ArgumentTypeError("a command has a word at least")
    return words


def _known(arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    """What the options say, by section and key; what they do not say is left to the template."""
    options = vars(arguments)
    names = {"iut": ("name", "scope"), "wire": ("binding", "address", "command", "connect", "probe")}
    known: dict[str, dict[str, object]] = {
        section: {name: options[name] for name in keys if options[name] is not None} for section, keys in names.items()
    }
    if arguments.binding:
        known["features"] = {"bindings": (arguments.binding,)}
    if arguments.control:
        known["control"] = {"mode": "stdio", "command": arguments.control}
        known["wire"] = {"address": None, **known["wire"]}  # It says on the control plane where it listens.
        if arguments.role == "device" and not arguments.connect:
            known["wire"]["connect"] = "control"
    return known


def _provision(arguments: argparse.Namespace) -> int:
    """Credentials as `trustconn provision` issues them, where there are none."""
    from . import provision

    if arguments.file is None:
        raise UsageError("--provision needs a file, to have credentials beside it")
    folder = arguments.file.parent / "credentials"
    if folder.exists():
        print(f"{folder} is there already")
        return exit_code.PASSED
    parser = argparse.ArgumentParser()
    provision.add_arguments(parser)
    return provision.main(parser.parse_args([arguments.role, "--out", str(folder)]))


def _init(text: str, file: Path | None, force: bool) -> None:
    if file is None:
        sys.stdout.write(text)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(text)
        load(file)
    except DescriptionError as error:
        file.unlink()
        raise UsageError(f"these options do not go together: {error}") from error
    except FileExistsError as error:
        raise UsageError(f"{file} exists; --force replaces it") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
