"""How the rows of a table are distorted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from trustconn.model.table import Table, Transition
from trustconn.model.terms import Term

ROLES = ("device", "service")


def with_rows(table: Table, made: Iterable[Transition], first: bool = False) -> Table:
    """The table with further rows, before or behind its own."""
    more = tuple(made)
    return replace(table, rows=more + table.rows if first else table.rows + more)


def without_rows(table: Table, unwanted: Callable[[Transition], bool]) -> Table:
    """The table without some rows."""
    return replace(table, rows=tuple(row for row in table.rows if not unwanted(row)))


def receiving(table: Table, kind: str, state: str) -> list[Transition]:
    """Rows of the peers in `state` for messages called `kind` and a letter."""
    wanted = {f"{kind}_I", f"{kind}_R"}
    return [r for r in table.rows if r.role in ROLES and r.state == state and r.receives.name in wanted]


def without_guard(table: Table, kind: str, guarded: Collection[Term]) -> Table:
    """The rows for messages of a kind no longer ask for what these registers hold."""
    return _changed(table, kind, lambda r: replace(r, when=tuple(g for g in r.when if g.term not in guarded)))


def without_assignment(table: Table, kind: str, registers: Collection[Term]) -> Table:
    """The rows for messages of a kind no longer set these registers."""
    return _changed(
        table,
        kind,
        lambda r: replace(
            r,
            sets=tuple(pair for pair in r.sets if pair[0] not in registers),
            then_sets=tuple(pair for pair in r.then_sets if pair[0] not in registers),
        ),
    )


def _changed(table: Table, kind: str, change: Callable[[Transition], Transition]) -> Table:
    names = (f"{kind}_I", f"{kind}_R")
    return replace(table, rows=tuple(change(r) if r.receives.name in names else r for r in table.rows))
