"""Each bad thing is refused by the one predicate that is there for it, and by no other."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from trustconn.harness.codec import cbor
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.faults import ATTESTATION_FAULTS, CREDENTIAL_FAULTS, bad_ak, bad_leaf, endorsements
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.oids import EKU_OCSP_SIGNING
from trustconn.harness.identity.pki import Authority, Issued, Subject, issue_leaf, leaf_spec, x5t
from trustconn.harness.identity.predicates import PREDICATES
from trustconn.harness.identity.status import encode_proofs, make_crl, make_ocsp
from trustconn.harness.identity.tam import measurements
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.identity.world import World

NOW = 1_800_000_000
Refusers = Callable[[World, dict[str, tuple[bytes, ...]]], dict[str, str]]
Calls = dict[str, tuple[bytes, ...]]


def credential_calls(world: World, id_cred: bytes, proofs: bytes) -> Calls:
    """Every predicate about the peer's credential, as one receiver calls it."""
    side = world.peer_side
    names = [name for name in PREDICATES if name.startswith((f"cred_{side}_", f"id_cred_{side}_"))]
    return {**dict.fromkeys(names, (id_cred,)), "peer_leaf_is_not_revoked": (id_cred, proofs)}


def evidence_calls(world: World, peer: World, chain: Issued, proofs: bytes = b"") -> Calls:
    """Every predicate about evidence, with the good values of `peer` and the attestation certificate given."""
    x5chain, id_cred = chain.x5chain(), peer.credentials.issued.id_cred()
    token = {
        "cmw_type_was_accepted": (cbor.encode(263),),
        "measurements_match_reference_values": (cbor.encode(peer.tam.measurements()),),
        "key_attributes_show_custody": (cbor.encode(peer.tam.key_attributes()),),
        "eat_debug_is_disabled": (cbor.encode(peer.tam.debug_status),),
        "eat_is_recent": (cbor.encode(NOW),),
        "ueid_is_peer_device": (cbor.encode(peer.tam.ueid), id_cred),
        "eat_x5t_is_the_ak": (x5t(chain.certificate), x5chain),
        "peer_offers_evidence": (cbor.encode([263]),),
        "evidence_formats_overlap": (cbor.encode(list(world.policy.accepted)), cbor.encode([10003, 263])),
    }
    key = dict.fromkeys(("ak_path_verifies", "ak_is_for_eat", "ak_is_in_validity"), (x5chain,))
    bound = dict.fromkeys(("ak_is_not_the_identity_key", "ak_names_peer_device"), (x5chain, id_cred))
    return {**token, **key, **bound, "ak_is_not_revoked": (x5chain, proofs)}


def sides(pair: tuple[World, World, TesterPki], peer_role: str) -> tuple[World, World]:
    """The world that judges and the world that is judged."""
    device, service, _ = pair
    return (service, device) if peer_role == "device" else (device, service)


@pytest.mark.parametrize("peer_role", ["device", "service"])
def test_nobody_refuses_an_honest_peer(
    pair: tuple[World, World, TesterPki], peer_role: str, refusers: Refusers
) -> None:
    world, peer = sides(pair, peer_role)
    held = peer.credentials
    by_thumbprint = cbor.encode({34: [-16, held.leaf.sha256]})
    assert refusers(world, credential_calls(world, held.issued.id_cred(), held.proofs)) == {}
    assert refusers(world, credential_calls(world, by_thumbprint, held.proofs)) == {}
    assert refusers(world, evidence_calls(world, peer, held.attestation)) == {}


@pytest.mark.parametrize("fault", CREDENTIAL_FAULTS)
@pytest.mark.parametrize("peer_role", ["device", "service"])
def test_a_bad_leaf_is_refused_by_its_check_alone(
    pair: tuple[World, World, TesterPki], peer_role: str, fault: str, refusers: Refusers
) -> None:
    world, _ = sides(pair, peer_role)
    bad = bad_leaf(pair[2], peer_role, fault, world.credentials.leaf)
    proofs = pair[2].staple(bad.issued.certificate, bad.issuer)
    assert list(refusers(world, credential_calls(world, bad.issued.id_cred(), proofs))) == [bad.check]


@pytest.mark.parametrize("fault", ATTESTATION_FAULTS)
@pytest.mark.parametrize("peer_role", ["device", "service"])
def test_a_bad_attestation_certificate_is_refused_by_its_check_alone(
    pair: tuple[World, World, TesterPki], peer_role: str, fault: str, refusers: Refusers
) -> None:
    world, peer = sides(pair, peer_role)
    bad = bad_ak(pair[2], peer_role, fault, world.credentials.leaf)
    proofs = endorsements(pair[2], bad) or pair[2].staple(bad.issued.certificate, bad.issuer)
    assert list(refusers(world, evidence_calls(world, peer, bad.issued, proofs))) == [bad.check]


@pytest.mark.parametrize(
    "header",
    [
        {4: b"k"},
        {},
        {33: [b"one"]},
        {33: []},
        {32: b"bag"},
        {34: [-16, bytes(31)]},
        {34: [-15, bytes(32)]},
        {34: bytes(32)},
        {33: 7},
    ],
    ids=str,
)
def test_an_identifier_of_another_form_is_refused(
    service: World, header: dict[int, object], refusers: Refusers
) -> None:
    calls: dict[str, tuple[bytes, ...]] = {"id_cred_i_is_a_certificate": (cbor.encode(header),)}
    assert list(refusers(service, calls)) == ["id_cred_i_is_a_certificate"]


def test_a_second_header_beside_the_certificate_is_refused_by_one_check(
    device: World, service: World, refusers: Refusers
) -> None:
    held = device.credentials
    id_cred = cbor.encode({33: [held.leaf.der, *(item.der for item in held.chain)], 4: b"k"})
    assert list(refusers(service, credential_calls(service, id_cred, held.proofs))) == ["id_cred_i_is_a_certificate"]


def _wrong(name: str, *values: object) -> tuple[str, tuple[bytes, ...]]:
    return name, tuple(cbor.encode(value) for value in values)


@pytest.mark.parametrize(
    ("check", "octets"),
    [
        _wrong("cmw_type_was_accepted", 10003),
        _wrong("cmw_type_was_accepted", "application/eat+cwt"),
        _wrong("cmw_type_was_accepted", [263]),
        _wrong("key_attributes_show_custody", {1: True, 2: True, 3: True, 4: True}),
        _wrong("key_attributes_show_custody", {1: False, 2: False, 3: True, 4: True}),
        _wrong("key_attributes_show_custody", {1: False, 2: True, 3: False, 4: True}),
        _wrong("key_attributes_show_custody", {1: False, 2: True, 3: True, 4: False}),
        _wrong("key_attributes_show_custody", {1: False, 2: True, 3: True}),
        _wrong("key_attributes_show_custody", {1: 0, 2: 1, 3: 1, 4: 1}),
        _wrong("key_attributes_show_custody", {}),
        ("key_attributes_show_custody", (b"",)),
        _wrong("eat_debug_is_disabled", 0),
        _wrong("eat_debug_is_disabled", 1),
        _wrong("eat_debug_is_disabled", 5),
        _wrong("eat_debug_is_disabled", "3"),
        _wrong("eat_is_recent", NOW - 301),
        _wrong("eat_is_recent", NOW + 61),
        _wrong("eat_is_recent", -1),
        _wrong("eat_is_recent", float(NOW)),
        _wrong("peer_offers_evidence", []),
        _wrong("peer_offers_evidence", 263),
        ("peer_offers_evidence", (b"",)),
        _wrong("evidence_formats_overlap", [263], [10003]),
        _wrong("evidence_formats_overlap", [], [263]),
        _wrong("label_is_recent", NOW - 301),
        _wrong("label_is_recent", NOW + 61),
    ],
)
def test_a_wrong_claim_is_refused(service: World, check: str, octets: tuple[bytes, ...], refusers: Refusers) -> None:
    assert list(refusers(service, {check: octets})) == [check]


def test_measurements_must_be_the_whole_reference_set_and_nothing_else(
    device: World, service: World, refusers: Refusers
) -> None:
    good = dict(service.policy.reference_values)
    other = sha256(b"other").digest()
    wrong = [
        [],
        measurements({name: digest for name, digest in good.items() if name != "firmware"}),
        measurements({**good, "firmware": other}),
        measurements({**good, "unknown": other}),
        [*measurements(good), measurements(good)[0]],
        [[296, item[1]] for item in measurements(good)],
        [[295, cbor.encode({1: [name], 2: [2, digest]})] for name, digest in good.items()],
        [[295, cbor.encode({1: [name], 2: [1, digest], 4: bytes(8)})] for name, digest in good.items()],
        [[295, cbor.encode({1: [name, "1"], 2: [1, digest]})] for name, digest in good.items()],
        {"firmware": other},
    ]
    for value in wrong:
        assert refusers(service, {"measurements_match_reference_values": (cbor.encode(value),)}), value
    service.policy = replace(service.policy, reference_values={})
    assert refusers(service, {"measurements_match_reference_values": (cbor.encode([]),)})
    assert not refusers(device, {"measurements_match_reference_values": (cbor.encode(service.tam.measurements()),)})


def test_evidence_of_another_platform_is_told_apart(
    device: World, service: World, pki: TesterPki, refusers: Refusers
) -> None:
    calls = evidence_calls(service, device, device.credentials.attestation)
    id_cred = device.credentials.issued.id_cred()
    for name, octets in {
        "ueid_is_peer_device": (cbor.encode(pki.ueid("other")), id_cred),
        "eat_x5t_is_the_ak": (x5t(device.credentials.leaf), device.credentials.attestation.x5chain()),
    }.items():
        assert list(refusers(service, {**calls, name: octets})) == [name]


class TestStatusOfTheLeaf:
    """`peer_leaf_is_not_revoked` and nothing else decides what a proof is worth."""

    @pytest.fixture
    def issuer(self, pki: TesterPki) -> Authority:
        return pki.device.issuing

    def refused(self, service: World, device: World, proofs: bytes, refusers: Refusers) -> dict[str, str]:
        calls = credential_calls(service, device.credentials.issued.id_cred(), proofs)
        refused = refusers(service, calls)
        assert set(refused) <= {"peer_leaf_is_not_revoked"}
        return refused

    def test_good_proofs_pass(self, service: World, device: World, issuer: Authority, refusers: Refusers) -> None:
        leaf = device.credentials.leaf
        crl = make_crl(issuer, [leaf.serial ^ 1], NOW)
        stale = make_ocsp(leaf, issuer, NOW - 30 * 86400)
        for proofs in (
            encode_proofs(crls=[crl]),
            encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW - 6 * 86400)]),
            encode_proofs(ocsp=[stale, make_ocsp(leaf, issuer, NOW)]),
        ):
            assert self.refused(service, device, proofs, refusers) == {}

    def test_bad_proofs_are_refused(self, service: World, device: World, pki: TesterPki, refusers: Refusers) -> None:
        leaf, issuer = device.credentials.leaf, pki.device.issuing
        other = pki.party("device", "other").leaf
        good = make_ocsp(leaf, issuer, NOW)
        rogue = replace(issuer, key=derive_key(b"rogue", "issuer"))
        bad = {
            "absent": b"",
            "empty": cbor.encode([]),
            "not a list": cbor.encode(good),
            "unknown kind": cbor.encode([[2, good]]),
            "garbage": cbor.encode([[0, b"garbage"], [1, b"garbage"]]),
            "kind swapped": cbor.encode([[1, good]]),
            "other certificate": encode_proofs(ocsp=[make_ocsp(other, issuer, NOW)]),
            "other issuer": encode_proofs(ocsp=[make_ocsp(leaf, pki.service.issuing, NOW)]),
            "revoked": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW, status="revoked")]),
            "unknown status": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW, status="unknown")]),
            "good and revoked": encode_proofs(ocsp=[good, make_ocsp(leaf, issuer, NOW - 1, status="revoked")]),
            "stale": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW - 8 * 86400, validity=30 * 86400)]),
            "ended": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW - 3600, validity=3599)]),
            "future": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW + 61)]),
            "broken signature": encode_proofs(ocsp=[good[:-1] + bytes([good[-1] ^ 1])]),
            "rogue issuer": encode_proofs(ocsp=[make_ocsp(leaf, rogue, NOW)]),
            "revoked by list": encode_proofs(crls=[make_crl(issuer, [leaf.serial], NOW)]),
            "list of another issuer": encode_proofs(crls=[make_crl(pki.service.issuing, [], NOW)]),
            "list by rogue issuer": encode_proofs(crls=[make_crl(rogue, [], NOW)]),
            "stale list": encode_proofs(crls=[make_crl(issuer, [], NOW - 8 * 86400)]),
            "too many": cbor.encode([[0, good]] * 9),
        }
        passed = [name for name, proofs in bad.items() if not self.refused(service, device, proofs, refusers)]
        assert passed == []

    def test_a_delegated_responder_needs_its_usage(
        self, service: World, device: World, pki: TesterPki, refusers: Refusers
    ) -> None:
        leaf, issuer = device.credentials.leaf, pki.device.issuing
        spec = replace(
            pki.ak_spec("responder"), subject=Subject(pki.device.organization, "responder"), eku=(EKU_OCSP_SIGNING,)
        )
        good = issue_leaf(spec, issuer)
        expired = issue_leaf(replace(spec, not_after=NOW - 1, not_before=NOW - 2), issuer)
        without = issue_leaf(replace(spec, eku=()), issuer)
        foreign = issue_leaf(spec, pki.service.issuing)

        def proofs(responder: Issued) -> bytes:
            return encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW, responder=responder)])

        assert self.refused(service, device, proofs(good), refusers) == {}
        for responder in (expired, without, foreign):
            assert self.refused(service, device, proofs(responder), refusers)

    def test_a_short_lived_leaf_needs_no_proof(self, service: World, pki: TesterPki, refusers: Refusers) -> None:
        week = 7 * 86400
        spec = leaf_spec(pki.seed, NOW, "device", pki.names("device", "device"), "device identity")
        short = issue_leaf(replace(spec, not_after=spec.not_before + week), pki.device.issuing)
        longer = issue_leaf(replace(spec, not_after=spec.not_before + week + 1), pki.device.issuing)
        assert refusers(service, credential_calls(service, short.id_cred(), b"")) == {}
        revoked = encode_proofs(ocsp=[make_ocsp(short.certificate, pki.device.issuing, NOW, status="revoked")])
        assert list(refusers(service, credential_calls(service, short.id_cred(), revoked))) == [
            "peer_leaf_is_not_revoked"
        ]
        assert list(refusers(service, credential_calls(service, longer.id_cred(), b""))) == ["peer_leaf_is_not_revoked"]


def test_the_attestation_key_relies_on_a_local_list_only_while_it_is_fresh(
    device: World, service: World, pki: TesterPki, refusers: Refusers
) -> None:
    calls = evidence_calls(service, device, device.credentials.attestation)
    old = replace(pki, now=NOW - 8 * 86400)
    service.anchors = replace(service.anchors, crls=(old.crl("attestation"),))
    assert list(refusers(service, calls)) == ["ak_is_not_revoked"]
    service.anchors = replace(service.anchors, crls=())
    assert list(refusers(service, calls)) == ["ak_is_not_revoked"]


def test_a_revoked_issuer_is_refused(device: World, service: World, pki: TesterPki, refusers: Refusers) -> None:
    serial = pki.device.issuing.certificate.serial
    service.anchors = replace(service.anchors, crls=(make_crl(pki.device.root, [serial], NOW),))
    calls = credential_calls(service, device.credentials.issued.id_cred(), device.credentials.proofs)
    assert list(refusers(service, calls)) == ["cred_i_is_not_revoked_locally"]


NOT_NEEDED = (
    "eat_claims_have_their_types", "ak_is_not_revoked", "peer_leaf_is_not_revoked",
    "tpm_event_types_are_expected", "tpm_log_replays",
    "tpm_ima_templates_are_known", "tpm_ima_digests_are_recomputed", "tpm_ima_has_no_violation", "tpm_ima_replays",
    "tpm_ima_files_match_reference_values",
)  # fmt: skip
"""What judges something that may be absent."""
EACH = "psa_signers_are_the_named_ones"
"""Judges every component; that there are some is another check's affair."""


@pytest.mark.parametrize(
    "garbage", [b"", b"\xff", b"\x5f", cbor.encode("x"), cbor.encode([]), cbor.encode({})], ids=bytes.hex
)
def test_garbage_is_refused_by_whoever_reads_it(device: World, service: World, garbage: bytes) -> None:
    id_cred = device.credentials.issued.id_cred()
    for name, decide in PREDICATES.items():
        if "_r_" in name or (garbage == b"" and name in NOT_NEEDED) or (garbage == cbor.encode([]) and name == EACH):
            continue
        arguments = [item for item in inspect.signature(decide).parameters if item not in ("world", "id_cred")]
        octets = dict.fromkeys(arguments, garbage)
        if "id_cred" in inspect.signature(decide).parameters:
            octets["id_cred"] = id_cred if arguments else garbage
        with pytest.raises(Refused):
            decide(service, **octets)
