"""Files as streams: the digest of the whole and of each block in one reading, in memory that does not grow with it.

The whole and the blocks are hashed by two threads, since a hash of this size leaves the interpreter's lock. Where there
is one processor alone, half the rate of a plain hash is all that two hashes can have.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from typing import Protocol

from . import tree
from .blocks import Blocks
from .errors import LabelError

PIECE, PIECE_ALONE = 1 << 20, 1 << 18
"""Octets that are read at once, and where one processor hashes them twice: they stay in its cache."""
PIECES = 4
"""Pieces in memory at once."""


class Source(Protocol):
    """A file that is open for reading octets."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Octets that were put into the buffer; none at the end."""


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


def measure(file: Source, size: int, advance: Advance = lambda octets: None) -> Measured:
    """Read a file to its end."""
    leaves: list[bytes] = []
    digest, total = _read(file, size, lambda index, octets, found: leaves.append(found), advance)
    return Measured(digest, total, leaves)


def check_file(
    file: Source, blocks: Blocks, digest: bytes, leaves: list[bytes], advance: Advance = lambda octets: None
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


def digest_of(file: Source, advance: Advance = lambda octets: None) -> bytes:
    """SHA-256 of a file."""
    whole, buffer = sha256(), memoryview(bytearray(PIECE))
    while octets := file.readinto(buffer):
        whole.update(buffer[:octets])
        advance(octets)
    return whole.digest()


def read_block(file: Path, blocks: Blocks, index: int) -> bytes:
    """One block of a file. Raises LabelError for one that the tree has not, OSError."""
    length = blocks.length(index)
    with file.open("rb") as source:
        source.seek(index * blocks.size)
        return source.read(length)


def _read(file: Source, size: int, found: Found, advance: Advance) -> tuple[bytes, int]:
    """SHA-256 and octets of a file whose blocks are told one by one."""
    whole, cutter = sha256(), _Cutter(size, found)
    alone = _processors() == 1
    ring = [memoryview(bytearray(PIECE_ALONE if alone else PIECE)) for _ in range(PIECES)]
    with _beside(alone) as submit:
        waiting = deque[Future[None]]()
        for buffer in cycle(ring):
            if len(waiting) == PIECES:
                waiting.popleft().result()  # It was the one that reads this buffer.
            octets = file.readinto(buffer)
            if not octets:
                break
            waiting.append(submit(whole.update, buffer[:octets]))
            cutter.update(buffer[:octets])
            advance(octets)
        while waiting:
            waiting.popleft().result()
    cutter.finish()
    return whole.digest(), cutter.total


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _beside(alone: bool) -> Iterator[Callable[[Callable[[memoryview], None], memoryview], Future[None]]]:
    """How to have something done by another thread; by this one where there is one processor alone."""
    if not alone:
        with ThreadPoolExecutor(1) as other:
            yield other.submit
        return

    def at_once(act: Callable[[memoryview], None], piece: memoryview) -> Future[None]:
        done: Future[None] = Future()
        act(piece)
        done.set_result(None)
        return done

    yield at_once


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
