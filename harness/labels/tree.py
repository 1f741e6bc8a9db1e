"""The tree over blocks of data (section 12.1): built from a stream in memory that grows with its height alone.

A level with an odd number of nodes passes its last node up unchanged (CHN-03), so a tree over n blocks has the shape of
the Merkle tree of RFC 9162 section 2.1.1, and so have its paths. Digests are SHA-256, 32 octets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

DIGEST = 32
LEAF, NODE = b"\x00", b"\x01"
"""What keeps a block from being taken for an inner node."""
INDEX = 8
"""Octets of a block's index."""


def leaf(index: int, block: bytes | memoryview) -> bytes:
    """Digest of a block at its place (CHN-02)."""
    digest = sha256(LEAF + index.to_bytes(INDEX, "big"))
    digest.update(block)
    return digest.digest()


def node(left: bytes, right: bytes) -> bytes:
    """Digest of an inner node (CHN-02)."""
    return sha256(NODE + left + right).digest()


class Tree:
    """Grows by a leaf at a time and keeps one node for each bit of their number."""

    def __init__(self) -> None:
        self._count = 0
        self._nodes: list[bytes] = []

    def add(self, digest: bytes) -> None:
        """The digest of the next block."""
        completed = self._count
        while completed & 1:
            digest = node(self._nodes.pop(), digest)
            completed >>= 1
        self._nodes.append(digest)
        self._count += 1

    def root(self) -> bytes:
        """The root over what has been added. Raises ValueError when nothing has been."""
        if not self._nodes:
            raise ValueError("a tree has at least one leaf")
        *above, digest = self._nodes
        for left in reversed(above):
            digest = node(left, digest)
        return digest


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over digests of blocks. Raises ValueError when there are none."""
    tree = Tree()
    for digest in leaves:
        tree.add(digest)
    return tree.root()


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The digests beside the way from a block up to the root, lowest first. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"block {index} of {len(leaves)}")
    level, beside = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            beside.append(level[index ^ 1])
        level, index = list(_above(level)), index >> 1
    return beside


def _above(level: Sequence[bytes]) -> Iterator[bytes]:
    for left in range(0, len(level) - 1, 2):
        yield node(level[left], level[left + 1])
    if len(level) % 2:
        yield level[-1]


def root_by_path(digest: bytes, index: int, count: int, beside: Iterable[bytes]) -> bytes:
    """The root to which a block's digest leads. Raises ValueError for a path of another length or place."""
    if not 0 <= index < count:
        raise ValueError(f"block {index} of {count}")
    siblings = iter(beside)
    last = count - 1
    while last:
        if index & 1 or index != last:
            sibling = next(siblings, None)
            if sibling is None:
                raise ValueError("the path ends below the root")
            digest = node(sibling, digest) if index & 1 else node(digest, sibling)
        index, last = index >> 1, last >> 1
    if next(siblings, None) is not None:
        raise ValueError("the path goes on above the root")
    return digest
