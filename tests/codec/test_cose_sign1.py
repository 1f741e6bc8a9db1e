"""COSE_Sign1: what is signed, what is refused before any signature is looked at, and where parameters count."""

import hashlib
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustconn.harness.codec import cbor, cose

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AAD = b"tc1-label"
PROTECTED = {cose.ALG: cose.ED25519, cose.TYP: "application/example+cose"}


def verifier(signature: bytes, message: bytes) -> None:
    KEY.public_key().verify(signature, message)


def signed(protected: Any = PROTECTED, unprotected: Any = (), **options: bool) -> bytes:
    return cose.sign1(KEY.sign, protected, dict(unprotected), b"payload", AAD, **options)


def message(protected: bytes, unprotected: Any = (), payload: Any = b"p", signature: Any = b"s") -> bytes:
    return cbor.encode(cbor2.CBORTag(18, [protected, dict(unprotected), payload, signature]))


def test_signed_message_parses_and_verifies() -> None:
    parsed = cose.parse_sign1(signed(unprotected={cose.KID: b"k"}))
    assert parsed.protected == PROTECTED
    assert parsed.unprotected == {cose.KID: b"k"}
    assert parsed.payload == b"payload"
    assert parsed.algorithm == cose.ED25519
    cose.verify1(parsed, verifier, AAD)


def test_to_be_signed_octets() -> None:
    expected = bytes.fromhex("846a5369676e61747572653143a10126423132427071")
    assert cose.sig_structure(bytes.fromhex("a10126"), b"12", b"pq") == expected


def test_empty_protected_headers_are_zero_octets_wherever_they_stand() -> None:
    assert cose.sig_structure(b"\xa0", b"", b"") == cose.sig_structure(b"", b"", b"")
    assert cose.parse_sign1(signed({})).protected_raw == b""
    as_map = cose.parse_sign1(signed({}).replace(b"\x84\x40", b"\x84\x41\xa0"))
    cose.verify1(as_map, verifier, AAD)


@pytest.mark.parametrize(
    ("field", "value"), [("protected_raw", b"\xa1\x01\x26"), ("payload", b"other"), ("signature", bytes(64))]
)
def test_any_other_signed_part_does_not_verify(field: str, value: bytes) -> None:
    parsed = cose.parse_sign1(signed())
    parts = {name: getattr(parsed, name) for name in cose.Sign1.__slots__} | {field: value}
    with pytest.raises(InvalidSignature):
        cose.verify1(cose.Sign1(**parts), verifier, AAD)


def test_another_external_aad_does_not_verify() -> None:
    with pytest.raises(InvalidSignature):
        cose.verify1(cose.parse_sign1(signed()), verifier, b"tc1-eat")


def test_detached_payload_is_given_to_verification() -> None:
    parsed = cose.parse_sign1(signed(detached=True))
    assert parsed.payload is None
    cose.verify1(parsed, verifier, AAD, b"payload")
    with pytest.raises(cose.PayloadMismatch):
        cose.verify1(parsed, verifier, AAD)
    with pytest.raises(cose.PayloadMismatch):
        cose.verify1(cose.parse_sign1(signed()), verifier, AAD, b"payload")


def test_the_tag_is_as_asked() -> None:
    untagged = signed(tagged=False)
    cose.verify1(cose.parse_sign1(untagged, tagged=False), verifier, AAD)
    for data, tagged in ((untagged, True), (signed(), False), (b"\xd1" + untagged, True)):
        with pytest.raises(cose.NotSign1):
            cose.parse_sign1(data, tagged=tagged)


@pytest.mark.parametrize(
    "value",
    [
        [],
        [b"", {}, b""],
        [b"", {}, b"", b"", b""],
        [{}, {}, b"", b""],
        [b"", [], b"", b""],
        [b"", {}, "p", b""],
        [b"", {}, b"", None],
        {},
    ],
    ids=repr,
)
def test_another_structure_is_refused(value: object) -> None:
    with pytest.raises(cose.NotSign1):
        cose.parse_sign1(cbor.encode(cbor2.CBORTag(18, value)))


@pytest.mark.parametrize("protected", ["80", "01", "f6", "a1410001"])
def test_protected_headers_are_a_map_with_integer_or_text_labels(protected: str) -> None:
    with pytest.raises(cose.BadHeaders):
        cose.parse_sign1(message(bytes.fromhex(protected)))


@pytest.mark.parametrize(
    ("protected", "error"),
    [
        ("a20126012a", cbor.DuplicateKey),
        ("a1011826", None),
        ("a1180126", cbor.NotDeterministic),
        ("a1", cbor.Truncated),
    ],
)
def test_protected_octets_are_read_strictly(protected: str, error: type[Exception] | None) -> None:
    data = message(bytes.fromhex(protected))
    if error is None:
        assert cose.parse_sign1(data).algorithm == 0x26
        return
    with pytest.raises(error):
        cose.parse_sign1(data)


def test_one_label_in_both_buckets_is_refused() -> None:
    with pytest.raises(cose.DuplicateLabel):
        cose.parse_sign1(message(bytes.fromhex("a10126"), {1: -7}))
    with pytest.raises(cose.DuplicateLabel):
        signed(unprotected={cose.ALG: cose.ES256})


def test_an_unprotected_algorithm_is_no_algorithm() -> None:
    with pytest.raises(cose.MissingParameter):
        _ = cose.parse_sign1(message(b"", {1: -7})).algorithm


def test_critical_parameters_must_be_understood() -> None:
    data = message(cbor.encode({1: -7, 2: [-70001], -70001: 0}))
    with pytest.raises(cose.UnknownCritical):
        cose.parse_sign1(data)
    assert cose.parse_sign1(data, understood={-70001}).parameter(-70001) == 0


@pytest.mark.parametrize("crit", [[], [-70002], 5, [b"1"], [True]], ids=repr)
def test_ill_formed_crit_is_refused(crit: object) -> None:
    with pytest.raises(cose.BadHeaders):
        cose.parse_sign1(message(cbor.encode({1: 0, 2: crit})), understood={-70002, 1})


def test_unprotected_crit_is_refused() -> None:
    with pytest.raises(cose.BadHeaders):
        cose.parse_sign1(message(b"", {2: [4], 4: b""}), understood={4})


def test_x5t_names_one_certificate() -> None:
    assert cose.x5t(b"leaf") == [-16, hashlib.sha256(b"leaf").digest()]
    cose.check_x5t(cose.x5t(b"leaf"), b"leaf")
    with pytest.raises(cose.CertificateMismatch):
        cose.check_x5t(cose.x5t(b"leaf"), b"other")


@pytest.mark.parametrize("value", [None, b"", [-16], [-15, bytes(8)], [-16, bytes(8)], [-43, bytes(32)]], ids=repr)
def test_x5t_has_one_form(value: object) -> None:
    with pytest.raises(cose.BadHeaders):
        cose.check_x5t(value, b"leaf")


def test_one_certificate_is_no_array() -> None:
    assert cose.x5chain([b"leaf"]) == b"leaf"
    assert cose.x5chain([b"leaf", b"ca"]) == [b"leaf", b"ca"]
    assert cose.parse_x5chain(b"leaf") == [b"leaf"]
    assert cose.parse_x5chain([b"leaf", b"ca"]) == [b"leaf", b"ca"]
    with pytest.raises(cose.BadHeaders):
        cose.x5chain([])


@pytest.mark.parametrize("value", [[b"leaf"], [], b"", [b"leaf", b""], [b"leaf", "ca"], None], ids=repr)
def test_x5chain_forms_refused(value: object) -> None:
    with pytest.raises(cose.BadHeaders):
        cose.parse_x5chain(value)
