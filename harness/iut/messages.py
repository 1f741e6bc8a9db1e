"""Messages of the control plane: one JSON object a line, checked against the closed schema on both sides.

Either side is untrusted: a line is bounded, strict JSON (no duplicate keys, no NaN), of bounded depth, and nothing
passes that `control.schema.json` does not name.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from .closed_schema import Check, compile_schema

PROTOCOL = 1
MAX_LINE = 1 << 20
"""Longest line in bytes, its line feed included."""
SCHEMA = "control.schema.json"
_QUOTED = 120

Message = dict[str, Any]


class MessageError(ValueError):
    """A line is no message of the control plane; the text says why and quotes a bounded part of it."""


@cache
def schema() -> Message:
    """The JSON Schema of every request, reply, error and event, under `$defs`."""
    loaded: Message = json.loads((files(__package__) / SCHEMA).read_text(encoding="utf-8"))
    return loaded


def verbs() -> tuple[str, ...]:
    """The verbs of the control plane."""
    return tuple(schema()["$defs"]["verb"]["enum"])


@cache
def _compiled(name: str) -> Check:
    definitions = schema()["$defs"]
    if name not in definitions:
        raise MessageError(f"{name[:_QUOTED]!r} is not part of the control plane")
    return compile_schema(definitions[name], definitions)


def check(name: str, message: Mapping[str, Any]) -> None:
    """Checks one message against a definition such as `request.send` or `event.open`.

    Raises:
        MessageError: it does not match; the text names the place.
    """
    if complaint := _compiled(name)(message):
        raise MessageError(f"{name} ${complaint}")


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. Raises `MessageError` when it would be longer than a line may be."""
    line = _ENCODER.encode(message).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise MessageError(f"a line of {len(line)} bytes; at most {MAX_LINE} are allowed")
    return line


def decode(line: bytes) -> Message:
    """The JSON object in a line; its content is not yet checked against the schema.

    Raises:
        MessageError: not UTF-8, not strict JSON, or no object.
    """
    try:
        message = _DECODER.decode(line.decode())
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a line that is not JSON ({error}): {quoted(line)}") from error
    if not isinstance(message, dict):
        raise MessageError(f"a line that is no JSON object: {quoted(line)}")
    return message


def quoted(line: bytes) -> str:
    """A bounded, printable form of a line."""
    text = repr(line[:_QUOTED].decode(errors="backslashreplace"))
    return text + (f" and {len(line) - _QUOTED} bytes more" if len(line) > _QUOTED else "")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Message:
    message = dict(pairs)
    if len(message) != len(pairs):
        raise ValueError("a key stands twice")
    return message


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
