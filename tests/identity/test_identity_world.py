"""What a peer resolves, remembers and computes only once."""

import json
from dataclasses import replace

import pytest

from trustconn.harness.codec import cbor
from trustconn.harness.identity import path as path_module
from trustconn.harness.identity.certificate import Certificate
from trustconn.harness.identity.errors import CredentialUnavailable, Refused
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.oids import EKU_OCSP_SIGNING
from trustconn.harness.identity.pki import authority_spec, issue_leaf, issue_root
from trustconn.harness.identity.predicates import PREDICATES, ak_public_key, leaf_public_key, leaf_sha256
from trustconn.harness.identity.revocation import OCSP, ProofError, read_proof
from trustconn.harness.identity.status import make_crl, make_ocsp
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.identity.world import MAX_REMEMBERED, Cache, Memory, World

NOW = 1_800_000_000


def test_a_credential_is_found_by_value_and_by_thumbprint(device: World, service: World) -> None:
    held = device.credentials
    by_value = service.credential(held.issued.id_cred())
    by_hash = service.credential(cbor.encode({34: [-16, held.leaf.sha256]}))
    assert by_value == by_hash
    assert by_value.leaf.der == held.leaf.der
    assert [item.der for item in by_value.chain] == [item.der for item in held.chain]


def test_a_thumbprint_that_is_not_held_is_unavailable_rather_than_refused(service: World) -> None:
    with pytest.raises(CredentialUnavailable):
        service.credential(cbor.encode({34: [-16, bytes(32)]}))


@pytest.mark.parametrize("header", [{4: b"k"}, {33: b"not a certificate"}, {33: [b"a"] * 9}, [33]], ids=str)
def test_what_names_no_certificate_is_refused(service: World, header: object) -> None:
    with pytest.raises(Refused, match="id_cred_i_is_a_certificate"):
        service.credential(cbor.encode(header))


def test_an_oversized_certificate_is_refused_unparsed(service: World) -> None:
    with pytest.raises(Refused, match="8193 octets"):
        service.credential(cbor.encode({33: bytes(8193)}))


def test_keys_and_digests_come_from_the_first_certificate(device: World, service: World) -> None:
    id_cred = device.credentials.issued.id_cred()
    assert leaf_public_key(service, id_cred) == device.tam.identity_key
    assert leaf_sha256(service, id_cred) == device.credentials.leaf.sha256
    assert ak_public_key(service, device.credentials.attestation.x5chain()) == device.credentials.ak.public_key
    with pytest.raises(Refused):
        ak_public_key(service, cbor.encode(b"garbage"))


def test_a_verified_path_is_verified_once_and_again_under_other_anchors(
    device: World, service: World, pki: TesterPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[tuple[Certificate, ...]] = []
    original = path_module.check_issued

    def check_issued(*pair: Certificate) -> None:
        verified.append(pair)
        original(*pair)

    monkeypatch.setattr(path_module, "check_issued", check_issued)
    id_cred = device.credentials.issued.id_cred()
    for _ in range(3):
        PREDICATES["cred_i_path_verifies"](service, id_cred)
    assert len(verified) == 2
    service.anchors = replace(service.anchors, peer_roots=(pki.service.root.certificate,))
    for _ in range(2):
        with pytest.raises(Refused):
            PREDICATES["cred_i_path_verifies"](service, id_cred)


def test_an_identity_path_is_no_attestation_path(device: World, service: World) -> None:
    PREDICATES["cred_i_path_verifies"](service, device.credentials.issued.id_cred())
    with pytest.raises(Refused):
        PREDICATES["ak_path_verifies"](service, device.credentials.issued.x5chain())


def test_a_cache_forgets_what_was_not_used_lately() -> None:
    cache: Cache[int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


@pytest.mark.parametrize("renewed_first", [False, True])
def test_what_a_renewed_authority_has_revoked_is_revoked(renewed_first: bool, service: World, pki: TesterPki) -> None:
    spec = authority_spec(pki.seed, pki.now, "device", "root")
    renewed = issue_root(replace(spec, key=derive_key(pki.seed, "renewed"), serial=spec.serial + 1))
    short = replace(pki.leaf_spec("device", "device"), not_after=NOW + 86400)
    leaf = issue_leaf(short, renewed)
    roots = (renewed.certificate, pki.device.root.certificate)
    crl = make_crl(renewed, [leaf.certificate.serial], NOW)
    service.anchors = replace(service.anchors, peer_roots=roots if renewed_first else roots[::-1], crls=(crl,))
    PREDICATES["cred_i_path_verifies"](service, leaf.id_cred())
    with pytest.raises(Refused, match="revoked by a list"):
        PREDICATES["cred_i_is_not_revoked_locally"](service, leaf.id_cred())


def test_a_delegate_with_an_extension_that_nobody_knows_vouches_for_nothing(device: World, pki: TesterPki) -> None:
    leaf, issuing = device.credentials.leaf, pki.device.issuing
    spec = replace(pki.leaf_spec("device", "responder"), eku=(EKU_OCSP_SIGNING,))
    for critical, good in ((None, True), ("1.2.3.4", False)):
        responder = issue_leaf(replace(spec, critical_extension=critical), issuing)
        proof = make_ocsp(leaf, issuing, NOW, responder=responder)
        if good:
            read_proof(OCSP, proof, leaf, issuing.certificate, NOW)
        else:
            with pytest.raises(ProofError, match="delegate"):
                read_proof(OCSP, proof, leaf, issuing.certificate, NOW)


def test_the_clock_cannot_be_turned_back_below_a_verified_proof(device: World, service: World) -> None:
    id_cred, proofs = device.credentials.issued.id_cred(), device.credentials.proofs
    PREDICATES["peer_leaf_is_not_revoked"](service, id_cred, proofs)
    service.now = lambda: NOW - 86400
    assert service.time() == NOW
    restarted = World(service.role, service.now, service.credentials, service.anchors, service.policy, service.tam)
    restarted.restore(json.loads(json.dumps(service.save())))
    assert restarted.time() == NOW


def test_a_proof_that_is_refused_moves_no_clock(device: World, service: World, pki: TesterPki) -> None:
    later = replace(pki, now=NOW + 3600)
    proofs = later.staple(device.credentials.leaf, pki.device.issuing)
    with pytest.raises(Refused):
        PREDICATES["peer_leaf_is_not_revoked"](service, device.credentials.issued.id_cred(), proofs)
    assert service.time() == NOW


def test_labels_and_boot_counts_outlive_a_restart() -> None:
    memory = Memory()
    memory.accept_label(b"s" * 32, 7, b"c" * 16, NOW)
    memory.accept_bootcount(b"a" * 32, 3)
    memory.sent_sequence(4)
    again = Memory.restore(json.loads(json.dumps(memory.save())))
    assert again == memory
    assert again.next_sequence() > 4
    again.accept_bootcount(b"a" * 32, 3)
    with pytest.raises(Refused, match="bootcount"):
        again.accept_bootcount(b"a" * 32, 2)


def test_label_identifiers_are_bounded() -> None:
    memory = Memory()
    for number in range(MAX_REMEMBERED + 10):
        memory.accept_label(b"s", number, number.to_bytes(16, "big"), NOW)
    assert len(memory.label_ids) == MAX_REMEMBERED
