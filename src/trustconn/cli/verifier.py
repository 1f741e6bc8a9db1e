"""Starts a reference verifier (RATS): it appraises evidence for relying parties by the policies in its folder.

Without --listen it is asked on standard input and answers on standard output, each behind its length in three octets.
With --listen it prints where it listens as one JSON line and answers over HTTP; SIGTERM or SIGINT ends it.
`trustconn provision verifier` makes a folder.
"""

import argparse
from pathlib import Path

from ..harness.verifier import runner
from . import exit_code
from .errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `verifier`."""
    runner.add_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Runs the verifier to its end."""
    arguments.credentials = verifier_folder(arguments.credentials)
    code = runner.run(arguments)
    return exit_code.UNDECIDED if code == runner.FAILED else code


def verifier_folder(folder: Path) -> Path:
    """The folder of a verifier: `folder` itself, or the one that `provision` made in it. Raises UsageError."""
    import tomllib

    for candidate in (folder, folder / "iut"):
        try:
            if tomllib.loads((candidate / "manifest.toml").read_text(encoding="utf-8")).get("role") == "verifier":
                return candidate
        except (OSError, ValueError):
            continue
    raise UsageError(f"--credentials {folder}: expected credentials of a verifier, found none")
