"""What a test vector is: one question to an implementation, the answer, and why it is asked.

An operation takes `input` (that of the group and that of the vector together) and answers `valid` or `invalid`; for a
valid one it may have to compute `output`. Octets are lower-case hexadecimal digits, times unix seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
"""What JSON can hold."""


class GeneratorError(Exception):
    """The generator contradicts the reference implementation, or itself: no vector is written."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One question. An invalid one is wrong in one thing: `operator` was applied to `field`."""

    requirement: str
    field: str
    operator: str
    valid: bool
    comment: str
    input: Mapping[str, Json]
    output: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    """How an implementation may refuse, in the words of the register of refusals; empty where that is not asked."""
    flags: tuple[str, ...] = ()

    @property
    def triple(self) -> tuple[str, str, str]:
        """What makes vectors distinct."""
        return (self.requirement, self.operator, self.field)


@dataclass(frozen=True, slots=True)
class Group:
    """Vectors of one operation that share a part of their input.

    The first vector is valid wherever one is invalid: it is the witness that the invalid ones are refused for what is
    wrong with them.
    """

    name: str
    operation: str
    source: str
    vectors: tuple[Vector, ...]
    common: Mapping[str, Json] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises GeneratorError for a group that could be passed by refusing everything."""
        if not self.vectors:
            raise GeneratorError(f"group {self.name} is empty")
        if not self.vectors[0].valid:
            raise GeneratorError(f"group {self.name} does not begin with a valid vector")


@dataclass(frozen=True, slots=True)
class Area:
    """One file of vectors; `make` builds its groups from the seed."""

    name: str
    about: str
    make: Callable[[], Iterator[Group]]


def vector_id(area: str, group: str, vector: Vector) -> str:
    """The name of a vector for ever: from what it is about, never from its place."""
    return f"{area}/{group}/{vector.requirement}/{vector.field}/{vector.operator}"


def octets(data: bytes) -> str:
    """How octets stand in vectors."""
    return data.hex()
