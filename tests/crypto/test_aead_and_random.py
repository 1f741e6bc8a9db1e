"""Authenticated encryption with its weak twin, and the seeded source of randomness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.crypto.aead import A256GCM, AES_CCM_16_64_128, AES_CCM_16_128_128, CHACHA20_POLY1305, Aead
from trustconn.harness.crypto.errors import TagMismatch
from trustconn.harness.crypto.random import SeededRandom, system_random

ALL = pytest.mark.parametrize(
    "aead", [AES_CCM_16_64_128, AES_CCM_16_128_128, CHACHA20_POLY1305, A256GCM], ids=lambda a: f"cose-{a.number}"
)


def key_and_nonce(aead: Aead) -> tuple[bytes, bytes]:
    rng = SeededRandom(b"aead")
    return rng(aead.key_length), rng(aead.nonce_length)


@ALL
@given(plaintext=st.binary(max_size=200), aad=st.binary(max_size=40))
def test_both_ways_of_opening_return_what_was_sealed(aead: Aead, plaintext: bytes, aad: bytes) -> None:
    key, nonce = key_and_nonce(aead)
    sealed = aead.seal(key, nonce, aad, plaintext)
    assert len(sealed) == len(plaintext) + aead.tag_length
    assert aead.open(key, nonce, aad, sealed) == plaintext
    assert aead.open_unverified(key, nonce, aad, sealed) == plaintext


@ALL
def test_every_altered_octet_is_refused_and_the_weak_twin_never_refuses(aead: Aead) -> None:
    key, nonce = key_and_nonce(aead)
    plaintext = bytes(range(40))
    sealed = aead.seal(key, nonce, b"aad", plaintext)
    for i in range(len(sealed)):
        bad = bytearray(sealed)
        bad[i] ^= 1
        with pytest.raises(TagMismatch):
            aead.open(key, nonce, b"aad", bytes(bad))
        assert aead.open_unverified(key, nonce, b"aad", bytes(bad)) == bytes(
            p ^ (j == i) for j, p in enumerate(plaintext)
        )
    with pytest.raises(TagMismatch):
        aead.open(key, nonce, b"AAD", sealed)
    assert aead.open_unverified(key, nonce, b"AAD", sealed) == plaintext


@ALL
def test_a_ciphertext_without_room_for_a_tag(aead: Aead) -> None:
    key, nonce = key_and_nonce(aead)
    for length in range(aead.tag_length):
        with pytest.raises(TagMismatch):
            aead.open(key, nonce, b"", bytes(length))
        assert aead.open_unverified(key, nonce, b"", bytes(length)) == b""


@ALL
def test_the_longest_unit_opens_or_is_refused(aead: Aead) -> None:
    key, nonce = key_and_nonce(aead)
    plaintext = bytes(65535 - aead.tag_length)
    assert aead.open_unverified(key, nonce, b"", aead.seal(key, nonce, b"", plaintext)) == plaintext
    with pytest.raises(TagMismatch):
        aead.open(key, nonce, b"", bytes(1 << 17))


@ALL
def test_lengths_the_algorithm_does_not_have(aead: Aead) -> None:
    key, nonce = key_and_nonce(aead)
    for bad_key, bad_nonce in ((key + b"\0", nonce), (key[:-1], nonce), (key, nonce + b"\0"), (key, nonce[:-1])):
        with pytest.raises(ValueError, match="AEAD"):
            aead.seal(bad_key, bad_nonce, b"", b"")
        with pytest.raises(ValueError, match="AEAD"):
            aead.open(bad_key, bad_nonce, b"", bytes(16))


def test_ccm_refuses_more_than_its_length_field_can_say() -> None:
    key, nonce = key_and_nonce(AES_CCM_16_128_128)
    with pytest.raises(ValueError, match="65535 is the most"):
        AES_CCM_16_128_128.seal(key, nonce, b"", bytes(65536))


def test_ccm_of_rfc_3610_packet_vector_1() -> None:
    key = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
    nonce = bytes.fromhex("00000003020100a0a1a2a3a4a5")
    sealed = bytes.fromhex("588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0")
    assert AES_CCM_16_64_128.seal(key, nonce, bytes(range(8)), bytes(range(8, 31))) == sealed


def test_a_seed_repeats_and_its_children_stand_apart() -> None:
    first, second = SeededRandom(b"seed"), SeededRandom(b"seed")
    assert first(10) + first(90) == second(100)
    assert first.child("a")(32) == SeededRandom(b"seed").child("a")(32)
    streams = {SeededRandom(b"seed")(32), SeededRandom(b"tree")(32), first.child("a")(32), first.child("b")(32)}
    assert len(streams | {first.child("a").child("b")(32), first.child("ab")(32)}) == 6


def test_the_stream_of_a_seed_is_fixed() -> None:
    """A recorded seed must replay in every later version."""
    assert SeededRandom(b"seed")(16).hex() == "e05356dcbedcd5249e26b03595740627"


def test_the_system_does_not_repeat() -> None:
    assert system_random(16) != system_random(16)
