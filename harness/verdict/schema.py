"""The closed JSON Schemas of a run's files, and validation against them."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

EVENTS = "events.schema.json"
RESULTS = "results.schema.json"


class SchemaError(ValueError):
    """A record does not match its schema. The message names the place and what is expected."""


@cache
def load(name: str) -> dict[str, Any]:
    """A schema as JSON."""
    schema: dict[str, Any] = json.loads((files(__package__) / name).read_text(encoding="utf-8"))
    return schema


@cache
def _validator(name: str, part: str | None = None) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = [load(EVENTS), load(RESULTS)]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    schema = load(name)
    return Draft202012Validator({"$ref": f"{schema['$id']}#/$defs/{part}"} if part else schema, registry=registry)


def validate_results(record: object) -> None:
    """Raises `SchemaError` when `record` is no results file."""
    from fastjsonschema import JsonSchemaException

    try:
        _compiled(RESULTS, "")(record)
    except JsonSchemaException:
        _describe(_validator(RESULTS), record)


@cache
def _compiled(name: str, part: str) -> "Callable[[object], object]":
    """A schema, or a part of it, as code: two events are read for every test, and a mistake is described when met."""
    import fastjsonschema

    schemas = {load(schema)["$id"]: load(schema) for schema in (EVENTS, RESULTS)}
    schema = {"$ref": f"{load(name)['$id']}#/$defs/{part}"} if part else load(name)
    compiled: Callable[[object], object] = fastjsonschema.compile(schema, handlers={"https": schemas.__getitem__})
    return compiled


def validate_event(record: dict[str, Any]) -> None:
    """Raises `SchemaError` when `record` is no event."""
    from fastjsonschema import JsonSchemaException

    part = str(record.get("event")).replace(" ", "-")
    known = part in load(EVENTS)["$defs"]
    try:
        _compiled(EVENTS, part if known else "")(record)
    except JsonSchemaException:
        _describe(_validator(EVENTS, part if known else None), record)


def _describe(validator: "Draft202012Validator", record: object) -> None:
    from jsonschema.exceptions import best_match

    error = best_match(validator.iter_errors(record))
    raise SchemaError(f"{error.json_path}: {error.message}")
