"""What a peer reports while it runs: names and JSON-able fields, the same for every implementation."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..codec import cbor
from ..identity.world import World

CLAIM_EVENTS = ("running_", "commit_", "attested")
"""Events that only claims are about; their data includes keys, so they are never reported."""
IDENTITIES = ("id_cred", "signer")
ENCODED = ("tier", "count", "code", "sequence", "epoch", "content_type", "cti", "clean")


class Event(NamedTuple):
    """One report."""

    name: str
    fields: dict[str, Any]


def describe(value: Any) -> Any:
    """A value for people and JSON: octets as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def readable(field: str, value: Any, world: World, rules: cbor.Strictness) -> Any:
    """A field of a row's event: identities as URIs, encoded items decoded, other octets in hexadecimal digits."""
    if field in IDENTITIES:
        return world.credential(value).leaf.identity if value else ""
    return describe(cbor.decode(value, rules=rules) if field in ENCODED else value)
