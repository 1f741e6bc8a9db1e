"""Property certificates and revocation lists: what is altered, out of range or of another issuer is refused."""

from typing import Any

import pytest
from property_setting import AUDITED, HARDENED, NOW, OLD, OLDER, Setting, made_setting

from trustconn.harness.codec import cbor, cose
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.property import certificate, revocation
from trustconn.harness.property.arithmetic import inverse, is_prime, power
from trustconn.harness.property.errors import BadCertificate, BadList, Malformed, Revoked
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.suites import PBA_2048
from trustconn.spec import cddl


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


def test_a_certificate_is_read_back(setting: Setting) -> None:
    public, made = setting.issuer.public, setting.certificate
    data = made.encode(public)
    cddl.check("pba_certificate", data)
    assert certificate.parse(data, public) == made


def test_the_signature_is_that_of_camenisch_and_lysyanskaya(setting: Setting) -> None:
    """Z = A^e R_0^configuration R_1^property S^v, computed without the package's own arithmetic."""
    key, made = setting.issuer.public, setting.certificate
    s, r_0, r_1, z = (root * root % key.n for root in key.roots)
    signed = int.from_bytes(made.configuration, "big"), certificate.property_value(HARDENED)
    assert pow(made.a, made.e, key.n) * pow(r_0, signed[0], key.n) * pow(r_1, signed[1], key.n) % key.n == (
        z * pow(s, -made.v, key.n) % key.n
    )
    assert is_prime(made.e) and 2**644 < made.e < 2**644 + 2**119
    assert made.v.bit_length() == 2820


@pytest.mark.parametrize("member", range(1, 9))
def test_a_certificate_with_any_member_altered_is_refused(setting: Setting, member: int) -> None:
    members = cbor.decode(setting.certificate.encode(setting.issuer.public))
    value = members[member]
    altered = value[:-1] + (bytes((value[-1] ^ 2,)) if isinstance(value, bytes) else "x")
    with pytest.raises(BadCertificate):
        certificate.parse(cbor.encode({**members, member: altered}), setting.issuer.public)


def signature(setting: Setting, e: int, v: int) -> certificate.PropertyCertificate:
    """What verifies but for the ranges: the issuer could sign with any e and v. The proof on A is the honest one."""
    public = setting.issuer.public
    base = certificate._base(public, HARDENED, setting.configuration, v)
    root = inverse(e, setting.issuer.order)
    a = power(base, root, public.n)
    first = power(base, 7, public.n)
    challenge = certificate._challenge(public, base, a, e, first)
    return certificate.PropertyCertificate(HARDENED, setting.configuration, a, e, v, challenge, 7 + challenge * root)


def test_e_and_v_out_of_range_are_refused(setting: Setting) -> None:
    start, v = PBA_2048.e_start, 1 << 2819
    prime = setting.certificate.e
    certificate.check(setting.issuer.public, signature(setting, prime, v))
    below = next(e for e in range(start - 1, 0, -2) if is_prime(e))
    above = next(e for e in range(start + (1 << 119) + 1, start << 1, 2) if is_prime(e))
    composite = next(e for e in range(start + 1, start << 1, 2) if not is_prime(e) and e % 3 and e % 5)
    for e in (3, below, above, composite):
        with pytest.raises(BadCertificate, match="interval"):
            certificate.check(setting.issuer.public, signature(setting, e, v))
    for bad in (0, 1, v - 1, v << 1):
        with pytest.raises(BadCertificate, match="bits"):
            certificate.check(setting.issuer.public, signature(setting, prime, bad))


def test_a_root_that_is_no_power_of_what_it_is_the_root_of_is_refused(setting: Setting) -> None:
    """With a modulus of its choice an issuer could mark A by an element of order e: the proof on A excludes it."""
    made = setting.certificate
    unproved = certificate.PropertyCertificate(
        made.property_name, made.configuration, made.a, made.e, made.v, made.challenge, made.response + 1
    )
    with pytest.raises(BadCertificate, match="group of S"):
        certificate.check(setting.issuer.public, unproved)


def test_a_certificate_of_another_key_is_refused(setting: Setting) -> None:
    other = fixed_issuer(PBA_2048, b"another").public
    with pytest.raises(BadCertificate, match="another issuer"):
        certificate.parse(setting.certificate.encode(setting.issuer.public), other)


def test_two_certificates_for_the_same_differ_in_everything(setting: Setting) -> None:
    again = certificate.certify(setting.issuer, HARDENED, setting.configuration, SeededRandom(b"again"))
    first = setting.certificate
    assert again.a != first.a and again.e != first.e and again.v != first.v


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_read_back_in_order(setting: Setting) -> None:
    made = setting.list_of([OLDER, OLD, OLD], number=7)
    cddl.check("pba_list", made.encoded)
    assert made.configurations == tuple(sorted((OLD, OLDER)))
    assert revocation.parse(made.encoded, setting.issuer.public) == made
    assert made.digest != setting.revocation.digest


def test_a_list_that_the_issuer_did_not_sign_is_refused(setting: Setting) -> None:
    data = setting.revocation.encoded
    message = cose.parse_sign1(data)
    assert message.payload is not None
    for octet in (0, 40, len(message.payload) - 1):
        altered = bytearray(message.payload)
        altered[octet] ^= 1
        with pytest.raises((BadList, Malformed)):
            revocation.parse(
                cose.encode_sign1(message.protected_raw, {}, bytes(altered), message.signature), _key(setting)
            )
    other = fixed_issuer(PBA_2048, b"another")
    with pytest.raises(BadList, match="signed"):
        revocation.parse(data, other.public)


def _key(setting: Setting) -> Any:
    return setting.issuer.public


def resigned(setting: Setting, **changed: Any) -> bytes:
    """A list that the issuer signed, with other claims."""
    message = cose.parse_sign1(setting.revocation.encoded)
    assert message.payload is not None
    claims = cbor.decode(message.payload) | {int(key[1:]): value for key, value in changed.items()}
    key = setting.issuer.list_key
    return cose.sign1(
        lambda octets: ES256.sign(key, octets), message.protected, {}, cbor.encode(claims), revocation.EXTERNAL_AAD
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"_1": bytes(32)}, {"_2": ""}, {"_2": "x" * 256}, {"_3": -1}, {"_3": True}, {"_6": 0}, {"_7": [OLD[:31]]},
        {"_7": [OLD, OLD]}, {"_7": sorted((OLD, OLDER), reverse=True)}, {"_8": 1},
        {"_7": [bytes(30) + number.to_bytes(2, "big") for number in range(65)]},
    ],
)  # fmt: skip
def test_a_signed_list_with_claims_of_another_form_is_refused(setting: Setting, changed: dict[str, Any]) -> None:
    with pytest.raises((BadList, Malformed)):
        revocation.parse(resigned(setting, **changed), setting.issuer.public)


def test_a_list_counts_for_its_property_and_its_time(setting: Setting) -> None:
    setting.revocation.require_good(HARDENED, NOW)
    for name, now in ((AUDITED, NOW), (HARDENED, NOW - 3600), (HARDENED, NOW + 3600)):
        with pytest.raises(BadList):
            setting.revocation.require_good(name, now)
    with pytest.raises(Revoked):
        setting.list_of(withdrawn=True).require_good(HARDENED, NOW)


def test_a_list_holds_sixty_four_at_most(setting: Setting) -> None:
    with pytest.raises(BadList, match="64"):
        setting.list_of(bytes(31) + bytes((number,)) for number in range(65))
