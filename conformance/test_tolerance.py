"""What an implementation must accept: values inside their limits, and good data behind data that was refused."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Instead, Lie
from ..harness.tester.frames import verdict
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.telling import Telling, tell, tell_no_more
from ..model.protocol.frames import SIDES, Tier
from .bench import Bench, opened
from .case import Case, for_each
from .claiming import max_age_of
from .labelling import label_of, send, sequence_of
from .parties import LETTERS
from .stages import SHORT
from .talk import PEER, Talk, Wrong, attesting, timed
from .talk import tell as told
from .test_evidence import att, evidence
from .test_waivers import holding, honest

ROLES = ("device", "service")
NEAR = 20
"""Seconds inside a limit, so that clocks which differ a little do not matter."""
AHEAD = 60 - NEAR

Times = Callable[[TesterEndpoint], int]
TIMES: dict[str, Times] = {
    "ahead": lambda peer: peer.world.now() + AHEAD,
    "old": lambda peer: peer.world.now() - max_age_of(peer) + NEAR,
}


@for_each(Case(role, ("ATT-23",), "accept", f"iat-{when}", data=when) for role in ROLES for when in TIMES)
def test_time_of_evidence(case: Case, bench: Bench) -> None:
    """Evidence of a clock that runs a little ahead, or almost as old as allowed, is accepted: ATT-23."""
    about = evidence(bench.iut)
    tale = {about.token.iat: lambda peer, honest: cbor.encode(TIMES[case.data](peer))}
    bench.works(opened, deviation=Telling(att(bench.iut), tam=tale))


def _receipted(talk: Talk, tale: dict[Any, Any], code: int = 0) -> None:
    """Send data under a label that tells a tale."""
    tell(talk.peer, tale)
    send(talk.peer)
    talk.conversation.flush()
    tell_no_more(talk.peer)
    talk.expect("RECEIPT", code=code)


@for_each(Case(role, ("LBL-12",), "accept", f"iat-{when}", data=when) for role in ROLES for when in TIMES)
def test_time_of_label(case: Case, bench: Bench) -> None:
    """A label of a clock that runs a little ahead, or almost as old as allowed, is accepted: LBL-12."""

    def script(talk: Talk) -> None:
        talk.open()
        _receipted(talk, {label_of(talk.peer).iat: cbor.encode(TIMES[case.data](talk.peer))})

    told(bench, script)


@for_each(Case(role, ("LBL-26",), "accept", "seq-beyond-32-bits") for role in ROLES)
def test_large_number(case: Case, bench: Bench) -> None:
    """Numbers of labels start anywhere and have 64 bits: LBL-26."""

    def script(talk: Talk) -> None:
        talk.open()
        _receipted(talk, {label_of(talk.peer).sequence: cbor.encode(max(1 << 33, sequence_of(talk.peer)))})

    told(bench, script)


@for_each(Case(role, ("LBL-11",), "accept", "cti-that-differs-at-its-end") for role in ROLES)
def test_similar_identifiers(case: Case, bench: Bench) -> None:
    """Two identifiers that differ in their last octet are two: LBL-11."""

    def script(talk: Talk) -> None:
        talk.open()
        for end in range(2):
            _receipted(talk, {label_of(talk.peer).cti: talk.peer.sid[:-1] + bytes([end])})

    told(bench, script)


@for_each(Case(role, ("LBL-09",), "accept", "seq-below-a-refused-one") for role in ROLES)
def test_good_label_behind_a_refused_one(case: Case, bench: Bench) -> None:
    """Only accepted numbers count: behind a refused label with a higher one the next number is good: LBL-09."""

    def script(talk: Talk) -> None:
        talk.open()
        label, number = label_of(talk.peer), sequence_of(talk.peer)
        bad = {label.sequence: cbor.encode(number + 9), label.signature: bytes(64)}
        _receipted(talk, bad, code=30)
        _receipted(talk, {label.sequence: cbor.encode(number + 1)})

    told(bench, script)


@for_each(Case(role, ("SES-11",), "accept", "valid_for-of-ten-years") for role in ROLES)
def test_long_validity(case: Case, bench: Bench) -> None:
    """How long a verdict is good is its sender's decision: SES-11, SES-12."""
    frame = verdict(Tier.AFFIRMING, valid_for=10 * 365 * 86_400)

    def script(talk: Talk) -> None:
        talk.open()
        talk.ping()

    told(bench, script, deviation=Instead(f"VERDICT_{PEER[case.role]}", lambda peer: peer.send_frame(frame)))


@for_each(Case(role, ("ATT-03",), "accept", "foreign-types-offered-first") for role in ROLES)
def test_foreign_types_first(case: Case, bench: Bench) -> None:
    """A HELLO that offers types nobody knows besides one that is accepted will do: ATT-03."""
    letter = LETTERS[bench.iut.opposite]
    offered = cbor.encode([60_000, "application/vnd.example", 263])
    bench.works(opened, deviation=Lie(SIDES[letter].offered, offered, f"HELLO_{letter}"))


@for_each(Case(role, ("WVR-07",), "accept", "iat-ahead") for role in ROLES)
def test_time_of_waiver(case: Case, bench: Bench) -> None:
    """A waiver of a clock that runs a little ahead is accepted: WVR-07."""
    iut = bench.iut
    iut.need_feature("accepts_waiver")
    waiver = dataclasses.replace(honest(iut), issued_at=iut.clock.now() + AHEAD)
    bench.works(opened, world=holding(iut, waiver.sign(iut.pki.waiver_authority)))


@for_each(Case(role, ("SES-16",), "accept", "25-seconds-in-EXPIRED") for role in ROLES)
def test_expired_for_a_while(case: Case, bench: Bench) -> None:
    """A session that has been EXPIRED for less than 30 seconds stands: SES-16."""
    with timed(bench) as clock:

        def script(talk: Talk) -> None:
            talk.open()
            clock.advance(SHORT)
            talk.catch_up()
            clock.advance(25)
            talk.ping()

        told(bench, script, clock, world=attesting(bench.iut, valid_for=SHORT))


# --- what an implementation says itself ------------------------------------------------------------------------------

HELLOS = 8


def _hello(conversation: Conversation, role: str) -> dict[int, Any]:
    name = f"HELLO_{LETTERS[role]}"
    conversation.until_seen(name)
    hello = conversation.saw(name)
    if hello is None:
        raise Wrong("no HELLO came")
    body: dict[int, Any] = cbor.decode(hello.data)[1]
    return body


@for_each(Case(role, ("SES-02",), "draw", "every-octet-of-the-nonce") for role in ROLES)
def test_every_octet_is_random(case: Case, bench: Bench) -> None:
    """No octet of the nonce is the same in eight HELLOs, and no half of it repeats the peer's nonce: SES-02, ATT-27."""
    nonces: list[bytes] = []
    for _ in range(HELLOS):
        conversation = bench.iut.converse()
        try:
            nonces.append(_hello(conversation, case.role)[2])
        except Wrong as wrong:
            return bench.show(str(wrong), conversation)
        finally:
            conversation.close()
    constant = [place for place, octets in enumerate(zip(*nonces, strict=True)) if len(set(octets)) == 1]
    bench.show(f"octets {constant} of the nonce never change" if constant else "")
    return None


@for_each(Case(role, ("ATT-27",), "draw", "nonce-unlike-the-peers") for role in ROLES)
def test_nonce_is_its_own(case: Case, bench: Bench) -> None:
    """The nonce of HELLO is not the one that the peer has sent: ATT-27."""

    def script(talk: Talk) -> None:
        talk.open()
        peers = talk.peer.run.value(SIDES[talk.peer.letter].nonce)
        if _hello(talk.conversation, case.role)[2] == peers:
            raise Wrong("the tester's own nonce")

    told(bench, script)


@for_each(Case(role, ("ATT-01",), "default", "flag-1") for role in ROLES)
def test_evidence_by_default(case: Case, bench: Bench) -> None:
    """Unless it is configured otherwise, an implementation requires evidence: ATT-01."""

    def script(talk: Talk) -> None:
        talk.open()
        if not _hello(talk.conversation, case.role)[5] & 1:
            raise Wrong("HELLO does not ask for evidence")

    told(bench, script)


@for_each(Case(role, ("EDH-20", "EDH-22"), "send", "records") for role in ROLES)
def test_own_records(case: Case, bench: Bench) -> None:
    """Each record of a long conversation opens under the key of its direction and the next number: EDH-20, EDH-22."""

    def script(talk: Talk) -> None:
        talk.open()
        for _ in range(20):
            talk.ping()

    told(bench, script, off=frozenset())
