"""Faults of judging blocks and processing chains: trees made otherwise, links not followed, bounds missed by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from ..identity.world import World
from ..peer.label_checks import read_chain
from .fault import GENERAL, Fault, fault
from .operators import Condition, accepts, decoded, forgives, refuses
from .run import Judge

if TYPE_CHECKING:
    from ..labels.chain import Chain
    from ..labels.label import Label
    from ..labels.trust import Trust

DIGESTS, COUNT, SIZE, TOTAL = 4, 3, 5, 2
FIT, FORM = "label_blocks_fit_content", "label_blocks_are_well_formed"

# --- blocks ----------------------------------------------------------------------------------------------------------

Leaf = Callable[[int, bytes], bytes]
Node = Callable[[bytes, bytes], bytes]


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def _leaf(index: int, block: bytes) -> bytes:
    return _hash(b"\0", index.to_bytes(8, "big"), block)


def _node(left: bytes, right: bytes) -> bytes:
    return _hash(b"\1", left, right)


def _same(last: bytes) -> bytes:
    return last


def _leaves(blocks: bytes, content: bytes, leaf: Leaf = _leaf) -> list[bytes]:
    size = decoded(blocks)[SIZE]
    return [leaf(start // size, content[start : start + size]) for start in range(0, len(content), size)]


def _tree(leaf: Leaf = _leaf, node: Node = _node, odd: Callable[[bytes], bytes] = _same) -> Judge:
    """A tree that is made otherwise passes too."""

    def fits(world: World, blocks: bytes, content: bytes) -> bool:
        level = _leaves(blocks, content, leaf)
        while len(level) > 1:
            above = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            level = above + [odd(last) for last in level[len(level) - len(level) % 2 :]]
        return bool(level[0] == decoded(blocks)[DIGESTS])

    return accepts(fits)


def _unordered(world: World, blocks: bytes, content: bytes) -> bool:
    return sorted(decoded(blocks)[DIGESTS]) == sorted(_leaves(blocks, content))


def _first_block(world: World, blocks: bytes, content: bytes) -> bool:
    return bool(decoded(blocks)[DIGESTS][0] == _leaves(blocks, content)[0])


def _says(condition: Callable[[dict[int, object], bytes], bool]) -> Condition:
    """Of a map of blocks that is there, and the content."""
    return lambda world, blocks, *content: bool(blocks) and condition(decoded(blocks), b"".join(content))


_BLOCKS: tuple[tuple[str, str, str, str, str, Judge, str], ...] = (
    ("leaf_without_prefix", "CHN-02", "missing", "leaf prefix", FIT,
     _tree(lambda i, block: _hash(i.to_bytes(8, "big"), block)), "Digests of blocks without their prefix pass."),
    ("leaf_without_index", "CHN-02", "missing", "leaf index", FIT,
     _tree(lambda i, block: _hash(b"\0", block)), "Digests of blocks without their index pass."),
    ("leaf_index_of_four_octets", "CHN-02", "short", "leaf index", FIT,
     _tree(lambda i, block: _hash(b"\0", i.to_bytes(4, "big"), block)), "Indices of four octets pass."),
    ("leaf_index_reversed", "CHN-02", "byte order", "leaf index", FIT,
     _tree(lambda i, block: _hash(b"\0", i.to_bytes(8, "little"), block)), "Indices in the other byte order pass."),
    ("leaf_counted_from_one", "CHN-02", "off by one", "leaf index", FIT,
     _tree(lambda i, block: _leaf(i + 1, block)), "Blocks that are counted from one pass."),
    ("node_without_prefix", "CHN-02", "missing", "node prefix", FIT,
     _tree(node=_hash), "Inner nodes without their prefix pass."),
    ("node_sides_swapped", "CHN-02", "confusion", "sides of a node", FIT,
     _tree(node=lambda left, right: _node(right, left)), "Trees with the sides of nodes swapped pass."),
    ("odd_node_doubled", "CHN-03", "confusion", "odd node", FIT,
     _tree(odd=lambda last: _node(last, last)), "Trees whose last odd node is doubled pass."),
    ("odd_node_hashed", "CHN-03", "duplicate", "odd node", FIT,
     _tree(odd=lambda last: _hash(b"\1", last)), "Trees whose last odd node is hashed alone pass."),
    ("odd_levels_refused", "CHN-03", "false reject", "odd node", FIT,
     refuses(_says(lambda said, content: said[COUNT] in (3, 5, 6, 7, 9))), "Trees with an odd level are refused."),
    ("blocks_unordered", "CHN-04", "any of several", "block digests", FIT,
     accepts(_unordered), "Blocks pass in any order."),
    ("blocks_first_only", "CHN-04", "first of several", "block digests", FIT,
     accepts(_first_block), "Of the blocks only the first is compared."),
    ("blocks_total_not_compared", "CHN-04", "missing", "total size", FIT,
     forgives("octets where"), "The size of the content is not compared with the signed one."),
    ("blocks_total_larger", "CHN-04", "wrong direction", "total size", FIT,
     accepts(_says(lambda said, content: int(str(said[TOTAL])) > len(content))), "Content may be cut."),
    ("blocks_root_of_zeros", "CHN-04", "empty", "root", FIT,
     accepts(_says(lambda said, content: said[DIGESTS] == bytes(32))), "A root of zeros passes."),
    ("blocks_root_is_payload", "CHN-04", "confusion", "root", FIT,
     accepts(_says(lambda said, content: said[DIGESTS] == _hash(content))), "The content's own digest passes as root."),
    ("blocks_list_refused", "CHN-01", "false reject", "list of digests", FORM,
     refuses(_says(lambda said, _: isinstance(said[DIGESTS], list))), "A list of digests is refused."),
    ("blocks_short_last_refused", "CHN-15", "false reject", "last block", FIT,
     refuses(_says(lambda said, content: bool(len(content) % int(str(said[SIZE]))))),
     "A last block that is shorter is refused."),
    ("blocks_large_refused", "CHN-15", "limit ignored", "size of a block", FORM,
     refuses(_says(lambda said, _: int(str(said[SIZE])) > 1 << 31)), "A size of more than 31 bits is refused."),
    ("blocks_none_refused", "CHN-15", "false reject", "no content", FIT,
     refuses(_says(lambda said, content: not content)), "Data of no octets is refused."),
    ("blocks_count_not_compared", "CHN-15", "missing", "number of blocks", FORM,
     forgives("octets have"), "The number of blocks is not compared."),
    ("blocks_algorithm_not_judged", "CHN-15", "missing", "algorithm", FORM,
     forgives("blocks algorithm"), "The algorithm of the tree is not looked at."),
    ("blocks_unbounded", "CHN-15", "limit ignored", "number of blocks", FORM,
     forgives("more than"), "The number of blocks is not bounded."),
    ("blocks_long_root_passes", "CHN-15", "prefix", "root", FORM,
     forgives("neither a root"), "A root of another length passes."),
)  # fmt: skip


# --- chains ----------------------------------------------------------------------------------------------------------


def _of(condition: Callable[[Chain, list[Label]], bool]) -> Condition:
    """Of a chain and the labels of it that are there, inputs first; false where there is none."""

    def holds(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes) -> bool:
        chain, _ = read_chain(label, brought)
        told = action or inputs or brought
        return bool(told) and chain is not None and condition(chain, chain.ordered(None, incomplete=True))

    return holds


def _passes(check: Callable[[], None]) -> bool:
    from ..labels.errors import LabelError

    try:
        check()
    except LabelError:
        return False
    return True


def _direct(chain: Chain) -> list[Label]:
    """The labels of the data's own inputs."""
    return [found for item in chain.top.inputs if (found := chain.find(item.label)) is not None]


def _height(chain: Chain, labels: list[Label]) -> int:
    heights: dict[bytes, int] = {}
    for label in labels:
        heights[label.digest] = 1 + max((heights.get(item.label, 0) for item in label.inputs), default=0)
    return heights[chain.top.digest]


def _shallow(chain: Chain, labels: list[Label]) -> bool:
    return _height(chain, labels) <= 32


def _width(labels: list[Label]) -> int:
    return max(len(label.inputs) for label in labels)


def _data_first(chain: Chain, labels: list[Label]) -> bool:
    firsts = ((chain.find(label.inputs[0].label), label.inputs[0]) for label in labels if label.inputs)
    return all(found is None or found.payload == item.data for found, item in firsts)


def _data_prefix(chain: Chain, labels: list[Label]) -> bool:
    every = ((chain.find(item.label), item) for label in labels for item in label.inputs)
    return all(found is None or found.payload[:4] == item.data[:4] for found, item in every)


def _shared(labels: list[Label]) -> bool:
    named = [item.label for label in labels for item in label.inputs]
    return len(named) > len(set(named))


def _processed_from_something(chain: Chain, labels: list[Label]) -> bool:
    return all(one.inputs for one in labels if one.action and one.action.name != "tc.created")


def _rule_of_the_top(name: str) -> Judge:
    """Only the label of the data itself is judged."""

    def top(chain: Chain, labels: list[Label]) -> bool:
        from ..labels import chain as rules

        return _passes(lambda: getattr(rules, name)(chain.top))

    return accepts(_of(top))


def _signers(check: Callable[[Trust, Label], None], which: Callable[[Chain, list[Label]], list[Label]]) -> Judge:
    """Only these labels of the chain are judged."""

    def holds(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes) -> bool:
        from ..labels.trust import Trust

        chain, _ = read_chain(label, brought)
        assert chain is not None
        trust, labels = Trust.of(world), chain.ordered(None, incomplete=True)[:-1]
        return all(_passes(partial(check, trust, one)) for one in which(chain, labels))

    return accepts(holds)


def _originals(chain: Chain, labels: list[Label]) -> list[Label]:
    return [label for label in labels if not label.inputs]


def _only_direct(chain: Chain, labels: list[Label]) -> list[Label]:
    return _direct(chain)


def _action(condition: Callable[[str, Label], bool]) -> Condition:
    """Of the action of some label of the chain."""
    return _of(lambda chain, labels: any(condition(one.action.name, one) for one in labels if one.action))


def _every_action(condition: Callable[[str], bool]) -> Condition:
    return _of(lambda chain, labels: all(condition(one.action.name) for one in labels if one.action))


def _own(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes) -> bool:
    chain, _ = read_chain(label, brought)
    leaf = world.credentials.leaf.sha256
    return bool(brought) and chain is not None and any(one.x5t == leaf for one in chain.ordered(None))


_NAMES = frozenset({"tc.created", "tc.processed", "tc.confirmed", "tc.forwarded"})
THERE, DATA, SIGNED, STATUS = (
    "chain_labels_are_there", "chain_names_its_data", "chain_signatures_verify", "chain_signers_are_not_revoked",
)  # fmt: skip
SUBJECT, PATH, BOUND = "chain_subjects_are_signers", "chain_signers_have_a_path", "chain_is_bounded"
COMPLETE, KNOWN, ORIGIN, SAME = (
    "label_action_is_complete", "label_action_is_known", "label_action_fits_inputs", "forwarded_data_is_unchanged",
)  # fmt: skip

_CHAINS: tuple[tuple[str, str, str, str, str, Judge, str], ...] = (
    ("chain_direct_inputs_only", "CHN-08", "recursion missing", "missing label", THERE,
     accepts(_of(lambda chain, labels: len(_direct(chain)) == len(chain.top.inputs))),
     "Whether labels are there is asked of the data's own inputs alone."),
    ("chain_first_input_only", "CHN-08", "first of several", "missing label", THERE,
     accepts(_of(lambda chain, labels: chain.find(chain.top.inputs[0].label) is not None and len(labels) > 1)),
     "Of several inputs only the first has to be there."),
    ("chain_data_of_first_input", "CHN-08", "first of several", "data digest", DATA,
     accepts(_of(_data_first)), "Of several inputs only the first one's data is compared."),
    ("chain_data_of_the_top", "CHN-08", "recursion missing", "data digest", DATA,
     accepts(_of(lambda chain, labels: _data_prefix(chain, [chain.top]) and _data_first(chain, [chain.top]))),
     "The digests of data that inputs name are not compared below the data's own label."),
    ("chain_data_prefix", "CHN-08", "prefix", "data digest", DATA,
     accepts(_of(_data_prefix)), "Only the first four octets of the digests of data are compared."),
    ("chain_signatures_of_direct_inputs", "CHN-08", "recursion missing", "signature", SIGNED,
     _signers(lambda trust, one: trust.check_signature(one), _only_direct),
     "Only the labels of the data's own inputs are verified."),
    ("chain_signatures_of_originals", "CHN-08", "last of several", "signature", SIGNED,
     _signers(lambda trust, one: trust.check_signature(one), _originals), "Only labels without inputs are verified."),
    ("chain_sub_only", "CHN-08", "first of several", "iss", SUBJECT, forgives("iss:"),
     "Of sub and iss of an input's label only sub is compared."),
    ("chain_iss_only", "CHN-08", "last of several", "sub", SUBJECT, forgives("sub:"),
     "Of sub and iss of an input's label only iss is compared."),
    ("chain_signer_expired_passes", "CHN-08", "missing", "validity", PATH, forgives("not valid at"),
     "Whether a signer's certificate was valid is not asked."),
    ("chain_signer_of_any_purpose", "CHN-08", "any of several", "key usage", PATH, forgives("is not for labels"),
     "A certificate of another purpose may sign labels."),
    ("chain_own_labels_refused", "CHN-08", "false reject", "own label", PATH, refuses(_own),
     "A chain with a label of one's own is refused."),
    ("chain_held_signers_refused", "CHN-08", "false reject", "x5chain", PATH,
     refuses(_of(lambda chain, labels: any(not one.certificates for one in labels[:-1]))),
     "A label that brings no certificate is refused though it is held."),
    ("chain_other_sessions_refused", "CHN-08", "false reject", "sid", PATH,
     refuses(_of(lambda chain, labels: any(one.sid is not None for one in labels[:-1]))),
     "Inputs that were labelled in another session are refused."),
    ("chain_sessions_only", "CHN-08", "false reject", "sid absent", PATH,
     refuses(_of(lambda chain, labels: any(one.sid is None for one in labels[:-1]))),
     "Inputs that were labelled outside a session are refused."),
    ("chain_status_of_direct_inputs", "CHN-09", "recursion missing", "revocation", STATUS,
     _signers(lambda trust, one: trust.check_status(one), _only_direct),
     "Revocation is asked of the signers of the data's own inputs alone."),
    ("chain_status_at_iat", "LBL-24", "wrong source", "revocation", STATUS,
     _signers(lambda trust, one: trust.check_status(one, one.issued_at - 365 * 86400), lambda chain, labels: labels),
     "Revocation is asked about a time that the signer states himself."),
    ("chain_depth_33", "CHN-10", "off by one", "depth", BOUND,
     accepts(_of(lambda chain, labels: _height(chain, labels) == 33)), "A chain one label too deep passes."),
    ("chain_depth_31", "CHN-10", "false reject", "depth", BOUND,
     refuses(_of(lambda chain, labels: _height(chain, labels) == 32)), "A chain of the greatest depth is refused."),
    ("chain_inputs_65", "CHN-10", "off by one", "inputs", BOUND,
     accepts(_of(lambda chain, labels: _width(labels) == 65)), "A label with one input too many passes."),
    ("chain_inputs_63", "CHN-10", "false reject", "inputs", BOUND,
     refuses(_of(lambda chain, labels: _width(labels) == 64)), "A label with the most inputs is refused."),
    ("chain_inputs_of_the_top", "CHN-10", "recursion missing", "inputs", BOUND,
     accepts(_of(lambda chain, labels: len(chain.top.inputs) <= 64 and len(labels) < 1000 and _shallow(chain, labels))),
     "The number of inputs is bounded for the data's own label alone."),
    ("chain_labels_1025", "CHN-10", "off by one", "labels", BOUND,
     accepts(_of(lambda chain, labels: len(labels) == 1025)), "A chain of one label too many passes."),
    ("chain_labels_1023", "CHN-10", "false reject", "labels", BOUND,
     refuses(_of(lambda chain, labels: len(labels) == 1024)), "A chain of the most labels is refused."),
    ("chain_diamond_refused", "CHN-10", "false reject", "label twice", BOUND,
     refuses(_of(lambda chain, labels: _shared(labels))), "A label that is referred to twice is taken for a cycle."),
    ("action_complete_in_the_top", "CHN-06", "recursion missing", "action", COMPLETE,
     _rule_of_the_top("check_complete"), "Whether an action is complete is asked of the data's own label alone."),
    ("action_without_agent", "CHN-06", "empty", "agent", COMPLETE,
     accepts(_action(lambda name, one: one.action is not None and not one.action.agent)),
     "An agent without a name passes."),
    ("action_without_parameters", "CHN-06", "absent", "parameters", COMPLETE,
     accepts(_action(lambda name, one: one.action is not None and one.action.parameters is None)),
     "An action without a digest of its parameters passes."),
    ("action_of_originals_required", "CHN-06", "false reject", "action", COMPLETE,
     refuses(_of(lambda chain, labels: any(one.action is None for one in labels))),
     "An original without an action is refused."),
    ("action_known_in_the_top", "CHN-07", "recursion missing", "action", KNOWN,
     _rule_of_the_top("check_known"), "Whether an action is known is asked of the data's own label alone."),
    ("action_by_prefix", "CHN-07", "prefix", "action", KNOWN,
     accepts(_every_action(lambda name: name.startswith("tc."))), "Every action of the prefix passes."),
    ("action_by_any_case", "CHN-07", "case", "action", KNOWN,
     accepts(_every_action(lambda name: name.lower() in _NAMES)), "An action passes in any case of letters."),
    ("action_few_known", "CHN-07", "false reject", "action", KNOWN,
     refuses(_action(lambda name, one: name not in _NAMES)), "Some actions of the profile are refused."),
    ("action_origin_in_the_top", "CHN-11", "recursion missing", "inputs", ORIGIN,
     _rule_of_the_top("check_origin"), "Whether inputs fit the action is asked of the data's own label alone."),
    ("action_created_from_something", "CHN-11", "missing", "inputs of tc.created", ORIGIN,
     accepts(_of(_processed_from_something)), "Data may be created from something."),
    ("action_processed_from_nothing", "CHN-11", "absent", "inputs", ORIGIN,
     accepts(_action(lambda name, one: name != "tc.created" and not one.inputs)),
     "Data may be processed from nothing."),
    ("action_created_refused", "CHN-11", "false reject", "tc.created", ORIGIN,
     refuses(_of(lambda chain, labels: len(labels) == 1)), "Data that was made from nothing is refused."),
    ("forwarded_in_the_top", "CHN-13", "recursion missing", "data digest", SAME,
     _rule_of_the_top("check_forwarded"), "Whether forwarded data was changed is asked of the data's own label alone."),
    ("forwarded_as_any_input", "CHN-13", "any of several", "data digest", SAME,
     accepts(_action(lambda name, one: name == "tc.forwarded" and any(i.data == one.payload for i in one.inputs))),
     "Forwarded data has to be that of any input."),
    ("forwarded_refused", "CHN-13", "false reject", "tc.forwarded", SAME,
     refuses(_action(lambda name, one: name == "tc.forwarded")), "Forwarded data is refused."),
)  # fmt: skip


def chain_faults() -> Iterator[Fault]:
    """All faults about blocks and processing chains."""
    for name, requirement, operator, what, check, judge, sentence in (*_BLOCKS, *_CHAINS):
        yield fault(name, sentence, requirement, operator, what, source=GENERAL, judges={check: judge})
