"""Records: one key, one order, a bound on length and number; and what each switched-off check lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.suites import SUITES, Suite
from trustconn.harness.transport.errors import RecordError
from trustconn.harness.transport.record import PLAINTEXT_LIMIT, RecordOpener, RecordSealer, associated_data
from trustconn.harness.transport.units import Kind, write_unit
from trustconn.model.checks import CHECKS

TAG, SEQUENCE = "record_tag_verifies", "record_is_in_sequence"
LENGTH, LIMIT = "record_length_is_bounded", "record_limit_holds"
ALL = pytest.mark.parametrize("suite", SUITES.values(), ids=lambda s: f"suite-{s.number}")


def pair(suite: Suite, *off: str, limit: int = 1 << 20) -> tuple[RecordSealer, RecordOpener]:
    rng = SeededRandom(b"record")
    key, iv = rng(suite.aead.key_length), rng(suite.aead.nonce_length)
    return RecordSealer(suite.aead, key, iv, limit, frozenset(off)), RecordOpener(
        suite.aead, key, iv, limit, frozenset(off)
    )


def refusal(opener: RecordOpener, payload: bytes) -> str:
    with pytest.raises(RecordError) as caught:
        opener.open(payload)
    assert caught.value.declaration is CHECKS[caught.value.check]
    return caught.value.check


@ALL
@given(plaintexts=st.lists(st.binary(max_size=100), max_size=6))
def test_records_open_in_order(suite: Suite, plaintexts: list[bytes]) -> None:
    sealer, opener = pair(suite)
    assert [opener.open(sealer.seal(p)) for p in plaintexts] == plaintexts


@ALL
def test_the_octets_of_a_record_by_hand(suite: Suite) -> None:
    rng = SeededRandom(b"record")
    key, iv = rng(suite.aead.key_length), rng(suite.aead.nonce_length)
    sealer, _ = pair(suite)
    for sequence in range(300):
        payload = sealer.seal(b"plain")
        aad = write_unit(Kind.RECORD, payload)
        aad = aad[4:5] + aad[:4]
        nonce = iv[:-2] + bytes(a ^ b for a, b in zip(iv[-2:], sequence.to_bytes(2, "big"), strict=True))
        assert suite.aead.open(key, nonce, aad, payload) == b"plain"


def test_the_associated_data_is_kind_then_length() -> None:
    assert associated_data(266).hex() == "030000010b"


@ALL
def test_every_altered_octet_is_refused_and_then_everything(suite: Suite) -> None:
    sealer, _ = pair(suite)
    payload = sealer.seal(b"plaintext")
    for bad in (
        *(payload[:i] + bytes((payload[i] ^ 1,)) + payload[i + 1 :] for i in range(len(payload))),
        payload[:-1],
        payload + b"\0",
        b"",
    ):
        opener = pair(suite)[1]
        assert refusal(opener, bad) == TAG
        assert refusal(opener, payload) == TAG


@ALL
def test_without_the_tag_check_an_altered_record_is_read(suite: Suite) -> None:
    sealer, opener = pair(suite, TAG)
    payload = sealer.seal(b"plaintext")
    assert opener.open(bytes((payload[0] ^ 1,)) + payload[1:]) == b"qlaintext"
    assert opener.open(sealer.seal(b"next")) == b"next"


@ALL
@pytest.mark.parametrize("order", [(0, 0), (1,), (0, 2), (0, 1, 0), (0, 1, 2, 1)], ids=str)
def test_replay_and_reorder_are_refused_by_name(suite: Suite, order: tuple[int, ...]) -> None:
    sealer, opener = pair(suite)
    payloads = [sealer.seal(bytes((i,))) for i in range(3)]
    for i in order[:-1]:
        assert opener.open(payloads[i]) == bytes((i,))
    assert refusal(opener, payloads[order[-1]]) == SEQUENCE

    lax = pair(suite, SEQUENCE)[1]
    assert [lax.open(payloads[i]) for i in order] == [bytes((i,)) for i in order]
    assert lax.sequence == max(order) + 1


def test_without_the_sequence_check_a_forgery_is_still_refused() -> None:
    sealer, opener = pair(SUITES[3], SEQUENCE)
    payload = sealer.seal(b"plaintext")
    assert refusal(opener, payload[:-1] + b"\0\0") == TAG


def test_a_record_of_another_direction_is_refused() -> None:
    suite = SUITES[3]
    other = RecordSealer(suite.aead, bytes(16), bytes(13))
    assert refusal(pair(suite)[1], other.seal(b"x")) == TAG


@ALL
def test_the_length_of_a_record(suite: Suite) -> None:
    sealer, opener = pair(suite)
    assert len(opener.open(sealer.seal(bytes(PLAINTEXT_LIMIT)))) == PLAINTEXT_LIMIT
    with pytest.raises(RecordError, match=LENGTH):
        sealer.seal(bytes(PLAINTEXT_LIMIT + 1))
    faulty, lax = pair(suite, LENGTH)
    long = faulty.seal(bytes(PLAINTEXT_LIMIT + 1))
    assert lax.open(long) == bytes(PLAINTEXT_LIMIT + 1)
    assert refusal(pair(suite)[1], long) == LENGTH


def test_the_number_of_records() -> None:
    sealer, opener = pair(SUITES[3], limit=2)
    for _ in range(2):
        opener.open(sealer.seal(b"x"))
    with pytest.raises(RecordError, match=LIMIT):
        sealer.seal(b"x")
    faulty, lax = pair(SUITES[3], LIMIT, limit=2)
    payloads = [faulty.seal(bytes((i,))) for i in range(4)]
    assert [lax.open(p) for p in payloads] == [bytes((i,)) for i in range(4)]
    assert refusal(opener, payloads[2]) == LIMIT


def test_a_stream_takes_as_few_records_as_hold_it() -> None:
    sealer, opener = pair(SUITES[3])
    stream = bytes(range(256)) * 130
    records = list(sealer.seal_stream(stream))
    assert [len(r) - 16 for r in records] == [16384, 16384, 512]
    assert b"".join(map(opener.open, records)) == stream
    assert list(sealer.seal_stream(b"")) == []
