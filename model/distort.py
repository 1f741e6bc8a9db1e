"""Tables that are wrong on purpose: operators from a table to a faulty one.

A faulty peer runs on such a table; its state machine is distorted here, once, and the interpreter stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .table import Table, Transition
from .terms import Term

Where = Callable[[Transition], bool]
Change = Callable[[Transition], Transition]
TableFault = Callable[[Table], Table]


def at(message: str, *states: str, role: str | None = None) -> Where:
    """Rows that receive `message` (its name, or the kind of a frame of either side) in one of `states`, or in any."""
    kinds = {message, f"{message}_I", f"{message}_R"}

    def where(row: Transition) -> bool:
        return row.receives.name in kinds and (not states or row.state in states) and (role is None or row.role == role)

    return where


def changed(where: Where, change: Change) -> TableFault:
    """Some rows are others.

    Raises:
        ValueError: there is no such row.
    """

    def fault(table: Table) -> Table:
        if not any(map(where, table.rows)):
            raise ValueError("a fault that no row of the table has")
        return replace(table, rows=tuple(change(row) if where(row) else row for row in table.rows))

    return fault


def lacking(where: Where) -> TableFault:
    """Some rows are missing."""
    return lambda table: replace(table, rows=tuple(row for row in table.rows if not where(row)))


def also(extra: Callable[[Table], Iterable[Transition]]) -> TableFault:
    """Further rows, tried after the table's own."""
    return lambda table: replace(table, rows=(*table.rows, *extra(table)))


def taken_too(message: str, *states: str) -> TableFault:
    """A message that some state takes is taken in `states` as well, as its first row there says."""

    def extra(table: Table) -> Iterable[Transition]:
        where, copied = at(message), set[tuple[str, str, str]]()
        for row in filter(where, table.rows):
            for state in set(states) & set(table.states(row.role)):
                key = row.role, state, row.receives.name
                if key not in copied and not table.candidates(*key):
                    copied.add(key)
                    after = state if row.next_state == row.state else row.next_state
                    yield replace(row, state=state, next_state=after, when=())

    return also(extra)


# --- changes of a row ------------------------------------------------------------------------------------------------


def unchecked(*checks: str) -> Change:
    """The row does not make these checks."""
    return lambda row: replace(row, checks=tuple(step for step in row.checks if step.check.name not in checks))


def going_to(state: str) -> Change:
    """The row leads elsewhere."""
    return lambda row: replace(row, next_state=state)


def staying(row: Transition) -> Transition:
    """The row leads nowhere."""
    return replace(row, next_state=row.state)


def silent(*messages: str) -> Change:
    """The row does not send these messages; without names, nothing at all."""
    kinds = {f"{name}{end}" for name in messages for end in ("", "_I", "_R")}
    return lambda row: replace(row, sends=tuple(m for m in row.sends if messages and m.name not in kinds))


def twice() -> Change:
    """The row sends everything twice."""
    return lambda row: replace(row, sends=tuple(m for message in row.sends for m in (message, message)))


def not_setting(*registers: Term) -> Change:
    """The row leaves these registers as they are."""
    return lambda row: replace(
        row,
        sets=tuple(pair for pair in row.sets if pair[0] not in registers),
        then_sets=tuple(pair for pair in row.then_sets if pair[0] not in registers),
    )


def unguarded() -> Change:
    """The row applies whatever its guards say."""
    return lambda row: replace(row, when=())


def both(first: Change, second: Change) -> Change:
    """One change after the other."""
    return lambda row: second(first(row))


def together(*faults: TableFault) -> TableFault:
    """One fault after the other."""

    def fault(table: Table) -> Table:
        for one in faults:
            table = one(table)
        return table

    return fault
