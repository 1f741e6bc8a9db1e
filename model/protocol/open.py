"""Rows of OPEN and EXPIRED: labelled data and receipts, re-attestation in both directions, PING, CLOSE.

Re-attestation does not leave OPEN. The two directions are independent; each has at most one request outstanding. In
EXPIRED data is receipted as stale and never delivered, and an affirming verdict leads back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..refusals import Code
from ..symbols import sha256, unary
from ..table import Guard, Message, Step, Transition, equals, event, holds
from ..terms import Term, apply, bstr, const, name
from . import local
from .attestation import EMPTY, EVIDENCE, FALSE, QUOTE_REQUEST, REGISTERS, TRUE, ZERO
from .forms import Form
from .frames import (
    ATT_REQ,
    ATTESTS,
    CLOSE,
    HELLO,
    PING,
    PONG,
    PONG_PAYLOAD,
    RECEIPT,
    RECEIPT_CODE,
    RECEIPT_COUNT,
    VERDICT,
    WAIVED,
    Side,
    Tier,
    direction_of,
    peer_of,
)
from .labels import (
    LABEL,
    LABEL_REGISTERS,
    environment_opens,
    label_checks,
    label_opens,
    parts_check,
)
from .session import (
    CLOSED,
    CLOSING,
    EXPIRED,
    OPEN,
    Assignments,
    accepted_evidence,
    decided,
    evidence_rows,
    valid_for,
    verdict_checks,
)


def present(item: Term) -> Term:
    """Whether an optional item is there."""
    return apply("present", item)


def received_count(side: Side) -> Term:
    """Register: DATA frames received by `side`."""
    return RECEIPT_COUNT[side.letter].defs[side.role]


def receipt_decided(side: Side) -> Term:
    """Register: code of the receipt that `side` is about to send."""
    return RECEIPT_CODE[side.letter].defs[side.role]


def _count(register: Term) -> Assignments:
    return ((register, unary("succ", register)),)


def _data_row(side: Side, state: str, **parts: Any) -> Transition:
    """A DATA frame of the peer: judged, then receipted whatever the judgement."""
    peer = peer_of(side).letter
    code = receipt_decided(side)
    base: dict[str, Any] = {
        "sets": ((code, ZERO),),
        "sends": (RECEIPT[side.letter],),
        "then_sets": _count(received_count(side)),
        "receipt": RECEIPT[side.letter],
        "receipt_code": code,
    }
    base.update(parts)
    return Transition(side.role, state, LABEL[peer].data, state, **base)


def data_rows(side: Side, form: Form) -> Iterator[Transition]:
    """Receiving DATA: labelled with a new environment object, labelled without one, and unlabelled."""
    signer = peer_of(side)
    label, registers = LABEL[signer.letter], LABEL_REGISTERS[signer.letter]
    accepted = (
        event(
            "label_accepted",
            content=label.content,
            content_type=label.content_type,
            sequence=label.sequence,
            cti=bstr(label.cti),
            signer=signer.party.id_cred,
        ),
    )
    labelled = Guard(present(label.carried_label), TRUE)
    code = receipt_decided(side)
    not_mixed = parts_check(signer)
    yield _data_row(
        side,
        OPEN,
        when=(labelled, Guard(present(label.carried_environment), TRUE)),
        opens=(*label_opens(signer), *environment_opens(signer, form.environment)),
        checks=(not_mixed, *form.environment_checks, *label_checks(signer, form.environment)),
        sets=(
            (code, ZERO),
            (registers.reference, bstr(sha256(form.environment))),
            (registers.last_iat, form.issued),
        ),
        events=accepted,
    )
    yield _data_row(
        side,
        OPEN,
        when=(labelled,),
        opens=label_opens(signer),
        checks=(not_mixed, *label_checks(signer, None)),
        events=accepted,
    )
    plain = (event("data_accepted", content=label.plain),)
    yield _data_row(side, OPEN, checks=(not_mixed, holds("data_carries_a_label", label.plain)), events=plain)
    late = (event("data_refused", code=code),)
    yield _data_row(side, EXPIRED, checks=(not_mixed,), sets=((code, const(Code.STALE)),), events=late)


def send_rows(side: Side) -> Iterator[Transition]:
    """Sending labelled data, and its receipt."""
    me, peer = side.letter, peer_of(side).letter
    label, registers = LABEL[me], LABEL_REGISTERS[me]
    yield Transition(
        side.role, OPEN, local.SEND, OPEN,
        fresh=(label.iat.defs[side.role], label.cti.defs[side.role], own_sequence(side)),
        sets=((registers.sequence, own_sequence(side)),), sends=(label.data,),
        then_sets=(
            (registers.sequence, unary("succ", registers.sequence)),
            (registers.unsent, EMPTY),
            *_count(registers.sent),
        ),
        events=(event("data_sent", content=label.content, sequence=label.sequence),),
    )  # fmt: skip
    for state in (OPEN, EXPIRED):
        yield _receipt_row(side, state, Guard(RECEIPT_CODE[peer], ZERO))
        # What was refused may have carried the environment object: the next label brings it again.
        yield _receipt_row(side, state, None, (registers.unsent, registers.kept))
    yield _receipt_row(side, CLOSING, None)


def own_sequence(side: Side) -> Term:
    """Asked of the world anew for each label: several sessions of one signer share its numbers."""
    return name(f"sequence_{side.letter.lower()}", LABEL_REGISTERS[side.letter].sequence.sort)


def _receipt_row(side: Side, state: str, guard: Guard | None, *further: tuple[Term, Term]) -> Transition:
    peer, registers = peer_of(side).letter, LABEL_REGISTERS[side.letter]
    return Transition(
        side.role, state, RECEIPT[peer], state, when=(guard,) if guard else (),
        checks=(holds("receipt_counts_my_data", RECEIPT_COUNT[peer], registers.confirmed, registers.sent),),
        then_sets=(*_count(registers.confirmed), *further),
        events=(event("receipt", count=RECEIPT_COUNT[peer], code=RECEIPT_CODE[peer]),),
    )  # fmt: skip


def _stands(peer: Side, renewed: Term) -> Step:
    """At each epoch: the peer's identity is not revoked yet, by the proofs of its HELLO or by renewed ones."""
    return holds("peer_leaf_is_still_not_revoked", peer.party.id_cred, peer.proofs, renewed)


def request_rows(side: Side, state: str, form: Form) -> Iterator[Transition]:
    """Relying party: ask again, and judge the answer."""
    me, attester = side.letter, peer_of(side)
    request, registers = ATT_REQ[me], REGISTERS[attester.letter]
    nonce = request.nonce.means
    assert nonce is not None
    attests = Guard(direction_of(attester), ATTESTS)
    yield Transition(
        side.role, state, local.REATTEST, state,
        when=(attests, Guard(registers.outstanding, FALSE)), fresh=(nonce,), sends=(request.message,),
        then_sets=(
            (registers.challenge, request.nonce),
            (registers.requested_epoch, request.epoch),
            (registers.outstanding, TRUE),
        ),
        events=(event("reattestation_requested", epoch=request.epoch),),
    )  # fmt: skip
    yield Transition(
        side.role, state, form.att, OPEN,
        when=(Guard(registers.outstanding, TRUE),),
        checks=(*form.checks_again, _stands(attester, EVIDENCE[attester.letter].endorsements)),
        fresh=(valid_for(side),), sets=(*accepted_evidence(attester, form), *decided(side, Tier.AFFIRMING)),
        sends=(VERDICT[me].message,), then_sets=((registers.outstanding, FALSE),),
        events=(
            event("evidence_accepted", id_cred=attester.party.id_cred, epoch=registers.requested_epoch),
            event("verdict_sent", tier=VERDICT[me].tier),
        ),
    )  # fmt: skip


def answer_rows(side: Side, state: str, form: Form) -> Iterator[Transition]:
    """Attester: quote again, and take the verdict."""
    me, peer = side.letter, peer_of(side).letter
    request, registers, verdict = ATT_REQ[peer], REGISTERS[side.letter], VERDICT[peer]
    quoting = f"{state}_quoting"
    yield Transition(
        side.role, state, request.message, quoting,
        when=(Guard(direction_of(side), ATTESTS), Guard(registers.pending, FALSE)),
        checks=(equals("att_req_epoch_is_next", request.epoch), _stands(peer_of(side), EMPTY)),
        sets=(
            (registers.requested_epoch, request.epoch),
            (registers.challenge, request.nonce),
            (registers.pending, TRUE),
        ),
        sends=(QUOTE_REQUEST[me].message,),
    )  # fmt: skip
    yield from evidence_rows(side, quoting, form, state)
    for tier in (Tier.WARNING, Tier.CONTRAINDICATED):
        yield Transition(
            side.role, state, verdict.message, "REFUSED",
            when=(Guard(registers.pending, TRUE), Guard(verdict.tier, const(int(tier)))),
            checks=verdict_checks(peer_of(side)), events=(event("verdict_rejected", tier=verdict.tier),),
        )  # fmt: skip
    yield Transition(
        side.role, state, verdict.message, OPEN,
        when=(Guard(registers.pending, TRUE),), checks=verdict_checks(peer_of(side)),
        then_sets=((registers.pending, FALSE),), events=(event("verdict_received", tier=verdict.tier),),
    )  # fmt: skip


(_UNANSWERED,) = local.PING.slots
"""The payload of a PING that no PONG has answered, or absent."""


def life_rows(side: Side, states: tuple[str, ...]) -> Iterator[Transition]:
    """Proof of life that a tester asks for."""
    me, peer = side.letter, peer_of(side).letter
    for state in states:
        yield Transition(side.role, state, local.PING, state, sends=(PING[me],))
        yield Transition(
            side.role, state, PONG[peer], state,
            checks=(equals("pong_echoes_my_ping", PONG_PAYLOAD[peer]),), events=(event("pong"),),
            then_sets=((_UNANSWERED, EMPTY),),
        )  # fmt: skip


def closing_rows(side: Side, form: Form) -> Iterator[Transition]:
    """After its own CLOSE a peer sends nothing; RECEIPT, ALERT and CLOSE are processed, the rest is discarded."""
    peer = peer_of(side).letter
    yield Transition(side.role, CLOSING, CLOSE[peer], CLOSED, events=(event("closed", clean=TRUE),))
    for ignored in _discarded(peer_of(side), form):
        yield Transition(side.role, CLOSING, ignored, CLOSING)


def _discarded(sender: Side, form: Form) -> tuple[Message, ...]:
    letter = sender.letter
    return (
        HELLO[letter],
        ATT_REQ[letter].message,
        form.att,
        VERDICT[letter].message,
        LABEL[letter].data,
        PING[letter],
        PONG[letter],
    )


def initial(side: Side) -> Assignments:
    """First values of the registers that rows read before they assign them."""
    mine, peers = LABEL_REGISTERS[side.letter], LABEL_REGISTERS[peer_of(side).letter]
    attester = REGISTERS[peer_of(side).letter]
    return (
        (mine.sequence, own_sequence(side)),
        (mine.kept, EMPTY),
        (mine.reference, EMPTY),
        (mine.unsent, EMPTY),
        (mine.confirmed, ZERO),
        (mine.sent, ZERO),
        (_UNANSWERED, EMPTY),
        (peers.reference, EMPTY),
        (peers.last_iat, ZERO),
        (received_count(side), ZERO),
        (receipt_decided(side), ZERO),
        (attester.outstanding, FALSE),
        (REGISTERS[side.letter].pending, FALSE),
        (attester.attested_boot, EMPTY),
        (attester.attested_ak, EMPTY),
        (attester.attested_further, EMPTY),
        (attester.attested_registers, EMPTY),
        (attester.attested_epoch, EMPTY),
    )


__all__ = ["WAIVED", "answer_rows", "closing_rows", "data_rows", "initial", "life_rows", "request_rows", "send_rows"]
