"""The register of scenarios: those of an intruder without keys, then those of one who has some."""

from __future__ import annotations

from collections.abc import Iterator

from . import inside, outside
from .binding import Binding
from .scenario import Scenario


def scenarios(binding: Binding) -> Iterator[Scenario]:
    """All scenarios for a binding, each id once."""
    yield from outside.scenarios(binding)
    yield from inside.scenarios(binding)
