"""Evidence of a second epoch: what must be new, what must be the same, and what was accepted before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling, tell
from ..model.protocol.attestation import EVIDENCE, Evidence
from ..model.terms import Term
from .bench import Bench
from .case import Case, fault, for_each
from .claiming import CLAIMS, FAR, FURTHER, Claim, max_age_of, now_of
from .forging import binder_over, with_token
from .stages import INTERVAL, open_then_request
from .test_evidence import EPOCH, NONCE, ROLES, att, nonce_of


def reattested(bench: Bench, deviation: Deviation, before: Callable[[TesterEndpoint], None], **options: Any) -> None:
    """Refusal of the evidence that the implementation asks for a second time; `before` comes between the two."""
    bench.iut.need_feature("initiates_reattestation")

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, before)

    with bench.iut.configured(reattest_interval=INTERVAL), bench.iut.later():
        bench.refuses(deviation, stage, **options)


@dataclass(frozen=True, slots=True)
class Again:
    """What is wrong with evidence of epoch 1."""

    check: str
    software: Callable[[TesterEndpoint], dict[Term, Any]] = lambda peer: {}
    module: Callable[[TesterEndpoint], dict[Term, Any]] = lambda peer: {}


def _mine(peer: TesterEndpoint) -> Evidence:
    return EVIDENCE[peer.letter]


def _bound(component: int, value: Callable[[TesterEndpoint], object]) -> Callable[[TesterEndpoint], dict[Term, Any]]:
    return lambda peer: {_mine(peer).nonce: lambda p, honest: binder_over(p, component, value(p))}


def _claimed(claim: Claim) -> Callable[[TesterEndpoint], dict[Term, Any]]:
    return lambda peer: claim.tale(_mine(peer))


SECOND: dict[str, Again] = {
    "bootcount-higher": Again(
        "bootcount_has_not_changed", module=lambda peer: {_mine(peer).token.bootcount: cbor.encode(2)}
    ),
    "bootcount-lower": Again(
        "bootcount_has_not_changed", module=lambda peer: {_mine(peer).token.bootcount: cbor.encode(0)}
    ),
    "epoch-of-the-first": Again("att_epoch_is_requested", lambda peer: {_mine(peer).epoch: cbor.encode(0)}),
    "binder-over-the-first-epoch": Again("eat_nonce_is_binder", module=_bound(EPOCH, lambda peer: 0)),
    "binder-over-the-first-nonce": Again(
        "eat_nonce_is_binder", module=_bound(NONCE, lambda peer: nonce_of(peer, peer.peer))
    ),
    "measurements-changed": Again(
        "measurements_match_reference_values", module=_claimed(CLAIMS["measurements-one-other"])
    ),
    "iat-of-the-first": Again(
        "eat_is_recent",
        module=lambda peer: {_mine(peer).token.iat: lambda p, _: cbor.encode(now_of(p) - max_age_of(p) - FAR)},
    ),
    "bootseed-cut-short": Again(
        "eat_claims_have_their_types", module=lambda peer: {_mine(peer).further: FURTHER["bootseed-short"]}
    ),
    "key-attributes-changed": Again("key_attributes_show_custody", module=_claimed(CLAIMS["key-attribute-1-negated"])),
}


_ONCE = {again.check for again in SECOND.values()}
SECOND |= {
    f"{field}-in-epoch-1": Again(claim.check, module=_claimed(claim))
    for field, claim in {claim.check: (field, claim) for field, claim in CLAIMS.items()}.values()
    if claim.check not in _ONCE
}
SECOND["signature-bit"] = Again(
    "eat_signature_verifies", module=lambda peer: {_mine(peer).token.signature: lambda p, honest: one_bit_other(honest)}
)


@for_each(fault(role, again.check, "attest-again", field) for role in ROLES for field, again in SECOND.items())
def test_second_evidence(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1 refused solely because of one thing, after that of epoch 0 was accepted: ATT-05, ATT-24."""
    again = SECOND[case.field]
    deviation = Telling(att(bench.iut), nth=1)
    reattested(bench, deviation, lambda peer: tell(peer, again.software(peer), again.module(peer)))


@for_each(fault(role, "eat_nonce_is_binder", "replay", "earlier-epoch") for role in ROLES)
def test_replay_from_an_earlier_epoch(case: Case, bench: Bench) -> None:
    """The evidence that was accepted in epoch 0, refused solely because epoch 1 asks anew: ATT-16, ATT-27."""
    first: list[bytes] = []

    def change(peer: TesterEndpoint, data: bytes) -> bytes:
        return with_token(data, first[0])

    def before(peer: TesterEndpoint) -> None:
        first.append(peer.run.value(_mine(peer).token.term))

    reattested(bench, Forging(att(bench.iut), change, nth=1), before)
