"""Evidence of properties over real sessions: each end computes the binder itself, from the exporter of its channel."""

import pytest
from property_setting import NOW, Setting, made_setting
from two_peers import talk

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.property.errors import BadCommitment
from trustconn.harness.property.evidence import appraise, attest
from trustconn.model.protocol.attestation import binder
from trustconn.model.protocol.frames import I


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


def opened(seed: bytes) -> tuple[Endpoint, Endpoint]:
    """A session that has come to OPEN."""
    device_world, service_world, _ = make_pair(b"property tests", NOW)
    device = Endpoint("device", device_world, rng=SeededRandom(seed).child("device"))
    service = Endpoint("service", service_world, rng=SeededRandom(seed).child("service"))
    talk(device, service)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    return device, service


def test_evidence_counts_in_its_session_alone(setting: Setting) -> None:
    (device, service), (_, later) = opened(b"one"), opened(b"two")
    mine = device.run.value(binder(I))
    assert mine == service.run.value(binder(I)) != later.run.value(binder(I))
    rng = SeededRandom(b"attest")
    evidence = attest(setting.demand, [setting.certificate], device.world.tam, setting.x5chain, mine, NOW, rng)

    appraise(service.world, setting.id_cred, evidence, service.run.value(binder(I)), setting.demand)
    with pytest.raises(BadCommitment, match="binder"):
        appraise(later.world, setting.id_cred, evidence, later.run.value(binder(I)), setting.demand)
