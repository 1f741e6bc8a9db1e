"""The register of faults: consistent, complete about published flaws, and without a trace in an honest peer."""

import re
from pathlib import Path

import pytest

from trustconn import spec
from trustconn.conformance import kills
from trustconn.conformance.bench import Bench
from trustconn.conformance.collect import suite_tests
from trustconn.harness.faults import reference_peer
from trustconn.harness.faults.fault import EXPECTED, GENERAL, REMOVAL
from trustconn.harness.faults.flaws import UNEXPRESSED
from trustconn.harness.faults.register import FAULTS
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.peer.tls_errors import DECIDED
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.verdict.verdict import Verdict
from trustconn.model.checks import CHECKS

FLAW = re.compile(r"[A-G][0-9]{1,2}")


def test_names_and_triples_are_distinct() -> None:
    triples = {fault.triple for fault in FAULTS.values()}
    assert len(triples) == len(FAULTS) >= 120


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_described(name: str) -> None:
    fault = FAULTS[name]
    assert fault.name == name
    assert fault.requirement in spec.requirements()
    assert fault.sentence.endswith(".") and fault.operator and fault.field
    assert fault.roles and set(fault.roles) <= {"device", "service", "verifier"}
    assert fault.source in (REMOVAL, GENERAL) or FLAW.fullmatch(fault.source)
    assert not fault.seams.off or not fault.seams.is_removal or name in CHECKS


def test_every_check_can_be_missing_that_openssl_does_not_make() -> None:
    assert set(CHECKS) - DECIDED <= set(FAULTS)
    assert not DECIDED & set(FAULTS)
    assert Verdict.FAIL.name.lower() == EXPECTED


def test_every_published_flaw_is_a_fault_or_has_a_reason() -> None:
    expressed = {fault.source for fault in FAULTS.values()}
    assert not expressed & set(UNEXPRESSED)
    assert all(FLAW.fullmatch(flaw) and reason for flaw, reason in UNEXPRESSED.items())


def test_a_peer_without_faults_is_the_plain_endpoint() -> None:
    iut = LocalIut("service")
    iut.good()
    assert type(iut.latest) is Endpoint
    assert reference_peer.__module__ == "trustconn.harness.faults"


def test_a_fault_of_the_other_role_changes_nothing() -> None:
    iut = LocalIut("service", off=frozenset({"same_g_x"}))
    iut.good()
    assert type(iut.latest) is Endpoint


def _verdict(iut: LocalIut, test_id: str) -> Verdict:
    test = next(test for test in suite_tests() if test.id == test_id)
    bench = Bench(iut, test.case, {}, lambda what, conversation: None)
    test.play(test.case, bench)
    assert bench.judgement is not None
    return bench.judgement.verdict


def test_two_faults_at_once() -> None:
    both = LocalIut("device", off=frozenset({"pong_twice", "no_close_before_open"}))
    for name in ("pong_twice", "no_close_before_open"):
        killer = kills.committed()[f"{name}/device"]
        assert _verdict(both, killer) is Verdict.FAIL
        assert _verdict(LocalIut("device"), killer) is Verdict.PASS


def test_the_register_stands_beside_the_code() -> None:
    import trustconn.harness.faults as package

    folder = Path(package.__file__).parent
    assert all(len(file.read_text(encoding="utf-8").splitlines()) <= 400 for file in folder.glob("*.py"))
