"""What a label says about its blocks, and data held against it: whole, as a stream, or one block alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from . import tree
from .errors import LabelError

SHA_256 = -16
DEFAULT_SIZE = 1 << 20
"""Octets of a block unless the signer says otherwise."""
MAX_SIZE = (1 << 32) - 1
USUAL, MOST = 1 << 16, 1 << 20
"""Blocks of a file where nobody says how large they are, and where somebody does: their digests stay with the label."""
ALGORITHM, TOTAL, COUNT, DIGESTS, SIZE = 1, 2, 3, 4, 5
"""Keys of the map."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The signed tree: octets of the data, octets of a block, and the root or the digest of every block."""

    total: int
    size: int
    digests: bytes | tuple[bytes, ...]

    @property
    def count(self) -> int:
        """Number of blocks; data of no octets has one block of no octets."""
        return count(self.total, self.size)

    @property
    def root(self) -> bytes:
        """The tree's root, 32 octets."""
        return self.digests if isinstance(self.digests, bytes) else tree.root(self.digests)

    def length(self, index: int) -> int:
        """Octets of a block. Raises LabelError for one that the tree has not."""
        if not 0 <= index < self.count:
            raise LabelError("CHN-04", "index", f"the tree has {self.count} blocks", block=index)
        return min(self.size, self.total - index * self.size)

    def encoded(self) -> dict[int, Any]:
        """The map as it stands in a label."""
        digests = self.digests if isinstance(self.digests, bytes) else list(self.digests)
        return {ALGORITHM: SHA_256, TOTAL: self.total, COUNT: self.count, DIGESTS: digests, SIZE: self.size}

    def check_block(self, index: int, block: bytes, beside: Iterable[bytes] | None = None) -> None:
        """Raise LabelError unless this is the block, by its own path to the root or by the signed list (CHN-05)."""
        self._check_length(index, len(block))
        found = tree.leaf(index, block)
        if isinstance(self.digests, tuple):
            fits = compare_digest(found, self.digests[index])
        else:
            fits = self._leads_to_root(index, found, beside)
        if not fits:
            raise LabelError("CHN-05", "digest", "does not lead to the signed root", block=index)

    def check_leaf(self, index: int, length: int, found: bytes, expected: bytes) -> None:
        """Raise LabelError unless a block of this length and digest is the expected one (CHN-04)."""
        self._check_length(index, length)
        if not compare_digest(found, expected):
            raise LabelError("CHN-04", "digest", "is not that of the signed block", block=index)

    def check_leaves(self, leaves: Sequence[bytes]) -> None:
        """Raise LabelError unless these digests of all blocks make the signed tree."""
        if len(leaves) != self.count:
            raise LabelError("CHN-04", "blocks", f"{len(leaves)} of {self.count} are there")
        if isinstance(self.digests, tuple):
            wrong = next((i for i, (a, b) in enumerate(zip(leaves, self.digests, strict=True)) if a != b), None)
            if wrong is not None:
                raise LabelError("CHN-04", "digest", "is not that of the signed block", block=wrong)
        elif not compare_digest(tree.root(leaves), self.digests):
            raise LabelError("CHN-04", "root", "the blocks make another tree")

    def check_total(self, octets: int) -> None:
        """Raise LabelError unless the data has the signed size."""
        if octets != self.total:
            raise LabelError("CHN-04", "total size", f"{octets} octets where {self.total} are signed")

    def _check_length(self, index: int, length: int) -> None:
        if length != self.length(index):
            raise LabelError("CHN-04", "length", f"{length} octets where {self.length(index)} are due", block=index)

    def _leads_to_root(self, index: int, digest: bytes, beside: Iterable[bytes] | None) -> bool:
        if beside is None:
            raise LabelError("CHN-05", "path", "the label has the root alone and no path came", block=index)
        try:
            return compare_digest(tree.root_by_path(digest, index, self.count, beside), self.root)
        except ValueError as error:
            raise LabelError("CHN-05", "path", str(error), block=index) from error


def count(total: int, size: int) -> int:
    """Number of blocks of `size` octets in `total`."""
    return max(1, -(-total // size))


def parse(value: object, label: bytes = b"") -> Blocks:
    """The map of a label. Raises LabelError."""

    def refused(field: str, reason: str) -> LabelError:
        return LabelError("CHN-01", field, reason, label=label)

    if not isinstance(value, dict) or set(value) != {ALGORITHM, TOTAL, COUNT, DIGESTS, SIZE}:
        raise refused("blocks", "not the map of algorithm, total size, number, digests and size")
    if value[ALGORITHM] != SHA_256:
        raise refused("blocks algorithm", f"{value[ALGORITHM]!r} is not {SHA_256}")
    total, size, number = (value[key] for key in (TOTAL, SIZE, COUNT))
    if not all(type(item) is int for item in (total, size, number)) or total < 0 or not 1 <= size <= MAX_SIZE:
        raise refused("blocks size", "not numbers of octets")
    if number != count(total, size):
        raise refused("number of blocks", f"{number} where {total} octets have {count(total, size)}")
    return Blocks(total, size, _digests(value[DIGESTS], number, refused))


def _digests(value: object, number: int, refused: Any) -> bytes | tuple[bytes, ...]:
    if isinstance(value, bytes) and len(value) == tree.DIGEST:
        return value
    if isinstance(value, list) and all(isinstance(item, bytes) and len(item) == tree.DIGEST for item in value):
        if len(value) != number:
            raise refused("block digests", f"{len(value)} of {number} are there")
        return tuple(value)
    raise refused("block digests", "neither a root nor a list of digests of 32 octets")


def fitting_size(total: int) -> int:
    """Octets of a block such that the digests of all blocks of data of `total` octets need little memory."""
    return min(max(DEFAULT_SIZE, 1 << (total // USUAL).bit_length()), 1 << 30)


def divide(content: bytes, size: int = DEFAULT_SIZE, *, listed: bool = False) -> Blocks:
    """The tree over data at hand; `listed` signs the digest of every block in place of the root."""
    leaves = leaves_of(content, size)
    return Blocks(len(content), size, tuple(leaves) if listed else tree.root(leaves))


def leaves_of(content: bytes, size: int) -> list[bytes]:
    """Digests of the blocks of data at hand."""
    view = memoryview(content)
    return [tree.leaf(i, view[i * size : (i + 1) * size]) for i in range(count(len(content), size))]


def check_content(blocks: Blocks, content: bytes) -> None:
    """Raise LabelError unless data at hand is the signed one (CHN-04)."""
    blocks.check_total(len(content))
    blocks.check_leaves(leaves_of(content, blocks.size))
