"""A waiver fits one key, one authority and one time, and each misuse is refused by its own check."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from trustconn.harness.codec import cbor, cose
from trustconn.harness.crypto.errors import BadSignature
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.pki import Authority
from trustconn.harness.identity.predicates import waiver_public_key
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.identity.waiver import EXTERNAL_AAD, Waiver
from trustconn.harness.identity.world import World

NOW = 1_800_000_000
Refusers = Callable[[World, dict[str, tuple[bytes, ...]]], dict[str, str]]


def calls(statement: bytes, id_cred: bytes) -> dict[str, tuple[bytes, ...]]:
    """Every predicate about a received statement."""
    sign1 = cose.parse_sign1(statement)
    assert sign1.payload is not None
    body = {key: cbor.encode(value) for key, value in cbor.decode(sign1.payload).items()}
    return {
        "waiver_authority_is_pinned": (cbor.encode(sign1.protected[34]),),
        "waiver_names_the_peer_leaf": (body[1], id_cred),
        "waiver_level_suffices": (body[3],),
        "waiver_is_in_force": (body[5], body[6]),
        "waiver_key_is_not_exportable": (body[7],),
        "waiver_is_not_revoked": (body[8],),
    }


@pytest.fixture
def waiver(device: World, pki: TesterPki) -> Waiver:
    return pki.waiver(device.credentials.leaf)


def refused(refusers: Refusers, service: World, device: World, waiver: Waiver, authority: Authority) -> list[str]:
    statement = waiver.sign(authority)
    return list(refusers(service, calls(statement, device.credentials.issued.id_cred())))


def test_an_honest_statement_passes(
    service: World, device: World, pki: TesterPki, waiver: Waiver, refusers: Refusers
) -> None:
    assert refused(refusers, service, device, waiver, pki.waiver_authority) == []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"leaf_sha256": bytes(32)}, "waiver_names_the_peer_leaf"),
        ({"leaf_sha256": bytes(31)}, "waiver_names_the_peer_leaf"),
        ({"level": 2}, "waiver_level_suffices"),
        ({"level": 5}, "waiver_level_suffices"),
        ({"issued_at": NOW + 61}, "waiver_is_in_force"),
        ({"expires_at": NOW}, "waiver_is_in_force"),
        ({"not_exportable": False}, "waiver_key_is_not_exportable"),
        ({"not_exportable": 1}, "waiver_key_is_not_exportable"),
    ],
)
def test_each_misuse_is_refused_by_its_check_alone(
    service: World,
    device: World,
    pki: TesterPki,
    waiver: Waiver,
    refusers: Refusers,
    change: dict[str, Any],
    check: str,
) -> None:
    bad = replace(waiver, **change)
    assert refused(refusers, service, device, bad, pki.waiver_authority) == [check]


def test_a_revoked_statement_is_refused(
    service: World, device: World, pki: TesterPki, waiver: Waiver, refusers: Refusers
) -> None:
    bad = replace(waiver, statement_id=pki.revoked_waiver)
    assert refused(refusers, service, device, bad, pki.waiver_authority) == ["waiver_is_not_revoked"]


def test_another_devices_statement_cannot_be_borrowed(
    service: World, device: World, pki: TesterPki, refusers: Refusers
) -> None:
    borrowed = pki.waiver(pki.party("device", "other").leaf)
    assert refused(refusers, service, device, borrowed, pki.waiver_authority) == ["waiver_names_the_peer_leaf"]


def test_an_authority_that_is_held_but_not_pinned_is_refused_though_its_key_verifies(
    service: World, device: World, pki: TesterPki, waiver: Waiver, refusers: Refusers
) -> None:
    authority = pki.unpinned_authority
    assert refused(refusers, service, device, waiver, authority) == ["waiver_authority_is_pinned"]
    sign1 = cose.parse_sign1(waiver.sign(authority))
    key = waiver_public_key(service, cbor.encode(sign1.protected[34]))
    cose.verify1(sign1, lambda signature, tbs: ES256.verify(key, signature, tbs), EXTERNAL_AAD)


def test_the_signature_covers_the_payload_and_its_purpose(service: World, pki: TesterPki, waiver: Waiver) -> None:
    sign1 = cose.parse_sign1(waiver.sign(pki.waiver_authority))
    key = waiver_public_key(service, cbor.encode(sign1.protected[34]))

    def verify(signature: bytes, tbs: bytes) -> None:
        ES256.verify(key, signature, tbs)

    cose.verify1(sign1, verify, EXTERNAL_AAD)
    with pytest.raises(BadSignature):
        cose.verify1(replace(sign1, payload=replace(waiver, level=4).payload()), verify, EXTERNAL_AAD)
    with pytest.raises(BadSignature):
        cose.verify1(sign1, verify, b"tc1-label")


def test_a_stricter_policy_demands_a_higher_level(
    service: World, device: World, pki: TesterPki, waiver: Waiver, refusers: Refusers
) -> None:
    service.policy = replace(service.policy, minimum_waiver_level=4)
    assert refused(refusers, service, device, waiver, pki.waiver_authority) == ["waiver_level_suffices"]


def test_an_expired_authority_is_pinned_no_longer(
    service: World, device: World, pki: TesterPki, waiver: Waiver, refusers: Refusers
) -> None:
    end = pki.waiver_authority.certificate.not_after
    service.now = lambda: end + 1
    late = replace(waiver, expires_at=end + 10)
    assert refused(refusers, service, device, late, pki.waiver_authority) == ["waiver_authority_is_pinned"]


def test_a_key_of_nobody_is_refused(service: World) -> None:
    with pytest.raises(Refused, match="waiver_authority_is_pinned"):
        waiver_public_key(service, cbor.encode([-16, bytes(32)]))
