"""Which way a role goes through the table: the modes of attestation, and the order of things in OPEN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ..protocol.edhoc import DEVICE
from ..protocol.frames import ATTESTS, NOT_REQUIRED, WAIVED, I, R, direction_of
from ..protocol.session import CLOSED, CLOSING, OPEN, REFUSED
from ..table import LOCAL, TIMER, Guard, Table, Transition
from ..terms import Term

LETTERS = {"a": ATTESTS, "w": WAIVED, "n": NOT_REQUIRED}
NOT_ON_THE_WAY = ("ALERT_", "CLOSE_", "PING_", "PONG_", "app_close", "app_ping")
ENDINGS = (CLOSED, CLOSING, REFUSED)


@dataclass(frozen=True, slots=True)
class Mode:
    """How each attester satisfies its relying party: a letter of `LETTERS`."""

    of_i: str
    of_r: str

    def __str__(self) -> str:
        return self.of_i + self.of_r

    def direction(self, letter: str) -> Term:
        """The value of `direction` for the attester of that letter."""
        return LETTERS[self.of_i if letter == "I" else self.of_r]

    def attests(self, letter: str) -> bool:
        """Whether the party of that letter gives evidence."""
        return self.direction(letter) is ATTESTS

    def waives(self, letter: str) -> bool:
        """Whether the party of that letter presents a waiver instead of evidence."""
        return self.direction(letter) is WAIVED

    def flags(self, letter: str) -> str:
        """The flags in a HELLO as far as they decide: whether evidence is asked for, and whether a waiver stands in."""
        asks = self.direction("R" if letter == "I" else "I") is not NOT_REQUIRED
        waived = self.direction(letter) is WAIVED
        return f"flags {'asks' if asks else 'asks not'}{' waiver' if waived else ''}"

    def guard(self, guard: Guard) -> bool | None:
        """Whether a guard on a direction holds; None for other guards."""
        for side in (I, R):
            if guard.term is direction_of(side):
                return self.direction(side.letter) is guard.equals
        return None


MODES: tuple[Mode, ...] = tuple(Mode(i, r) for i, r in product("awn", repeat=2))
"""All nine: evidence, a waiver, or nothing required, for each direction."""


def to_open(table: Table, role: str, mode: Mode) -> Iterator[Transition]:
    """The rows from the start of a role to OPEN.

    Raises:
        LookupError: no row leads on, or the way does not end.
    """
    state = table.role(role).start
    for _ in range(len(table.rows)):
        if state == OPEN:
            return
        row = next((r for r in table.rows if r.role == role and r.state == state and _leads_on(r, mode)), None)
        if row is None:
            raise LookupError(f"{role} in mode {mode} cannot leave {state}")
        yield row
        state = row.next_state
    raise LookupError(f"{role} in mode {mode} does not come to OPEN")


def _leads_on(row: Transition, mode: Mode) -> bool:
    if row.receives.channel == TIMER or row.next_state in ENDINGS or row.next_state == row.state:
        return False
    if row.receives.name.startswith(NOT_ON_THE_WAY):
        return False
    return all(mode.guard(guard) is not False for guard in row.when)


def in_open(role: str, mode: Mode, again: bool | None = None) -> tuple[str, ...]:
    """What a role receives in OPEN, in order: a label each way, re-attestation each way, again a label each way, CLOSE.

    The second labels come in two of the modes, or as `again` says.

    The table allows any number of each in any order: this is the bound of the analysis.
    """
    me, peer = ("I", "R") if role == DEVICE else ("R", "I")
    send, take = ("app_send", f"RECEIPT_{peer}"), (f"DATA_{peer}",)
    labels = (*send, *take) if role == DEVICE else (*take, *send)
    attested: list[str] = []
    for attester in ("I", "R") if str(mode) == "aa" else ():
        attested += _answers(me, peer) if attester == me else ("app_reattest", f"ATT_{peer}")
    if again is None:
        again = str(mode) in ("aa", "nn")
    close = (f"CLOSE_{peer}",) if role == DEVICE else ("app_close", f"CLOSE_{peer}")
    return (*labels, *attested, *(labels if again else ()), *close)


def _answers(me: str, peer: str) -> tuple[str, ...]:
    return (f"ATT_REQ_{peer}", f"quote_{me}", f"VERDICT_{peer}")


__all__ = ["LETTERS", "LOCAL", "MODES", "Mode", "in_open", "to_open"]
