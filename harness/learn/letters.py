"""The input alphabet: what the other side, the application, the clock and other sessions can do to an implementation.

A letter is made as valid as the moment allows: what the table would send now if it would send that message, else the
message built from what the tester's side knows, else the one of an earlier session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.frames import FrameType, Tier
from ...model.protocol.proofs import proof_of
from ...model.protocol.tables import profile
from ...model.table import NET
from ..bits import one_bit_other
from ..codec import cbor
from ..evaluator.errors import Unbound
from ..peer.endpoint import NotOpen
from ..tester.frames import CONTENT_OCTETS, PAYLOAD, frame_of, verdict
from ..tester.session import OPPOSITE
from .bindings import BINDINGS
from .letter import Act, Letter, Playing, handshake_message

CLOCK_JUMP = 7200
"""Seconds: beyond every deadline of a default policy, so that one letter makes each armed timer due."""


def alphabet(role: str, binding: str, *, full: bool, verbs: frozenset[str]) -> tuple[Letter, ...]:
    """The letters for an implementation of that role, over that binding, whose control plane has those verbs."""
    known = (*_handshake(role, binding), *BINDINGS[binding].letters, *SESSION)
    return tuple(
        letter
        for letter in known
        if letter.role in (None, role) and (full or letter.basic) and (letter.verb is None or letter.verb in verbs)
    )


def _handshake(role: str, binding: str) -> Iterator[Letter]:
    """The messages of the table that come before the channel stands."""
    table, proof = profile(binding), proof_of(OPPOSITE[role], binding).message
    for row in table.rows:
        if row.role == role and row.receives.channel == NET:
            name, proves = row.receives.name, row.receives is proof
            first = row.state == table.role(role).start
            yield Letter(
                name, f"{name} of the handshake", handshake_message(name), True, role=role, authenticates=proves,
                unauthenticated=first and not proves, handshake=True,
            )  # fmt: skip


# --- frames ----------------------------------------------------------------------------------------------------------


def _frame(kind: str) -> Act:
    def act(play: Playing) -> None:
        kept = play.peer.take(f"{kind}_{play.peer.letter}")
        if kept:
            play.peer.put(*kept[-1])
        else:
            play.peer.put_anyhow(_built(play, kind))

    return act


def _built(play: Playing, kind: str) -> bytes:
    """The frame as it could be, or the one of an earlier session where even that is not known."""
    try:
        return frame_of(play.peer, kind)
    except Unbound:
        return play.past.sent[f"{kind}_{play.peer.letter}"]


def _att_req(play: Playing) -> None:
    with suppress(NotOpen):
        play.peer.reattest()
    _frame("ATT_REQ")(play)


def _data(play: Playing) -> None:
    peer = play.peer
    try:
        peer.send_data(CONTENT_OCTETS, "text/plain")
    except NotOpen:
        play.peer.put_anyhow(_built(play, "DATA"))
        memory = peer.world.memory
        memory.sent_sequence(memory.next_sequence())
        return
    _frame("DATA")(play)


def _verdict_rejecting(play: Playing) -> None:
    kept = play.peer.take(f"VERDICT_{play.peer.letter}")
    epoch = cbor.decode(kept[-1][1])[1][3] if kept else 0
    play.peer.put_anyhow(verdict(Tier.CONTRAINDICATED, epoch=epoch))


def _att_forged(play: Playing) -> None:
    letter = play.peer.letter
    kept = play.peer.take(f"ATT_{letter}")
    if not kept:
        play.peer.put_anyhow(one_bit_other(_built(play, "ATT")))
        return
    signature = play.peer.knowledge().value(EVIDENCE[letter].token.signature)
    play.peer.put_anyhow(kept[-1][1].replace(signature, one_bit_other(signature)))


def _att_old(play: Playing) -> None:
    name = f"ATT_{play.peer.letter}"
    play.peer.take(name)
    play.peer.put_anyhow(play.past.sent[name])


def _plain(kind: str, body: dict[int, object]) -> Act:
    return lambda play: play.peer.put_anyhow(cbor.encode([int(FrameType[kind]), body]))


# --- the session and everything else ---------------------------------------------------------------------------------

SESSION = (
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
)
LETTERS = {
    letter.name: letter
    for binding, part in BINDINGS.items()
    for letter in (*_handshake("device", binding), *_handshake("service", binding), *part.letters, *SESSION)
}
"""Every letter by its name."""
