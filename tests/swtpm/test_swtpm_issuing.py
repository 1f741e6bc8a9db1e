"""Identities whose keys are in a module: the request that it signs, and a module that is a tenant's."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_peers import exchange, talk

from trustconn.cli.main import main
from trustconn.harness.identity import swtpm_party
from trustconn.harness.identity.policy import EAT_CWT
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.identity.tpm_tam import TpmTam
from trustconn.harness.issuing import DEPLOYMENT, THIRD_PARTY, WAYS
from trustconn.harness.peer.endpoint import Endpoint

NOW = 1_800_000_000


@pytest.mark.parametrize("way", [way for way in WAYS if way != DEPLOYMENT])
def test_a_key_in_a_module_is_certified_each_way(way: str, tmp_path: Path) -> None:
    """By a third party on a request that the module has signed and attested."""
    provision(tmp_path, seed=b"issued", now=NOW, role="device", tam="swtpm", issuer=way)
    mine, theirs = (load_world(tmp_path / name, lambda: NOW) for name in ("iut", "tester/peer"))
    assert isinstance(mine.tam, TpmTam)
    assert mine.credentials.leaf.public_key == mine.tam.identity_key
    assert ("third-party" in mine.credentials.leaf.parsed.issuer.rfc4514_string()) is (way == THIRD_PARTY)
    device, service = Endpoint("device", mine), Endpoint("service", theirs)
    talk(device, service)
    assert (device.state, service.state) == ("OPEN", "OPEN")


def test_a_module_can_be_a_tenants(tmp_path: Path) -> None:
    """It attests by tokens with the boot seed of its start, in the next epoch too; another start has another one."""
    provision(tmp_path, seed=b"tenant", now=NOW, role="service", tam="swtpm", virtual=True)
    theirs, seeds = load_world(tmp_path / "tester" / "peer", lambda: NOW), list[bytes]()
    for _ in range(2):
        mine = load_world(tmp_path / "iut", lambda: NOW)
        assert isinstance(mine.tam, TpmTam)
        assert mine.policy.offered == (EAT_CWT,)
        device, service = Endpoint("device", theirs), Endpoint("service", mine)
        talk(device, service)
        device.reattest()
        exchange(device, service)
        assert (device.state, service.state) == ("OPEN", "OPEN")
        seeds.append(mine.tam.boot_seed)
        device.close()
        exchange(device, service)
        mine.tam.close()
        swtpm_party._RUNNING.clear()
    assert len(set(seeds)) == 2


def test_the_suite_tests_tenants_whose_keys_are_in_a_module(tmp_path: Path) -> None:
    words = ["run", "--tam", "swtpm", "--virtual", "--role", "service", "--select", "VRT-08 or VRT-13", "--out"]
    assert main([*words, str(tmp_path)]) == 0
