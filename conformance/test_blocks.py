"""Data in blocks: trees that are not over the content that came, maps that no signer makes, and what must be taken.

The label, its payload and its signature are good: only what it says about blocks is wrong (section 12.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from ..harness.codec import cbor
from ..harness.labels import blocks, tree
from ..harness.labels.blocks import ALGORITHM, COUNT, DIGESTS, SIZE, TOTAL
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from ..harness.tester.telling import tell
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .labelling import Act, accepted, faulty, label_of, send

ROLES = ("device", "service")
OCTETS = 8
CONTENT = bytes(range(5 * OCTETS - 3))
"""Five blocks, the last one short: a level of five nodes, one of three, one of two."""
MOST = 1 << 16
"""Blocks of content in a frame (CHN-15)."""

Map = dict[int, Any]
Leaf = Callable[[int, bytes], bytes]
Node = Callable[[bytes, bytes], bytes]


def signed(content: bytes = CONTENT, size: int = OCTETS, *, listed: bool = False) -> Map:
    """What an honest signer says about blocks."""
    return blocks.divide(content, size, listed=listed).encoded()


def pieces(content: bytes = CONTENT) -> list[bytes]:
    """The blocks."""
    return [content[start : start + OCTETS] for start in range(0, len(content), OCTETS)]


def level_by_level(leaf: Leaf = tree.leaf, node: Node = tree.node, *, odd: Callable[[bytes], bytes] = bytes) -> bytes:
    """The root of a tree whose leaves, nodes, or last nodes of odd levels are made otherwise."""
    level = [leaf(index, block) for index, block in enumerate(pieces())]
    while len(level) > 1:
        above = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = above + [odd(last) for last in level[len(level) - len(level) % 2 :]]
    return level[0]


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def _swapped(digests: list[bytes]) -> list[bytes]:
    return [digests[1], digests[0], *digests[2:]]


LISTED = signed(listed=True)
OTHER: dict[str, tuple[tuple[str, ...], Map]] = {
    "root-bit": ((), {DIGESTS: bytes([signed()[DIGESTS][0] ^ 1]) + signed()[DIGESTS][1:]}),
    "root-of-zeros": ((), {DIGESTS: bytes(32)}),
    "root-of-other-content": ((), {DIGESTS: signed(CONTENT[::-1])[DIGESTS]}),
    "root-is-the-payload": ((), {DIGESTS: _hash(CONTENT)}),
    "leaf-without-prefix": (
        ("CHN-02",), {DIGESTS: level_by_level(lambda i, block: _hash(i.to_bytes(8, "big"), block))}
    ),
    "leaf-without-index": (("CHN-02",), {DIGESTS: level_by_level(lambda i, block: _hash(b"\0", block))}),
    "leaf-with-a-short-index": (
        ("CHN-02",), {DIGESTS: level_by_level(lambda i, block: _hash(b"\0", i.to_bytes(4, "big"), block))}
    ),
    "leaf-with-the-index-reversed": (
        ("CHN-02",), {DIGESTS: level_by_level(lambda i, block: _hash(b"\0", i.to_bytes(8, "little"), block))}
    ),
    "leaf-counted-from-one": (
        ("CHN-02",), {DIGESTS: level_by_level(lambda i, block: tree.leaf(i + 1, block))}
    ),
    "node-without-prefix": (("CHN-02",), {DIGESTS: level_by_level(node=_hash)}),
    "node-with-the-sides-swapped": (("CHN-02",), {DIGESTS: level_by_level(node=lambda a, b: tree.node(b, a))}),
    "odd-node-doubled": (("CHN-03",), {DIGESTS: level_by_level(odd=lambda last: tree.node(last, last))}),
    "odd-node-hashed-alone": (("CHN-03",), {DIGESTS: level_by_level(odd=lambda last: _hash(b"\1", last))}),
    "list-bit": ((), {DIGESTS: [*LISTED[DIGESTS][:-1], bytes(32)]}),
    "list-swapped": ((), {DIGESTS: _swapped(LISTED[DIGESTS])}),
    "list-of-other-content": ((), {DIGESTS: signed(CONTENT[::-1], listed=True)[DIGESTS]}),
    "total-plus-one": ((), {TOTAL: len(CONTENT) + 1}),
    "total-minus-one": ((), {TOTAL: len(CONTENT) - 1}),
    "total-of-whole-blocks": ((), {TOTAL: 5 * OCTETS}),
    "a-block-missing": ((), signed(CONTENT[: 4 * OCTETS]) | {TOTAL: 4 * OCTETS}),
    "a-block-more": ((), signed(CONTENT + bytes(OCTETS))),
    "other-size-of-blocks": ((), {SIZE: OCTETS + 1}),
}  # fmt: skip
"""Well-formed maps that are not about the content: what is different, and the requirements that tell so besides."""

MALFORMED: dict[str, object] = {
    "algorithm-sha-384": {ALGORITHM: -43},
    "number-plus-one": {COUNT: 6},
    "number-minus-one": {COUNT: 4},
    "list-one-short": {DIGESTS: LISTED[DIGESTS][:-1]},
    "list-one-more": {DIGESTS: [*LISTED[DIGESTS], bytes(32)]},
    "list-empty": {DIGESTS: []},
    "root-of-31-octets": {DIGESTS: bytes(31)},
    "root-of-64-octets": {DIGESTS: bytes(64)},
    "size-zero": {SIZE: 0},
    "total-negative": {TOTAL: -1, COUNT: 1},
    "unknown-key": {9: 0},
    "no-map": 7,
}


def _map(change: object) -> bytes:
    """The honest map with something else in it."""
    return cbor.encode(signed() | change if isinstance(change, dict) else change)


def sending(encoded: bytes, content: bytes = CONTENT) -> Act:
    """Send data whose label says this about blocks."""

    def act(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        tell(peer, {label_of(peer).blocks: encoded})
        send(peer, content)

    return act


def taken(conversation: Conversation, encoded: bytes, content: bytes = CONTENT) -> str:
    """Send data in blocks; what went wrong."""
    peer, before = conversation.peer, len(conversation.peer.observations)
    tell(peer, {label_of(peer).blocks: encoded})
    send(peer, content)
    conversation.flush()
    conversation.until_seen(f"RECEIPT_{peer.peer}", before)
    seen = conversation.saw(f"RECEIPT_{peer.peer}", before)
    return "" if seen is not None and seen.code == 0 else "data in honest blocks was refused"


def refused(bench: Bench, encoded: bytes, content: bytes = CONTENT, after: Act | None = None) -> None:
    """Data whose label says this about blocks is refused, and the session goes on."""
    bench.iut.need_feature("label_blocks")

    def play() -> str:
        conversation = bench.iut.converse()
        try:
            wrong = opened(conversation) or taken(conversation, cbor.encode(signed()))
            return "" if wrong else conversation.transcript.digest()
        finally:
            conversation.close()

    bench.refuses(Deviation(), faulty(sending(encoded, content), after=after), configuration="blocks", control=play)


def _trees() -> Iterator[Case]:
    for role in ROLES:
        for field, (needs, _) in OTHER.items():
            yield citing(fault(role, "label_blocks_fit_content", "divide", field), *needs, "CHN-05")


@for_each(_trees())
def test_tree(case: Case, bench: Bench) -> None:
    """Data refused solely because its label signs the tree of something else: CHN-02 to CHN-05."""
    refused(bench, _map(OTHER[case.field][1]))


@for_each(
    citing(fault(role, "label_blocks_fit_content", "divide", "payload-of-other-content"), "CHN-16") for role in ROLES
)
def test_payload_of_other_content(case: Case, bench: Bench) -> None:
    """Data refused although its digest is the payload: the tree is that of a longer content, of which it is a part."""
    refused(bench, cbor.encode(signed(CONTENT + b"more")))


@for_each(
    citing(fault(role, "label_digest_is_content", "divide", "tree-of-this-and-payload-of-other"), "CHN-16")
    for role in ROLES
)
def test_tree_of_this_and_payload_of_other(case: Case, bench: Bench) -> None:
    """Data refused although its blocks fit the tree, solely because the payload is another digest: CHN-16."""

    def act(iut: Iut, conversation: Conversation) -> None:
        own = label_of(conversation.peer)
        tell(conversation.peer, {own.blocks: cbor.encode(signed()), own.digest: bytes(32)})
        send(conversation.peer, CONTENT)

    bench.iut.need_feature("label_blocks")
    bench.refuses(Deviation(), faulty(act))


@for_each(fault(role, "label_blocks_are_well_formed", "bend", field) for role in ROLES for field in MALFORMED)
def test_map(case: Case, bench: Bench) -> None:
    """Data refused solely because its label's map of blocks is none that a signer makes: CHN-15."""
    refused(bench, _map(MALFORMED[case.field]))


@for_each(fault(role, "label_blocks_are_well_formed", "exceed", "number-of-blocks") for role in ROLES)
def test_too_many_blocks(case: Case, bench: Bench) -> None:
    """Data refused solely because it has more blocks than a frame may have: CHN-15."""
    bench.iut.need_feature("label_blocks")
    content = bytes(MOST + 1)
    refused(bench, cbor.encode(signed(content, 1)), content)


@for_each(
    fault(role, check, "later", field)
    for role in ROLES
    for check, field in (("label_blocks_fit_content", "tree"), ("label_blocks_are_well_formed", "map"))
)
def test_later_label(case: Case, bench: Bench) -> None:
    """Likewise, where the label refers to an environment object that came before: CHN-04, CHN-15."""
    wrong = {"tree": {DIGESTS: bytes(32)}, "map": {COUNT: 6}}[case.field]
    refused(bench, _map(wrong), after=lambda iut, conversation: accepted(conversation))


GOOD: dict[str, tuple[bytes, int, bool]] = {
    **{f"{number}-blocks": (bytes(range(number)), 1, False) for number in range(1, 10)},
    "a-short-last-block": (CONTENT, OCTETS, False),
    "whole-blocks": (CONTENT[: 4 * OCTETS], OCTETS, False),
    "one-block-larger-than-the-content": (CONTENT, 1 << 20, False),
    "the-largest-block": (CONTENT, (1 << 32) - 1, False),
    "a-list": (CONTENT, OCTETS, True),
    "a-list-of-one": (CONTENT, 1 << 20, True),
    "no-content": (b"", OCTETS, False),
    "many-blocks": (bytes(3000), 1, False),
    "a-long-content": (bytes(200_001), 1 << 16, False),
}


@for_each(Case(role, ("CHN-01", "CHN-02", "CHN-03", "CHN-15"), "take", field) for role in ROLES for field in GOOD)
def test_blocks(case: Case, bench: Bench) -> None:
    """Data in blocks is taken, however many and however large they are: CHN-01 to CHN-03, CHN-15."""
    bench.iut.need_feature("label_blocks")
    content, size, listed = GOOD[case.field]
    encoded = cbor.encode(signed(content, size, listed=listed))
    bench.works(lambda conversation: opened(conversation) or taken(conversation, encoded, content))
