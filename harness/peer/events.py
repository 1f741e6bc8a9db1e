"""What a peer reports while it runs: names and JSON-able fields, the same for every implementation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One report."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)


def describe(value: Any) -> Any:
    """A value for people and JSON: octets as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
