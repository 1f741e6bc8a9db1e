"""Two entry points, one rule: what is asked of the first evidence, label or verdict is asked of every later one."""

from collections.abc import Callable
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Instead
from ..harness.tester.frames import put_frame_of, verdict
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling, tell
from ..model.protocol.frames import Tier
from ..model.protocol.labels import LABEL_REGISTERS
from ..model.terms import Term
from .bench import Bench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS
from .forging import with_cmw
from .labelling import accepted, bring_environment, environment_of, faulty, label_of, send, telling
from .stages import STAGES
from .talk import PEER
from .test_evidence import BINDERS, att, attesting_with, evidence
from .test_evidence_again import reattested
from .test_labels import LABELS

ROLES = ("device", "service")

# --- evidence of a later epoch ---------------------------------------------------------------------------------------


@for_each(fault(role, CLAIMS[field].check, "claim-again", field) for role in ROLES for field in CLAIMS)
def test_claim_again(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1 refused solely because of one claim or header that epoch 0 had right: ATT-08 to ATT-23."""
    claim = CLAIMS[case.field]
    about = evidence(bench.iut)
    reattested(bench, Telling(att(bench.iut), nth=1), lambda peer: tell(peer, tam=claim.tale(about)))


BOUND_AGAIN = [field for field in BINDERS if field != "next-epoch"]
"""The epoch after the first is the right one here."""


@for_each(fault(role, "eat_nonce_is_binder", "bind-again", field) for role in ROLES for field in BOUND_AGAIN)
def test_binder_again(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1 refused solely because eat_nonce is bound to something else than its request: ATT-16."""
    tale = {evidence(bench.iut).nonce: lambda peer, honest: BINDERS[case.field](peer)}
    reattested(bench, Telling(att(bench.iut), nth=1), lambda peer: tell(peer, tam=tale))


SIGNATURES: dict[str, Callable[[TesterEndpoint, Any, bytes], bytes]] = {
    "bit": lambda peer, token, honest: one_bit_other(honest),
    "zero": lambda peer, token, honest: bytes(64),
    "identity-key": lambda peer, token, honest: peer.world.tam.sign_identity(peer.tam.run.value(token.tbs)),
}


@for_each(fault(role, "eat_signature_verifies", "sign-again", by) for role in ROLES for by in SIGNATURES)
def test_signature_again(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1 refused solely because the attestation key did not sign it: ATT-11."""
    token = evidence(bench.iut).token
    tale = {token.signature: lambda peer, honest: SIGNATURES[case.field](peer, token, honest)}
    reattested(bench, Telling(att(bench.iut), nth=1), lambda peer: tell(peer, tam=tale))


WRAPPERS: dict[str, tuple[str, Callable[[list[Any]], list[Any]]]] = {
    "type": ("cmw_type_was_accepted", lambda cmw: [264, *cmw[1:]]),
    "indicator": ("cmw_is_marked_evidence", lambda cmw: [*cmw[:2], 8]),
}


@for_each(fault(role, check, "convey-again", what) for role in ROLES for what, (check, _) in WRAPPERS.items())
def test_wrapper_again(case: Case, bench: Bench) -> None:
    """Good evidence of epoch 1 refused solely because of what its wrapper says: ATT-06, ATT-07."""
    change = WRAPPERS[case.field][1]
    reattested(bench, Forging(att(bench.iut), lambda peer, data: with_cmw(data, change), nth=1), lambda peer: None)


CERTIFICATES = {
    "foreign-root": "ak_path_verifies",
    "broken-signature": "ak_path_verifies",
    "expired": "ak_is_in_validity",
    "issuer-expired": "ak_is_in_validity",
    "no-extended-key-usage": "ak_is_for_eat",
    "other-platform": "ak_names_peer_device",
    "identity-key": "ak_is_not_the_identity_key",
}


@for_each(fault(role, check, "attest-again-with", name) for role in ROLES for name, check in CERTIFICATES.items())
def test_attestation_certificate_again(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1 refused solely because of its signer's certificate: ATT-12 to ATT-15, ATT-19."""
    world, proof = attesting_with(bench.iut, case.field)
    credentials = world.credentials
    chain = cbor.encode(cose.x5chain([credentials.ak.der, *(c.der for c in credentials.ak_chain)]))
    token = evidence(bench.iut).token
    module: dict[Term, Any] = {
        token.chain: chain,
        token.key: lambda peer, honest: world.tam.sign_attestation,
    }
    reattested(bench, Telling(att(bench.iut), nth=1), lambda peer: tell(peer, proof, module))


# --- a later label, and one with a new environment object ------------------------------------------------------------


LABELLED_AGAIN = {field: told for field, told in LABELS.items() if field != "environment-named-but-not-brought"}
"""A later label names what came before."""


@for_each(fault(role, check, "label-again", field) for role in ROLES for field, (check, _) in LABELLED_AGAIN.items())
def test_later_label(case: Case, bench: Bench) -> None:
    """Data behind good data, refused solely because of one thing in its label: LBL-04 to LBL-14."""
    act = telling(LABELS[case.field][1])
    bench.refuses(Deviation(), faulty(act, after=lambda iut, conversation: accepted(conversation)))


@for_each(fault(role, "label_cti_is_new", "repeat", "cti-with-new-environment") for role in ROLES)
def test_identifier_again(case: Case, bench: Bench) -> None:
    """An accepted identifier, solely repeated, in data that brings a new environment object: LBL-11."""

    def first(iut: Iut, conversation: Conversation) -> None:
        tell(conversation.peer, {label_of(conversation.peer).cti: conversation.peer.sid})
        accepted(conversation)

    def again(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        bring_environment(peer, peer.tam.run.value(environment_of(peer).token.term))
        send(peer)

    bench.refuses(Deviation(), faulty(again, after=first))


@for_each(fault(role, "label_names_its_environment", "label", "environment-brought-and-not-named") for role in ROLES)
def test_environment_not_named(case: Case, bench: Bench) -> None:
    """Data that brings its environment object, refused solely because the label does not name it: LBL-13."""
    bench.refuses(Deviation(), faulty(telling(lambda peer: {LABEL_REGISTERS[peer.letter].reference: b""})))


# --- a later verdict -------------------------------------------------------------------------------------------------

VERDICTS = {
    "waived": ("verdict_tier_fits_direction", verdict(Tier.WAIVED, epoch=1)),
    "not-required": ("verdict_tier_fits_direction", verdict(Tier.NOT_REQUIRED, epoch=1)),
    "unknown": ("verdict_tier_fits_direction", verdict(7, epoch=1)),
    "no-validity": ("verdict_valid_for_is_positive", verdict(Tier.AFFIRMING, epoch=1, valid_for=0)),
    "epoch-0": ("verdict_epoch_is_current", verdict(Tier.AFFIRMING, epoch=0)),
}


@for_each(fault(role, check, "answer-again", how) for role in ROLES for how, (check, _) in VERDICTS.items())
def test_later_verdict(case: Case, bench: Bench) -> None:
    """A verdict on the evidence of epoch 1 that fits but for one value: SES-09, SES-10, SES-11."""
    frame = VERDICTS[case.field][1]
    bench.refuses(Instead(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(frame), nth=1), STAGES["ATT_REQ"])


@for_each(
    citing(fault(role, "frame_is_expected", f"after-{tier.name.lower()}", f"OPEN.{kind}", (tier, kind)), "SES-08")
    for role in ROLES
    for tier in (Tier.WARNING, Tier.CONTRAINDICATED)
    for kind in ("DATA", "ATT_REQ", "VERDICT")
)
def test_after_a_later_rejection(case: Case, bench: Bench) -> None:
    """After a rejecting verdict on later evidence nothing but ALERT, CLOSE and PING has a place: SES-03, SES-08."""
    tier, kind = case.data

    def rejected(peer: TesterEndpoint) -> None:
        peer.send_frame(verdict(tier, epoch=1))
        put_frame_of(peer, kind)

    bench.refuses(Instead(f"VERDICT_{PEER[case.role]}", rejected, nth=1), STAGES["ATT_REQ"])
