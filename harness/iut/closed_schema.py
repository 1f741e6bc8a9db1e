"""JSON Schema, the part of it that the control plane's schema uses, compiled to closures.

Every message is checked on both sides, and a reference peer must start quickly: compiled, a check takes a tenth of the
general library's time, and nothing is imported. A keyword that is not known here is an error when the schema is
compiled, never ignored. Source: JSON Schema 2020-12, validation vocabulary.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str]
"""Gives a complaint that begins with the place, or an empty string."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "null": lambda value: value is None,
}
_SHOWN = 120


class UnknownKeyword(ValueError):
    """The schema uses a keyword that this compiler does not know."""


def compile_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Check:
    """The check that `schema` describes; `#/$defs/...` refers to `definitions`. Raises UnknownKeyword."""
    if schema.keys() - _PASSIVE == _CLOSED and schema["type"] == "object" and not schema["additionalProperties"]:
        return _closed_object(schema, definitions)
    if schema.keys() - _PASSIVE == _RANGE and schema["type"] == "integer":
        return _integer_between(schema["minimum"], schema["maximum"])
    checks = [_keyword(name, value, schema, definitions) for name, value in schema.items() if name not in _PASSIVE]

    def check(value: Any) -> str:
        for judge in checks:
            if complaint := judge(value):
                return complaint
        return ""

    return checks[0] if len(checks) == 1 else check


_PASSIVE = frozenset({"description", "title", "required"})
"""Annotations, and what `properties` judges."""


_CLOSED, _RANGE = frozenset({"type", "properties", "additionalProperties"}), frozenset({"type", "minimum", "maximum"})
"""Keywords of nearly all schemas here, each such schema judged in one step."""


def _closed_object(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Check:
    checks = {name: compile_schema(part, definitions) for name, part in schema["properties"].items()}
    required, of_type = schema.get("required", ()), _type("object")

    def check(value: Any) -> str:
        if type(value) is not dict:
            return of_type(value)
        for name in required:
            if name not in value:
                return f": {name!r} is required"
        for name, item in value.items():
            judge = checks.get(name)
            if judge is None:
                return f".{name[:_SHOWN]} is not known"
            if complaint := judge(item):
                return f".{name}{complaint}"
        return ""

    return check


def _integer_between(least: int, most: int) -> Check:
    judges = (_type("integer"), _PLAIN["minimum"](least), _PLAIN["maximum"](most))

    def check(value: Any) -> str:
        if type(value) is int and least <= value <= most:
            return ""
        return next(filter(None, (judge(value) for judge in judges)), "")

    return check


def _keyword(name: str, value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Check:
    if name == "$ref":
        return compile_schema(definitions[value.removeprefix("#/$defs/")], definitions)
    if name == "properties":
        return _properties(value, schema.get("required", ()), definitions)
    if name == "additionalProperties":
        return _additional(value, frozenset(schema.get("properties", ())), definitions)
    if name == "items":
        return _items(compile_schema(value, definitions))
    if name == "oneOf":
        return _one_of(value, definitions)
    if name not in _PLAIN:
        raise UnknownKeyword(name)
    return _PLAIN[name](value)


def _properties(schemas: Mapping[str, Any], required: list[str], definitions: Mapping[str, Any]) -> Check:
    checks = {name: compile_schema(part, definitions) for name, part in schemas.items()}

    def check(value: Any) -> str:
        if type(value) is not dict:
            return ""
        for name in required:
            if name not in value:
                return f": {name!r} is required"
        for name, judge in checks.items():
            if name in value and (complaint := judge(value[name])):
                return f".{name}{complaint}"
        return ""

    return check


def _additional(schema: Any, known: frozenset[str], definitions: Mapping[str, Any]) -> Check:
    judge = compile_schema(schema, definitions) if schema else (lambda value: " is not known")

    def check(value: Any) -> str:
        if type(value) is dict:
            for name in value.keys() - known:
                if complaint := judge(value[name]):
                    return f".{name[:_SHOWN]}{complaint}"
        return ""

    return check


def _items(judge: Check) -> Check:
    def check(value: Any) -> str:
        if type(value) is list:
            for index, item in enumerate(value):
                if complaint := judge(item):
                    return f"[{index}]{complaint}"
        return ""

    return check


def _one_of(schemas: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> Check:
    options = [compile_schema({"properties": {}, **schema}, definitions) for schema in schemas]
    key, by_constant = _discriminator([_resolved(schema, definitions) for schema in schemas], options)

    def check(value: Any) -> str:
        possible = options
        if key and type(value) is dict and type(constant := value.get(key)) is str:
            possible = by_constant.get(constant, [])
        complaints = [option(value) for option in possible]
        return "" if complaints.count("") == 1 else f": exactly one of {len(options)} forms is expected"

    return check


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return definitions[reference.removeprefix("#/$defs/")] if reference else schema


def _discriminator(schemas: list[Mapping[str, Any]], options: list[Check]) -> tuple[str, dict[str, list[Check]]]:
    """A required key that is a string constant in every form, and the forms by it: only these can fit a value."""
    for key in schemas[0].get("required", ()):
        constants = [schema.get("properties", {}).get(key, {}).get("const") for schema in schemas]
        required = all(key in schema.get("required", ()) for schema in schemas)
        if required and all(type(constant) is str for constant in constants):
            by_constant: dict[str, list[Check]] = {}
            for constant, option in zip(constants, options, strict=True):
                by_constant.setdefault(constant, []).append(option)
            return key, by_constant
    return "", {}


def _where(fits: Callable[[Any], bool], applies: type | tuple[type, ...], expected: str) -> Check:
    """Judges values of the given types alone; a boolean is no number."""

    def check(value: Any) -> str:
        if type(value) in kinds and not fits(value):
            return f": expected {expected}, found {_shown(value)}"
        return ""

    kinds = applies if isinstance(applies, tuple) else (applies,)
    return check


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _type(names: str | list[str]) -> Check:
    wanted = [names] if isinstance(names, str) else names
    fits = [_TYPES[name] for name in wanted]
    expected = " or ".join(wanted)
    first = fits[0] if len(fits) == 1 else lambda value: any(fit(value) for fit in fits)
    return lambda value: "" if first(value) else f": expected {expected}, found {_shown(value)}"


def _equal(left: Any, right: Any) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _enum(values: list[Any]) -> Check:
    strings = frozenset(value for value in values if type(value) is str)

    def check(value: Any) -> str:
        fits = value in strings if type(value) is str else any(_equal(value, one) for one in values)
        return "" if fits else f": expected one of {values}, found {_shown(value)}"

    return check


def _unique(value: list[Any]) -> bool:
    return not any(_equal(one, other) for index, one in enumerate(value) for other in value[:index])


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern.replace("$", r"\Z")).search
    return _where(lambda value: search(value) is not None, str, f"a match of {pattern}")


_NUMBER = (int, float)
_PLAIN: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda constant: _enum([constant]),
    "pattern": _pattern,
    "minimum": lambda least: _where(lambda value: value >= least, _NUMBER, f"at least {least}"),
    "maximum": lambda most: _where(lambda value: value <= most, _NUMBER, f"at most {most}"),
    "minLength": lambda least: _where(lambda value: len(value) >= least, str, f"at least {least} characters"),
    "maxLength": lambda most: _where(lambda value: len(value) <= most, str, f"at most {most} characters"),
    "minItems": lambda least: _where(lambda value: len(value) >= least, list, f"at least {least} items"),
    "maxItems": lambda most: _where(lambda value: len(value) <= most, list, f"at most {most} items"),
    "maxProperties": lambda most: _where(lambda value: len(value) <= most, dict, f"at most {most} keys"),
    "uniqueItems": lambda wanted: _where(_unique, list, "each item once"),
}
