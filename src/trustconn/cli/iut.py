"""Writes or checks the description of an implementation under test.

`init` prints a commented template that is valid as it stands; `check` judges a description, the commands that it
names and its credentials, and answers each fault with one line.
"""

import argparse
import sys
import time
from pathlib import Path

from ..harness.iut.checking import check
from ..harness.iut.description import ROLES, DescriptionError, template
from . import exit_code
from .errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `iut init` and `iut check`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="init|check")
    init = verbs.add_parser("init", help="write a commented template")
    init.add_argument("role", choices=ROLES, help="role of the implementation")
    init.add_argument("file", type=Path, nargs="?", help="file to write; default: standard output")
    init.add_argument("--force", action="store_true", help="replace a file that exists")
    judge = verbs.add_parser("check", help="check a description and what it points to")
    judge.add_argument("file", type=Path)


def main(arguments: argparse.Namespace) -> int:
    """Exit code 0, or 2 for a bad description."""
    if arguments.verb == "init":
        return _init(arguments.role, arguments.file, arguments.force)
    try:
        description = check(arguments.file, int(time.time()))
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    print(f"{arguments.file}: {description.iut.name} {description.iut.version}, {description.iut.role}: good")
    return exit_code.PASSED


def _init(role: str, file: Path | None, force: bool) -> int:
    if file is None:
        sys.stdout.write(template(role))
        return exit_code.PASSED
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(template(role))
    except FileExistsError as error:
        raise UsageError(f"{file} exists; --force replaces it") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    return exit_code.PASSED
