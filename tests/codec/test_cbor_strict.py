"""Each rule of deterministic CBOR refuses with its own class, at its own octet, and can be switched off alone."""

import cbor2
import pytest

from trustconn.harness.codec import cbor

LENIENT = cbor.Strictness(deterministic=False, duplicate_keys=False, trailing=False, depth=200)

REFUSED = [
    ("1800", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("1817", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("1900ff", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("1a0000ffff", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("1b00000000ffffffff", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("3800", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("820158014a", cbor.NotDeterministic, 2, "head is not the shortest"),
    ("980101", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("b8010102", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("c1", cbor.Truncated, 1, None),
    ("d80101", cbor.NotDeterministic, 0, "head is not the shortest"),
    ("5f4101ff", cbor.NotDeterministic, 0, "indefinite length"),
    ("7f6161ff", cbor.NotDeterministic, 0, "indefinite length"),
    ("819f01ff", cbor.NotDeterministic, 1, "indefinite length"),
    ("bf0102ff", cbor.NotDeterministic, 0, "indefinite length"),
    ("a202000100", cbor.NotDeterministic, 3, "map keys are not in bytewise order"),
    ("a26161002000", cbor.NotDeterministic, 4, "map keys are not in bytewise order"),
    ("a201000100", cbor.DuplicateKey, 3, "map key occurs twice"),
    ("fa3fc00000", cbor.NotDeterministic, 0, "float is not in its shortest form"),
    ("fb3ff8000000000000", cbor.NotDeterministic, 0, "float is not in its shortest form"),
    ("f97e01", cbor.NotDeterministic, 0, "float is not in its shortest form"),
    ("fa7fc00000", cbor.NotDeterministic, 0, "float is not in its shortest form"),
    ("0000", cbor.TrailingBytes, 1, "octets follow the item"),
    ("8000", cbor.TrailingBytes, 1, "octets follow the item"),
    ("1c", cbor.Malformed, 0, "reserved additional information 28"),
    ("5d", cbor.Malformed, 0, "reserved additional information 29"),
    ("fe", cbor.Malformed, 0, "reserved additional information 30"),
    ("1f", cbor.Malformed, 0, "reserved additional information 31"),
    ("df00", cbor.Malformed, 0, "reserved additional information 31"),
    ("f814", cbor.Malformed, 0, "reserved simple value"),
    ("81f81f", cbor.Malformed, 1, "reserved simple value"),
    ("81ff", cbor.Malformed, 1, "break outside an indefinite-length item"),
    ("62c328", cbor.Malformed, 1, "ill-formed UTF-8"),
    ("8263616263" + "63eda080", cbor.Malformed, 6, "ill-formed UTF-8"),
    ("", cbor.Truncated, 0, None),
    ("19ff", cbor.Truncated, 2, None),
    ("4201", cbor.Truncated, 2, None),
    ("5affffffff00", cbor.Truncated, 6, None),
    ("7bffffffffffffffff61", cbor.Truncated, 10, None),
    ("9bffffffffffffffff00", cbor.Truncated, 10, None),
    ("bb7fffffffffffffff0000", cbor.Truncated, 11, None),
    ("8201", cbor.Truncated, 2, None),
    ("a101", cbor.Truncated, 2, None),
    ("a14501", cbor.Truncated, 3, None),
    ("a18001", cbor.UnsupportedKey, 1, None),
    ("a1f501", cbor.UnsupportedKey, 1, None),
    ("81" * 17 + "00", cbor.TooDeep, 16, None),
    ("c6" * 17 + "00", cbor.TooDeep, 16, None),
    ("a100" * 17 + "00", cbor.TooDeep, 32, None),
]


@pytest.mark.parametrize(("data", "error", "offset", "reason"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_refused_with_class_and_offset(data: str, error: type[cbor.CborError], offset: int, reason: str | None) -> None:
    with pytest.raises(cbor.CborError) as caught:
        cbor.decode(bytes.fromhex(data))
    assert type(caught.value) is error
    assert caught.value.offset == offset
    assert reason is None or caught.value.reason == reason


@pytest.mark.parametrize("data", [row[0] for row in REFUSED if row[1] is not cbor.TrailingBytes])
def test_extent_is_as_strict_as_decoding(data: str) -> None:
    with pytest.raises(cbor.CborError):
        cbor.item_end(bytes.fromhex(data))


ACCEPTED_WITHOUT = [
    ("1817", cbor.Strictness(deterministic=False), 23),
    ("5f41014102ff", cbor.Strictness(deterministic=False), b"\x01\x02"),
    ("7f6161ff", cbor.Strictness(deterministic=False), "a"),
    ("9f019fffff", cbor.Strictness(deterministic=False), [1, []]),
    ("bf02010100ff", cbor.Strictness(deterministic=False), {2: 1, 1: 0}),
    ("fb3ff8000000000000", cbor.Strictness(deterministic=False), 1.5),
    ("a201000105", cbor.Strictness(duplicate_keys=False), {1: 5}),
    ("0001", cbor.Strictness(trailing=False), 0),
    ("81" * 17 + "00", cbor.Strictness(depth=17), None),
]


@pytest.mark.parametrize(("data", "rules", "value"), ACCEPTED_WITHOUT, ids=[row[0][:20] for row in ACCEPTED_WITHOUT])
def test_one_rule_off_accepts_what_it_refused(data: str, rules: cbor.Strictness, value: object) -> None:
    encoded = bytes.fromhex(data)
    with pytest.raises(cbor.CborError):
        cbor.decode(encoded)
    decoded = cbor.decode(encoded, rules=rules)
    assert value is None or decoded == value


@pytest.mark.parametrize(
    ("data", "rules", "error"),
    [
        ("1817", cbor.Strictness(duplicate_keys=False, trailing=False, depth=99), cbor.NotDeterministic),
        ("a201000100", cbor.Strictness(trailing=False, depth=99), cbor.DuplicateKey),
        ("a20100180100", cbor.Strictness(deterministic=False), cbor.DuplicateKey),
        ("bf01000200180100ff", cbor.Strictness(deterministic=False), cbor.DuplicateKey),
        ("bf41000a5f4100ff0bff", cbor.Strictness(deterministic=False), cbor.DuplicateKey),
        ("0000", cbor.Strictness(False, False, True, 99), cbor.TrailingBytes),
        ("81" * 17 + "00", cbor.Strictness(False, False, False), cbor.TooDeep),
        ("81ff", LENIENT, cbor.Malformed),
        ("5f6161ff", LENIENT, cbor.Malformed),
        ("5f5f4101ffff", LENIENT, cbor.Malformed),
        ("7f61c361a9ff", LENIENT, cbor.Malformed),
        ("bf01ff", LENIENT, cbor.Malformed),
        ("9f01", LENIENT, cbor.Truncated),
        ("5f41", LENIENT, cbor.Truncated),
    ],
)
def test_the_other_rules_stay(data: str, rules: cbor.Strictness, error: type[cbor.CborError]) -> None:
    with pytest.raises(error):
        cbor.decode(bytes.fromhex(data), rules=rules)


def test_no_depth_limit_still_ends_in_a_refusal() -> None:
    with pytest.raises(cbor.TooDeep):
        cbor.decode(b"\x81" * 100_000 + b"\x00", rules=cbor.Strictness(depth=1_000_000))


def test_max_depth_overrides_the_rules() -> None:
    assert cbor.decode(b"\x81\x00", max_depth=1) == [0]
    with pytest.raises(cbor.TooDeep):
        cbor.decode(b"\x81\x00", max_depth=0)


@pytest.mark.parametrize(
    "data", ["c074323031332d30332d32315432303a30343a30305a", "c249010000000000000000", "d81c80", "d81d00", "d9010281"]
)
def test_a_tag_is_never_interpreted(data: str) -> None:
    encoded = bytes.fromhex(data) + (b"\x00" if data.endswith("81") else b"")
    value = cbor.decode(encoded)
    assert isinstance(value, cbor2.CBORTag)
    assert cbor.encode(value) == encoded


def test_values_of_every_kind() -> None:
    value = [0, -1, 2**64 - 1, -(2**64), b"\x00", "é", True, False, None, {1: {}, "a": [], b"": 0.5}, cbor2.undefined]
    assert cbor.decode(cbor.encode(value)) == value
    assert cbor.decode(bytes.fromhex("f8ff")) == cbor2.CBORSimpleValue(255)
    assert cbor.encode([cbor2.CBORSimpleValue(255), cbor2.CBORSimpleValue(3)]).hex() == "82f8ffe3"


def test_map_keys_are_sorted_bytewise_not_by_length() -> None:
    value = {"z": 0, -1: 0, 100: 0, 10: 0, "aa": 0, b"": 0}
    assert cbor.encode(value).hex() == "a6" + "0a00" + "186400" + "2000" + "4000" + "617a00" + "62616100"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (1.5, "f93e00"),
        (100000.0, "fa47c35000"),
        (1.1, "fb3ff199999999999a"),
        (float("inf"), "f97c00"),
        (float("nan"), "f97e00"),
        (-0.0, "f98000"),
        (3.4028234663852886e38, "fa7f7fffff"),
        (5.960464477539063e-08, "f90001"),
    ],
)
def test_floats_take_the_shortest_form(value: float, encoded: str) -> None:
    assert cbor.encode(value).hex() == encoded
    assert repr(cbor.decode(bytes.fromhex(encoded))) == repr(value)


@pytest.mark.parametrize("value", [{True: 1}, {None: 1}, {1.0: 1}, {(1,): 1}, object(), {1, 2}, bytearray(b"a")])
def test_what_has_no_encoding(value: object) -> None:
    with pytest.raises(TypeError):
        cbor.encode(value)


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1])
def test_integers_beyond_64_bits(value: int) -> None:
    with pytest.raises(OverflowError):
        cbor.encode(value)


def test_items_keep_their_encoding() -> None:
    lenient = cbor.Strictness(deterministic=False, duplicate_keys=False, trailing=False)
    assert cbor.split_array(bytes.fromhex("83014102a0")) == [b"\x01", b"\x41\x02", b"\xa0"]
    assert cbor.split_array(bytes.fromhex("9f1801ff00"), rules=lenient) == [b"\x18\x01"]
    assert cbor.split_map(bytes.fromhex("a20102038104")) == {b"\x01": b"\x02", b"\x03": b"\x81\x04"}
    assert cbor.split_map(bytes.fromhex("bf01020103ff"), rules=lenient) == {b"\x01": b"\x03"}
    assert cbor.split_array(b"\x80") == []
    assert cbor.split_map(b"\xa0") == {}
    assert cbor.split_sequence(bytes.fromhex("01820203")) == [b"\x01", b"\x82\x02\x03"]
    assert cbor.split_sequence(b"") == []
    assert cbor.item_end(bytes.fromhex("01820203ff"), 1) == 4
    assert cbor.unbstr(cbor.bstr(b"abc")) == b"abc"
    assert cbor.unbstr(bytes.fromhex("5f41614162ff"), rules=lenient) == b"ab"


@pytest.mark.parametrize(
    ("split", "data", "error"),
    [
        (cbor.split_array, "a0", cbor.UnexpectedType),
        (cbor.split_array, "", cbor.Truncated),
        (cbor.split_array, "8100ff", cbor.TrailingBytes),
        (cbor.split_array, "8141", cbor.Truncated),
        (cbor.split_array, "82", cbor.Truncated),
        (cbor.split_array, "80" + "00", cbor.TrailingBytes),
        (cbor.split_array, "81" * 17 + "00", cbor.TooDeep),
        (cbor.split_array, "980100", cbor.NotDeterministic),
        (cbor.split_map, "80", cbor.UnexpectedType),
        (cbor.split_map, "a201000100", cbor.DuplicateKey),
        (cbor.split_map, "a14101", cbor.Truncated),
        (cbor.split_map, "a10141", cbor.Truncated),
        (cbor.unbstr, "6161", cbor.UnexpectedType),
        (cbor.unbstr, "416100", cbor.TrailingBytes),
    ],
)
def test_splitting_is_strict(split: object, data: str, error: type[cbor.CborError]) -> None:
    assert callable(split)
    with pytest.raises(error):
        split(bytes.fromhex(data))


def test_a_sequence_is_read_item_by_item() -> None:
    assert cbor.decode_sequence(bytes.fromhex("01f5a0")) == [1, True, {}]
    assert cbor.sequence_ends(bytes.fromhex("01f5a0")) == [1, 2, 3]
    with pytest.raises(cbor.Truncated):
        cbor.decode_sequence(bytes.fromhex("0182"))
