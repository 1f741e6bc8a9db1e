"""Peers that attest by a collection of a token and a bundle of a TPM."""

from __future__ import annotations

import dataclasses

import pytest
from two_peers import exchange, watched

from trustconn.harness.codec import cmw
from trustconn.harness.identity.policy import COLLECTION_FORMAT, EAT_CWT, TPM_FORMAT
from trustconn.harness.identity.provision import make_pair
from trustconn.model.protocol.forms import COLLECTION_TYPE
from trustconn.spec import identifiers

NOW = 1_800_000_000


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
@pytest.mark.parametrize("of_device", [COLLECTION_FORMAT, EAT_CWT, TPM_FORMAT])
def test_a_platform_shows_a_token_and_a_bundle_at_once(binding: str, of_device: int | str) -> None:
    device, service, _ = make_pair(b"collections", NOW)
    device.policy = dataclasses.replace(device.policy, accepted=(COLLECTION_FORMAT,), offered=(of_device,))
    service.policy = dataclasses.replace(service.policy, accepted=(of_device,), offered=(COLLECTION_FORMAT,))
    ends = watched(device, service, binding)
    assert [end.state for end in ends] == ["OPEN", "OPEN"]
    shown = ends[0].evidence
    assert isinstance(shown, cmw.Collection) and shown.type == COLLECTION_TYPE
    assert {label: item.type for label, item in shown.entries.items() if isinstance(item, cmw.Record)} == {
        0: EAT_CWT, 1: TPM_FORMAT,
    }  # fmt: skip
    for end in ends:
        end.reattest()
        exchange(*ends)
        end.send_data(b"data", "text/plain")
        exchange(*ends)
    for end in ends:
        assert sum(event.name == "evidence_accepted" for event in end.events) == 2
        assert sum(event.name == "label_accepted" for event in end.events) == 1


def test_the_type_of_the_collection_is_the_registered_one() -> None:
    assert identifiers()["cmw"]["collection_type"] == COLLECTION_TYPE
    assert COLLECTION_TYPE in COLLECTION_FORMAT
