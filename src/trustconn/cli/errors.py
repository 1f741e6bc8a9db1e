"""What the command line answers with exit code 2."""

import difflib
from collections.abc import Iterable


class UsageError(Exception):
    """The user asked for something that cannot be done. The message is one line."""


def did_you_mean(kind: str, name: str, known: Iterable[str]) -> str:
    """The complaint about an unknown name, with the nearest known ones or, where few are known, all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3)
    if near:
        return f"unknown {kind} {name!r}; did you mean {' or '.join(near)}?"
    return f"unknown {kind} {name!r}" + (f"; known: {', '.join(names)}" if 0 < len(names) <= 10 else "")


def require_known(kind: str, name: str, known: Iterable[str]) -> str:
    """`name`, when it is known; else raises `UsageError`."""
    names = list(known)
    if name not in names:
        raise UsageError(did_you_mean(kind, name, names))
    return name
