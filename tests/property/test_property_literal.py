"""What the package makes is what section 9.3 says, read by a verifier that shares no code with it; and it stays so."""

from hashlib import sha256

import literal_verifier as literal
import pytest
from property_setting import BINDER, HARDENED, Setting, made_proof, made_setting

from trustconn.harness.codec import cbor
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.property.certificate import certify
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.suites import PBA_2048


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


@pytest.fixture(scope="module")
def key(setting: Setting) -> literal.Key:
    return literal.Key(setting.issuer.public.encoded)


def test_key_and_certificate_are_those_of_the_text(setting: Setting, key: literal.Key) -> None:
    assert key.id == setting.issuer.public.id
    literal.check_certificate(key, setting.certificate.encode(setting.issuer.public))


def test_a_proof_is_that_of_the_text(setting: Setting, key: literal.Key) -> None:
    statement, proof = made_proof()
    made, listed = statement.commitment, setting.revocation.encoded
    data = proof.encode(setting.issuer.public)
    literal.check_proof(key, data, listed, made.element, made.token, BINDER, made.cnf)

    members = cbor.decode(data)
    for member in (1, 3, 4, 5, 6, 7, 8):
        value = members[member]
        other = value[:-1] + ("x" if isinstance(value, str) else bytes((value[-1] ^ 1,)))
        with pytest.raises(AssertionError):
            altered = cbor.encode({**members, member: other})
            literal.check_proof(key, altered, listed, made.element, made.token, BINDER, made.cnf)
    with pytest.raises(AssertionError):
        literal.check_proof(key, data, listed, made.element, made.token, sha256(b"another").digest(), made.cnf)
    with pytest.raises(AssertionError):
        literal.check_proof(key, data, listed, made.element, made.token, BINDER, sha256(b"another").digest())


def test_octets_stay_as_they_were() -> None:
    """Keys and certificates that were made must be readable for good."""
    issuer = fixed_issuer(PBA_2048)
    made = certify(issuer, HARDENED, sha256(b"configuration").digest(), SeededRandom(b"certificate"))
    assert issuer.public.id.hex() == "5cc952a78630c254a458fedccdda5066d93b17fac1f5c4d1d91d0b9cc1f30cb5"
    digest = sha256(made.encode(issuer.public)).hexdigest()
    assert digest == "ee07cdf1db396fbad8d06e48e3492f3f179853bfbfc1f0a9dc2147bc50fa931a"
