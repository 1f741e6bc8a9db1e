"""Pseudonyms: who gets them, what they tell, and who accepts them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from two_peers import talk

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.identity.anonymous import (
    LIFETIME,
    MOST_NONCES,
    POLICY,
    Application,
    PseudonymIssuer,
    PseudonymRefused,
    Shown,
    module_of,
    obtain,
)
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.pki import HOUR, issue_leaf
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.tam import SoftwareTam
from trustconn.harness.identity.tester import SERVICE_URI, TesterPki
from trustconn.harness.identity.world import World
from trustconn.harness.peer.endpoint import Endpoint

NOW = 1_800_000_000 + 1234
A, B = "https://a.example/", "https://b.example/"


def issuer_of(pki: TesterPki) -> PseudonymIssuer:
    return PseudonymIssuer(pki.pseudonyms.issuing, (pki.attestation.root.certificate,), SeededRandom(b"issuer"))


@pytest.fixture
def parties() -> tuple[World, World, TesterPki]:
    return make_pair(b"pseudonyms", NOW)


def test_a_pseudonym_tells_nothing_of_its_platform(parties: tuple[World, World, TesterPki]) -> None:
    device, _, pki = parties
    issuer = issuer_of(pki)
    own, sign = device.credentials, device.tam.sign_attestation
    one, other = (obtain(issuer, own, sign, "device", party, b"keys", NOW) for party in (A, B))
    for made in (one, other):
        for certificate in (made.leaf, made.ak):
            assert certificate.anonymous and certificate.lifetime == LIFETIME
            assert certificate.not_before % HOUR == 0 and certificate.not_before <= NOW
            assert own.leaf.platform.rpartition(":")[2].encode() not in certificate.der
        assert made.leaf.platform == made.ak.platform
    names = [(c.platform, c.subject, c.serial, c.spki) for m in (one, other) for c in (m.leaf, m.ak)]
    assert not set(names[0][1:]) & set(names[2][1:]) and names[0][0] != names[2][0]
    assert len({spki for *_, spki in names}) == 4


def test_a_platform_that_misbehaved_gets_no_more(parties: tuple[World, World, TesterPki]) -> None:
    device, service, pki = parties
    issuer = issuer_of(pki)
    made = obtain(issuer, device.credentials, device.tam.sign_attestation, "device", A, b"keys", NOW)
    issuer.refuse(made.leaf)
    with pytest.raises(PseudonymRefused, match="misbehaved"):
        obtain(issuer, device.credentials, device.tam.sign_attestation, "device", B, b"keys", NOW)
    assert obtain(issuer, service.credentials, service.tam.sign_attestation, "service", A, b"keys", NOW).leaf.anonymous
    assert "misbehaved" in POLICY


def test_what_links_is_forgotten_when_it_has_ended(parties: tuple[World, World, TesterPki]) -> None:
    device, _, pki = parties
    issuer = issuer_of(pki)
    made = obtain(issuer, device.credentials, device.tam.sign_attestation, "device", A, b"keys", NOW)
    obtain(issuer, device.credentials, device.tam.sign_attestation, "device", A, b"keys", NOW + 3 * LIFETIME)
    with pytest.raises(KeyError):
        issuer.refuse(made.leaf)


def test_a_platform_whose_authority_has_ended_gets_none(parties: tuple[World, World, TesterPki]) -> None:
    device, _, pki = parties
    authority = device.credentials.ak_chain[0]
    lasting = issue_leaf(
        dataclasses.replace(pki.ak_spec("device"), not_after=authority.not_after + 86400), pki.attestation.issuing
    )
    platform = dataclasses.replace(device.credentials, ak=lasting.certificate, ak_chain=lasting.chain)
    with pytest.raises(PseudonymRefused, match="valid from"):
        obtain(issuer_of(pki), platform, device.tam.sign_attestation, "device", A, b"k", authority.not_after + 1)


def test_nonces_that_nobody_uses_are_bounded(parties: tuple[World, World, TesterPki]) -> None:
    device, _, pki = parties
    issuer = issuer_of(pki)
    first = issuer.nonce()
    for _ in range(MOST_NONCES):
        issuer.nonce()
    application = Application("device", (), A, *(derive_key(b"keys", n).public_key() for n in "ab"))
    shown = Shown(first, device.tam.sign_attestation(application.signed(first)), device.credentials.ak, ())
    with pytest.raises(PseudonymRefused, match="not a nonce"):
        issuer.certify(application, shown, NOW)


def test_nobody_gets_a_pseudonym_for_somebody_else(parties: tuple[World, World, TesterPki]) -> None:
    device, service, pki = parties
    issuer, own = issuer_of(pki), device.credentials
    keys = derive_key(b"keys", "one").public_key(), derive_key(b"keys", "two").public_key()
    application = Application("device", (), A, *keys)

    def refused(match: str, **changes: Any) -> None:
        nonce = issuer.nonce()
        signature = device.tam.sign_attestation(application.signed(nonce))
        shown = dataclasses.replace(Shown(nonce, signature, own.ak, own.ak_chain), **changes)
        asked = dataclasses.replace(application, relying_party=B) if match == "other" else application
        with pytest.raises(PseudonymRefused):
            issuer.certify(asked, shown, NOW)

    refused("nonce", nonce=bytes(32))
    refused("other")
    refused("key", ak=service.credentials.ak, chain=service.credentials.ak_chain)
    refused("identity", ak=own.leaf, chain=own.chain)
    refused("signature", signature=bytes(64))
    nonce = issuer.nonce()
    shown = Shown(nonce, device.tam.sign_attestation(application.signed(nonce)), own.ak, own.ak_chain)
    issuer.certify(application, shown, NOW)
    with pytest.raises(PseudonymRefused, match="used before"):
        issuer.certify(application, shown, NOW)
    with pytest.raises(PseudonymRefused):
        issuer.certify(application, dataclasses.replace(shown, nonce=issuer.nonce()), NOW)


def test_one_key_for_two_purposes_is_not_certified(parties: tuple[World, World, TesterPki]) -> None:
    device, _, pki = parties
    issuer, key = issuer_of(pki), derive_key(b"keys", "one").public_key()
    nonce, application = issuer.nonce(), Application("device", (), A, key, key)
    signature = device.tam.sign_attestation(application.signed(nonce))
    with pytest.raises(PseudonymRefused, match="two purposes"):
        own = device.credentials
        issuer.certify(application, Shown(nonce, signature, own.ak, own.ak_chain), NOW)


def under_pseudonyms(role: str, *, admits: bool = True) -> tuple[Endpoint, Endpoint]:
    """Device and service, one of them anonymous, after everything has been said."""
    device, service, pki = make_pair(b"pseudonyms", NOW)
    issuer = issuer_of(pki)
    for world in (device, service):
        if world.role == role:
            platform = world.tam
            assert isinstance(platform, SoftwareTam)
            world.credentials = obtain(issuer, world.credentials, platform.sign_attestation, role, A, b"keys", NOW)
            world.tam = module_of(world.credentials, platform)
        else:
            world.policy = dataclasses.replace(world.policy, admits_anonymous=admits)
    ends = Endpoint("device", device), Endpoint("service", service)
    talk(*ends)
    return ends


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_pseudonym_opens_a_session_where_policy_admits_it(role: str) -> None:
    device, service = under_pseudonyms(role)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    other = service if role == "device" else device
    other.reattest()
    assert device.world.policy.intended_peer == SERVICE_URI


@pytest.mark.parametrize("role", ["device", "service"])
def test_and_nowhere_else(role: str) -> None:
    device, service = under_pseudonyms(role, admits=False)
    assert "OPEN" not in (device.state, service.state)


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_party_is_provisioned_with_a_pseudonym_that_its_peer_admits(role: str, tmp_path: Path) -> None:
    provision(tmp_path, seed=b"pseudonyms", now=NOW, role=role, anonymous=True)
    worlds = [load_world(tmp_path / folder, lambda: NOW) for folder in ("iut", "tester/peer")]
    assert [world.credentials.leaf.anonymous for world in worlds] == [True, False]
    device, service = sorted(worlds, key=lambda world: world.role)
    ends = Endpoint("device", device), Endpoint("service", service)
    talk(*ends)
    assert [end.state for end in ends] == ["OPEN", "OPEN"]
