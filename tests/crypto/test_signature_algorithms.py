"""Signatures: deterministic, raw, and no way around the range of r and s."""

import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from trustconn.harness.crypto.curves import P_256, P_384, NistCurve
from trustconn.harness.crypto.errors import BadSignature, WrongKey
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.signatures import EDDSA, ES256, ES384, SignatureAlgorithm

ALL = pytest.mark.parametrize("algorithm", [EDDSA, ES256, ES384], ids=["EdDSA", "ES256", "ES384"])
ECDSA = pytest.mark.parametrize(("algorithm", "curve"), [(ES256, P_256), (ES384, P_384)], ids=["ES256", "ES384"])


@ALL
def test_a_signature_verifies_over_its_message_alone(algorithm: SignatureAlgorithm) -> None:
    key, other = (algorithm.generate(SeededRandom(seed)) for seed in (b"one", b"two"))
    signature = algorithm.sign(key, b"message")
    assert len(signature) == algorithm.length
    assert signature == algorithm.sign(key, b"message")
    algorithm.verify(key.public_key(), signature, b"message")
    for public, message in ((key.public_key(), b"massage"), (other.public_key(), b"message")):
        with pytest.raises(BadSignature):
            algorithm.verify(public, signature, message)


@ALL
def test_every_altered_octet_is_refused(algorithm: SignatureAlgorithm) -> None:
    key = algorithm.generate(SeededRandom(b"alter"))
    signature = algorithm.sign(key, b"message")
    for i in range(len(signature)):
        bad = bytearray(signature)
        bad[i] ^= 0x80
        with pytest.raises(BadSignature):
            algorithm.verify(key.public_key(), bytes(bad), b"message")


@ALL
def test_a_signature_of_another_length_is_refused(algorithm: SignatureAlgorithm) -> None:
    key = algorithm.generate(SeededRandom(b"length"))
    signature = algorithm.sign(key, b"message")
    for bad in (b"", signature[:-1], signature + b"\0", b"\0" + signature):
        with pytest.raises(BadSignature):
            algorithm.verify(key.public_key(), bad, b"message")


@ALL
def test_a_key_of_another_algorithm_is_refused(algorithm: SignatureAlgorithm) -> None:
    for other in (EDDSA, ES256, ES384):
        if other is algorithm:
            continue
        key = other.generate(SeededRandom(b"other"))
        with pytest.raises(WrongKey):
            algorithm.sign(key, b"message")
        with pytest.raises(WrongKey):
            algorithm.verify(key.public_key(), bytes(algorithm.length), b"message")


@ECDSA
def test_r_and_s_at_the_edges_of_their_range(algorithm: SignatureAlgorithm, curve: NistCurve) -> None:
    """The family of CVE-2022-21449: a verifier that skips the range accepts r = s = 0 from anyone."""
    key, n, half = algorithm.generate(SeededRandom(b"psychic")), curve.order, curve.share_length
    for r, s in itertools.product((0, 1, n - 1, n, n + 1), repeat=2):
        with pytest.raises(BadSignature):
            algorithm.verify(key.public_key(), r.to_bytes(half, "big") + s.to_bytes(half, "big"), b"message")


@ECDSA
def test_one_bad_half_beside_a_good_one(algorithm: SignatureAlgorithm, curve: NistCurve) -> None:
    """Zero or the order in one half alone, the other half taken from a good signature."""
    key, half = algorithm.generate(SeededRandom(b"range")), curve.share_length
    signature = algorithm.sign(key, b"message")
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    for pair in ((0, s), (r, 0), (curve.order, s), (r, curve.order)):
        with pytest.raises(BadSignature, match="out of range"):
            algorithm.verify(key.public_key(), b"".join(v.to_bytes(half, "big") for v in pair), b"message")


RFC_6979_A_2_5 = [
    (
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        b"test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
]


@pytest.mark.parametrize(("message", "r", "s"), RFC_6979_A_2_5)
def test_es256_of_rfc_6979(message: bytes, r: str, s: str) -> None:
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    assert ES256.sign(key, message).hex().upper() == r + s


def test_es384_of_rfc_6979() -> None:
    scalar = 0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5
    signature = ES384.sign(ec.derive_private_key(scalar, ec.SECP384R1()), b"sample").hex().upper()
    assert signature == (
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"
    )
