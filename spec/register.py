"""Read a TOML register strictly: no unknown member, no wrong type, every error with file and line."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .prose import SpecError


class Register:
    """A TOML file of the specification; its methods take an entry's key first, to name the line in the error."""

    def __init__(self, name: str, folder: Path) -> None:
        self.file = name
        self._content = (folder / name).read_text(encoding="utf-8")
        try:
            self.data: dict[str, Any] = tomllib.loads(self._content)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            raise SpecError(name, int(found[1]) if found else 1, str(error)) from error

    def error(self, key: str, problem: str) -> SpecError:
        """A SpecError at the line that opens the entry `key`."""
        found = re.search(rf"^[\[\"]*{re.escape(key)}[\]\" ]", self._content, re.MULTILINE)
        return SpecError(
            self.file, self._content.count("\n", 0, found.start()) + 1 if found else 1, f"{key}: {problem}"
        )

    def texts(self, key: str, row: Mapping[str, Any], name: str) -> tuple[str, ...]:
        """The list of distinct texts `name` of an entry, empty if absent."""
        value = row.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"{name} is not a list of texts")
        if len(set(value)) != len(value):
            raise self.error(key, f"{name} names something twice")
        return tuple(value)

    def text(self, key: str, row: Mapping[str, Any], name: str) -> str:
        """The text `name` of an entry."""
        value = row.get(name)
        if not isinstance(value, str) or not value:
            raise self.error(key, f"{name} is not a text")
        return value

    def only(self, key: str, row: Mapping[str, Any], names: Iterable[str]) -> None:
        """Refuse unknown members of an entry."""
        unknown = sorted(set(row) - set(names))
        if unknown:
            raise self.error(key, f"unknown member {unknown[0]!r}")

    def known(self, key: str, what: str, used: Iterable[str], allowed: Iterable[str]) -> None:
        """Refuse names that are not among the allowed ones."""
        unknown = sorted(set(used) - set(allowed))
        if unknown:
            raise self.error(key, f"unknown {what} {unknown[0]!r}")
