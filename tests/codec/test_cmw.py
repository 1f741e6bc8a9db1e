"""CMW records and collections: forms accepted, forms refused, round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.codec import cbor, cmw

RECORDS = st.builds(
    cmw.Record,
    st.integers(0, 65535) | st.sampled_from(["application/eat+cwt", 'application/cmw+cbor; a=b;c="d e"']),
    st.binary(max_size=20),
    st.none() | st.integers(1, 31),
)
LABELS = st.integers(-5, 5) | st.text(max_size=5)
WRAPPERS = st.recursive(
    RECORDS,
    lambda inner: st.builds(
        cmw.Collection,
        st.dictionaries(LABELS, inner, min_size=1, max_size=3),
        st.none() | st.sampled_from(["tag:example.com,2024:x", "1.2.840"]),
    ),
    max_leaves=5,
)


@given(WRAPPERS)
def test_round_trip(wrapper: cmw.Cmw) -> None:
    assert cmw.parse(cmw.encode(wrapper)) == wrapper


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([263], cmw.NotCmw),
        ([263, b"", 4, 4], cmw.NotCmw),
        (b"", cmw.NotCmw),
        ([65536, b""], cmw.BadType),
        ([-1, b""], cmw.BadType),
        ([True, b""], cmw.BadType),
        ([b"a/b", b""], cmw.BadType),
        (["", b""], cmw.BadType),
        (["application", b""], cmw.BadType),
        (["application/eat cwt", b""], cmw.BadType),
        (["application/eat\n", b""], cmw.BadType),
        ([263, "text"], cmw.BadValue),
        ([263, None], cmw.BadValue),
        ([263, b"", 0], cmw.BadIndicator),
        ([263, b"", 32], cmw.BadIndicator),
        ([263, b"", -1], cmw.BadIndicator),
        ([263, b"", None], cmw.BadIndicator),
        ([263, b"", True], cmw.BadIndicator),
        ([263, b"", b"4"], cmw.BadIndicator),
        ({}, cmw.BadCollection),
        ({"__cmwc_t": "tag:example.com,2024:x"}, cmw.BadCollection),
        ({"__cmwc_t": "no uri", 0: [263, b""]}, cmw.BadCollection),
        ({"__cmwc_t": None, 0: [263, b""]}, cmw.BadCollection),
        ({b"0": [263, b""]}, cmw.BadCollection),
        ({0: {}}, cmw.BadCollection),
        ({0: b""}, cmw.NotCmw),
    ],
    ids=repr,
)
def test_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        cmw.parse(cbor.encode(value))


def test_octets_are_read_strictly() -> None:
    with pytest.raises(cbor.NotDeterministic):
        cmw.parse(bytes.fromhex("8219000740"))
    with pytest.raises(cbor.TrailingBytes):
        cmw.parse(bytes.fromhex("82074000"))


def test_the_tag_form_only_on_request() -> None:
    tagged = bytes.fromhex("da6374ffe64101")
    with pytest.raises(cmw.TagForm):
        cmw.parse(tagged)
    with pytest.raises(cmw.TagForm):
        cmw.parse(b"\xa1\x00" + tagged)
    assert cmw.parse(tagged, tagged=True) == cmw.Record(64999, b"\x01", tagged=True)
    for number in (18, 0x63740100, 0x63740101 + 255, 0x63740101 + 0x1_0101 + 1):
        with pytest.raises(cmw.BadType):
            cmw.content_format_of(number)


@pytest.mark.parametrize(("content_format", "tag"), [(0, 0x63740101), (263, 1668547081), (254, 0x637401FF)])
def test_tag_numbers(content_format: int, tag: int) -> None:
    assert cmw.tag_of(content_format) == tag
    assert cmw.content_format_of(tag) == content_format


@given(st.integers(0, 65535))
def test_every_content_format_has_its_tag(content_format: int) -> None:
    assert cmw.content_format_of(cmw.tag_of(content_format)) == content_format


def nested(depth: int) -> object:
    """A record in so many collections."""
    value: object = [263, b"", 4]
    for _ in range(depth):
        value = {0: value}
    return value


def test_depth_and_number_of_items_are_bounded() -> None:
    assert cmw.parse(cbor.encode(nested(cmw.MAX_DEPTH)))
    with pytest.raises(cmw.TooLarge, match="within each other"):
        cmw.parse(cbor.encode(nested(cmw.MAX_DEPTH + 1)))
    items = {label: [263, b"", 4] for label in range(cmw.MAX_ITEMS - 1)}
    assert cmw.parse(cbor.encode(items))
    with pytest.raises(cmw.TooLarge, match="items"):
        cmw.parse(cbor.encode({**items, "one more": [263, b"", 4]}))
