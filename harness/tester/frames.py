"""Well-formed frames of each type, made by the tester's own run at any moment: what an implementation could take.

Where the run cannot know a value yet, one of the same form stands in its place. Making a frame does not change the run.
"""

from __future__ import annotations

import copy

from ...model.protocol.attestation import EVIDENCE, QUOTE_REQUEST, REGISTERS
from ...model.protocol.frames import ATT_REQ, HELLO, SIDES, FrameType, Tier
from ...model.protocol.labels import CONTENT, CONTENT_TYPE, ENVIRONMENT, LABEL, LABEL_REGISTERS
from ...model.table import Message
from ..codec import cbor
from ..evaluator.matchers import match
from ..evaluator.run import Run
from .peer import TesterEndpoint

PAYLOAD = b"8 octets"
CONTENT_OCTETS = b"21.5 degrees"
VALID_FOR = 3600


def put_frame_of(peer: TesterEndpoint, kind: str) -> None:
    """Send a frame of the type called `kind` as the tester would make it now."""
    peer.send_frame(frame_of(peer, kind))


def frame_of(peer: TesterEndpoint, kind: str, *, ahead: int = 0) -> bytes:
    """An encoded frame of the type called `kind`; DATA with a sequence number that is `ahead` of the next one."""
    if kind == "VERDICT":
        return verdict(Tier.AFFIRMING)
    if kind in _BODIES:
        return cbor.encode([int(FrameType[kind]), _BODIES[kind]])
    run = what_if(peer, ahead)
    if kind in ("ATT", "DATA"):
        quote(peer, run)
    frame: bytes = run.value(_message(peer.letter, kind).term)
    return frame


def verdict(tier: int, *, epoch: int = 0, valid_for: int = VALID_FOR) -> bytes:
    """An encoded VERDICT."""
    return cbor.encode([int(FrameType.VERDICT), {1: int(tier), 3: epoch, 4: valid_for}])


def receipt(count: int, code: int = 0) -> bytes:
    """An encoded RECEIPT."""
    return cbor.encode([int(FrameType.RECEIPT), {1: count, 2: code}])


def _message(letter: str, kind: str) -> Message:
    messages = {"HELLO": HELLO[letter], "ATT": EVIDENCE[letter].att, "ATT_REQ": ATT_REQ[letter].message}
    return messages.get(kind) or LABEL[letter].data


def what_if(peer: TesterEndpoint, ahead: int = 0) -> Run:
    """A copy of the tester's run in which nothing is missing, and the next label is a new one."""
    run = copy.copy(peer.run)
    run.values, run.bound = dict(run.values), set(run.bound)
    zero, nonce = cbor.encode(0), bytes(32)
    for letter, registers in REGISTERS.items():
        for slot, value in ((registers.requested_epoch, zero), (registers.challenge, nonce)):
            run.values.setdefault(slot, value)
        if letter == peer.peer:
            run.values.setdefault(HELLO[letter].term, nonce)
            run.values.setdefault(SIDES[letter].flags, cbor.encode(1))
    label, sequence = LABEL[peer.letter], LABEL_REGISTERS[peer.letter].sequence
    number = cbor.encode(cbor.decode(run.value(sequence)) + ahead)
    run.forget((label.iat.defs[peer.role], label.cti.defs[peer.role], sequence, CONTENT, CONTENT_TYPE))
    run.values[sequence] = number
    run.values[CONTENT], run.values[CONTENT_TYPE] = CONTENT_OCTETS, cbor.encode("text/plain")
    return run


def quote(peer: TesterEndpoint, run: Run) -> None:
    """The tester's trust anchor module attests this session as it stands."""
    request, answer = QUOTE_REQUEST[peer.letter].message, ENVIRONMENT[peer.letter].quote
    effects = peer.tam.deliver(request, run.value(request.term))
    run.unbind(answer.slots)
    run.blind = answer.blind
    match(run, answer.term, effects.sends[0][1])


_BODIES: dict[str, dict[int, object]] = {
    "ALERT": {1: 80},
    "CLOSE": {},
    "PING": {1: PAYLOAD},
    "PONG": {1: PAYLOAD},
    "RECEIPT": {1: 0, 2: 0},
}
