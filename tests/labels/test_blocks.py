"""Blocks: every block alone, every way to cut, swap or lengthen the data, and files in memory that does not grow."""

from __future__ import annotations

import io
import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.labels import blocks, stream, tree
from trustconn.harness.labels.blocks import Blocks
from trustconn.harness.labels.errors import LabelError

CONTENT = bytes(range(256)) * 5 + b"the rest"
SIZE = 100


def naive_root(level: list[bytes]) -> bytes:
    """The tree as chapter 12 tells it, level by level."""
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def test_a_leaf_and_a_node_are_what_the_specification_says() -> None:
    assert tree.leaf(7, b"block") == sha256(b"\x00" + bytes(7) + b"\x07" + b"block").digest()
    assert tree.node(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("count", range(1, 40))
def test_tree_and_paths_agree_with_the_tree_made_level_by_level(count: int) -> None:
    leaves = [tree.leaf(i, bytes([i])) for i in range(count)]
    expected = naive_root(leaves)
    assert tree.root(leaves) == expected
    for index, leaf in enumerate(leaves):
        assert tree.root_by_path(leaf, index, count, tree.path(leaves, index)) == expected


@given(st.integers(1, 64).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1), st.integers(0, n - 1))))
def test_a_path_leads_to_the_root_from_its_own_place_alone(case: tuple[int, int, int]) -> None:
    count, index, elsewhere = case
    leaves = [tree.leaf(i, b"same") for i in range(count)]
    beside = tree.path(leaves, index)
    if elsewhere != index:
        try:
            assert tree.root_by_path(leaves[index], elsewhere, count, beside) != tree.root(leaves)
        except ValueError as error:
            assert "path" in str(error)
    for wrong in (beside[:-1], [*beside, bytes(32)]):
        if wrong != beside:
            with pytest.raises(ValueError):
                tree.root_by_path(leaves[index], index, count, wrong)


@pytest.mark.parametrize("listed", [False, True])
def test_any_block_is_verified_alone(listed: bool) -> None:
    signed = blocks.divide(CONTENT, SIZE, listed=listed)
    leaves = blocks.leaves_of(CONTENT, SIZE)
    for index in range(signed.count):
        block = CONTENT[index * SIZE : (index + 1) * SIZE]
        signed.check_block(index, block, None if listed else tree.path(leaves, index))
        with pytest.raises(LabelError, match=f"block {index}: digest.*CHN-05"):
            signed.check_block(index, bytes(len(block)), None if listed else tree.path(leaves, index))
    if not listed:
        with pytest.raises(LabelError, match="block 3: path: the label has the root alone"):
            signed.check_block(3, CONTENT[300:400])
        with pytest.raises(LabelError, match="block 3: path: the path ends below the root"):
            signed.check_block(3, CONTENT[300:400], [])


def _swapped(content: bytes) -> bytes:
    return content[SIZE : 2 * SIZE] + content[:SIZE] + content[2 * SIZE :]


WRONG = {
    "cut at a block": (CONTENT[:-8][: 12 * SIZE], "total size|length|blocks"),
    "cut within a block": (CONTENT[:-1], "total size"),
    "longer": (CONTENT + b"!", "total size"),
    "a block longer": (CONTENT + bytes(SIZE), "total size"),
    "two blocks swapped": (_swapped(CONTENT), "root"),
    "a block twice": (CONTENT[:SIZE] + CONTENT[:-SIZE], "root"),
    "a bit": (CONTENT[:500] + bytes([CONTENT[500] ^ 1]) + CONTENT[501:], "root"),
    "empty": (b"", "total size"),
}


@pytest.mark.parametrize("name", WRONG)
def test_other_content_at_hand_is_refused(name: str) -> None:
    content, field = WRONG[name]
    signed = blocks.divide(CONTENT, SIZE)
    blocks.check_content(signed, CONTENT)
    with pytest.raises(LabelError, match=field):
        blocks.check_content(signed, content)


@pytest.mark.parametrize("name", WRONG)
def test_another_file_is_refused_and_its_first_wrong_block_named(name: str) -> None:
    content, _ = WRONG[name]
    measured = stream.measure(io.BytesIO(CONTENT), SIZE)
    signed = Blocks(measured.total, SIZE, tree.root(measured.leaves))
    stream.check_file(io.BytesIO(CONTENT), signed, measured.digest, measured.leaves)
    first = next((i for i in range(14) if content[i * SIZE : (i + 1) * SIZE] != CONTENT[i * SIZE : (i + 1) * SIZE]), 0)
    with pytest.raises(LabelError, match=f"block {first}|total size") as refused:
        stream.check_file(io.BytesIO(content), signed, measured.digest, measured.leaves)
    assert refused.value.requirement == "CHN-04"


def test_leaves_of_another_tree_are_refused_before_a_block_is_read() -> None:
    measured = stream.measure(io.BytesIO(CONTENT), SIZE)
    signed = Blocks(measured.total, SIZE, tree.root(measured.leaves))
    others = [measured.leaves[0], *measured.leaves[:-1]]
    for leaves, field in ((others, "root"), (measured.leaves[:-1], "blocks")):
        with pytest.raises(LabelError, match=field):
            stream.check_file(io.BytesIO(CONTENT), signed, measured.digest, leaves)


def test_a_payload_that_is_not_the_digest_of_the_tree_s_data_is_refused() -> None:
    measured = stream.measure(io.BytesIO(CONTENT), SIZE)
    signed = Blocks(measured.total, SIZE, tree.root(measured.leaves))
    with pytest.raises(LabelError, match="LBL-10"):
        stream.check_file(io.BytesIO(CONTENT), signed, bytes(32), measured.leaves)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 1 << 20, (1 << 20) + 1, (2 << 20) + 77])
def test_a_stream_and_data_at_hand_have_the_same_tree(length: int) -> None:
    content = bytes(length)
    measured = stream.measure(io.BytesIO(content), SIZE)
    assert measured.leaves == blocks.leaves_of(content, SIZE)
    assert (measured.digest, measured.total) == (sha256(content).digest(), length)
    assert len(measured.leaves) == blocks.count(length, SIZE)


class _Endless:
    """So many octets, never in memory at once."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    def readinto(self, buffer: memoryview) -> int:
        taken = min(len(buffer), self._left)
        self._left -= taken
        return taken


@pytest.mark.parametrize("size", [1 << 16, 1 << 32])
def test_memory_does_not_grow_with_the_file_or_its_blocks(size: int) -> None:
    tracemalloc.start()
    try:
        stream.measure(_Endless(1 << 27), min(size, blocks.MAX_SIZE))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


GOOD = blocks.divide(CONTENT, SIZE).encoded()
BAD = {
    "no map": (7, "blocks"),
    "missing": ({k: v for k, v in GOOD.items() if k != 5}, "blocks"),
    "further": (GOOD | {6: 0}, "blocks"),
    "algorithm": (GOOD | {1: -43}, "algorithm"),
    "negative size": (GOOD | {2: -1}, "size"),
    "no size": (GOOD | {5: 0}, "size"),
    "too large": (GOOD | {5: 1 << 32}, "size"),
    "number": (GOOD | {3: 12}, "number of blocks"),
    "true": (GOOD | {3: True}, "size"),
    "short root": (GOOD | {4: bytes(31)}, "block digests"),
    "short list": (GOOD | {4: [bytes(32)]}, "block digests"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_map_is_refused_by_its_field(name: str) -> None:
    value, field = BAD[name]
    assert blocks.parse(GOOD) == blocks.divide(CONTENT, SIZE)
    with pytest.raises(LabelError, match=f"{field}.*CHN-01"):
        blocks.parse(value)


@pytest.mark.parametrize(
    ("total", "expected"), [(0, 1 << 20), ((1 << 36) - 1, 1 << 20), (1 << 36, 1 << 21), (1 << 50, 1 << 30)]
)
def test_blocks_of_very_long_data_are_longer(total: int, expected: int) -> None:
    assert blocks.fitting_size(total) == expected
