"""Where the table has each party prove who it is: for whoever asks of a binding what its handshake is for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..table import Message, Transition, Verifies
from ..terms import Term
from .edhoc import DEVICE
from .tables import profile


@dataclass(frozen=True)
class Proof:
    """`row` is the peer's: it receives the message with the certificate, and `check` verifies the signature `slot`."""

    row: Transition
    check: str
    slot: Term

    @property
    def message(self) -> Message:
        """Only the holder of the identity key can make it."""
        return self.row.receives


@cache
def proof_of(role: str, binding: str) -> Proof:
    """How a party of `role` proves over a binding that it holds its identity key.

    Raises:
        KeyError: no such binding.
    """
    proven = "authenticated_i" if role == DEVICE else "authenticated_r"
    return next(
        Proof(row, step.check.name, step.form.slot)
        for row in profile(binding).rows
        if any(event.name == proven for event in row.events)
        for step in row.checks
        if isinstance(step.form, Verifies)
    )
