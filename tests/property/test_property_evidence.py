"""Evidence of properties, from a device to a service: binder, identity key, platform and module all count."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from property_setting import AUDITED, BINDER, HARDENED, NOW, OLD, OLDER, Setting, made_setting

from trustconn.harness.codec import cbor, cose
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.identity.faults import ATTESTATION_FAULTS, bad_ak
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.identity.tam import COMPONENTS, SoftwareTam
from trustconn.harness.identity.tester import boot_events
from trustconn.harness.identity.world import World
from trustconn.harness.property import commitment
from trustconn.harness.property.certificate import certify
from trustconn.harness.property.commitment import commit
from trustconn.harness.property.errors import (
    BadCertificate,
    BadCommitment,
    BadList,
    BadProof,
    Malformed,
    NoCommitter,
    PropertyError,
    Revoked,
)
from trustconn.harness.property.evidence import Demand, appraise, attest
from trustconn.harness.property.proof import Statement, prove
from trustconn.harness.property.suites import PBA_2048, PBA_3072
from trustconn.spec import cddl

OTHER_BINDER = sha256(b"another session").digest()


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


@pytest.fixture(scope="module")
def evidence(setting: Setting) -> bytes:
    return setting.evidence()


@pytest.fixture(scope="module")
def stranger() -> World:
    """Another party that the same authorities have certified."""
    return make_pair(b"property tests", NOW)[1]


def test_a_service_accepts_evidence_of_a_property(setting: Setting, evidence: bytes) -> None:
    cddl.check("pba_evidence", evidence)
    cddl.check("pba_commitment_token", cbor.decode(evidence)[1])
    accepted = appraise(setting.service, setting.id_cred, evidence, BINDER, setting.demand)
    assert accepted.bootcount == setting.device.tam.bootcount


def test_evidence_holds_no_measurement(setting: Setting, evidence: bytes) -> None:
    hidden = [setting.configuration, setting.certificate.encode(setting.issuer.public)[-300:]]
    hidden += [cbor.decode(item[1])[2][1] for item in setting.device.tam.measurements() if isinstance(item[1], bytes)]
    assert not any(secret in evidence for secret in hidden)


def test_several_properties_are_proved_for_one_commitment(setting: Setting) -> None:
    second = certify(setting.issuer, AUDITED, setting.configuration, SeededRandom(b"second"))
    lists = {HARDENED: setting.revocation, AUDITED: setting.list_of(name=AUDITED)}
    demand = Demand(setting.issuer.public, lists)
    both = [setting.certificate, second]
    data = attest(demand, both, setting.device.tam, setting.x5chain, BINDER, NOW, SeededRandom(b"both"))
    appraise(setting.service, setting.id_cred, data, BINDER, demand)
    for fewer in (setting.demand, Demand(setting.issuer.public, {AUDITED: lists[AUDITED]})):
        with pytest.raises(BadProof, match="each property"):
            appraise(setting.service, setting.id_cred, data, BINDER, fewer)
    with pytest.raises(BadProof, match="each property"):
        appraise(setting.service, setting.id_cred, setting.evidence(), BINDER, demand)
    with pytest.raises(PropertyError, match="audited"):
        attest(demand, [setting.certificate], setting.device.tam, setting.x5chain, BINDER, NOW)
    with pytest.raises(PropertyError, match="no property"):
        appraise(setting.service, setting.id_cred, data, BINDER, Demand(setting.issuer.public, {}))


# --- replay ----------------------------------------------------------------------------------------------------------


def test_evidence_of_another_binder_is_refused(setting: Setting, evidence: bytes) -> None:
    with pytest.raises(BadCommitment, match="binder"):
        appraise(setting.service, setting.id_cred, evidence, OTHER_BINDER, setting.demand)


def test_a_proof_under_the_token_of_another_session_is_refused(setting: Setting, evidence: bytes) -> None:
    """The token is made for this binder; the proof was made for another token of the same module."""
    later = cbor.decode(setting.evidence(OTHER_BINDER, b"later"))
    spliced = cbor.encode({1: later[1], 2: cbor.decode(evidence)[2]})
    with pytest.raises(BadProof, match="verify"):
        appraise(setting.service, setting.id_cred, spliced, OTHER_BINDER, setting.demand)


def test_a_proof_replayed_for_a_commitment_that_is_repeated_is_refused(setting: Setting) -> None:
    """Even where the module commits to the same with the same opening: binder and token enter the challenge."""
    first, opening = setting.commit(b"same")
    second, again = setting.commit(b"same", OTHER_BINDER)
    assert (first.element, opening) == (second.element, again)
    statement = Statement(setting.issuer.public, HARDENED, first, setting.revocation)
    proof = prove(statement, setting.certificate, opening, NOW, SeededRandom(b"proof")).encode(setting.issuer.public)
    replayed = cbor.encode({1: second.token, 2: [proof]})
    with pytest.raises(BadProof, match="verify"):
        appraise(setting.service, setting.id_cred, replayed, OTHER_BINDER, setting.demand)


def test_evidence_for_another_identity_key_is_refused(setting: Setting, evidence: bytes, stranger: World) -> None:
    id_cred = stranger.credentials.issued.id_cred()
    with pytest.raises(BadCommitment):
        appraise(setting.service, id_cred, evidence, BINDER, setting.demand)


# --- the token -------------------------------------------------------------------------------------------------------


def signed_token(setting: Setting, protected: dict[Any, Any] | None = None, **changed: Any) -> bytes:
    """The module's token with other claims or headers, signed by its attestation key."""
    message = cose.parse_sign1(setting.commit()[0].token)
    assert message.payload is not None
    claims = cbor.decode(message.payload)
    for name, value in changed.items():
        key = getattr(commitment, name)
        claims = {k: v for k, v in claims.items() if k != key} if value is None else claims | {key: value}
    headers = dict(message.protected) | (protected or {})
    sign = setting.device.tam.sign_attestation
    return cose.sign1(sign, headers, message.unprotected, cbor.encode(claims), commitment.EXTERNAL_AAD)


@pytest.mark.parametrize(
    "changed",
    [
        {"IAT": NOW - 3600}, {"IAT": NOW + 3600}, {"NONCE": OTHER_BINDER}, {"UEID": b"\x01" + bytes(32)},
        {"DBGSTAT": 0}, {"EAT_PROFILE": "tag:trustconn.org,2026:tc0"},
        {"KEY_ATTRIBUTES": {1: True, 2: True, 3: True, 4: True}},
    ],
)  # fmt: skip
def test_a_token_with_a_claim_that_chapter_6_refuses_is_refused(setting: Setting, changed: dict[str, Any]) -> None:
    with pytest.raises(BadCommitment):
        commitment.accept(setting.service, setting.id_cred, signed_token(setting, **changed), BINDER, PBA_2048)


@pytest.mark.parametrize("name", ["IAT", "CNF", "NONCE", "UEID", "DBGSTAT", "EAT_PROFILE", "BOOTCOUNT", "COMMITMENT"])
def test_a_token_without_a_claim_is_malformed(setting: Setting, name: str) -> None:
    with pytest.raises(Malformed):
        commitment.accept(setting.service, setting.id_cred, signed_token(setting, **{name: None}), BINDER, PBA_2048)


def test_a_token_that_commits_to_no_element_is_malformed(setting: Setting) -> None:
    prime = PBA_2048.group.prime
    for group, number in (("ffdhe2048", prime - 1), ("ffdhe2048", 0), ("ffdhe2048", prime + 4), ("ffdhe3072", 4)):
        token = signed_token(setting, COMMITMENT={1: group, 2: number.to_bytes(256, "big")})
        with pytest.raises(Malformed):
            commitment.accept(setting.service, setting.id_cred, token, BINDER, PBA_2048)
    with pytest.raises(Malformed):
        commitment.accept(setting.service, setting.id_cred, signed_token(setting), BINDER, PBA_3072)


def test_cnf_of_another_key_is_refused(setting: Setting, stranger: World) -> None:
    key = stranger.tam.identity_key
    token = signed_token(setting, CNF={1: cose.cose_key(key)})
    with pytest.raises(BadCommitment, match="cnf"):
        commitment.accept(setting.service, setting.id_cred, token, BINDER, PBA_2048)


def test_an_attestation_token_of_chapter_6_is_no_commitment_token(setting: Setting) -> None:
    """Other type, other external_aad; the former alone is not enough."""
    for bad in (signed_token(setting, {cose.TYP: 263}), signed_token(setting, {cose.X5T: [-16, bytes(32)]})):
        with pytest.raises(BadCommitment):
            commitment.accept(setting.service, setting.id_cred, bad, BINDER, PBA_2048)
    message = cose.parse_sign1(signed_token(setting))
    assert message.payload is not None
    sign = setting.device.tam.sign_attestation
    foreign = cose.sign1(sign, message.protected, message.unprotected, message.payload, b"tc1-eat")
    by_identity = cose.sign1(
        setting.device.tam.sign_identity, message.protected, message.unprotected, message.payload, b"tc1-pba"
    )
    for bad in (foreign, by_identity):
        with pytest.raises(BadCommitment, match="sign"):
            commitment.accept(setting.service, setting.id_cred, bad, BINDER, PBA_2048)


@pytest.mark.parametrize("fault", sorted(ATTESTATION_FAULTS))
def test_a_bad_attestation_certificate_is_refused_by_its_check(fault: str) -> None:
    """Everything else about the token is right: the key of that certificate has signed it."""
    device, service, pki = make_pair(b"property tests", NOW)
    bad = bad_ak(pki, "device", fault, service.credentials.leaf)
    assert device.credentials.key is not None and bad.issued.key is not None
    module = SoftwareTam(device.credentials.key, bad.issued.key, device.tam.ueid, boot_events("device"))
    token = commit(module, bad.issued.x5chain(), BINDER, PBA_2048, NOW)[0].token
    with pytest.raises(BadCommitment, match=bad.check):
        commitment.accept(service, device.credentials.issued.id_cred(), token, BINDER, PBA_2048)


# --- the attester ----------------------------------------------------------------------------------------------------


def test_a_platform_that_was_changed_has_no_proof(setting: Setting) -> None:
    """Its certificate is for another configuration than the module commits to."""
    device = make_pair(b"property tests", NOW)[0]
    assert isinstance(device.tam, SoftwareTam)
    device.tam.extend(COMPONENTS["operating-system"], bytes(32))
    with pytest.raises(BadCertificate):
        attest(setting.demand, [setting.certificate], device.tam, setting.x5chain, BINDER, NOW)


def test_a_revoked_configuration_and_an_old_list_are_refused_on_both_sides(setting: Setting, evidence: bytes) -> None:
    revoked = replace(setting.demand, lists={HARDENED: setting.list_of([OLD, setting.configuration], number=2)})
    with pytest.raises(Revoked):
        attest(revoked, [setting.certificate], setting.device.tam, setting.x5chain, BINDER, NOW)
    with pytest.raises(BadProof, match="another revocation list"):
        appraise(setting.service, setting.id_cred, evidence, BINDER, revoked)
    withdrawn = replace(setting.demand, lists={HARDENED: setting.list_of([OLD, OLDER], withdrawn=True)})
    for run in (
        lambda: attest(withdrawn, [setting.certificate], setting.device.tam, setting.x5chain, BINDER, NOW),
        lambda: appraise(setting.service, setting.id_cred, evidence, BINDER, withdrawn),
    ):
        assert_raises(Revoked, run)
    late = NOW + 3600
    with pytest.raises(BadList, match="current"):
        attest(setting.demand, [setting.certificate], setting.device.tam, setting.x5chain, BINDER, late)


def assert_raises(kind: type[PropertyError], run: Callable[[], object]) -> None:
    with pytest.raises(kind):
        run()


def test_a_module_that_cannot_commit_says_so(setting: Setting) -> None:
    """As a TPM: it signs what its registers hold, in clear."""

    class Quoting:
        """The interface of a module, without a commitment."""

        def __getattr__(self, name: str) -> object:
            return getattr(setting.device.tam, name)

    with pytest.raises(NoCommitter, match="NOT IMPLEMENTED"):
        commit(Quoting(), setting.x5chain, BINDER, PBA_2048, NOW)  # type: ignore[arg-type]  # It lacks a method.


@pytest.mark.parametrize("data", [b"", b"\xa0", b"\x80", cbor.encode({1: b"", 2: []}), bytes(70_000)])
def test_octets_that_are_no_evidence_are_malformed(setting: Setting, data: bytes) -> None:
    with pytest.raises(Malformed):
        appraise(setting.service, setting.id_cred, data, BINDER, setting.demand)


def test_any_octet_altered_refuses(setting: Setting, evidence: bytes) -> None:
    for at in range(0, len(evidence), 61):
        altered = evidence[:at] + bytes((evidence[at] ^ 0x10,)) + evidence[at + 1 :]
        with pytest.raises(PropertyError):
            appraise(setting.service, setting.id_cred, altered, BINDER, setting.demand)
