"""Files as streams: the digest of the whole and of each block in one reading, in memory that does not grow with it.

The whole and the blocks are hashed by two threads, since a hash of this size leaves the interpreter's lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from . import tree
from .blocks import Blocks
from .errors import LabelError

PIECE = 1 << 20
"""Octets that are read at once."""
PIECES = 4
"""Pieces in memory at once."""
Advance = Callable[[int], None]
"""Told how many octets more have been read."""
Found = Callable[[int, int, bytes], None]
"""Told a block's index, its octets and its digest."""


@dataclass(frozen=True, slots=True)
class Measured:
    """SHA-256 of a file, its octets, and the digests of its blocks."""

    digest: bytes
    total: int
    leaves: list[bytes]


def measure(file: BinaryIO, size: int, advance: Advance = lambda octets: None) -> Measured:
    """Read a file to its end."""
    leaves: list[bytes] = []
    digest, total = _read(file, size, lambda index, octets, found: leaves.append(found), advance)
    return Measured(digest, total, leaves)


def check_file(
    file: BinaryIO, blocks: Blocks, digest: bytes, leaves: list[bytes], advance: Advance = lambda octets: None
) -> None:
    """Raise LabelError, which names the block, unless a file is the signed one; `leaves` are digests of its blocks.

    The leaves are held against the signed tree first, so that each block is judged as it comes.
    """
    blocks.check_leaves(leaves)

    def judge(index: int, octets: int, found: bytes) -> None:
        blocks.check_leaf(index, octets, found, leaves[index] if index < len(leaves) else b"")

    whole, total = _read(file, blocks.size, judge, advance)
    blocks.check_total(total)
    if whole != digest:
        raise LabelError("LBL-10", "digest", "the content has another than the label's payload")


def digest_of(file: BinaryIO, advance: Advance = lambda octets: None) -> bytes:
    """SHA-256 of a file."""
    whole = sha256()
    while piece := file.read(PIECE):
        whole.update(piece)
        advance(len(piece))
    return whole.digest()


def read_block(file: Path, blocks: Blocks, index: int) -> bytes:
    """One block of a file. Raises LabelError for one that the tree has not, OSError."""
    length = blocks.length(index)
    with file.open("rb") as source:
        source.seek(index * blocks.size)
        return source.read(length)


def _read(file: BinaryIO, size: int, found: Found, advance: Advance) -> tuple[bytes, int]:
    """SHA-256 and octets of a file whose blocks are told one by one."""
    whole, cutter, waiting = sha256(), _Cutter(size, found), deque[Future[None]]()
    with ThreadPoolExecutor(1) as other:
        while piece := file.read(PIECE):
            waiting.append(other.submit(whole.update, piece))
            cutter.update(memoryview(piece))
            advance(len(piece))
            if len(waiting) == PIECES:
                waiting.popleft().result()
        while waiting:
            waiting.popleft().result()
    cutter.finish()
    return whole.digest(), cutter.total


class _Cutter:
    """Hashes blocks as their octets come, however large a block is."""

    def __init__(self, size: int, found: Found) -> None:
        self._size, self._found = size, found
        self._index = self.total = 0
        self._begin()

    def _begin(self) -> None:
        self._leaf, self._octets = sha256(tree.LEAF + self._index.to_bytes(tree.INDEX, "big")), 0

    def update(self, piece: memoryview) -> None:
        self.total += len(piece)
        while piece:
            taken = min(len(piece), self._size - self._octets)
            self._leaf.update(piece[:taken])
            self._octets += taken
            if self._octets == self._size:
                self._end()
            piece = piece[taken:]

    def finish(self) -> None:
        """The last block is shorter; data of no octets has one of no octets."""
        if self._octets or not self.total:
            self._end()

    def _end(self) -> None:
        self._found(self._index, self._octets, self._leaf.digest())
        self._index += 1
        self._begin()
