"""COSE_Key: a key survives the trip, every parameter that restricts or forges it is enforced."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustconn.harness.codec import cbor, cose, cose_key

P256 = cose.cose_key(ec.derive_private_key(7, ec.SECP256R1()).public_key())
P384 = cose.cose_key(ec.derive_private_key(7, ec.SECP384R1()).public_key())
OKP = cose.cose_key(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())


@pytest.mark.parametrize(("key", "size"), [(P256, 32), (P384, 48), (OKP, 32)])
def test_round_trip(key: dict[int, Any], size: int) -> None:
    assert len(key[cose_key.X]) == size
    assert cose.cose_key(cose.public_from_cose_key(key)) == key
    assert cose.cose_key(cose.public_from_cose_key(cbor.decode(cbor.encode(key)))) == key


def test_compressed_point_is_the_same_key() -> None:
    compressed = P256 | {cose_key.Y: bool(P256[cose_key.Y][-1] & 1)}
    assert cose.cose_key(cose.public_from_cose_key(compressed)) == P256
    assert cose.thumbprint(compressed) == cose.thumbprint(P256)


RFC_9679_KEY = {
    1: 2,
    2: b"example",
    -1: 1,
    -2: bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"),
    -3: bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"),
}


def test_published_thumbprint() -> None:
    """The key and thumbprint of RFC 9679 section 6; parameters beyond the required ones do not count."""
    assert cose.thumbprint(RFC_9679_KEY).hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({1: 3}, cose_key.UnsupportedKeyType),
        ({1: 1}, cose_key.UnsupportedKeyType),
        ({-1: 3}, cose_key.UnsupportedKeyType),
        ({-1: True}, cose_key.UnsupportedKeyType),
        ({-1: [1]}, cose_key.UnsupportedKeyType),
        ({-2: bytes(31)}, cose_key.BadCoordinates),
        ({-2: P256[-2] + b"\x00"}, cose_key.BadCoordinates),
        ({-3: bytes(32)}, cose_key.BadCoordinates),
        ({-3: None}, cose_key.BadCoordinates),
        ({-2: b"\xff" * 32, -3: True}, cose_key.BadCoordinates),
        ({-4: bytes(32)}, cose_key.PrivateKeyPresent),
        ({3: -35}, cose_key.KeyUseMismatch),
        ({3: [-7]}, cose_key.KeyUseMismatch),
        ({4: [1]}, cose_key.KeyUseMismatch),
        ({4: 2}, cose_key.KeyUseMismatch),
    ],
    ids=repr,
)
def test_refused(change: dict[int, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        cose.public_from_cose_key(P256 | change)


def test_matching_restrictions_are_accepted() -> None:
    assert cose.cose_key(cose.public_from_cose_key(P256 | {3: -7, 4: [2]})) == P256


def test_other_kinds_have_no_key() -> None:
    others = ec.derive_private_key(7, ec.SECP521R1()), rsa.generate_private_key(65537, 1024)
    for private in others:
        with pytest.raises(cose_key.UnsupportedKeyType):
            cose.cose_key(private.public_key())
