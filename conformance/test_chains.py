"""Processing chains: every link that breaks one, its bounds, and chains that must be taken (section 12.2).

The tester's own label is good in all of them. What it names, and the labels that come with it, are of other parties.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ..harness.codec import cbor
from ..harness.labels.label import Action, parse
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from ..harness.tester.telling import tell
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .chain_links import LINKS, below, honest
from .chaining import (
    AGENT,
    CREATED,
    DEPTH,
    FORWARDED,
    LABELS,
    PARAMETERS,
    PROCESSED,
    SAME,
    WIDTH,
    MakeOrigin,
    Origin,
    Workshop,
    deep,
    made_from,
    many,
    wide,
    wide_below,
)
from .forging import observed
from .labelling import Act, accepted, faulty, send
from .parties import LETTERS
from .stages import REPLY_CONTENT

ROLES = ("device", "service")


def taken(conversation: Conversation, origin: Origin, content: bytes = SAME) -> str:
    """Send data that was made so; what went wrong."""
    peer = conversation.peer
    tell(peer, origin.tale(peer))
    before = len(peer.observations)
    send(peer, content)
    conversation.flush()
    receipt = f"RECEIPT_{peer.peer}"
    conversation.until_seen(receipt, before)
    seen = conversation.saw(receipt, before)
    return "" if seen is not None and seen.code == 0 else "an honest chain was refused"


def control(bench: Bench) -> dict[str, Any]:
    """What tells the bench that the control of a fault is an honest chain that is taken."""
    bench.iut.need_feature("label_inputs")

    def play() -> str:
        conversation = bench.iut.converse()
        try:
            wrong = opened(conversation) or taken(conversation, honest(Workshop(bench.iut)))
            return "" if wrong else conversation.transcript.digest()
        finally:
            conversation.close()

    return {"configuration": "chain", "control": play}


def refused(bench: Bench, make: MakeOrigin, after: Act | None = None) -> None:
    """Data that was made so is refused, and the session goes on."""
    honest_one = control(bench)

    def act(iut: Iut, conversation: Conversation) -> None:
        tell(conversation.peer, make(Workshop(iut)).tale(conversation.peer))
        send(conversation.peer)

    bench.refuses(Deviation(), faulty(act, after=after), **honest_one)


# --- links -----------------------------------------------------------------------------------------------------------


def _links() -> Iterator[Case]:
    for role in ROLES:
        for field, (check, _) in LINKS.items():
            case = fault(role, check, "link", field)
            yield citing(case, "LBL-24") if "revoked" in field else case


@for_each(_links())
def test_link(case: Case, bench: Bench) -> None:
    """Data refused solely because of one link of the chain behind it: CHN-08, CHN-09."""
    refused(bench, LINKS[case.field][1])


# --- actions ---------------------------------------------------------------------------------------------------------


def _acting(name: str, agent: str = AGENT, parameters: bytes | None = PARAMETERS) -> Action:
    return Action(name, agent, parameters)


def _top(action: Action | None) -> MakeOrigin:
    """The tester's own label has the action."""
    return lambda shop: dataclasses.replace(honest(shop), action=action)


def _input(action: Action | None) -> MakeOrigin:
    """The label of its input has it."""
    return lambda shop: below(shop, action=action)


def _from_nothing(action: Action | None) -> MakeOrigin:
    return lambda shop: Origin(action=action)


ACTIONS: dict[str, tuple[str, MakeOrigin]] = {
    "unknown": ("label_action_is_known", _top(_acting("c2pa.cropped"))),
    "unknown-of-the-prefix": ("label_action_is_known", _top(_acting("tc.cropped"))),
    "of-other-case": ("label_action_is_known", _top(_acting("TC.Processed"))),
    "unknown-below": ("label_action_is_known", _input(_acting("tc.cropped"))),
    "absent": ("label_action_is_complete", _top(None)),
    "absent-below": ("label_action_is_complete", _input(None)),
    "without-parameters": ("label_action_is_complete", _top(_acting(PROCESSED, parameters=None))),
    "without-parameters-below": ("label_action_is_complete", _input(_acting(PROCESSED, parameters=None))),
    "without-agent": ("label_action_is_complete", _top(_acting(PROCESSED, agent=""))),
    "created-from-something": ("label_action_fits_inputs", _top(_acting(CREATED))),
    "created-from-something-below": ("label_action_fits_inputs", _input(_acting(CREATED))),
    "processed-from-nothing": ("label_action_fits_inputs", _from_nothing(_acting(PROCESSED))),
    "forwarded-from-nothing": ("label_action_fits_inputs", _from_nothing(_acting(FORWARDED))),
    "forwarded-and-changed": ("forwarded_data_is_unchanged", _top(_acting(FORWARDED))),
    "forwarded-and-changed-below": ("forwarded_data_is_unchanged", _input(_acting(FORWARDED))),
    "forwarded-and-one-changed": (
        "forwarded_data_is_unchanged",
        lambda shop: made_from([shop.label(SAME), shop.label(b"other")], action=FORWARDED),
    ),
}


@for_each(fault(role, check, "act", field) for role in ROLES for field, (check, _) in ACTIONS.items())
def test_action(case: Case, bench: Bench) -> None:
    """Data refused solely because of what a label of its chain says was done: CHN-06, CHN-07, CHN-11, CHN-13."""
    refused(bench, ACTIONS[case.field][1])


# --- bounds ----------------------------------------------------------------------------------------------------------


BEYOND: dict[str, MakeOrigin] = {
    "depth": deep(DEPTH + 1),
    "inputs": wide(WIDTH + 1),
    "inputs-below": wide_below(WIDTH + 1),
    "labels": many(LABELS + 1),
}


@for_each(fault(role, "chain_is_bounded", "exceed", field) for role in ROLES for field in BEYOND)
def test_bound(case: Case, bench: Bench) -> None:
    """Data refused solely because the chain behind it is one label, or one input, too large: CHN-10."""
    refused(bench, BEYOND[case.field])


def _one_of_each() -> Iterator[tuple[str, MakeOrigin]]:
    """A check, and something that it must meet."""
    judged = dict(reversed([*LINKS.values(), *ACTIONS.values()]))
    yield from (judged | {"chain_is_bounded": BEYOND["inputs"]}).items()


LATER = dict(_one_of_each())


@for_each(fault(role, check, "later", check) for role in ROLES for check in LATER)
def test_later_label(case: Case, bench: Bench) -> None:
    """Data refused for its chain, where its label names an environment object that came before: CHN-06 to CHN-13."""
    refused(bench, LATER[case.field], after=lambda iut, conversation: accepted(conversation))


# --- what must be taken ----------------------------------------------------------------------------------------------


def _diamond(shop: Workshop) -> Origin:
    """Twenty levels of two labels that are both made from both below: each is to be verified once."""
    left, right = shop.label(b"left"), shop.label(b"right")
    labels = [left, right]
    for number in range(20):
        pair = labels[-2:]
        labels += [shop.label(b"%d %d" % (number, side), *pair, short=True) for side in (0, 1)]
    return made_from(labels[-2:], *labels[:-2])


def _plain_original(shop: Workshop) -> Origin:
    return made_from([shop.label(b"picture", action=None)])


def _of_another_session(shop: Workshop) -> Origin:
    return made_from([shop.label(b"picture", sid=bytes(16))])


def _doing(action: str) -> MakeOrigin:
    return lambda shop: made_from([shop.label(b"picture")], action=action)


GOOD: dict[str, tuple[tuple[str, ...], MakeOrigin]] = {
    "original": (("CHN-11",), _from_nothing(_acting(CREATED))),
    "a-picture-that-was-cropped": (("CHN-06", "CHN-08"), honest),
    "a-label-twice": (
        ("CHN-08", "CHN-10"),
        lambda shop: made_from([shop.label(b"cropped", picture := shop.label(b"picture")), picture]),
    ),
    "diamonds": (("CHN-10",), _diamond),
    "the-greatest-depth": (("CHN-10",), deep(DEPTH)),
    "the-most-inputs": (("CHN-10",), wide(WIDTH)),
    "the-most-labels": (("CHN-10",), many(LABELS)),
    "an-original-without-action": (("CHN-06",), _plain_original),
    "an-original-of-another-session": (("CHN-08",), _of_another_session),
    "signers-that-are-held": (("CHN-08",), deep(3)),
    "forwarded": (("CHN-13",), lambda shop: made_from([shop.label(SAME)], action=FORWARDED)),
    "aggregated": (("CHN-07",), _doing("tc.aggregated")),
    "filtered": (("CHN-07",), _doing("tc.filtered")),
    "redacted": (("CHN-07",), _doing("tc.redacted")),
}


@for_each(Case(role, needs, "take", field) for role in ROLES for field, (needs, _) in GOOD.items())
def test_chain(case: Case, bench: Bench) -> None:
    """Data with an honest chain is taken, up to its bounds: CHN-06 to CHN-13."""
    bench.iut.need_feature("label_inputs")
    make = GOOD[case.field][1]

    def play(conversation: Conversation) -> str:
        return opened(conversation) or taken(conversation, make(Workshop(bench.iut)))

    bench.works(play)


@for_each(Case(role, ("CHN-08",), "take", "own-labels") for role in ROLES)
def test_own_labels_come_back(case: Case, bench: Bench) -> None:
    """Data that was made from what the implementation itself has labelled in this session is taken: CHN-08."""
    iut = bench.iut
    iut.need_feature("label_inputs")
    iut.need_feature("sends_labels")
    name = f"DATA_{LETTERS[iut.role]}"

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        before = len(conversation.peer.observations)
        iut.sends(conversation, REPLY_CONTENT)
        if not conversation.until_seen(name, before):
            return "no data came"
        body = cbor.split_map(cbor.split_array(observed(conversation, name))[1])
        return taken(conversation, made_from([parse(body[cbor.encode(2)])]))

    bench.works(play)
