"""The grammar of `spec/trustconn.cddl` as trees: what examples and their faults are made from.

Only what that file uses of RFC 8610 is read. What octets match a rule is judged elsewhere, by readers that share
nothing with this one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ..spec import cddl

ENDLESS = 1 << 64


@dataclass(frozen=True, slots=True)
class Literal:
    """One value."""

    value: int | str | bool


@dataclass(frozen=True, slots=True)
class Range:
    """Integers, both ends included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Simple:
    """`int`, `uint`, `bstr`, `tstr`, `bool`, `any`, `number`; for strings how many octets."""

    name: str
    least: int = 0
    most: int = ENDLESS


@dataclass(frozen=True, slots=True)
class Embedded:
    """A byte string that holds an item of a rule."""

    rule: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A rule by name."""

    rule: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several types."""

    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag."""

    number: int
    type: Type


@dataclass(frozen=True, slots=True)
class Member:
    """An element of an array or an entry of a map; `key` is a literal key, or the name of a rule of keys.

    A member with a `cut` takes its key for itself: where the value does not match, no wildcard takes it (RFC 8610
    section 3.5.4).
    """

    key: int | str | None
    type: Type
    least: int = 1
    most: int = 1
    wild: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """Elements in order."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """Entries; each alternative is one choice of them."""

    alternatives: tuple[tuple[Member, ...], ...]


Type = Literal | Range | Simple | Embedded | Ref | Choice | Tagged | Array | Map

_TOKEN = re.compile(r'\s*("[^"]*"|#6\.\d+|=>|\^|//|\.\.|\.\w+|-?\d+|\w+|[\[\](){}/,:?*+])')
_SIMPLE = ("int", "uint", "bstr", "tstr", "bool", "any", "number")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._peek()
        if not token or (expected and token != expected):
            raise ValueError(f"{expected or 'something'} expected, not {token!r}")
        self._at += 1
        return token

    def _sees(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._take()
        return True

    def type(self) -> Type:
        types = [self._one()]
        while self._peek() == "/":
            self._take()
            types.append(self._one())
        return types[0] if len(types) == 1 else Choice(tuple(types))

    def _one(self) -> Type:
        token = self._take()
        if token == "[":
            return self._array()
        if token == "{":
            return self._map()
        if token.startswith("#6."):
            self._take("(")
            inner = self.type()
            self._take(")")
            return Tagged(int(token[3:]), inner)
        if token.startswith('"'):
            return Literal(token[1:-1])
        if token in ("true", "false"):
            return Literal(token == "true")
        if re.fullmatch(r"-?\d+", token):
            return self._number(int(token))
        return self._controlled(Simple(token)) if token in _SIMPLE else Ref(token)

    def _number(self, value: int) -> Type:
        if self._peek() != "..":
            return Literal(value)
        self._take()
        return Range(value, int(self._take()))

    def _controlled(self, type_: Simple) -> Type:
        match self._peek():
            case ".size":
                self._take()
                least, most = self._size()
                return Simple(type_.name, least, most)
            case ".cbor":
                self._take()
                return Embedded(self._take())
            case ".ge":
                self._take()
                return Range(int(self._take()), 23)
        return type_

    def _size(self) -> tuple[int, int]:
        if self._peek() != "(":
            size = int(self._take())
            return size, size
        self._take("(")
        least = int(self._take())
        self._take("..")
        most = int(self._take())
        self._take(")")
        return least, most

    def _occurrence(self) -> tuple[int, int, bool]:
        if self._peek() in ("?", "*", "+"):
            return {"?": (0, 1, False), "*": (0, ENDLESS, True), "+": (1, ENDLESS, True)}[self._take()]
        if self._peek(1) == "*":
            least = int(self._take())
            self._take("*")
            most = int(self._take()) if self._peek().isdigit() else ENDLESS
            return least, most, True
        return 1, 1, False

    def _array(self) -> Array:
        members = []
        while self._peek() != "]":
            least, most, _ = self._occurrence()
            name = None
            if self._peek(1) == ":":
                name = self._take()
                self._take(":")
            members.append(Member(name, self.type(), least, most))
            self._sees(",")
        self._take("]")
        return Array(tuple(members))

    def _map(self) -> Map:
        alternatives: list[tuple[Member, ...]] = []
        members: list[Member] = []
        while self._peek() != "}":
            if self._sees("//"):
                alternatives.append(tuple(members))
                members = []
                continue
            least, most, wild = self._occurrence()
            key = self._take()
            cut = self._sees("^")
            self._take("=>")
            known = int(key) if re.fullmatch(r"-?\d+", key) else key
            members.append(Member(known, self.type(), least, most, wild, cut))
            self._sees(",")
        self._take("}")
        return Map((*alternatives, tuple(members)))


@cache
def rules() -> Mapping[str, Type]:
    """Rule name to its type, in the order of the file."""
    return {name: _Parser(text.partition("=")[2]).type() for name, text in cddl.rules().items()}


def resolved(type_: Type) -> Type:
    """A type without names in front."""
    while isinstance(type_, Ref):
        type_ = rules()[type_.rule]
    return type_
