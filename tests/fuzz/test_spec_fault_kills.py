"""Faults that were written without a look at the suite are killed by tests that cite what they break."""

import json
from pathlib import Path

import pytest
from faulty_peer import FAULTS, Role
from spec_faults import faulty_iut
from suite_kills import verdict

from trustconn.conformance.collect import SuiteTest, suite_tests
from trustconn.harness.verdict.verdict import Verdict

COMMITTED: dict[str, str] = json.loads((Path(__file__).parent / "spec_fault_kills.json").read_text(encoding="utf-8"))
TESTS: dict[str, SuiteTest] = {test.id: test for test in suite_tests()}
OUT_OF_REACH = {
    "pong_again": "no verb of the control plane makes an implementation send the PING that its PONG would answer twice",
}
"""Faults that no test kills, each with the reason."""
PLACES = [(name, role) for name, fault in FAULTS.items() for role in fault.requirements if name not in OUT_OF_REACH]


def test_every_fault_is_killed_or_out_of_reach() -> None:
    assert {f"{name}/{role}" for name, role in PLACES} == set(COMMITTED)


@pytest.mark.parametrize(("name", "role"), PLACES)
def test_the_killer_cites_what_the_fault_breaks(name: str, role: Role) -> None:
    killer = TESTS[COMMITTED[f"{name}/{role}"]]
    assert FAULTS[name].requirements[role] in killer.case.requirements
    assert verdict(faulty_iut(name, role), killer, {}) is Verdict.FAIL
