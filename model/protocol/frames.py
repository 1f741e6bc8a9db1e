"""Frames of the session, identical over every binding: deterministic CBOR `[type, body]` in the protected stream."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ..symbols import direction, sha256, unary
from ..table import RECORD, Message
from ..terms import ITEM, Sort, Term, array, bstr, concat, const, map_, name, slot
from .edhoc import DEVICE, INITIATOR, RESPONDER, SERVICE, Party

NONCE_32 = Sort("nonce_32", 32)
UINT = Sort("uint", "item", "uint")
INT = Sort("int", "item", "int")
ARRAY = Sort("list", "item", "list")
FORMATS = Sort("formats", "item", "formats")
PROOFS = Sort("proofs", "item", "proofs")
TEXT = Sort("text", "item", "text")
BYTES = Sort("bytes", "item", "bytes")
BYTES_8 = Sort("bytes_8", "item", "bytes_8")


class FrameType(IntEnum):
    """Frame types (specification, session chapter)."""

    HELLO = 1
    ATT_REQ = 2
    ATT = 3
    VERDICT = 4
    DATA = 5
    ALERT = 6
    CLOSE = 7
    PING = 8
    RECEIPT = 9
    PONG = 10


class Tier(IntEnum):
    """VERDICT tiers: AR4SI, and two of the profile."""

    AFFIRMING = 2
    WARNING = 32
    CONTRAINDICATED = 96
    WAIVED = 200
    NOT_REQUIRED = 201


NOT_REQUIRED, ATTESTS, WAIVED = const(0), const(1), const(2)
"""Values of `direction`."""

FLAG_REQUIRES_EVIDENCE, FLAG_WAIVER, FLAG_ANONYMOUS, FLAG_TRUSTED_INTERFACE = 1, 2, 4, 8
ROLE_NAME = {"I": DEVICE, "R": SERVICE}
ROLE_NUMBER = {"I": const(0), "R": const(1)}


def frame(kind: FrameType, body: Term) -> Term:
    """`[type, body]`."""
    return array(const(int(kind)), body)


def own(letter: str, label: str, sort: Sort) -> Term:
    """A slot that side `letter` fills from what it holds; the peer binds what arrives."""
    return slot(f"{label}_{letter}", sort, **{ROLE_NAME[letter]: name(f"{label.lower()}_{letter.lower()}", sort)})


@dataclass(frozen=True)
class Side:
    """All session terms of one side: what it says about itself."""

    letter: str
    party: Party
    version: Term
    nonce: Term
    offered: Term
    accepted: Term
    flags: Term
    max_age: Term
    reattest_interval: Term
    proofs: Term
    waiver: Term
    purpose: Term
    hello: Term

    @property
    def role(self) -> str:
        """Role name of this side."""
        return ROLE_NAME[self.letter]


def _side(letter: str, party: Party) -> Side:
    version = slot(f"VERSION_{letter}", UINT, const(1))
    nonce = slot(f"NONCE_{letter}", NONCE_32, name(f"nonce_{letter.lower()}", NONCE_32))
    offered, accepted = own(letter, "OFFERED", FORMATS), own(letter, "ACCEPTED", FORMATS)
    flags = own(letter, "FLAGS", UINT)
    max_age, interval = own(letter, "MAX_AGE", UINT), own(letter, "REATTEST_INTERVAL", UINT)
    proofs, waiver, purpose = own(letter, "PROOFS", PROOFS), own(letter, "WAIVER", ITEM), own(letter, "PURPOSE", TEXT)
    body = map_(
        {1: version, 2: bstr(nonce), 3: offered, 4: accepted, 5: flags, 6: max_age, 7: interval},
        optional={8: proofs, 9: waiver, 10: purpose},
    )
    hello = frame(FrameType.HELLO, body)
    return Side(
        letter, party, version, nonce, offered, accepted, flags, max_age, interval, proofs, waiver, purpose, hello
    )


I, R = _side("I", INITIATOR), _side("R", RESPONDER)  # noqa: E741 (the RFC's own letters)
SIDES = {"I": I, "R": R}


def peer_of(side: Side) -> Side:
    """The other side."""
    return R if side is I else I


HELLO_HASH = sha256(concat(I.hello, R.hello))
"""SHA-256 over both encoded HELLO frames, the initiator's first, without their length prefixes; 32 bytes."""


def direction_of(attester: Side) -> Term:
    """How `attester` satisfies the other side: `ATTESTS`, `WAIVED` or `NOT_REQUIRED`."""
    return direction(peer_of(attester).flags, attester.flags)


def message(side: Side, kind: FrameType, body: Term, *, blind: tuple[Term, ...] = ()) -> Message:
    """The frame that `side` sends, called `KIND_letter`."""
    return Message(f"{kind.name}_{side.letter}", RECORD, frame(kind, body), side.role, int(kind), blind)


HELLO = {s.letter: Message(f"HELLO_{s.letter}", RECORD, s.hello, s.role, 1) for s in (I, R)}


@dataclass(frozen=True)
class VerdictTerms:
    """VERDICT of one relying party: tier, optional reason, epoch, seconds of validity."""

    tier: Term
    reason: Term
    epoch: Term
    valid_for: Term
    message: Message


def _verdict(side: Side) -> VerdictTerms:
    letter = side.letter
    attester = peer_of(side).letter
    tier = slot(f"TIER_{letter}", UINT, **{side.role: slot(f"TIER_DECIDED_{letter}", UINT)})
    reason = own(letter, "REASON", TEXT)
    epoch = slot(f"VERDICT_EPOCH_{letter}", UINT, slot(f"REQUESTED_EPOCH_{attester}", UINT))
    valid_for = own(letter, "VALID_FOR", UINT)
    body = map_({1: tier, 3: epoch, 4: valid_for}, optional={2: reason})
    return VerdictTerms(tier, reason, epoch, valid_for, message(side, FrameType.VERDICT, body))


VERDICT = {letter: _verdict(side) for letter, side in SIDES.items()}


@dataclass(frozen=True)
class RequestTerms:
    """ATT_REQ of one relying party."""

    epoch: Term
    nonce: Term
    accepted: Term
    message: Message


def _request(side: Side) -> RequestTerms:
    letter, attester = side.letter, peer_of(side).letter
    next_epoch = unary("succ", slot(f"REQUESTED_EPOCH_{attester}", UINT))
    epoch = slot(f"ATT_REQ_EPOCH_{letter}", UINT, next_epoch)
    fresh = name(f"att_req_nonce_{letter.lower()}", NONCE_32)
    nonce = slot(f"ATT_REQ_NONCE_{letter}", NONCE_32, fresh)
    accepted = own(letter, "ATT_REQ_ACCEPTED", FORMATS)
    body = map_({1: epoch, 2: bstr(nonce)}, optional={3: accepted})
    return RequestTerms(epoch, nonce, accepted, message(side, FrameType.ATT_REQ, body))


ATT_REQ = {letter: _request(side) for letter, side in SIDES.items()}

ALERT_CODE = {s.letter: slot(f"ALERT_CODE_{s.letter}", UINT) for s in (I, R)}
ALERT = {s.letter: message(s, FrameType.ALERT, map_({1: ALERT_CODE[s.letter]})) for s in (I, R)}
CLOSE = {s.letter: message(s, FrameType.CLOSE, map_({})) for s in (I, R)}

PING_PAYLOAD = {s.letter: slot(f"PING_{s.letter}", BYTES_8, **{s.role: slot("PING", ITEM)}) for s in (I, R)}
PING = {s.letter: message(s, FrameType.PING, map_({1: PING_PAYLOAD[s.letter]})) for s in (I, R)}
PONG_PAYLOAD = {s.letter: slot(f"PONG_{s.letter}", BYTES_8, PING_PAYLOAD[peer_of(s).letter]) for s in (I, R)}
"""A PONG's payload means the payload of the peer's PING."""
PONG = {s.letter: message(s, FrameType.PONG, map_({1: PONG_PAYLOAD[s.letter]})) for s in (I, R)}

RECEIPT_COUNT = {
    s.letter: slot(f"RECEIPT_COUNT_{s.letter}", UINT, **{s.role: slot(f"DATA_RECEIVED_{s.letter}", UINT)})
    for s in (I, R)
}
RECEIPT_CODE = {
    s.letter: slot(f"RECEIPT_CODE_{s.letter}", UINT, **{s.role: slot(f"RECEIPT_DECIDED_{s.letter}", UINT)})
    for s in (I, R)
}
RECEIPT = {
    s.letter: message(s, FrameType.RECEIPT, map_({1: RECEIPT_COUNT[s.letter], 2: RECEIPT_CODE[s.letter]}))
    for s in (I, R)
}
"""The receipt for DATA received by that side: zero-based count and 0 or a code."""
