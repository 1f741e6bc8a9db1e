"""Sections of a TOML file as dataclasses: each field is declared once, with type, default, meaning and choices.

`read_section` turns a table into such a dataclass; `write_section` prints it as a commented template. Every complaint
is a `DescriptionError`: one line with the file, the line where it is known, the key, what is expected and what was
found.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
_LONGEST_FOUND = 80
_TYPE_NAMES = {str: "a string", int: "an integer", bool: "true or false", float: "a number", Path: "a path"}


class DescriptionError(ValueError):
    """A description that cannot be used; `str()` is one line."""

    def __init__(self, file: Path, key: str, expected: str, found: str, line: int | None = None) -> None:
        self.file, self.key, self.expected, self.found, self.line = file, key, expected, found, line
        where = f"{file}:{line}" if line else f"{file}"
        super().__init__(" ".join(f"{where}: {key}: expected {expected}, found {found}".split()))


@dataclasses.dataclass(frozen=True, slots=True)
class KeyRule:
    """What a value must satisfy beyond its type, and the meaning that the template prints."""

    meaning: str
    choices: tuple[Any, ...] = ()
    pattern: str = ""
    form: str = ""
    least: float = 0
    empty: bool = False
    example: Any = None


def key(default: Any = dataclasses.MISSING, meaning: str = "", **rule: Any) -> Any:
    """A dataclass field for one key; without default the key is mandatory."""
    return dataclasses.field(default=default, metadata={"rule": KeyRule(meaning, **rule)})


class Source:
    """The text of a description file, to find the line of a key."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self._lines = text.splitlines()

    def line_of(self, section: str, name: str | None = None) -> int | None:
        """Line number of `[section]`, or of `name =` in it; None where the file writes it in another form."""
        current = ""
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
                current = header[1]
                if name is None and current == section:
                    return number
            elif name is not None and current == section and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line):
                return number
        return None

    def error(self, section: str, name: str | None, expected: str, found: str) -> DescriptionError:
        """The complaint about one key, or about the whole section."""
        dotted = ".".join(part for part in (section, name) if part)
        return DescriptionError(self.file, dotted, expected, found, self.line_of(section, name))


def shown(value: object) -> str:
    """A value as it is quoted in a complaint: its TOML type and a bounded form."""
    names = {bool: "boolean", int: "integer", float: "float", str: "string", list: "array", dict: "table"}
    text = repr(value)
    text = text if len(text) <= _LONGEST_FOUND else text[:_LONGEST_FOUND] + "..."
    return f"{names.get(type(value), type(value).__name__)} {text}"


def unknown_key(name: str, known: list[str]) -> str:
    """What is expected instead of an unknown key."""
    near = difflib.get_close_matches(name, known, n=1)
    return f'a known key (did you mean "{near[0]}"?)' if near else f"one of {', '.join(known)}"


def read_section(cls: type[T], section: str, table: object, source: Source) -> T:
    """The dataclass `cls` from a TOML table.

    Raises:
        DescriptionError: unknown or missing key, wrong type, or a value outside its rule.
    """
    if not isinstance(table, Mapping):
        raise source.error("", section, "a table", shown(table))
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in table:
        if name not in fields:
            raise source.error(section, name, unknown_key(name, list(fields)), f'the unknown key "{name}"')
    hints, values = get_type_hints(cls), {}
    for name, field in fields.items():
        rule: KeyRule = field.metadata["rule"]
        if name in table:
            values[name] = _Reader(source, section, name, rule).read(hints[name], table[name])
        elif field.default is dataclasses.MISSING:
            raise source.error(section, name, f"{_type_name(hints[name])}: {rule.meaning}", "nothing")
    return cls(**values)


class _Reader:
    """One value against its declared type and rule."""

    def __init__(self, source: Source, section: str, name: str, rule: KeyRule) -> None:
        self._source, self._section, self._name, self._rule = source, section, name, rule

    def read(self, wanted: Any, value: object) -> object:
        for kind in _alternatives(wanted):
            if _has_type(kind, value):
                return self._checked(kind, value)
        raise self._error(_type_name(wanted), value)

    def _error(self, expected: str, value: object) -> DescriptionError:
        return self._source.error(self._section, self._name, expected, shown(value))

    def _checked(self, kind: Any, value: Any) -> object:
        if get_origin(kind) is tuple:
            if not value and not self._rule.empty:
                raise self._error("an array that is not empty", value)
            for item in value:
                self._check_item(item)
            if self._rule.choices and len(set(value)) != len(value):
                raise self._error("each value once", value)
            return tuple(value)
        self._check_item(value)
        if kind is Path:
            return self._source.file.parent / value
        return float(value) if kind is float else value

    def _check_item(self, item: Any) -> None:
        rule = self._rule
        if rule.choices and item not in rule.choices:
            raise self._error(f"one of {_listed(rule)}", item)
        if isinstance(item, str) and not item:
            raise self._error("a string that is not empty", item)
        if rule.pattern and isinstance(item, str) and not re.fullmatch(rule.pattern, item):
            raise self._error(rule.form, item)
        if isinstance(item, int | float) and not isinstance(item, bool) and item < rule.least:
            raise self._error(f"a number not below {rule.least:g}", item)


def _listed(rule: KeyRule) -> str:
    return ", ".join(str(choice) for choice in rule.choices)


def _alternatives(wanted: Any) -> list[Any]:
    if get_origin(wanted) is UnionType:
        return [kind for kind in get_args(wanted) if kind is not NoneType]
    return [wanted]


def _has_type(kind: Any, value: object) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(_has_type(get_args(kind)[0], item) for item in value)
    if kind is Path:
        return isinstance(value, str)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _type_name(wanted: Any) -> str:
    names = []
    for kind in _alternatives(wanted):
        if get_origin(kind) is tuple:
            names.append(f"an array of {'strings' if get_args(kind)[0] is str else 'integers'}")
        else:
            names.append(_TYPE_NAMES[kind])
    return " or ".join(names)


def _kind(wanted: Any, rule: KeyRule) -> str:
    if not rule.choices:
        return _type_name(wanted)
    return ("an array of " if get_origin(wanted) is tuple else "one of ") + _listed(rule)


def write_section(
    cls: type[Any], section: str, values: Mapping[str, object], hidden: frozenset[str] = frozenset()
) -> str:
    """`[section]` as a commented template: `values` are set, every other key stands commented out with its default."""
    lines = [f"[{section}]"]
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.name in hidden:
            continue
        rule: KeyRule = field.metadata["rule"]
        lines.append(f"# {rule.meaning}: {_kind(hints[field.name], rule)}")
        if field.name in values:
            lines.append(f"{field.name} = {_toml(values[field.name])}")
        else:
            default = rule.example if field.default in (None, dataclasses.MISSING) else field.default
            lines.append(f"#{field.name} = {_toml(default)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
