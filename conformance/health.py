"""Whether an implementation is worth asking: once honest conversations keep failing, nothing else can be learnt."""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE = 3
"""Honest conversations that may fail in a row before the rest of the run is given up for this role."""
GIVEN_UP = "ControlFailed: given up: "


@dataclass(slots=True)
class Health:
    """Honest conversations of one role: how many failed in a row, and how the last one did."""

    failures: int = 0
    last: str = ""

    def worked(self) -> None:
        """An honest conversation worked."""
        self.failures = 0

    def failed(self, reason: str) -> None:
        """An honest conversation did not work."""
        self.failures += 1
        self.last = reason.removeprefix(GIVEN_UP)

    @property
    def given_up(self) -> bool:
        """Whether it is asked no more."""
        return self.failures >= PATIENCE
