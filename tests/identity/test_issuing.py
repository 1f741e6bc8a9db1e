"""The ways in which an identity comes to its certificate: what each shows, and a session with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import two_peers
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from trustconn.cli.main import main
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.oids import EVIDENCE, KEY_IN_HSM
from trustconn.harness.identity.path import PathError, verify_path
from trustconn.harness.identity.pki import Subject
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.identity.tam import BootEvent, SoftwareTam
from trustconn.harness.identity.tester import TesterPki, boot_events
from trustconn.harness.identity.virtual_party import spki_of
from trustconn.harness.identity.world import World
from trustconn.harness.issuing import WAYS
from trustconn.harness.issuing.registration import Registration, requested
from trustconn.harness.issuing.request import MAX_REQUEST, RequestRefused, make_request, read_request
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.peer.platform_evidence import evidence_about

NOW = 1_800_000_000
ROLES = ("device", "service")


def talk(folder: Path) -> tuple[Endpoint, Endpoint]:
    """A session between the two parties of a folder."""
    mine, theirs = (load_world(folder / name, lambda: NOW) for name in ("iut", "tester/peer"))
    ends = [Endpoint("device" if world.role == "device" else "service", world) for world in (mine, theirs)]
    device, service = ends if mine.role == "device" else ends[::-1]
    two_peers.talk(device, service)
    return device, service


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ROLES)
def test_a_session_opens_with_an_identity_of_each_way(role: str, way: str, tmp_path: Path) -> None:
    """The certificate is good to the peer that was told of its issuer, and shows what chapter 2 says."""
    provision(tmp_path, seed=b"ways", now=NOW, role=role, issuer=way)
    device, service = talk(tmp_path)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    leaf = load_world(tmp_path / "iut", lambda: NOW).credentials.leaf
    deployed = way == "deployment"
    assert leaf.policies == (frozenset() if deployed else {KEY_IN_HSM})
    assert (leaf.virtual is not None, leaf.lifetime <= 7 * 86400) == (deployed, deployed)


def test_each_way_has_a_root_of_its_own(tmp_path: Path) -> None:
    """Who trusts one issuer does not trust another."""
    leaves = {}
    for way in WAYS[:3]:
        provision(tmp_path / way, seed=b"ways", now=NOW, role="device", issuer=way)
        leaves[way] = load_world(tmp_path / way / "iut", lambda: NOW).credentials
    for way, other in zip(WAYS[:3], (*WAYS[1:3], WAYS[0]), strict=True):
        roots = load_world(tmp_path / other / "tester" / "peer", lambda: NOW).anchors.peer_roots
        with pytest.raises(PathError):
            verify_path(leaves[way].leaf, leaves[way].chain, roots)


def test_an_authority_that_has_seen_a_key_alone_does_not_say_where_it_is(tmp_path: Path) -> None:
    """A vendor's request without evidence is certified without keyInHsm."""
    party = make_world("device")
    (tmp_path / "request.der").write_bytes(
        make_request(party.tam.sign_identity, spki_of(party.tam.identity_key), subject(party), ("urn:x",), b"evidence")
    )
    words = ["provision", "device", "--request", str(tmp_path / "request.der"), "--issuer", "manufacturer"]
    assert main([*words, "--out", str(tmp_path / "made")]) == 0
    leaf = x509.load_pem_x509_certificates((tmp_path / "made" / "iut" / "leaf.pem").read_bytes())[0]
    assert leaf.public_key() == party.tam.identity_key
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.CertificatePolicies)


def test_a_tenant_has_no_other_issuer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", "service", "--virtual", "--issuer", "internal"]) == 2
    assert "cannot go with --issuer internal" in capsys.readouterr().err


# --- on request ------------------------------------------------------------------------------------------------------

PKI = TesterPki.from_seed(b"requests", NOW)


def make_world(role: str, label: str = "", boot: tuple[BootEvent, ...] | None = None) -> World:
    """A party that was delivered, with a module."""
    party = PKI.party(role, label)
    tam = PKI.tam(role, party)
    if boot is not None:
        assert party.key and party.ak_key
        tam = SoftwareTam(party.key, party.ak_key, tam.ueid, boot)
    return World(role, lambda: NOW, party, PKI.anchors(role), PKI.policy(role, party.leaf), tam)


def subject(world: World) -> Subject:
    """Of a request; the authority gives its own."""
    return PKI.leaf_spec(world.role, world.role).subject


def asked(world: World, **changes: bytes) -> bytes:
    """A request with another thing in the place of one of its own."""
    key = world.tam.identity_key
    parts = {"spki": spki_of(key), "evidence": evidence_about(world, spki_of(key), SeededRandom(b"")), **changes}
    return make_request(
        world.tam.sign_identity, parts["spki"], subject(world), world.credentials.leaf.uris, parts["evidence"]
    )


def registration(role: str) -> Registration:
    """An authority that takes for genuine what platforms of that role run."""
    return Registration(PKI, role, boot_events(role))


@pytest.mark.parametrize("role", ROLES)
def test_a_request_says_what_it_is_about(role: str) -> None:
    world = make_world(role)
    request = read_request(requested(world, subject(world)))
    leaf = registration(role).certify(requested(world, subject(world))).certificate
    assert (leaf.public_key, leaf.uris) == (request.key, request.uris) == (world.tam.identity_key, leaf.uris)
    assert leaf.policies == {KEY_IN_HSM}


def of_another_key(world: World) -> bytes:
    other = spki_of(derive_key(b"", "other"))
    return asked(world, evidence=evidence_about(world, other, SeededRandom(b"")))


def of_another_platform(world: World) -> bytes:
    other = make_world(world.role, "another")
    mixed = replace(world, tam=other.tam)
    return asked(world, evidence=evidence_about(mixed, spki_of(world.tam.identity_key), SeededRandom(b"")))


def of_other_software(world: World) -> bytes:
    first, *rest = boot_events(world.role)
    return asked(make_world(world.role, boot=(BootEvent(first.component, bytes(32)), *rest)))


class _Exportable(SoftwareTam):
    def key_attributes(self) -> dict[int, bool]:
        return {1: True, 2: False, 3: True, 4: True}


def of_an_exportable_key(world: World) -> bytes:
    party = world.credentials
    assert party.key and party.ak_key
    tam = _Exportable(party.key, party.ak_key, world.tam.ueid, boot_events(world.role))
    return asked(replace(world, tam=tam))


def signed_by_another_key(world: World) -> bytes:
    other, spki = derive_key(b"", "other"), spki_of(world.tam.identity_key)
    evidence = evidence_about(world, spki, SeededRandom(b""))
    return make_request(lambda m: ES256.sign(other, m), spki, subject(world), world.credentials.leaf.uris, evidence)


def without_evidence(world: World) -> bytes:
    key = world.credentials.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    from trustconn.harness.identity.pki import certificate_request

    return certificate_request(subject(world), key)


@pytest.mark.parametrize(
    "make",
    [of_another_key, of_another_platform, of_other_software, of_an_exportable_key],
)
def test_evidence_that_does_not_show_the_key_is_not_enough(make: Callable[[World], bytes]) -> None:
    """The verifier does not affirm it, and nothing is certified (IDN-06, IDN-07)."""
    with pytest.raises(RequestRefused, match="not affirmed: ear:contraindicated"):
        registration("device").certify(make(make_world("device")))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (signed_by_another_key, "not signed with the key"),
        (without_evidence, "without names, or without evidence"),
        (lambda world: asked(world)[:-1], "not a readable request"),
        (lambda world: asked(world) + b"\x00", "not a readable request"),
        (lambda world: b"", "not a readable request"),
        (lambda world: bytes(MAX_REQUEST + 1), "octets, at most"),
        (lambda world: asked(world, evidence=b""), "not affirmed"),
    ],
)
def test_what_is_no_request_is_refused(make: Callable[[World], bytes], why: str) -> None:
    with pytest.raises(RequestRefused, match=why):
        registration("service").certify(make(make_world("service")))


def test_a_key_is_certified_for_one_identity() -> None:
    """The same key for another name is refused, and for the same name certified again."""
    world, authority = make_world("service"), registration("service")
    authority.certify(asked(world))
    authority.certify(asked(world))
    other = replace(world.credentials.leaf, uris=("https://other.example/", world.credentials.leaf.platform))
    with pytest.raises(RequestRefused, match="the key is that of another identity"):
        authority.certify(asked(replace(world, credentials=replace(world.credentials, leaf=other))))


def test_the_request_is_one_that_others_read() -> None:
    """PKCS #10 as the library reads it, with the extensions in their place."""
    request = x509.load_der_x509_csr(asked(make_world("device")))
    assert request.is_signature_valid
    assert [item.oid.dotted_string for item in request.extensions] == ["2.5.29.17", EVIDENCE]
