"""Blocks of data: section 12.1."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from .refusal import ensure
from .strict import load


def leaf(index: int, block: bytes) -> bytes:
    """Of a block at its place."""
    return sha256(b"\x00" + index.to_bytes(8, "big") + block).digest()


def root(level: list[bytes]) -> bytes:
    """Of a tree, level by level."""
    while len(level) > 1:
        pairs = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0]


def _signed(given: dict[str, Any]) -> tuple[int, int, int, Any]:
    """Total, number and size of blocks, and what stands for their digests. Raises Refused."""
    made = load(bytes.fromhex(given["blocks"]))
    ensure(isinstance(made, dict) and set(made) == {1, 2, 3, 4, 5}, "the map of blocks")
    total, count, size = made[2], made[3], made[5]
    ensure(made[1] == -16 and all(type(item) is int for item in (total, count, size)), "the map of blocks")
    ensure(total >= 0 and size >= 1 and count == max(1, (total + size - 1) // size), "number of blocks")
    return total, count, size, made[4]


def content(given: dict[str, Any]) -> dict[str, str]:
    """Operation `blocks`."""
    total, count, size, digests = _signed(given)
    data = bytes.fromhex(given["content"])
    ensure(len(data) == total, "total size")
    leaves = [leaf(index, data[index * size : (index + 1) * size]) for index in range(count)]
    ensure(leaves == digests if isinstance(digests, list) else root(leaves) == digests, "another tree")
    return {"root": root(leaves).hex()}


def block(given: dict[str, Any]) -> None:
    """Operation `block`."""
    total, count, size, digests = _signed(given)
    index, data = given["index"], bytes.fromhex(given["block"])
    ensure(0 <= index < count and len(data) == min(size, total - index * size), "index or length")
    found, beside, last = leaf(index, data), [bytes.fromhex(item) for item in given["path"]], count - 1
    place = index
    while last:
        if place % 2 or place < last:
            ensure(beside, "the path is too short")
            other = beside.pop(0)
            found = sha256(b"\x01" + (other + found if place % 2 else found + other)).digest()
        place, last = place // 2, last // 2
    ensure(not beside and found == digests, "does not lead to the root")
