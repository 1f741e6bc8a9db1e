"""The input alphabet: what the other side, the application, the clock and other sessions can do to an implementation.

A letter is made as valid as the moment allows: what the table would send now if it would send that message, else the
message built from what the tester's side knows, else the one of an earlier session.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.frames import FrameType, Tier
from ...model.table import Message
from ..codec import cbor
from ..evaluator.errors import Unbound
from ..peer import edhoc_errors
from ..peer.endpoint import NotOpen
from ..tester.fields import fields
from ..tester.frames import CONTENT_OCTETS, PAYLOAD, frame_of, verdict
from ..tester.telling import tell
from ..transport.units import Kind

if TYPE_CHECKING:
    from .play import Play

Act = Callable[["Play"], str | None]
"""Does the letter; what it returns is part of the answer."""
VERBS = frozenset({"send", "close", "clock", "restart", "events"})
"""What a control plane can offer to a learner."""
CLOCK_JUMP = 7200
"""Seconds: beyond every deadline of a default policy, so that one letter makes each armed timer due."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An input. `basic` ones are in both alphabets; `verb` is what the control plane must offer.

    `authenticates`: only the honest peer's private key makes it. `unauthenticated`: anyone on the network can send it.
    """

    name: str
    meaning: str
    act: Act
    basic: bool = False
    verb: str | None = None
    role: str | None = None
    """Role of the implementation that it is for; None for both."""
    authenticates: bool = False
    unauthenticated: bool = False

    @property
    def handshake(self) -> bool:
        """Whether it is part of EDHOC."""
        return self.name.startswith(("message_", "edhoc_"))


def alphabet(role: str, *, full: bool, verbs: frozenset[str]) -> tuple[Letter, ...]:
    """The letters for an implementation of that role whose control plane has those verbs."""
    return tuple(
        letter
        for letter in LETTERS.values()
        if letter.role in (None, role) and (full or letter.basic) and (letter.verb is None or letter.verb in verbs)
    )


# --- handshake -------------------------------------------------------------------------------------------------------


def _handshake(name: str, *, forged: bool = False) -> Act:
    def act(play: Play) -> None:
        peer = play.peer
        kept = peer.take(name)
        if kept:
            message, data = kept[-1]
            peer.sent[name] = _forged(play, message) if forged else data
        data = peer.sent.get(name) or play.past.sent[name]
        peer.put_unit(Kind.EDHOC_MESSAGE, data if kept or not forged else _flipped(data))

    return act


def _forged(play: Play, message: Message) -> bytes:
    """With a signature that does not verify, and everything after it computed over that."""
    signature = next(f.term for f in fields(message, play.peer.role) if f.term.label.startswith("Signature_or_MAC"))
    tell(play.peer, {signature: lambda peer, honest: _flipped(honest)})
    data: bytes = play.peer.run.value(message.term)
    return data


def _flipped(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


def _edhoc_error(play: Play) -> None:
    play.peer.put_unit(Kind.EDHOC_ERROR, edhoc_errors.unspecified("somebody"))


# --- frames ----------------------------------------------------------------------------------------------------------


def _frame(kind: str) -> Act:
    def act(play: Play) -> None:
        kept = play.peer.take(f"{kind}_{play.peer.letter}")
        if kept:
            play.peer.put(*kept[-1])
        else:
            play.peer.put_anyhow(_built(play, kind))

    return act


def _built(play: Play, kind: str) -> bytes:
    """The frame as it could be, or the one of an earlier session where even that is not known."""
    try:
        return frame_of(play.peer, kind)
    except Unbound:
        return play.past.sent[f"{kind}_{play.peer.letter}"]


def _att_req(play: Play) -> None:
    with suppress(NotOpen):
        play.peer.reattest()
    _frame("ATT_REQ")(play)


def _data(play: Play) -> None:
    peer = play.peer
    try:
        peer.send_data(CONTENT_OCTETS, "text/plain")
    except NotOpen:
        play.peer.put_anyhow(_built(play, "DATA"))
        memory = peer.world.memory
        memory.sent_sequence(memory.next_sequence())
        return
    _frame("DATA")(play)


def _verdict_rejecting(play: Play) -> None:
    kept = play.peer.take(f"VERDICT_{play.peer.letter}")
    epoch = cbor.decode(kept[-1][1])[1][3] if kept else 0
    play.peer.put_anyhow(verdict(Tier.CONTRAINDICATED, epoch=epoch))


def _att_forged(play: Play) -> None:
    letter = play.peer.letter
    kept = play.peer.take(f"ATT_{letter}")
    if not kept:
        play.peer.put_anyhow(_flipped(_built(play, "ATT")))
        return
    signature = play.peer.knowledge().value(EVIDENCE[letter].token.signature)
    play.peer.put_anyhow(kept[-1][1].replace(signature, _flipped(signature)))


def _att_old(play: Play) -> None:
    name = f"ATT_{play.peer.letter}"
    play.peer.take(name)
    play.peer.put_anyhow(play.past.sent[name])


def _plain(kind: str, body: dict[int, object]) -> Act:
    return lambda play: play.peer.put_anyhow(cbor.encode([int(FrameType[kind]), body]))


# --- everything else -------------------------------------------------------------------------------------------------


def _letters() -> tuple[Letter, ...]:
    return (
        Letter("message_1", "EDHOC message_1", _handshake("message_1"), True, role="service", unauthenticated=True),
        Letter("message_2", "EDHOC message_2", _handshake("message_2"), True, role="device", authenticates=True),
        Letter("message_3", "EDHOC message_3", _handshake("message_3"), True, role="service", authenticates=True),
        Letter("message_4", "EDHOC message_4", _handshake("message_4"), True, role="device"),
        Letter(
            "message_2_forged", "message_2 whose signature does not verify", _handshake("message_2", forged=True),
            role="device", unauthenticated=True,
        ),
        Letter(
            "message_3_forged", "message_3 whose signature does not verify", _handshake("message_3", forged=True),
            role="service", unauthenticated=True,
        ),
        Letter("edhoc_error", "EDHOC error, which anyone can send", _edhoc_error, True, unauthenticated=True),
        Letter("HELLO", "HELLO", _frame("HELLO"), True),
        Letter("ATT", "evidence, fresh and bound to this channel", _frame("ATT"), True),
        Letter("ATT_forged", "evidence whose signature does not verify", _att_forged),
        Letter("ATT_old", "evidence of an earlier session", _att_old),
        Letter("VERDICT", "affirming verdict", _frame("VERDICT"), True),
        Letter("VERDICT_rejecting", "contraindicated verdict", _verdict_rejecting),
        Letter("DATA", "labelled data", _data, True),
        Letter("RECEIPT", "a receipt for data that was not sent", _plain("RECEIPT", {1: 0, 2: 0})),
        Letter("ATT_REQ", "request for evidence of the next epoch", _att_req),
        Letter("PING", "PING", _plain("PING", {1: PAYLOAD}), True),
        Letter("PONG", "PONG to no PING", _plain("PONG", {1: PAYLOAD})),
        Letter("ALERT", "ALERT 80", _plain("ALERT", {1: 80}), True),
        Letter("CLOSE", "CLOSE", _plain("CLOSE", {}), True),
        Letter("app_send", "its application sends data, which is receipted", lambda play: play.sends(), verb="send"),
        Letter("app_close", "its application closes", lambda play: play.closes(), verb="close"),
        Letter("clock", f"{CLOCK_JUMP} s pass", lambda play: play.advance(CLOCK_JUMP), verb="clock"),
        Letter("other_session", "a good session on another connection", lambda play: play.elsewhere()),
        Letter("restart", "it restarts, and a new connection begins", lambda play: play.restarts(), verb="restart"),
    )  # fmt: skip


LETTERS = {letter.name: letter for letter in _letters()}
