"""The register of flags: which bug a vector hunts. `flags.toml` says it in words, and which vectors carry it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .vector import Json, Vector

FILE = Path(__file__).parent / "flags.toml"


@dataclass(frozen=True, slots=True)
class Flag:
    """A bug: its class, what goes wrong, and where the like was found."""

    bug: str
    text: str
    links: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    def described(self) -> dict[str, Json]:
        """As files of vectors explain it."""
        return {"bug": self.bug, "text": self.text, **({"links": list(self.links)} if self.links else {})}


def _load() -> Mapping[str, Flag]:
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: _flag(**flag) for name, flag in read.items()}


def _flag(bug: str, text: str, **lists: list[str]) -> Flag:
    return Flag(bug, text, **{name: tuple(listed) for name, listed in lists.items()})


FLAGS = _load()
OTHERWISE = "RuleNotEnforced"
"""The flag of an invalid vector that no other fits."""


@cache
def _by(attribute: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, flag in FLAGS.items():
        for key in getattr(flag, attribute):
            found[key] = (*found.get(key, ()), name)
    return found


def flags_of(vector: Vector) -> tuple[str, ...]:
    """Flags that an invalid vector has by its operator and its requirement."""
    if vector.valid:
        return ()
    found = (*_by("operators").get(vector.operator, ()), *_by("requirements").get(vector.requirement, ()))
    return found or vector.flags or (OTHERWISE,)
