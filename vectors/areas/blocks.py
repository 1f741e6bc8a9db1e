"""Blocks: data divided under a label, as a whole, and one block by its own path to the signed root (section 12.1)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.labels import blocks, tree
from ...harness.labels.blocks import Blocks
from ...harness.labels.errors import LabelError
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .seed import stream

SOURCE = "generated; section 12.1, RFC 9162 section 2.1"
SIZE = 8
LENGTHS = (0, 1, 7, 8, 9, 16, 23, 24, 40, 56, 63, 64, 72)
"""Octets of data: from one block to nine, whole and broken."""


def _content(length: int) -> bytes:
    return stream(f"content {length}")(length)


# --- the whole content -----------------------------------------------------------------------------------------------


def _takes(encoded: bytes, content: bytes) -> str | None:
    """The requirement by which the reference refuses content under a map of blocks; None if it takes it."""
    try:
        blocks.check_content(blocks.parse(cbor.decode(encoded)), content)
    except LabelError as error:
        return error.requirement
    return None


def _whole(
    field: str, operator: str, made: dict[int, Any], content: bytes, comment: str, *, valid: bool = False
) -> Vector:
    encoded = encode(made)
    refused = _takes(encoded, content)
    if (refused is None) is not valid:
        raise GeneratorError(f"{field} {operator}: {refused}")
    given: dict[str, Json] = {"blocks": octets(encoded), "content": octets(content)}
    output = {"root": octets(blocks.parse(made).root)} if valid else {}
    return Vector(refused or "CHN-04", field, operator, valid, comment, given, output)


def _good_contents() -> Iterator[Vector]:
    for length in LENGTHS:
        content = _content(length)
        for listed, name in ((False, "root"), (True, "list")):
            made = blocks.divide(content, SIZE, listed=listed).encoded()
            yield _whole(f"content of {length} octets", name, made, content, f"under a {name}", valid=True)


def _bad_contents() -> Iterator[Vector]:
    content = _content(40)
    cut = [content[at : at + SIZE] for at in range(0, 40, SIZE)]
    for listed, name in ((False, "root"), (True, "list")):
        made = blocks.divide(content, SIZE, listed=listed).encoded()
        contents = {
            "truncated": (content[:-1], "an octet is missing"),
            "last-block-left-out": (content[:-SIZE], "a block is missing"),
            "longer": (content + b"\x00", "an octet too many"),
            "exchanged": (b"".join([cut[1], cut[0], *cut[2:]]), "two blocks have changed places"),
            "doubled": (b"".join([cut[0], *cut[:4]]), "a block twice, another left out"),
            "bit-flipped": (one_bit_other(content), "one bit the other way"),
            "emptied": (b"", "no octets"),
        }
        for operator, (other, comment) in contents.items():
            yield _whole(f"content under a {name}", operator, made, other, comment)
        changed: dict[str, tuple[int, Any, str]] = {
            "other-algorithm": (1, -43, "another hash"),
            "total-other": (2, 39, "another size of all"),
            "count-other": (3, 6, "another number of blocks"),
            "size-other": (5, 10, "blocks of another size"),
            "size-zero": (5, 0, "blocks of no octets"),
        }
        for operator, (key, value, comment) in changed.items():
            yield _whole(f"blocks[{key}] with a {name}", operator, {**made, key: value}, content, comment)
    yield from _bad_digests(content, cut)


def _bad_digests(content: bytes, cut: list[bytes]) -> Iterator[Vector]:
    leaves = [tree.leaf(index, block) for index, block in enumerate(cut)]
    listed, rooted = (blocks.divide(content, SIZE, listed=listed).encoded() for listed in (True, False))
    plain = [sha256(block).digest() for block in cut]
    without_index = [sha256(b"\x00" + block).digest() for block in cut]
    little = [sha256(b"\x00" + i.to_bytes(8, "little") + block).digest() for i, block in enumerate(cut)]
    short = [sha256(b"\x00" + i.to_bytes(4, "big") + block).digest() for i, block in enumerate(cut)]
    for operator, others, comment in (
        ("plain-leaves", plain, "leaves without domain and index"),
        ("leaves-without-index", without_index, "leaves without index: blocks could change places"),
        ("index-little-endian", little, "the index little-endian"),
        ("index-in-four-octets", short, "the index in four octets"),
    ):
        yield _whole("blocks[4] as a root", operator, {**rooted, 4: tree.root(others)}, content, comment)
        yield _whole("blocks[4] as a list", operator, {**listed, 4: others}, content, comment)
    padded = [*leaves, leaves[-1], leaves[-1], leaves[-1]]
    for operator, root, comment in (
        ("last-doubled", tree.root(padded), "the last node doubled, as in other trees (CVE-2012-2459)"),
        ("plain-nodes", _plain_root(leaves), "inner nodes without domain: a block could be taken for one"),
        ("flat", sha256(b"".join(leaves)).digest(), "all leaves under one digest"),
    ):
        yield _whole("blocks[4] as a root", operator, {**rooted, 4: root}, content, comment)
    yield _whole("blocks[4] as a list", "too-few", {**listed, 4: leaves[:-1]}, content, "a digest is missing")
    yield _whole(
        "blocks[4] as a list",
        "exchanged",
        {**listed, 4: [leaves[1], leaves[0], *leaves[2:]]},
        content,
        "two digests exchanged",
    )


def _plain_root(leaves: list[bytes]) -> bytes:
    level = leaves
    while len(level) > 1:
        pairs = [sha256(b"".join(level[at : at + 2])).digest() for at in range(0, len(level) - 1, 2)]
        level = [*pairs, *level[-1:]] if len(level) % 2 else pairs
    return level[0]


# --- one block alone -------------------------------------------------------------------------------------------------


def _one(
    field: str,
    operator: str,
    made: Blocks,
    index: int,
    block: bytes,
    path: list[bytes],
    comment: str,
    *,
    valid: bool = False,
) -> Vector:
    try:
        made.check_block(index, block, path)
        refused = None
    except LabelError as error:
        refused = error.requirement
    if (refused is None) is not valid:
        raise GeneratorError(f"{field} {operator}: {refused}")
    given: dict[str, Json] = {
        "blocks": octets(encode(made.encoded())),
        "index": index,
        "block": octets(block),
        "path": [octets(item) for item in path],
    }
    return Vector(refused or "CHN-05", field, operator, valid, comment, given)


def _single() -> Iterator[Vector]:
    for length in (8, 16, 40, 56, 72):
        content = _content(length)
        made, leaves = blocks.divide(content, SIZE), blocks.leaves_of(content, SIZE)
        for index in sorted({0, len(leaves) // 2, len(leaves) - 1}):
            block, path = content[index * SIZE : (index + 1) * SIZE], tree.path(leaves, index)
            field = f"block {index} of {len(leaves)}"
            yield _one(field, "honest", made, index, block, path, "with its own path", valid=True)
    content = _content(72)
    made, leaves = blocks.divide(content, SIZE), blocks.leaves_of(content, SIZE)
    index = 4
    block, path = content[32:40], tree.path(leaves, index)
    field = "block 4 of 9"
    yield _one(field, "other-index", made, 5, block, path, "at another place")
    yield _one(field, "beyond", made, 9, block, path, "at a place that the tree has not")
    yield _one(field, "bit-flipped", made, index, one_bit_other(block), path, "one bit the other way")
    yield _one(field, "shorter", made, index, block[:-1], path, "an octet too short")
    yield _one(field, "longer", made, index, block + b"\x00", path, "an octet too long")
    yield _one(f"path of {field}", "too-few", made, index, block, path[:-1], "a digest is missing")
    yield _one(f"path of {field}", "too-many", made, index, block, [*path, path[-1]], "a digest too many")
    yield _one(
        f"path of {field}", "swapped", made, index, block, [path[1], path[0], *path[2:]], "two digests exchanged"
    )
    yield _one(f"path of {field}", "emptied", made, index, block, [], "no path")
    flipped = [one_bit_other(path[0]), *path[1:]]
    yield _one(f"path of {field}", "bit-flipped", made, index, block, flipped, "one bit the other way")


def _groups() -> Iterator[Group]:
    yield Group("content", "blocks", SOURCE, (*_good_contents(), *_bad_contents()))
    yield Group("one-block", "block", SOURCE, tuple(_single()))


AREA = Area("blocks", "Data in blocks, or one block with its path, and the map of blocks that a label signs.", _groups)
