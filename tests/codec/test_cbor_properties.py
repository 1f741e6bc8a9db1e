"""What holds for all values and for all octets: one value, one encoding; every other octet string is refused."""

import contextlib
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from trustconn.harness.codec import cbor

KEYS = st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=30) | st.text(max_size=30)
LEAVES = KEYS | st.booleans() | st.none() | st.floats(allow_nan=False)
TAG_NUMBERS = st.integers(300, 900)
"""Numbers that cbor2 leaves alone."""
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(KEYS, inner, max_size=5)
        | st.builds(cbor2.CBORTag, TAG_NUMBERS, inner)
    ),
    max_leaves=12,
)
RULES = [cbor.Strictness(*flags) for flags in product((True, False), repeat=3)]


def mutated(draw: st.DrawFn) -> bytes:
    encoded = bytearray(cbor.encode(draw(VALUES)))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(encoded) - 1))
        encoded[at : at + draw(st.integers(0, 1))] = draw(st.binary(min_size=0, max_size=2)) or b"\xff"
    return bytes(encoded)


OCTETS = st.binary(max_size=40) | st.composite(mutated)()


@given(VALUES)
def test_round_trip(value: Any) -> None:
    encoded = cbor.encode(value)
    assert cbor.decode(encoded, max_depth=99) == value
    assert cbor.encode(cbor.decode(encoded, max_depth=99)) == encoded


@given(VALUES)
def test_cbor2_reads_the_same_value(value: Any) -> None:
    assert same(cbor2.loads(cbor.encode(value)), value)


@given(OCTETS)
@example(bytes.fromhex("f97e00"))
def test_accepted_octets_are_the_one_encoding(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except cbor.CborError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert cbor.encode(value) == data


@given(OCTETS, st.sampled_from(RULES))
def test_any_rules_accept_or_refuse_and_never_fail_otherwise(data: bytes, rules: cbor.Strictness) -> None:
    with contextlib.suppress(cbor.CborError):
        value = cbor.decode(data, rules=rules)
        end = cbor.item_end(data, rules=rules)
        assert end == len(data) or not rules.trailing
        assert cbor.decode(cbor.encode(value), max_depth=99) == value or contains_nan(value)


@given(OCTETS, st.sampled_from(RULES))
@example(b"\xb8", cbor.STRICT)
@example(b"\x98", cbor.STRICT)
def test_splitting_agrees_with_decoding(data: bytes, rules: cbor.Strictness) -> None:
    try:
        value = cbor.decode(data, rules=rules)
    except cbor.CborError:
        assert not any(splits(split, data, rules) for split in (cbor.split_array, cbor.split_map, cbor.unbstr))
        return
    if isinstance(value, list):
        assert same([cbor.decode(item, rules=rules) for item in cbor.split_array(data, rules=rules)], value)
    if isinstance(value, dict):
        items = cbor.split_map(data, rules=rules).items()
        assert same({cbor.decode(key, rules=rules): cbor.decode(item, rules=rules) for key, item in items}, value)


@given(VALUES, st.data())
def test_every_truncation_is_refused_as_one(value: Any, data: st.DataObject) -> None:
    encoded = cbor.encode(value)
    try:
        cbor.decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))], max_depth=99)
    except cbor.Truncated:
        return
    raise AssertionError("a prefix of an item was read as an item")


def splits(split: Callable[..., object], data: bytes, rules: cbor.Strictness) -> bool:
    try:
        split(data, rules=rules)
    except cbor.CborError:
        return False
    return True


def same(one: Any, other: Any) -> bool:
    return cbor.encode(one) == cbor.encode(other)


def contains_nan(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(contains_nan, value.values()))
    if isinstance(value, list):
        return any(map(contains_nan, value))
    if isinstance(value, cbor2.CBORTag):
        return contains_nan(value.value)
    return isinstance(value, float) and math.isnan(value)
