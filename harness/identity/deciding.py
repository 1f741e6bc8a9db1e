"""How predicates decide: in silence, or by Refused under their own name; whatever goes wrong refuses."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from ..codec import cbor
from .errors import Refused
from .world import LENIENT, World

P = ParamSpec("P")
Predicate = Callable[Concatenate[World, P], None]

PREDICATES: dict[str, Callable[..., None]] = {}
"""Every predicate by the name of its check."""


class Unfit(ValueError):
    """What a predicate raises inside; it leaves as Refused with the check's name."""


def named(check: str, decide: Predicate[P]) -> Predicate[P]:
    """Register `decide` as the predicate of `check`. Malformed octets refuse like an unfit value does."""

    @wraps(decide)
    def predicate(world: World, *octets: P.args, **keywords: P.kwargs) -> None:
        try:
            decide(world, *octets, **keywords)
        except ValueError as error:
            raise Refused(check, str(error)) from error

    predicate.__name__ = predicate.__qualname__ = check
    PREDICATES[check] = predicate
    return cast(Predicate[P], predicate)


def predicate(decide: Predicate[P]) -> Predicate[P]:
    """Register a function whose name is the check's."""
    return named(decide.__name__, decide)


def both_sides(pattern: str, decide: Predicate[P]) -> tuple[Predicate[P], Predicate[P]]:
    """The same decision about the responder's and the initiator's credential, as two checks."""
    return named(pattern.format("r"), decide), named(pattern.format("i"), decide)


def value(encoded: bytes) -> Any:
    """Decode an item whose encoding was judged where it was received. Raises ValueError."""
    return cbor.decode(encoded, rules=LENIENT)


def unsigned(encoded: bytes) -> int:
    """An unsigned integer. Raises ValueError."""
    number = value(encoded)
    if type(number) is not int or number < 0:
        raise Unfit("not an unsigned integer")
    return number


def octets(encoded: bytes, length: int) -> bytes:
    """A string of `length` octets, plain or as an encoded byte string: its length tells which. Raises ValueError."""
    if len(encoded) == length:
        return encoded
    content = value(encoded)
    if not isinstance(content, bytes) or len(content) != length:
        raise Unfit(f"not {length} octets")
    return content


def array(encoded: bytes) -> list[Any]:
    """An array. Raises ValueError."""
    items = value(encoded)
    if not isinstance(items, list):
        raise Unfit("not an array")
    return items
