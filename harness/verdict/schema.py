"""The closed JSON Schemas of a run's files, and validation against them."""

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

EVENTS = "events.schema.json"
RESULTS = "results.schema.json"


class SchemaError(ValueError):
    """A record does not match its schema. The message names the place and what is expected."""


def load(name: str) -> dict[str, Any]:
    """A schema as JSON."""
    schema: dict[str, Any] = json.loads((files(__package__) / name).read_text(encoding="utf-8"))
    return schema


@cache
def _validator(name: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    shared = load(RESULTS)
    registry: Registry[Any] = Registry().with_resource(shared["$id"], Resource.from_contents(shared))
    return Draft202012Validator(load(name), registry=registry)


def validate(name: str, record: object) -> None:
    """Raises `SchemaError` when `record` does not match the schema `name`."""
    validator = _validator(name)
    if validator.is_valid(record):
        return
    from jsonschema.exceptions import best_match

    error = best_match(validator.iter_errors(record))
    raise SchemaError(f"{error.json_path}: {error.message}")
