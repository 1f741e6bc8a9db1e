"""Peers that present a verifier's result about themselves in place of evidence, fetched in this very session."""

import dataclasses
from typing import Any

import pytest
from cbor2 import CBORTag
from two_peers import Watched, exchange, watched

from trustconn.harness.codec import cbor, cose
from trustconn.harness.identity.keys import signer
from trustconn.harness.identity.policy import EAR_FORMAT, EAT_CWT
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.tester.background import honest_verifier
from trustconn.harness.verifier.folder import PROPERTIES, PROPERTY_POLICIES

NOW = 1_800_000_000
OFFERED, ACCEPTED = (EAT_CWT, EAR_FORMAT), (EAR_FORMAT, EAT_CWT)


def pair(binding: str = "edhoc", **changes: dict[str, Any]) -> tuple[Watched, Watched]:
    """Device and service, both with a verifier for themselves, that accept its results about properties alone."""
    device, service, pki = make_pair(b"passports", NOW)
    for world in (device, service):
        peer = "service" if world.role == "device" else "device"
        world.verifier = honest_verifier(pki, lambda: NOW).answer
        settings = {
            "offered": OFFERED,
            "accepted": ACCEPTED,
            "own_policy": PROPERTY_POLICIES[world.role],
            "verifier_policy": PROPERTY_POLICIES[peer],
            "verifier_properties": tuple(PROPERTIES),
            **changes.get(world.role, {}),
        }
        world.verifier = settings.pop("verifier", world.verifier)
        world.policy = dataclasses.replace(world.policy, **settings)
    return watched(device, service, binding)


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_results_about_properties_open_the_session_and_stand_behind_its_data(binding: str) -> None:
    device, service = pair(binding)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    for end in (device, service):
        end.reattest()
        end.send_data(b"data")
        exchange(device, service)
        end.send_data(b"more data")
        exchange(device, service)
    measured = [value for values in (device.world.policy, service.world.policy) for value in _digests(values)]
    for end in (device, service):
        assert sum(event.name == "label_accepted" for event in end.events) == 2
        assert sum(event.name == "evidence_accepted" for event in end.events) == 2
        said = b"".join(frame for frames in end.frames.values() for frame in frames)
        assert not [digest for digest in measured if digest in said], "the configuration was told"
        nonces = {claims(frame)[10] for frame in end.frames["ATT"]}
        assert len(nonces) == 2, "each epoch has a result of its own"


def _digests(policy: Any) -> list[bytes]:
    return list(policy.reference_values.values())


def claims(att: bytes) -> dict[int, Any]:
    record = cbor.decode(cbor.decode(att)[1][2])
    found: dict[int, Any] = cbor.decode(cbor.decode(record[1]).value[2])
    return found


def test_one_direction_may_have_a_result_and_the_other_a_token() -> None:
    device, service = pair(device={"accepted": (EAT_CWT,)})
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert cbor.decode(cbor.decode(service.frames["ATT"][0])[1][2])[0::2] == [EAR_FORMAT, 8]
    assert cbor.decode(cbor.decode(device.frames["ATT"][0])[1][2])[0::2] == [EAT_CWT, 4]


def test_a_cached_result_is_refused_for_its_binder() -> None:
    kept: list[bytes] = []
    _, _, pki = make_pair(b"passports", NOW)

    def cached(request: bytes) -> bytes:
        kept.append(honest_verifier(pki, lambda: NOW).answer(request))
        return kept[0]

    assert pair(device={"verifier": cached})[1].state == "OPEN"
    _, service = pair(device={"verifier": cached})
    assert service.state == "CLOSED" and service.checks() == {"ear_nonce_is_binder"}


@pytest.mark.parametrize("reply", [None, b"", b"\xff", cbor.encode({2: 1}), cbor.encode({1: 2, 2: 1})])
def test_an_attester_that_gets_no_result_says_that_it_is_its_own_fault(reply: bytes | None) -> None:
    device, service = pair(device={"verifier": (lambda request: reply) if reply is not None else None})
    assert (device.state, service.state) == ("CLOSED", "CLOSED") or device.closed
    assert any(event.name == "alert_received" and event.fields["code"] == 80 for event in service.events)


def test_a_result_that_affirms_nothing_is_refused_by_the_relying_party() -> None:
    _, service = pair(service={"verifier_properties": ("never heard of",)})
    assert service.checks() == {"ear_names_the_properties"}


def test_no_verdict_outlives_the_result_that_it_rests_on() -> None:
    _, _, pki = make_pair(b"passports", NOW)

    def soon_over(request: bytes) -> bytes:
        tagged = cbor.decode(honest_verifier(pki, lambda: NOW).answer(request))[1]
        protected, unprotected, payload, _ = tagged.value
        told = cbor.encode({**cbor.decode(payload), 4: NOW + 40})
        own = pki.verifier()
        assert own.key is not None
        signature = signer(own.key)(cose.sig_structure(protected, b"", told))
        return cbor.encode({1: CBORTag(18, [protected, unprotected, told, signature])})

    device, service = pair(device={"verifier": soon_over})
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert cbor.decode(device.frames["VERDICT"][0])[1][4] == 40


def test_a_session_ends_when_the_verifier_behind_it_is_revoked() -> None:
    device, service = pair()
    (verifier, _) = service.world.anchors.verifiers
    service.learn(dataclasses.replace(service.world.anchors, revoked_verifiers=frozenset({verifier.sha256})))
    exchange(device, service)
    assert service.checks() == {"peer_leaf_is_still_not_revoked"}
    assert [event.fields["code"] for event in device.events if event.name == "alert_received"] == [26]


def test_a_token_is_refused_where_a_result_was_chosen() -> None:
    _, service = pair(service={"accepted": (EAR_FORMAT,)}, device={"offered": (EAT_CWT,)})
    assert service.checks() == {"evidence_formats_overlap"}
