"""Fields of messages, and messages with one occurrence altered inside: whatever stands around it is made anew.

An occurrence is a path of positions from the root of a message's term. A slot has one position: what
the sender puts there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...model.symbols import matched
from ...model.table import Message
from ...model.terms import Term
from ..codec.cbor import decode
from ..evaluator.errors import Unbound
from ..evaluator.makers import has_rest, map_keys
from ..evaluator.registry import MAKERS
from ..evaluator.run import Run

Path = tuple[int, ...]
STRUCTURE = frozenset({"seq", "array", "map", "bstr", "tag", "concat", "stream", "aead", "compact"})


@dataclass(frozen=True, slots=True)
class Field:
    """A hole or a constant of a message, where it stands and what it is called in the specification."""

    name: str
    path: Path
    term: Term


def definition(term: Term, role: str) -> Term | None:
    """What a sender in `role` puts into a slot."""
    return term.defs.get(role) or term.means


def fields(message: Message, role: str) -> tuple[Field, ...]:
    """All fields of a message that `role` sends, each occurrence once, nested structure included."""
    return tuple(_fields(message.term, role, (), message.name))


def _fields(term: Term, role: str, path: Path, place: str) -> Iterator[Field]:
    if term.op == "slot":
        yield Field(f"{place}.{term.label}", path, term)
        inner = definition(term, role)
        if inner is not None and inner.op in STRUCTURE:
            yield from _fields(inner, role, (*path, 0), f"{place}.{term.label}")
        return
    if term.op == "const":
        yield Field(f"{place}[{path[-1] if path else 0}]", path, term)
        return
    inside = matched(term)
    for position, argument in enumerate(term.args):
        if argument in inside:
            yield from _fields(argument, role, (*path, position), _place(term, position, place))


def _place(term: Term, position: int, place: str) -> str:
    if term.op != "map" or (has_rest(term) and position == len(term.args) - 1):
        return place
    return f"{place}[{decode(map_keys(term)[position][0])}]"


def altered(run: Run, term: Term, path: Path, change: Callable[[bytes], bytes]) -> bytes:
    """Octets of `term` with `change` applied to the occurrence at `path`; every term around it is computed over that.

    Raises:
        Unbound: the occurrence has no value here.
    """
    if not path:
        value: bytes = change(run.value(term))
        return value
    position, *rest = path
    if term.op == "slot":
        inner = definition(term, run.role)
        if inner is None:
            raise Unbound(f"{term.label} has nothing inside")
        return altered(run, inner, tuple(rest), change)
    child = term.args[position]
    shadow = copy.copy(run)
    shadow.values = {**run.values, child: altered(run, child, tuple(rest), change)}
    shadow.values.pop(term, None)
    made: bytes = MAKERS[term.op](shadow, term)
    return made
