"""Frozen lists of test ids: a suite's update never fails yesterday's certificate.

A set is a text file `NAME.txt`: one test id a line; empty lines and lines that start with `#` do not count.
"""

from importlib.resources.abc import Traversable

from .request import RequestError


def set_names(folder: Traversable) -> list[str]:
    """Names of the sets in a folder, sorted; none when there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(entry.name.removesuffix(".txt") for entry in folder.iterdir() if entry.name.endswith(".txt"))


def read_set(folder: Traversable, name: str) -> tuple[str, ...]:
    """Test ids of a set, in its order. Raises `RequestError` for an unknown, empty or contradictory set."""
    if name not in set_names(folder):
        raise RequestError(f"unknown profile set {name!r}; known: {', '.join(set_names(folder)) or 'none'}")
    lines = [line.strip() for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
    ids = tuple(line for line in lines if line and not line.startswith("#"))
    if not ids:
        raise RequestError(f"profile set {name!r} is empty")
    if len(set(ids)) != len(ids):
        raise RequestError(f"profile set {name!r} names a test twice")
    return ids
