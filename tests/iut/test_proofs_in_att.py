"""Peers that prove properties in zero knowledge in ATT: what they open, what they hide, what they refuse."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from two_peers import Watched, exchange, watched

from trustconn.harness.codec import cbor
from trustconn.harness.identity.policy import EAT_CWT, PBA_FORMAT
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.tam import SoftwareTam
from trustconn.harness.property.evidence import MAX_EVIDENCE
from trustconn.harness.property.fixture import PROPERTIES, REVOKED, configuration, holdings, list_of
from trustconn.harness.property.proving import Holdings
from trustconn.spec import cddl

NOW = 1_800_000_000


def pair(binding: str = "edhoc", *, both: bool = False, **held: Holdings | None) -> tuple[Watched, Watched]:
    """A device that proves properties to a service, or `both`, with other holdings where they are given."""
    device, service, _ = make_pair(b"proofs", NOW)
    for world in (device, service):
        world.properties = held.get(world.role, holdings(world.role, NOW))
        accepted = (PBA_FORMAT, EAT_CWT) if both or world.role == "service" else (EAT_CWT,)
        world.policy = dataclasses.replace(world.policy, offered=(PBA_FORMAT, EAT_CWT), accepted=accepted)
    return watched(device, service, binding)


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_proofs_open_the_session_and_stand_behind_its_data(binding: str) -> None:
    device, service = pair(binding, both=True)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    for end in (device, service):
        end.reattest()
        end.send_data(b"data")
        exchange(device, service)
    for end in (device, service):
        assert sum(event.name == "label_accepted" for event in end.events) == 1
        assert sum(event.name == "evidence_accepted" for event in end.events) == 2
        said = b"".join(frame for frames in end.frames.values() for frame in frames)
        secrets = (configuration("device"), configuration("service"), *device.world.policy.reference_values.values())
        assert not [secret for secret in secrets if secret in said], "the configuration was told"
        evidence = cbor.decode(cbor.decode(end.frames["ATT"][0])[1][2])[1]
        cddl.check("pba_evidence", evidence)
        assert len(evidence) <= MAX_EVIDENCE


def of(role: str, *, lists: dict[str, Any] | None = None, certificates: dict[str, Any] | None = None) -> Holdings:
    own = holdings(role, NOW)
    demand = dataclasses.replace(own.demand, lists={**own.demand.lists, **(lists or {})})
    return Holdings(demand, own.certificates if certificates is None else certificates)


def test_a_withdrawn_property_is_refused_as_revoked() -> None:
    withdrawn = list_of(PROPERTIES[0], NOW, number=2, withdrawn=True)
    _, service = pair(service=of("service", lists={PROPERTIES[0]: withdrawn}))
    assert service.checks() == {"properties_are_not_withdrawn"}


def test_a_proof_for_an_older_list_is_refused() -> None:
    newer = list_of(PROPERTIES[0], NOW, number=2)
    _, service = pair(service=of("service", lists={PROPERTIES[0]: newer}))
    assert service.checks() == {"proofs_answer_current_lists"}


@pytest.mark.parametrize(
    "held",
    [
        of("device", certificates={}),
        of("device", lists={PROPERTIES[1]: list_of(PROPERTIES[1], NOW, (*REVOKED, configuration("device")))}),
        None,
    ],
    ids=["no-certificate", "own-configuration-revoked", "nothing"],
)
def test_a_platform_that_cannot_prove_says_that_it_is_its_own_fault(held: Holdings | None) -> None:
    _, service = pair(device=held)
    assert [e.fields["code"] for e in service.events if e.name == "alert_received"] == [80]
    assert "ATT" not in service.frames


def test_a_platform_of_another_configuration_proves_nothing() -> None:
    device, service, _ = make_pair(b"proofs", NOW)
    assert isinstance(device.tam, SoftwareTam)
    device.tam.extend(11, bytes(32))
    for world in (device, service):
        world.properties = holdings(world.role, NOW)
        world.policy = dataclasses.replace(world.policy, offered=(PBA_FORMAT, EAT_CWT), accepted=(PBA_FORMAT,))
    ends = watched(device, service)
    assert [e.fields["code"] for e in ends[1].events if e.name == "alert_received"] == [80]


def test_what_a_party_holds_is_read_from_its_folder(tmp_path: Path) -> None:
    provision(tmp_path, seed=b"proofs", now=NOW, role="device", evidence=("pba",))
    for folder, role in ((tmp_path / "iut", "device"), (tmp_path / "tester" / "peer", "service")):
        found, expected = load_world(folder, lambda: NOW).properties, holdings(role, NOW)
        assert found is not None and found.demand == expected.demand
        assert found.certificates == expected.certificates
