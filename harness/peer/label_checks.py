"""Blocks and processing chains of a label in DATA, as predicates; arguments are encoded items, b"" where absent.

Most labels have neither: only one that has loads what judges them. A predicate refuses for its own reason alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from ..codec import cbor
from ..identity.world import LENIENT, World

if TYPE_CHECKING:
    from ..labels.blocks import Blocks
    from ..labels.chain import Chain
    from ..labels.errors import LabelError
    from ..labels.label import Label
    from ..labels.trust import Trust

MOST_BLOCKS = 1 << 16
"""Blocks of content in a frame (CHN-15): each costs a hash, however small it is."""


def _blocks(encoded: bytes) -> Blocks:
    from ..labels.blocks import parse

    return parse(cbor.decode(encoded, rules=LENIENT))


def _well_formed(world: World, encoded: bytes) -> None:
    """The map of blocks is such as a signer makes it."""
    if encoded and _blocks(encoded).count > MOST_BLOCKS:
        raise ValueError(f"more than {MOST_BLOCKS} blocks")


def _fit(world: World, encoded: bytes, content: bytes) -> None:
    """The content is the one in the signed tree."""
    if not encoded:
        return
    from ..labels.blocks import check_content
    from ..labels.errors import LabelError

    try:
        blocks = _blocks(encoded)
    except LabelError:
        return  # That is for the check before this one.
    check_content(blocks, content)


# --- chains ----------------------------------------------------------------------------------------------------------

OfChain = Callable[["Chain", World], None]


@lru_cache(2)
def read_chain(label: bytes, brought: bytes) -> tuple[Chain | None, LabelError | None]:
    """The chain of a label, and why one of its labels cannot be read."""
    from ..labels.chain import Chain
    from ..labels.errors import LabelError
    from ..labels.label import parse

    failure: LabelError | None = None
    found: dict[bytes, Label] = {}
    try:
        top = parse(label)
    except LabelError as error:
        return None, error
    try:
        octets = cbor.split_array(brought, rules=LENIENT) if brought else []
    except cbor.CborError as error:
        return Chain(top, {}), LabelError("CHN-08", "inputs", str(error), label=top.digest)
    for item in octets:
        try:
            one = parse(item)
        except LabelError as error:
            failure = failure or error
        else:
            found[one.digest] = one
    return Chain(top, found), failure


def _of_chain(rule: OfChain) -> Callable[..., None]:
    """A rule about what data was made from, where that is told."""

    def judge(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes) -> None:
        if action or inputs or brought:
            chain, _ = read_chain(label, brought)
            if chain is not None:
                rule(chain, world)

    return judge


def _readable(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes) -> None:
    if action or inputs or brought:
        _, failure = read_chain(label, brought)
        if failure is not None:
            raise failure


def _bounded(chain: Chain, world: World) -> None:
    chain.ordered(incomplete=True)


def _there(chain: Chain, world: World) -> None:
    chain.ordered(None)


def _each(name: str) -> OfChain:
    """A rule of `labels.chain` about every label, that of the data included."""

    def rule(chain: Chain, world: World) -> None:
        from ..labels import chain as rules

        check: Callable[[Label], None] = getattr(rules, name)
        for label in chain.ordered(None, incomplete=True):
            check(label)

    return rule


def _named(chain: Chain, world: World) -> None:
    from ..labels.chain import check_inputs

    for label in chain.ordered(None, incomplete=True):
        check_inputs(label, chain.find)


def _signer(check: Callable[[Trust, Label], None]) -> OfChain:
    """A rule about who signed the labels of inputs; the label of the data itself is the peer's."""

    def rule(chain: Chain, world: World) -> None:
        from ..labels.trust import Trust

        trust = Trust.of(world)
        for label in chain.ordered(None, incomplete=True)[:-1]:
            check(trust, label)

    return rule


# --- confirmations by a user -----------------------------------------------------------------------------------------


def confirming(chain: Chain) -> list[Label]:
    """The label of the data, and those of its own inputs, that are confirmations or say so."""
    from ..labels.chain import CONFIRMED

    near = [chain.top, *(found for item in chain.top.inputs if (found := chain.find(item.label)) is not None)]
    named = [label for label in near if label.action is not None and label.action.name == CONFIRMED]
    return named + [label for label in near if label.confirms is not None and label not in named]


def _by_the_interface(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes, further: bytes) -> None:
    """A confirmation is signed by the key that accepted evidence names, and nothing else is one (TUI-05, TUI-06)."""
    chain = read_chain(label, brought)[0] if action or inputs or brought else None
    if chain is None or not (found := confirming(chain)):
        return
    from ..identity.interface import ENVIRONMENT, KEY, TEE, thumbprint, told
    from ..labels.chain import CONFIRMED
    from ..labels.trust import Trust

    claim = told(further)
    if claim is None or claim[ENVIRONMENT] != TEE:
        raise ValueError("the evidence tells no interface that the trusted environment draws")
    for one in found:
        if one.action is None or one.action.name != CONFIRMED:
            raise ValueError("key 7 stands in a label that is no confirmation")
        signer = Trust.of(world).signer(one)[0]
        if claim.get(KEY) != thumbprint(signer):
            raise ValueError("signed by another key than the interface's")


def _names_the_transaction(
    world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes, sid: bytes, content: bytes
) -> None:
    """A confirmation is of this session and of the content that it comes with (TUI-07)."""
    chain = read_chain(label, brought)[0] if action or inputs or brought else None
    if chain is not None and any(one.confirms != sha256(sid + content).digest() for one in confirming(chain)):
        raise ValueError("a confirmation of another transaction")


def check_new(confirmed: set[bytes], action: bytes, inputs: bytes, brought: bytes, label: bytes) -> None:
    """Accept each confirmation once; those of accepted data are added to `confirmed` (TUI-07). Raises ValueError."""
    chain = read_chain(label, brought)[0] if action or inputs or brought else None
    digests = {one.digest for one in confirming(chain)} if chain is not None else set()
    if digests & confirmed:
        raise ValueError("a confirmation that was accepted before")
    confirmed |= digests


LABEL_CHECKS: Mapping[str, Callable[..., None]] = {
    "label_blocks_are_well_formed": _well_formed,
    "label_blocks_fit_content": _fit,
    "chain_labels_are_well_formed": _readable,
    "confirmation_is_by_the_interface": _by_the_interface,
    "confirmation_names_the_transaction": _names_the_transaction,
    "chain_is_bounded": _of_chain(_bounded),
    "chain_labels_are_there": _of_chain(_there),
    "label_action_is_complete": _of_chain(_each("check_complete")),
    "label_action_is_known": _of_chain(_each("check_known")),
    "label_action_fits_inputs": _of_chain(_each("check_origin")),
    "forwarded_data_is_unchanged": _of_chain(_each("check_forwarded")),
    "chain_names_its_data": _of_chain(_named),
    "chain_signatures_verify": _of_chain(_signer(lambda trust, label: trust.check_signature(label))),
    "chain_subjects_are_signers": _of_chain(_signer(lambda trust, label: trust.check_subject(label))),
    "chain_signers_have_a_path": _of_chain(_signer(lambda trust, label: trust.check_path(label))),
    "chain_signers_are_not_revoked": _of_chain(_signer(lambda trust, label: trust.check_status(label))),
}
