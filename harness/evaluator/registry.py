"""Implementations of the model's symbols; what the model declares and nobody registered fails at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...model.symbols import SYMBOLS, structural
from ...model.terms import Term

if TYPE_CHECKING:
    from .run import Run

Make = Callable[["Run", Term], Any]
Match = Callable[["Run", Term, bytes], None]

MAKERS: dict[str, Make] = {}
"""Operator to the function that computes a term's value from its arguments."""
MATCHERS: dict[str, Match] = {}
"""Operator to the function that takes octets apart and binds the slots inside."""


def makes(operator: str) -> Callable[[Make], Make]:
    """Register the maker of an operator."""

    def register(function: Make) -> Make:
        MAKERS[operator] = function
        return function

    return register


def matches(operator: str) -> Callable[[Match], Match]:
    """Register the matcher of an operator."""

    def register(function: Match) -> Match:
        MATCHERS[operator] = function
        return function

    return register


def require_complete() -> None:
    """Raise LookupError for a symbol of the model that has no implementation of its contract."""
    for symbol in SYMBOLS.values():
        if symbol.name == "seal":
            continue  # The record layer implements it: numbering and encryption belong to the channel.
        if symbol.name not in MAKERS:
            raise LookupError(f"no implementation of {symbol.name}: {symbol.contract}")
        if symbol.matches and symbol.name not in MATCHERS:
            raise LookupError(f"no matcher of {symbol.name}: {symbol.contract}")
    for operator in structural():
        if operator not in MAKERS:
            raise LookupError(f"no maker of {operator}")
