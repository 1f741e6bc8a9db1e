"""An attestation CA and a real module: what it certifies, and what it does not."""

import time

import pytest
from swtpm_platform import Platform

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.identity.certificate import Certificate, parse_certificate
from trustconn.harness.identity.credentials import read_certificates
from trustconn.harness.identity.enrolment import Enrolment, EnrolmentError
from trustconn.harness.tpm.commands import OWNER
from trustconn.harness.tpm.keys import template
from trustconn.harness.tpm.structures import Attribute
from trustconn.harness.tpm.swtpm import EK, EK_CERTIFICATE

pytest_plugins = ["swtpm_fixtures"]

RANDOM = SeededRandom(b"enrolment")


def now() -> int:
    """Endorsement certificates are made at the time of the system."""
    return int(time.time())


def endorsement(platform: Platform) -> tuple[Certificate, list[Certificate], list[Certificate]]:
    """Certificate of the endorsement key, its chain, and the manufacturer's root."""
    chain, roots = (
        read_certificates(platform.manufacturer / name) for name in ("issuercert.pem", "swtpm-localca-rootca-cert.pem")
    )
    return parse_certificate(platform.tpm.read_nv(EK_CERTIFICATE)), chain, roots


def enrolled(platform: Platform) -> tuple[Enrolment, bytes]:
    """An enrolment whose attestation key is known to live in the module, and its nonce."""
    ek, chain, roots = endorsement(platform)
    enrolment = Enrolment(roots, RANDOM, now)
    blob, seed = enrolment.challenge(ek, chain, platform.ak.public.octets)
    return enrolment, enrolment.answered(platform.tpm.activate_credential(platform.ak.handle, EK, blob, seed))


def test_a_key_beside_the_attestation_key_is_certified(platform: Platform) -> None:
    enrolment, nonce = enrolled(platform)
    certification = platform.tpm.certify(platform.idk.handle, platform.ak.handle, nonce)
    assert enrolment.vouched(certification, platform.idk.public.octets) == platform.idk.public.key


def test_an_unrestricted_key_is_no_attestation_key(platform: Platform) -> None:
    ek, chain, roots = endorsement(platform)
    with pytest.raises(EnrolmentError, match="attestation key"):
        Enrolment(roots, RANDOM, now).challenge(ek, chain, platform.idk.public.octets)


def test_a_module_of_another_manufacturer_is_refused(platform: Platform) -> None:
    ek, chain, _ = endorsement(platform)
    with pytest.raises(EnrolmentError, match="root"):
        Enrolment((), RANDOM, now).challenge(ek, chain, platform.ak.public.octets)


@pytest.mark.parametrize("which", ["endorsement", "issuer"])
def test_a_module_whose_certificates_have_ended_is_refused(which: str, platform: Platform) -> None:
    ek, chain, roots = endorsement(platform)
    ended = (ek if which == "endorsement" else chain[0]).not_after + 1
    with pytest.raises(EnrolmentError, match="valid from"):
        Enrolment(roots, RANDOM, lambda: ended).challenge(ek, chain, platform.ak.public.octets)


def test_a_credential_that_was_not_opened_ends_the_enrolment(platform: Platform) -> None:
    ek, chain, roots = endorsement(platform)
    enrolment = Enrolment(roots, RANDOM, now)
    with pytest.raises(EnrolmentError, match="opened"):
        enrolment.answered(b"")
    enrolment.challenge(ek, chain, platform.ak.public.octets)
    with pytest.raises(EnrolmentError, match="opened"):
        enrolment.answered(bytes(32))
    with pytest.raises(EnrolmentError, match="not enrolled"):
        enrolment.vouched(platform.certify(), platform.idk.public.octets)


def test_a_key_that_can_be_exported_is_seen(platform: Platform) -> None:
    enrolment, nonce = enrolled(platform)
    leaves = Attribute.SENSITIVE_DATA_ORIGIN | Attribute.USER_WITH_AUTH | Attribute.NO_DA | Attribute.SIGN
    platform.tpm.flush(platform.idk.handle)
    handle, public = platform.tpm.create_primary(OWNER, template(leaves, b"exportable"))
    with pytest.raises(EnrolmentError, match="attributes"):
        enrolment.vouched(platform.tpm.certify(handle, platform.ak.handle, nonce), public)


def test_an_older_certification_and_a_quote_vouch_for_nothing(platform: Platform) -> None:
    enrolment, nonce = enrolled(platform)
    for statement in (platform.certify(), platform.tpm.quote(platform.ak.handle, nonce, [0])):
        with pytest.raises(EnrolmentError):
            enrolment.vouched(statement, platform.idk.public.octets)
