"""Types of options that several commands share. argparse prints what they raise as one line."""

import argparse
from pathlib import Path

from ..model.checks import CHECKS
from .errors import did_you_mean


def roles() -> tuple[str, ...]:
    """The roles of the reference peers and of implementations that `run` tests."""
    return ("device", "service")


def check_names(text: str) -> frozenset[str]:
    """Names of checks, separated by commas."""
    names = frozenset(name.strip() for name in text.split(","))
    for name in sorted(names):
        if name not in CHECKS:
            raise argparse.ArgumentTypeError(did_you_mean("check", name, CHECKS))
    return names


def readable_file(text: str) -> Path:
    """A file that exists."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}")
    return path
