"""Fields of messages as traces name them: a message and a path, and lies about the term that stands there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from ...harness.evaluator.errors import Unbound
from ...harness.evaluator.run import Run
from ...harness.tester.fields import STRUCTURE, Field, Path, altered, definition, fields
from ...harness.tester.operators import is_item
from ...harness.tester.peer import TesterEndpoint
from ...harness.tester.telling import Tale
from ...model.protocol.tables import profile
from ...model.symbols import matched
from ...model.table import Message
from ...model.terms import Term
from ..plan import told_by_module
from .values import Unfit, change_of


@cache
def fields_of(message: str) -> dict[Path, Field]:
    """All fields of a message, by path; and the maps and lists that they stand in."""
    found = profile().messages[message]
    around = {item.path: item for item in _containers(found.term, found.sender, ())}
    return {**around, **{item.path: item for item in fields(found, found.sender)}}


CONTAINERS = ("map", "array", "tag")


def _containers(term: Term, role: str, path: Path) -> Iterator[Field]:
    if term.op == "slot":
        inner = definition(term, role)
        if inner is not None and inner.op in STRUCTURE:
            yield from _containers(inner, role, (*path, 0))
        return
    if term.op in CONTAINERS and path:
        yield Field(f"{term.op} at {'.'.join(map(str, path))}", path, term)
    inside = matched(term)
    for position, argument in enumerate(term.args):
        if argument in inside:
            yield from _containers(argument, role, (*path, position))


def is_encoded(term: Term) -> bool:
    """Whether a field's value is an encoded CBOR item."""
    return term.op in CONTAINERS or is_item(term)


@cache
def slots() -> dict[str, Term]:
    """Slots of all messages, nested ones included, by label."""
    found = (item.term for message in profile().messages for item in fields_of(message).values())
    return {term.label: term for term in found if term.op == "slot"}


def lies_of(peer: TesterEndpoint, message: str, path: Path, operator: str) -> tuple[Tale, Tale]:
    """The tales of software and of trust anchor module in which a field has another value.

    Raises:
        LookupError: no such field.
        Unbound: a constant, about which nobody can lie.
    """
    item = fields_of(message)[path]
    if item.term.op not in ("slot", *CONTAINERS):
        raise Unbound(f"{item.name} is a constant")
    change = change_of(operator, item=is_encoded(item.term), now=peer.world.now())

    def told(_: TesterEndpoint, honest: bytes) -> bytes:
        try:
            return change(honest)
        except Unfit:  # Later in the session the value can be one that the operator does not fit.
            return honest

    tale: dict[Any, Any] = {item.term: told}
    return ({}, tale) if _module_tells(message, path) else (tale, {})


def repeats_of(message: str, path: Path, value: bytes) -> tuple[Tale, Tale]:
    """The tales in which a field has the value that another message gave it."""
    tale = {fields_of(message)[path].term: value}
    return ({}, tale) if _module_tells(message, path) else (tale, {})


def _module_tells(message: str, path: Path) -> bool:
    return message.startswith("quote_") or told_by_module(profile().messages[message], path)


def value_at(run: Run, message: Message, path: Path) -> bytes:
    """The value that stands at a path.

    Raises:
        Unbound: none does.
    """
    found: list[bytes] = []

    def keep(value: bytes) -> bytes:
        found.append(value)
        return value

    altered(run, message.term, path, keep)
    if not found or not isinstance(found[0], bytes):
        raise Unbound(f"nothing at {path} of {message.name}")
    return found[0]


def changed_at(run: Run, message: Message, path: Path, change: Callable[[bytes], bytes]) -> bytes:
    """The message's octets with the field at a path changed, everything around it computed over that."""
    return altered(run, message.term, path, change)
