"""Whether octets match a rule of the grammar: a small interpreter of RFC 8610, over the text of `trustconn.cddl`.

It compiles each rule to a predicate on decoded items. It reads the subset that the file uses, and refuses the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from .refusal import ensure
from .strict import Float, Tag, load, load_sequence

FILE = Path(__file__).resolve().parents[2] / "spec" / "trustconn.cddl"
Predicate = Callable[[Any], bool]
Entry = tuple[int, float, Predicate, Predicate, bool]
"""How often, the key, the value, and whether there is a cut between them."""
WORDS = re.compile(r'"[^"]*"|#6\.\d+|=>|\^|//|\.\.|\.[a-z]+|-?\d+|[A-Za-z_]\w*|[\[\]{}()/,:?*+]')


@cache
def texts() -> dict[str, str]:
    """Rule name to its text without comments."""
    plain = re.sub(r";.*", "", FILE.read_text(encoding="utf-8"))
    parts = re.split(r"^([a-z]\w*) = ", plain, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _is_int(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


PRELUDE: dict[str, Predicate] = {
    "any": lambda item: True,
    "int": _is_int,
    "uint": lambda item: _is_int(item) and item >= 0,
    "bstr": lambda item: isinstance(item, bytes),
    "tstr": lambda item: isinstance(item, str),
    "bool": lambda item: isinstance(item, bool),
    "true": lambda item: item is True,
    "number": lambda item: _is_int(item) or isinstance(item, Float),
}


@cache
def rule(name: str) -> Predicate:
    """The predicate of a rule or of a type of the prelude."""
    if name in PRELUDE:
        return PRELUDE[name]
    compiled: list[Predicate] = []

    def matches(item: Any) -> bool:
        if not compiled:
            compiled.append(_Compiler(WORDS.findall(texts()[name])).type())
        return compiled[0](item)

    return matches


class _Compiler:
    def __init__(self, words: list[str]) -> None:
        self.words = words

    def next(self) -> str:
        return self.words.pop(0)

    def sees(self, word: str) -> bool:
        if self.words[:1] == [word]:
            self.next()
            return True
        return False

    def type(self) -> Predicate:
        options = [self.single()]
        while self.sees("/"):
            options.append(self.single())
        return lambda item: any(option(item) for option in options)

    def single(self) -> Predicate:
        word = self.next()
        if word == "[":
            return self.array()
        if word == "{":
            return self.map()
        if word.startswith("#6."):
            return self.tagged(int(word[3:]))
        if word.startswith('"'):
            return lambda item: isinstance(item, str) and item == word[1:-1]
        if re.fullmatch(r"-?\d+", word):
            low = int(word)
            high = int(self.next()) if self.sees("..") else low
            return lambda item: _is_int(item) and low <= item <= high
        return self.controlled(rule(word))

    def tagged(self, number: int) -> Predicate:
        self.sees("(")
        inner = self.type()
        self.sees(")")
        return lambda item: isinstance(item, Tag) and item.number == number and inner(item.value)

    def controlled(self, base: Predicate) -> Predicate:
        if self.sees(".size"):
            low, high = self.bounds()
            return lambda item: base(item) and low <= _size(item) <= high
        if self.sees(".ge"):
            low = int(self.next())
            return lambda item: base(item) and item >= low
        if self.sees(".cbor"):
            inner = rule(self.next())
            return lambda item: base(item) and inner(load(item))
        return base

    def bounds(self) -> tuple[int, int]:
        if not self.sees("("):
            size = int(self.next())
            return size, size
        low = int(self.next())
        self.sees("..")
        high = int(self.next())
        self.sees(")")
        return low, high

    def occurrence(self) -> tuple[int, float]:
        for mark, bounds in (("?", (0, 1)), ("*", (0, float("inf"))), ("+", (1, float("inf")))):
            if self.sees(mark):
                return bounds
        if self.words[1:2] == ["*"]:
            low = int(self.next())
            self.next()
            return low, int(self.next()) if self.words[0].isdigit() else float("inf")
        return 1, 1

    def array(self) -> Predicate:
        members: list[tuple[int, float, Predicate]] = []
        while not self.sees("]"):
            low, high = self.occurrence()
            if self.words[1:2] == [":"]:
                del self.words[:2]
            members.append((low, high, self.type()))
            self.sees(",")
        return lambda item: isinstance(item, list) and _elements(item, members)

    def map(self) -> Predicate:
        choices: list[list[Entry]] = [[]]
        while not self.sees("}"):
            if self.sees("//"):
                choices.append([])
                continue
            low, high = self.occurrence()
            key = self.single()
            cut = self.sees("^")
            self.sees("=>")
            choices[-1].append((low, high, key, self.type(), cut))
            self.sees(",")
        return lambda item: isinstance(item, dict) and any(_entries(item, members) for members in choices)


def _size(item: Any) -> int:
    return len(item.encode() if isinstance(item, str) else item)


def _elements(items: list[Any], members: list[tuple[int, float, Predicate]]) -> bool:
    """Greedy, as RFC 8610 appendix A has it."""
    at = 0
    for low, high, matches in members:
        count = 0
        while count < high and at < len(items) and matches(items[at]):
            at, count = at + 1, count + 1
        if count < low:
            return False
    return at == len(items)


def _entries(entries: dict[Any, Any], members: list[Entry]) -> bool:
    left = dict(entries)
    for low, high, is_key, is_value, cut in members:
        named = [key for key in left if is_key(key)]
        mine = [key for key in named if is_value(left[key])]
        if cut and len(mine) < len(named):
            return False
        taken = mine if high > 1 else mine[:1]
        if len(taken) < low:
            return False
        for key in taken:
            del left[key]
    return not left


def check(name: str, octets: bytes, *, sequence: bool = False) -> Any:
    """The decoded item, or list of items, of a rule. Raises Refused."""
    item = load_sequence(octets) if sequence else load(octets)
    ensure(rule(name)(item), f"does not match {name}")
    return item
