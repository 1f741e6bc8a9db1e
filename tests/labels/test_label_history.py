"""Labels after the session: revoked signers with and without a trusted time, environments, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from label_setting import Setting
from time_authority import TimeAuthority

from trustconn.harness.codec import cbor
from trustconn.harness.identity.pki import timestamp
from trustconn.harness.identity.revocation import CRL, OCSP
from trustconn.harness.identity.status import make_crl, make_ocsp
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.labels import environment, stamp
from trustconn.harness.labels.errors import LabelError
from trustconn.harness.labels.label import Label, Signer, make, parse
from trustconn.harness.labels.stored import Stored, read
from trustconn.harness.labels.trust import Trust
from trustconn.harness.labels.verify import Judged, verify

DAY = 86400


@lru_cache(1)
def issuing() -> Setting:
    """Authorities of this moment: a time stamping authority asks no injected clock."""
    return Setting(TesterPki.from_seed(b"history".ljust(32, b"."), int(time.time()) - 60))


@pytest.fixture
def setting() -> Setting:
    return issuing()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    yield TimeAuthority(tmp_path_factory.mktemp("authority"))


def signed_now(setting: Setting) -> Label:
    """By the camera, now."""
    return parse(setting.altered(setting.statement(), issued_at=setting.pki.now))


def trusting(setting: Setting, authority: TimeAuthority | None, *, now: int, crl: bytes) -> Trust:
    """A verifier of a later day with the list of that day."""
    trust = setting.trust(now=now, crl=crl)
    trust.authorities = (authority.root,) if authority else ()
    return trust


def stamped(label: Label, authority: TimeAuthority) -> Stored:
    """A label with its time stamp, as read from a file."""
    response = authority.answer(stamp.request(label.octets))
    return read(Stored(label.octets, stamps=((label.digest, response),)).encode())


def revoked(setting: Setting, when: int, listed: int) -> bytes:
    """A list of a later day that revokes the camera from `when` on."""
    issuer = setting.pki.device.issuing
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(setting.party("camera").leaf.serial)
        .revocation_date(timestamp(listed))
        .add_extension(x509.InvalidityDate(timestamp(when).replace(tzinfo=None)), critical=False)
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.parsed.subject)
        .last_update(timestamp(listed))
        .next_update(timestamp(listed + 7 * DAY))
        .add_revoked_certificate(entry.build())
    )
    return builder.sign(issuer.key, SHA256()).public_bytes(Encoding.DER)


def test_a_label_that_existed_before_the_revocation_is_trusted(setting: Setting, authority: TimeAuthority) -> None:
    label, later = signed_now(setting), setting.pki.now + 3 * DAY
    crl = revoked(setting, later - DAY, later)
    (found,) = verify(stamped(label, authority), trusting(setting, authority, now=later, crl=crl))
    assert found.existed is not None
    assert abs(found.existed - time.time()) < 120


def test_without_a_trusted_time_a_revoked_signer_is_refused(setting: Setting, authority: TimeAuthority) -> None:
    label, later = signed_now(setting), setting.pki.now + 3 * DAY
    trust = trusting(setting, authority, now=later, crl=revoked(setting, later - DAY, later))
    with pytest.raises(LabelError, match=r"no trusted time shows when.*CHN-09") as failure:
        verify(Stored(label.octets), trust)
    assert failure.value.label == label.digest


def test_a_label_that_is_first_known_of_after_the_revocation_is_refused(
    setting: Setting, authority: TimeAuthority
) -> None:
    """Its iat says otherwise: whoever has stolen a key dates back as far as he likes."""
    label = parse(setting.altered(setting.statement(), issued_at=setting.pki.now - 600))
    later = setting.pki.now + 3 * DAY
    crl = revoked(setting, setting.pki.now - 300, later)
    with pytest.raises(LabelError, match=r"first known of at.*LBL-24"):
        verify(stamped(label, authority), trusting(setting, authority, now=later, crl=crl))


def test_a_date_of_invalidity_counts_before_the_date_of_listing(setting: Setting, authority: TimeAuthority) -> None:
    label, later = signed_now(setting), setting.pki.now + 3 * DAY
    early = revoked(setting, setting.pki.now - DAY, later)
    with pytest.raises(LabelError, match="LBL-24"):
        verify(stamped(label, authority), trusting(setting, authority, now=later, crl=early))


def test_an_expired_certificate_passes_with_a_trusted_time_alone(setting: Setting, authority: TimeAuthority) -> None:
    label, later = signed_now(setting), setting.party("camera").leaf.not_after + DAY
    trust = trusting(setting, authority, now=later, crl=setting.pki.crl("device"))
    trust.proofs = (*trust.proofs, (CRL, make_crl(setting.pki.device.issuing, (), setting.pki.now + DAY)))
    assert verify(stamped(label, authority), trust)
    with pytest.raises(LabelError, match="not valid at"):
        verify(Stored(label.octets), trust)


def test_a_proof_of_another_time_tells_nothing(setting: Setting) -> None:
    label, later = signed_now(setting), setting.pki.now + 30 * DAY
    with pytest.raises(LabelError, match="no proof of its status now"):
        verify(Stored(label.octets), setting.trust(now=later))


def test_a_proof_of_the_label_s_own_time_is_kept_with_it(setting: Setting, authority: TimeAuthority) -> None:
    label, later = signed_now(setting), setting.pki.now + 30 * DAY
    good = make_ocsp(setting.party("camera").leaf, setting.pki.device.issuing, setting.pki.now)
    trust = trusting(setting, authority, now=later, crl=setting.pki.crl("device"))
    trust.proofs = ((OCSP, good),)
    assert verify(stamped(label, authority), trust)


def test_an_ocsp_response_tells_when_a_signer_was_revoked(setting: Setting) -> None:
    label = signed_now(setting)
    bad = make_ocsp(setting.party("camera").leaf, setting.pki.device.issuing, setting.pki.now, status="revoked")
    trust = setting.trust(now=setting.pki.now)
    trust.proofs = ((OCSP, bad),)
    with pytest.raises(LabelError, match="was revoked at 20"):
        verify(Stored(label.octets), trust)


def test_an_authority_that_is_not_trusted_proves_nothing(
    setting: Setting, authority: TimeAuthority, tmp_path: Path
) -> None:
    label = signed_now(setting)
    crl = setting.pki.crl("device")
    other = TimeAuthority(tmp_path)
    for trusted, reason in ((None, "no time stamping authority is trusted"), (other, "time stamp")):
        with pytest.raises(LabelError, match=f"{reason}.*LBL-24"):
            verify(stamped(label, authority), trusting(setting, trusted, now=setting.pki.now, crl=crl))


def test_what_is_no_response_proves_nothing(setting: Setting, authority: TimeAuthority) -> None:
    label, crl = signed_now(setting), setting.pki.crl("device")
    stored = stamped(label, authority)
    for response in (b"", stored.stamps[0][1][:-1], stored.stamps[0][1] + b"\0", bytes(1 << 17)):
        other = replace(stored, stamps=((label.digest, response),))
        with pytest.raises(LabelError, match="time stamp"):
            verify(other, trusting(setting, authority, now=setting.pki.now, crl=crl))


def test_a_time_stamp_over_another_label_is_refused(setting: Setting, authority: TimeAuthority) -> None:
    first, second = signed_now(setting), signed_now(setting)
    response = stamped(first, authority).stamps[0][1]
    crl = setting.pki.crl("device")
    trust = trusting(setting, authority, now=setting.pki.now, crl=crl)
    with pytest.raises(LabelError, match="time stamp: Mismatch"):
        verify(Stored(second.octets, stamps=((second.digest, response),)), trust)
    with pytest.raises(LabelError, match="which is not there"):
        verify(Stored(second.octets, stamps=((first.digest, response),)), trust)


def test_what_is_signed_after_the_stamp_is_yet_to_come(setting: Setting, authority: TimeAuthority) -> None:
    label = parse(setting.altered(setting.statement(), issued_at=int(time.time()) + 3600))
    later = setting.pki.now + DAY
    with pytest.raises(LabelError, match=r"iat: .*yet to come"):
        verify(stamped(label, authority), trusting(setting, authority, now=later, crl=setting.pki.crl("device")))


# --- environments ----------------------------------------------------------------------------------------------------


def _with_environment(setting: Setting, octets: bytes) -> Stored:
    named = setting.altered(setting.statement(), environment=sha256(octets).digest())
    return Stored(named, environments=(octets,))


def _environment(setting: Setting, by: str = "camera", of: str = "camera") -> bytes:
    own = setting.party(by)
    tam = setting.pki.tam("device", replace(own, key=setting.party(of).key))
    return environment.make(tam, (own.ak.der, *(item.der for item in own.ak_chain)), setting.pki.now)


def judged(setting: Setting, stored: Stored) -> list[Judged]:
    return verify(stored, setting.trust(now=setting.pki.now))


def test_the_platform_of_a_label_is_told_by_its_attestation_key(setting: Setting) -> None:
    (found,) = judged(setting, _with_environment(setting, _environment(setting)))
    assert found.environment is not None
    assert found.environment.platform == setting.party("camera").leaf.platform
    assert found.environment.bootcount == 1


def test_an_environment_of_another_key_is_refused(setting: Setting) -> None:
    with pytest.raises(LabelError, match=r"cnf.*LBL-17"):
        judged(setting, _with_environment(setting, _environment(setting, of="editor")))


def test_an_environment_by_another_platform_is_refused(setting: Setting) -> None:
    with pytest.raises(LabelError, match=r"platform.*LBL-17"):
        judged(setting, _with_environment(setting, _environment(setting, by="editor", of="camera")))


def test_an_environment_of_another_session_is_refused(setting: Setting) -> None:
    stored = _with_environment(setting, _environment(setting))
    of_a_session = setting.altered(
        setting.statement(), environment=sha256(stored.environments[0]).digest(), sid=bytes(16)
    )
    with pytest.raises(LabelError, match=r"sid.*LBL-18"):
        judged(setting, replace(stored, label=of_a_session))


def test_an_environment_that_is_missing_or_altered_is_refused(setting: Setting) -> None:
    stored = _with_environment(setting, _environment(setting))
    octets = stored.environments[0]
    with pytest.raises(LabelError, match=r"is missing.*LBL-23"):
        judged(setting, replace(stored, environments=()))
    altered = octets[:-1] + bytes([octets[-1] ^ 1])
    with pytest.raises(LabelError, match=r"environment: signature.*LBL-15"):
        judged(setting, _with_environment(setting, altered))
    with pytest.raises(LabelError, match=r"environment: encoding.*LBL-22"):
        judged(setting, _with_environment(setting, octets[:-1]))


def test_an_environment_by_an_identity_key_is_refused(setting: Setting) -> None:
    own = setting.party("camera")
    signing: Signer = setting.signer()
    assert own.ak_key is not None
    tam = setting.pki.tam("device", replace(own, ak_key=own.key))
    octets = environment.make(tam, signing.certificates, setting.pki.now)
    with pytest.raises(LabelError, match=r"path.*CHN-08|attestation key"):
        judged(setting, _with_environment(setting, octets))


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "stored label"),
        ({2: [b""]}, "stored label"),
        ({1: b"", 9: 0}, "stored label"),
        ({1: 7}, "label"),
        ({1: b"", 2: []}, "labels"),
        ({1: b"", 2: [7]}, "labels"),
        ({1: b"", 4: [[b"", b""]]}, "proofs"),
        ({1: b"", 5: [[b"x"]]}, "time stamps"),
        ({1: b"", 6: [b"short"]}, "block digests"),
    ],
)
def test_a_file_of_another_form_is_refused_by_its_part(value: object, field: str) -> None:
    with pytest.raises(LabelError, match=f"^{field}"):
        read(cbor.encode(value))
    with pytest.raises(LabelError, match="stored label"):
        read(cbor.encode(value)[:-1] or b"\xff")


def test_inputs_are_kept_once(setting: Setting) -> None:
    first = setting.label(b"1")
    left, right = setting.label(b"l", first), setting.label(b"r", first)
    files = [Stored(side.octets, (first.octets,), proofs=((CRL, b"crl"),)) for side in (left, right)]
    joined = Stored(make(setting.statement(b"2", left, right), setting.signer())).with_inputs(files)
    assert joined.labels == (left.octets, first.octets, right.octets)
    assert joined.proofs == ((CRL, b"crl"),)
    assert read(joined.encode()) == joined
