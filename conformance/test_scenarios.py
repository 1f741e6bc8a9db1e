"""Conversations written out by hand against the specification: an oracle that does not read the table."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from ..harness.codec import cbor
from ..harness.deadline import Deadline
from ..harness.peer.tcp import TcpError
from ..harness.tester.session import OPPOSITE, Iut
from ..harness.verdict.transcript import Transcript
from .bench import Bench
from .case import Case, for_each
from .literal import (
    ALERT,
    CLOSE,
    DATA,
    HELLO,
    INITIATOR,
    PING,
    PONG,
    RECEIPT,
    RESPONDER,
    VERDICT,
    Identity,
    Mismatch,
    Peer,
    require,
)

NONCE = bytes(range(32))
AFFIRMING = {1: 2, 3: 0, 4: 3600}
CONTENT = b"21.5 degrees"


def identity(iut: Iut) -> Identity:
    """The tester's credentials, as octets and keys."""
    credentials = iut.world.credentials
    assert isinstance(credentials.key, ec.EllipticCurvePrivateKey)
    assert isinstance(credentials.ak_key, ec.EllipticCurvePrivateKey)
    return Identity(
        tuple(c.der for c in (credentials.leaf, *credentials.chain)),
        credentials.key,
        tuple(c.der for c in (credentials.ak, *credentials.ak_chain)),
        credentials.ak_key,
        cbor.decode(credentials.proofs) if credentials.proofs else None,
        credentials.leaf.platform,
        credentials.leaf.identity,
        iut.world.tam.measurements(),
        iut.clock.now(),
    )


class Line:
    """A connection of octets alone, recorded."""

    def __init__(self, iut: Iut) -> None:
        self.connection, self.transcript = iut.connect(), Transcript()
        self._iut, self._started = iut, time.monotonic()
        iut.began(self)

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self.transcript.add(time.monotonic() - self._started, self._iut.opposite, data)
        self.connection.send_all(data, Deadline.after(self._iut.reply))

    def read(self) -> bytes:
        """At least one octet."""
        data = self.connection.recv_some(Deadline.after(self._iut.reply))
        self.transcript.add(time.monotonic() - self._started, OPPOSITE[self._iut.opposite], data)
        return data


def play(bench: Bench, scenario: Callable[[Peer], None]) -> None:
    """Play a scenario after the handshake, and say where the implementation left it."""
    iut = bench.iut
    line = Line(iut)
    role = INITIATOR if iut.role == "service" else RESPONDER
    secret = 1 + int.from_bytes(iut.rng.child(bench.case.id)(31), "big")
    peer = Peer(role, identity(iut), line.write, line.read, secret)
    try:
        peer.handshake()
        scenario(peer)
        wrong = ""
    except (Mismatch, InvalidTag, InvalidSignature, TcpError) as error:
        wrong = f"{type(error).__name__}: {error}"
    finally:
        line.connection.close()
    bench.show(wrong)


def hellos(peer: Peer) -> bytes:
    """Both HELLOs in their order; the other side's nonce."""
    if peer.role == RESPONDER:
        peer.send_hello(NONCE)
    nonce = bytes(peer.receive(HELLO)[2])
    if peer.role == INITIATOR:
        peer.send_hello(NONCE)
    return nonce


def to_open(peer: Peer) -> None:
    """Evidence and verdicts in both directions: the responder's first."""
    nonce = hellos(peer)
    mine, peers = peer.binder(peer.role, nonce), peer.binder(1 - peer.role, NONCE)
    if peer.role == INITIATOR:
        peer.receive_evidence(peers)
        peer.send(VERDICT, AFFIRMING)
        peer.send_evidence(mine)
        verdict = peer.receive(VERDICT)
    else:
        peer.send_evidence(mine)
        verdict = peer.receive(VERDICT)
        peer.receive_evidence(peers)
        peer.send(VERDICT, AFFIRMING)
    require(verdict[1] == 2 and verdict[3] == 0, f"verdict {verdict}")


def close(peer: Peer) -> None:
    """CLOSE both ways."""
    peer.send(CLOSE, {})
    require(peer.receive(CLOSE) == {}, "CLOSE with a body")


def refused(peer: Peer, *codes: int) -> None:
    """The other side answers with ALERT and one of these codes."""
    code = peer.receive(ALERT)[1]
    require(code in codes, f"ALERT {code}")


def both(requirement: str, operator: str) -> list[Case]:
    """The scenario for both roles under test; its octets are those of the EDHOC binding."""
    return [Case(role, (requirement,), operator, "conversation", only="edhoc") for role in ("device", "service")]


@for_each(both("SES-08", "whole"))
def test_whole_conversation(case: Case, bench: Bench) -> None:
    """Handshake, both attestations, labelled data and its receipt, proof of life, and a clean end."""
    memory = bench.iut.world.memory
    sequence = memory.next_sequence()
    memory.sent_sequence(sequence)

    def scenario(peer: Peer) -> None:
        to_open(peer)
        peer.send(PING, {1: b"8 octets"})
        require(peer.receive(PONG) == {1: b"8 octets"}, "PONG with other octets")
        peer.send_data(CONTENT, sequence, bench.iut.rng.child(f"cti {sequence}")(16))
        receipt = peer.receive(RECEIPT)
        require(receipt == {1: 0, 2: 0}, f"RECEIPT {receipt}")
        close(peer)

    play(bench, scenario)


@for_each(both("ATT-16", "binder-of-the-other-role"))
def test_binder_of_the_other_role(case: Case, bench: Bench) -> None:
    """Evidence over a binder in which the other side is the attester: ALERT 23, or 22 where the cause is not known."""

    def scenario(peer: Peer) -> None:
        nonce = hellos(peer)
        if peer.role == INITIATOR:
            peer.receive_evidence(peer.binder(RESPONDER, NONCE))
            peer.send(VERDICT, AFFIRMING)
        peer.send_evidence(peer.binder(1 - peer.role, nonce))
        refused(peer, 22, 23)

    play(bench, scenario)


@for_each(both("ATT-16", "binder-of-another-nonce"))
def test_binder_of_another_nonce(case: Case, bench: Bench) -> None:
    """Evidence over a binder with this side's own nonce in place of the relying party's: ALERT 23, or 22."""

    def scenario(peer: Peer) -> None:
        hellos(peer)
        if peer.role == INITIATOR:
            peer.receive_evidence(peer.binder(RESPONDER, NONCE))
            peer.send(VERDICT, AFFIRMING)
        peer.send_evidence(peer.binder(peer.role, NONCE))
        refused(peer, 22, 23)

    play(bench, scenario)


@for_each(both("SES-03", "data-before-verdict"))
def test_data_before_verdict(case: Case, bench: Bench) -> None:
    """DATA right after the HELLOs: ALERT 10, whatever it holds."""

    def scenario(peer: Peer) -> None:
        hellos(peer)
        if peer.role == INITIATOR:
            peer.receive_evidence(peer.binder(RESPONDER, NONCE))
        peer.send(DATA, {1: CONTENT})
        refused(peer, 10)

    play(bench, scenario)


@for_each(both("SES-10", "verdict-of-epoch-1"))
def test_verdict_of_another_epoch(case: Case, bench: Bench) -> None:
    """VERDICT for an epoch that nobody asked for: ALERT 25, or 10 for a frame out of order."""

    def scenario(peer: Peer) -> None:
        nonce = hellos(peer)
        if peer.role == INITIATOR:
            peer.receive_evidence(peer.binder(RESPONDER, NONCE))
        else:
            peer.send_evidence(peer.binder(RESPONDER, nonce))
            peer.receive(VERDICT)
            peer.receive_evidence(peer.binder(INITIATOR, NONCE))
        peer.send(VERDICT, {**AFFIRMING, 3: 1})
        refused(peer, 10, 25)

    play(bench, scenario)


@for_each(both("SES-18", "early-close"))
def test_early_close(case: Case, bench: Bench) -> None:
    """PING is answered, and CLOSE too, as soon as both HELLOs are through."""

    def scenario(peer: Peer) -> None:
        hellos(peer)
        if peer.role == INITIATOR:
            peer.receive_evidence(peer.binder(RESPONDER, NONCE))
        peer.send(PING, {1: bytes(8)})
        require(peer.receive(PONG) == {1: bytes(8)}, "PONG with other octets")
        close(peer)

    play(bench, scenario)
