"""Read TOML files against the fields of a dataclass: no unknown key, no wrong type, every message with file and key."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Convert = Callable[[Any], Any]
"""Gives the value to keep, or raises ValueError whose text says what is expected."""


class SettingError(ValueError):
    """A configuration file is wrong: which file, which key, and what is expected there."""

    def __init__(self, file: Path, key: str, expected: str) -> None:
        super().__init__(f"{file}: {key}: expected {expected}")
        self.file = file
        self.key = key
        self.expected = expected


def read_toml(file: Path, error: type[SettingError]) -> dict[str, Any]:
    """The file's table. Raises `error` for a missing, unreadable or malformed file."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise error(file, "file", f"a readable file ({cause.__class__.__name__})") from cause
    except tomllib.TOMLDecodeError as cause:
        raise error(file, "file", f"TOML ({cause})") from cause


def convert(
    file: Path, table: Mapping[str, Any], fields: Mapping[str, Convert], error: type[SettingError]
) -> dict[str, Any]:
    """The table's values, each by its field's converter. Raises `error` for an unknown key or an unfit value."""
    result = {}
    for key, value in table.items():
        if key not in fields:
            raise error(file, key, f"one of {', '.join(sorted(fields))}")
        try:
            result[key] = fields[key](value)
        except ValueError as cause:
            raise error(file, key, str(cause)) from cause
    return result


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def whole(low: int, high: int) -> Convert:
    """An integer from `low` to `high`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"an integer from {low} to {high}")
        return value

    return check


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a string that is not empty")
    return value


def texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of strings, not empty")
    return tuple(value)


def octets(*lengths: int) -> Convert:
    """A string of hexadecimal digits for octets of one of these lengths."""
    expected = f"{' or '.join(str(2 * length) for length in lengths)} hexadecimal digits"

    def check(value: Any) -> bytes:
        if not isinstance(value, str) or len(value) not in {2 * length for length in lengths}:
            raise ValueError(expected)
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise ValueError(expected) from None

    return check
