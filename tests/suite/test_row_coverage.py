"""Every row of the table is taken by an implementation under test in some conversation, or is named here."""

from __future__ import annotations

from typing import Literal

import pytest

from trustconn.conformance.bench import Bench
from trustconn.conformance.collect import suite_tests
from trustconn.harness.evaluator.machine import Effects, Machine
from trustconn.harness.tester.local import LocalIut
from trustconn.model.protocol.attestation import TAM_NAME
from trustconn.model.protocol.tables import profile
from trustconn.model.table import Message, Transition

MODULES = ("test_opening", "test_rows", "test_timers")
UNREACHABLE = ("app_ping", "PONG_I", "PONG_R")
"""No verb of the control plane makes an implementation send PING, and without one of its own it takes no PONG."""
TAM = {"device": TAM_NAME["I"], "service": TAM_NAME["R"]}


def rows_taken(role: Literal["device", "service"], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ids of the rows that the implementation takes while the tests about rows and timers are played with it."""
    taken: set[str] = set()
    deliver = Machine.deliver

    def recording(machine: Machine, message: Message, data: bytes | None) -> Effects:
        effects = deliver(machine, message, data)
        if effects.row is not None and machine.role in (role, TAM[role]):
            taken.add(effects.row.id)
        return effects

    monkeypatch.setattr(Machine, "deliver", recording)
    iut = LocalIut(role)
    for test in suite_tests():
        if test.case.role == role and test.case.fits("edhoc") and test.id.partition("::")[0] in MODULES:
            bench = Bench(iut, test.case, {}, lambda what, conversation: None)
            test.play(test.case, bench)
    return taken


def wanted(role: str) -> list[Transition]:
    """Rows of the role that a conversation can reach."""
    rows = (row for row in profile().rows if row.role in (role, TAM[role]))
    return [row for row in rows if row.receives.name not in UNREACHABLE or row.state == "CLOSING"]


@pytest.mark.parametrize("role", ["device", "service"])
def test_every_row_is_taken(role: Literal["device", "service"], monkeypatch: pytest.MonkeyPatch) -> None:
    """A new row without a conversation that takes it is a gap of the suite."""
    taken = rows_taken(role, monkeypatch)
    assert [row.id for row in wanted(role) if row.id not in taken] == []
