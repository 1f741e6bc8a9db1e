"""Files that commands read and write: bounded, named in every complaint, and never left half written."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from .errors import UsageError

T = TypeVar("T")


def read_file(file: Path, limit: int, parse: Callable[[bytes], T]) -> T:
    """What `parse` makes of at most `limit` octets. Raises UsageError, which names the file."""
    try:
        with file.open("rb") as source:
            data = source.read(limit + 1)
        if len(data) > limit:
            raise UsageError(f"{file}: more than {limit} octets")
        return parse(data)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error


def write_file(file: Path, data: bytes, *, secret: bool = False) -> None:
    """Written beside its place and moved there, so that an interruption leaves no half of it. Raises UsageError."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb"
        ) as out:
            out.write(data)
        unfinished.replace(file)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
