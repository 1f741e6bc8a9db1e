"""The interpreter: one role of the table, one message at a time. What the protocol decides is in the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...model.refusals import Channel
from ...model.symbols import received_slots
from ...model.table import ASKED, LOCAL, Guard, Message, Table, Transition
from ..codec.cbor import encode
from .errors import CheckFailed
from .matchers import match
from .run import Run

UNEXPECTED = "frame_is_expected"


class Happening(NamedTuple):
    """An event of a row with its data as values."""

    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class Effects:
    """What one step leads to, in order."""

    sends: list[tuple[Message, bytes]] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    row: Transition | None = None
    refused: CheckFailed | None = None
    """A check that refused by receipt: the session goes on."""


class Machine:
    """A role in a session: its state and its run."""

    def __init__(self, table: Table, role: str, run: Run) -> None:
        self.table = table
        self.role = role
        self.run = run
        self.state = table.role(role).start
        run.assign(table.role(role).initial)

    def receives(self, message: str) -> bool:
        """Whether some row takes this message in the current state."""
        return bool(self.table.candidates(self.role, self.state, message))

    def deliver(self, message: Message, data: bytes | None) -> Effects:
        """One message; without data its slots have been bound already.

        Raises:
            CheckFailed: refused; the state stays as it was.
            GrammarError: not of the message's form.
        """
        rows = self._rows(message)
        if not rows:
            return Effects()
        run = self.run
        if data is not None:
            run.unbind(message.slots)
            run.blind = message.blind if message.channel in (LOCAL, ASKED) else ()
            match(run, message.term, data)
            run.blind = ()
        row = next((r for r in rows if self._fits(r.when)), None)
        if row is None:
            return self._unexpected(message)
        return self._take(row)

    def _rows(self, message: Message) -> tuple[Transition, ...]:
        rows = self.table.candidates(self.role, self.state, message.name)
        if rows or self._refuse_unexpected(message):
            return rows
        # The check is off: an implementation without it treats a message alike in every state.
        return tuple(r for r in self.table.rows if r.role == self.role and r.receives.name == message.name)

    def _refuse_unexpected(self, message: Message) -> bool:
        if UNEXPECTED not in self.run.off:
            raise CheckFailed(UNEXPECTED, f"{message.name} in state {self.state}")
        return False

    def _unexpected(self, message: Message) -> Effects:
        self._refuse_unexpected(message)
        return Effects()

    def _fits(self, guards: Iterable[Guard]) -> bool:
        return all(self.run.value(g.term) == self.run.value(g.equals) for g in guards)

    def _take(self, row: Transition) -> Effects:
        run = self.run
        try:
            for carrier, pattern in row.opens:
                run.unbind(received_slots(pattern))
                match(run, pattern, run.value(carrier))
            for step in row.checks:
                if not step.by_library:
                    run.judge(step)
        except CheckFailed as failure:
            if failure.check.refusal.channel is not Channel.RECEIPT or row.receipt is None:
                raise
            return self._receipt(row, failure)
        run.redraw(row.fresh)
        run.assign(row.sets)
        sends = [(message, self.encode(message)) for message in row.sends]
        happenings = [Happening(e.name, {k: run.value(t) for k, t in e.data}) for e in row.events]
        run.assign(row.then_sets)
        self.state = row.next_state
        return Effects(sends, happenings, row)

    def _receipt(self, row: Transition, failure: CheckFailed) -> Effects:
        assert row.receipt is not None and row.receipt_code is not None
        run = self.run
        run.forget((row.receipt_code,))
        run.bind(row.receipt_code, encode(failure.check.refusal.code))
        sends = [(row.receipt, self.encode(row.receipt))]
        run.assign(row.then_sets)
        return Effects(sends, [Happening("data_refused", {"check": failure.check.name})], row, failure)

    def encode(self, message: Message) -> bytes:
        """Octets of a message that this role sends, none where a library makes them.

        This is the one place where a tester's deviation can reach in.
        """
        if message.by_library:
            return b""
        value: bytes = self.run.value(message.term)
        return value
