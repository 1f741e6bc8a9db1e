"""The session as rows: HELLO, attestation both ways, verdicts, OPEN, re-attestation, EXPIRED, CLOSE.

    handshake -> HELLO_R -> HELLO_I -> [ATT_R] -> VERDICT_I -> [ATT_I] -> VERDICT_R -> OPEN -> (EXPIRED ->) CLOSED

The responder speaks first and attests first. A direction has an ATT exactly when its relying party requires evidence
and its attester presents no waiver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..symbols import sha256
from ..table import Event, Guard, Step, Transition, equals, event, holds
from ..terms import Term, array, bstr, const, name
from . import local
from .attestation import (
    CHANNEL_SECRET,
    EMPTY,
    QUOTE_REQUEST,
    REGISTERS,
    SID,
    TAM_NAME,
    TRUE,
    WAIVER,
    ZERO,
    waiver_checks,
)
from .forms import Form
from .frames import (
    ALERT,
    ALERT_CODE,
    ATTESTS,
    CLOSE,
    HELLO,
    NOT_REQUIRED,
    PING,
    PONG,
    VERDICT,
    WAIVED,
    I,
    R,
    Side,
    Tier,
    direction_of,
    peer_of,
)
from .labels import LABEL_REGISTERS

CLOSED, CLOSING, OPEN, EXPIRED, REFUSED = "CLOSED", "CLOSING", "OPEN", "EXPIRED", "REFUSED"
Assignments = tuple[tuple[Term, Term], ...]

TIER_OF = {ATTESTS: Tier.AFFIRMING, WAIVED: Tier.WAIVED, NOT_REQUIRED: Tier.NOT_REQUIRED}


def decided(side: Side, tier: Tier) -> Assignments:
    """The verdict that `side` is about to send."""
    return ((VERDICT[side.letter].tier.defs[side.role], const(int(tier))),)


def valid_for(side: Side) -> Term:
    """Asked of the world anew for each verdict: seconds."""
    return name(f"valid_for_{side.letter.lower()}", VERDICT[side.letter].valid_for.sort)


def after_hello() -> Assignments:
    """Epoch 0: each HELLO is the request for the other side's evidence."""
    return tuple(
        pair
        for attester in (I, R)
        for pair in (
            (REGISTERS[attester.letter].requested_epoch, ZERO),
            (REGISTERS[attester.letter].challenge, peer_of(attester).nonce),
        )
    )


def accepted_evidence(attester: Side, form: Form) -> Assignments:
    """What the relying party keeps of accepted evidence; labels must refer to an environment of this epoch."""
    registers, labels = REGISTERS[attester.letter], LABEL_REGISTERS[attester.letter]
    return (
        (registers.attested_epoch, registers.requested_epoch),
        (registers.attested_boot, form.boot),
        (registers.attested_ak, form.ak),
        (registers.attested_further, form.further),
        (registers.attested_registers, form.registers),
        (labels.reference, EMPTY),
    )


def quoted(side: Side, environment: Term) -> Assignments:
    """What the attester keeps of its TAM's answer."""
    labels, registers = LABEL_REGISTERS[side.letter], REGISTERS[side.letter]
    return (
        (registers.attested_epoch, registers.requested_epoch),
        (labels.reference, bstr(sha256(environment))),
        (labels.unsent, array(environment)),
        (labels.kept, array(environment)),
    )


def evidence_rows(side: Side, state: str, form: Form, then: str, *events: Event) -> Iterator[Transition]:
    """Attester: the TAM's answer goes out as ATT, or what a verifier says of it once it has been asked."""
    answer = form.quote
    if form.question and form.fetched:
        fetching = f"{state}_fetching"
        yield Transition(side.role, state, form.quote, fetching, sends=(form.question,))
        state, answer = fetching, form.fetched
    yield Transition(
        side.role, state, answer, then, sets=quoted(side, form.environment), sends=(form.att,), events=events
    )


def hello_checks(attester: Side, mode: Term) -> tuple[Step, ...]:
    """What the relying party asks of `attester`'s HELLO, given how that direction goes."""
    me = peer_of(attester)
    common = (
        equals("hello_version_is_supported", attester.version),
        holds("waiver_comes_with_its_flag", attester.flags, attester.waiver),
        holds("anonymity_is_the_leafs", attester.flags, attester.party.id_cred),
        holds("peer_leaf_is_not_revoked", attester.party.id_cred, attester.proofs),
    )
    if mode is ATTESTS:
        return (
            *common,
            holds("peer_offers_evidence", attester.offered),
            holds("evidence_formats_overlap", me.accepted, attester.offered),
        )
    return common + (waiver_checks(attester) if mode is WAIVED else ())


def hello_opens(attester: Side, mode: Term) -> Assignments:
    """A waiver is read only where the direction is waived."""
    return ((attester.waiver, WAIVER[attester.letter].term),) if mode is WAIVED else ()


def commit(side: Side) -> Event:
    """Agreement data when `side` reaches OPEN."""
    return event(f"commit_{side.letter}", **_agreement())


def running(side: Side) -> Event:
    """Agreement data when `side` sends its last message before the peer can commit."""
    return event(f"running_{side.letter}", **_agreement())


def _agreement() -> dict[str, Term]:
    return {
        "identity_i": I.party.id_cred,
        "identity_r": R.party.id_cred,
        "secret": CHANNEL_SECRET,
        "hello_i": I.hello,
        "hello_r": R.hello,
        "sid": SID,
    }


def verdict_checks(relying_party: Side) -> tuple[Step, ...]:
    """What an attester asks of the verdict on itself."""
    verdict, me = VERDICT[relying_party.letter], peer_of(relying_party)
    return (
        holds("verdict_tier_fits_direction", verdict.tier, direction_of(me)),
        equals("verdict_epoch_is_current", verdict.epoch),
        holds("verdict_valid_for_is_positive", verdict.valid_for),
    )


REJECTING = (Tier.WARNING, Tier.CONTRAINDICATED)


def device_rows(forms: Mapping[str, Form]) -> Iterator[Transition]:
    """Initiator, from the end of the handshake to OPEN."""
    mine, peers = forms["I"], forms["R"]
    attests_i, attests_r = Guard(direction_of(I), ATTESTS), Guard(direction_of(R), ATTESTS)
    yield Transition(
        I.role, "wait_HELLO_R", HELLO["R"], "wait_ATT_R",
        when=(attests_r,), checks=hello_checks(R, ATTESTS), sets=after_hello(), sends=(HELLO["I"],),
        events=(event("hello_received"),),
    )  # fmt: skip
    for mode in (WAIVED, NOT_REQUIRED):
        for attests in (True, False):
            yield _device_hello_without_att(mode, attests)
    for attests in (True, False):
        yield Transition(
            I.role, "wait_ATT_R", peers.att, "quoting" if attests else "wait_VERDICT_R",
            when=(attests_i,) if attests else (), checks=peers.checks,
            fresh=(valid_for(I),), sets=(*accepted_evidence(R, peers), *decided(I, Tier.AFFIRMING)),
            sends=(VERDICT["I"].message, *((QUOTE_REQUEST["I"].message,) if attests else ())),
            events=(
                event("evidence_accepted", id_cred=R.party.id_cred),
                event("verdict_sent", tier=VERDICT["I"].tier),
                *(() if attests else (running(I),)),
            ),
        )  # fmt: skip
    yield from evidence_rows(I, "quoting", mine, "wait_VERDICT_R", running(I))
    yield from _rejections(I, "wait_VERDICT_R")
    yield Transition(
        I.role, "wait_VERDICT_R", VERDICT["R"].message, OPEN,
        checks=verdict_checks(R),
        events=(event("verdict_received", tier=VERDICT["R"].tier), commit(I), event("open", sid=SID)),
    )  # fmt: skip


def _device_hello_without_att(mode: Term, attests: bool) -> Transition:
    guards = (Guard(direction_of(R), mode), *((Guard(direction_of(I), ATTESTS),) if attests else ()))
    return Transition(
        I.role, "wait_HELLO_R", HELLO["R"], "quoting" if attests else "wait_VERDICT_R",
        when=guards, opens=hello_opens(R, mode), checks=hello_checks(R, mode), fresh=(valid_for(I),),
        sets=(*after_hello(), *decided(I, TIER_OF[mode])),
        sends=(HELLO["I"], VERDICT["I"].message, *((QUOTE_REQUEST["I"].message,) if attests else ())),
        events=(
            event("hello_received"),
            event("verdict_sent", tier=VERDICT["I"].tier),
            *(() if attests else (running(I),)),
        ),
    )  # fmt: skip


def service_rows(forms: Mapping[str, Form]) -> Iterator[Transition]:
    """Responder, from HELLO_I to OPEN."""
    mine, peers = forms["R"], forms["I"]
    for mode_i in (ATTESTS, WAIVED, NOT_REQUIRED):
        for attests in (True, False):
            guards = (Guard(direction_of(I), mode_i), *((Guard(direction_of(R), ATTESTS),) if attests else ()))
            yield Transition(
                R.role, "wait_HELLO_I", HELLO["I"], "quoting" if attests else "wait_VERDICT_I",
                when=guards, opens=hello_opens(I, mode_i), checks=hello_checks(I, mode_i), sets=after_hello(),
                sends=(QUOTE_REQUEST["R"].message,) if attests else (), events=(event("hello_received"),),
            )  # fmt: skip
    yield from evidence_rows(R, "quoting", mine, "wait_VERDICT_I")
    yield from _rejections(R, "wait_VERDICT_I")
    received = event("verdict_received", tier=VERDICT["I"].tier)
    yield Transition(
        R.role, "wait_VERDICT_I", VERDICT["I"].message, "wait_ATT_I",
        when=(Guard(direction_of(I), ATTESTS),), checks=verdict_checks(I), events=(received,),
    )  # fmt: skip
    opened = (running(R), event("verdict_sent", tier=VERDICT["R"].tier), commit(R), event("open", sid=SID))
    for mode in (WAIVED, NOT_REQUIRED):
        yield Transition(
            R.role, "wait_VERDICT_I", VERDICT["I"].message, OPEN,
            when=(Guard(direction_of(I), mode),), checks=verdict_checks(I), fresh=(valid_for(R),),
            sets=decided(R, TIER_OF[mode]), sends=(VERDICT["R"].message,), events=(received, *opened),
        )  # fmt: skip
    yield Transition(
        R.role, "wait_ATT_I", peers.att, OPEN,
        checks=peers.checks, fresh=(valid_for(R),),
        sets=(*accepted_evidence(I, peers), *decided(R, Tier.AFFIRMING)), sends=(VERDICT["R"].message,),
        events=(event("evidence_accepted", id_cred=I.party.id_cred), *opened),
    )  # fmt: skip


def _rejections(side: Side, state: str) -> Iterator[Transition]:
    """A rejecting verdict of the peer: nothing but its ALERT may follow."""
    verdict = VERDICT[peer_of(side).letter]
    for tier in REJECTING:
        yield Transition(
            side.role, state, verdict.message, REFUSED,
            when=(Guard(verdict.tier, const(int(tier))),), checks=verdict_checks(peer_of(side)),
            events=(event("verdict_rejected", tier=verdict.tier),),
        )  # fmt: skip


def everywhere_rows(side: Side, states: tuple[str, ...]) -> Iterator[Transition]:
    """ALERT, CLOSE and PING: legal in every state after both HELLOs; ALERT from the end of the handshake on."""
    me, peer = side.letter, peer_of(side).letter
    for state in states:
        yield Transition(
            side.role, state, ALERT[peer], CLOSED, events=(event("alert_received", code=ALERT_CODE[peer]),)
        )
    for state in states[1:]:
        yield Transition(side.role, state, PING[peer], state, sends=(PONG[me],))
        yield Transition(
            side.role, state, CLOSE[peer], CLOSED, sends=(CLOSE[me],), events=(event("closed", clean=TRUE),)
        )
        yield Transition(side.role, state, local.CLOSE, CLOSING, sends=(CLOSE[me],))


def closing_alert_rows(side: Side) -> Iterator[Transition]:
    """An ALERT still counts while closing."""
    peer = peer_of(side).letter
    yield Transition(side.role, CLOSING, ALERT[peer], CLOSED, events=(event("alert_received", code=ALERT_CODE[peer]),))


def timer_rows(side: Side, before: tuple[str, ...], until_open: tuple[str, ...]) -> Iterator[Transition]:
    """Deadlines: in silence before the channel stands, by ALERT afterwards."""
    expired = event("timeout")
    for state in before:
        yield Transition(side.role, state, local.HANDSHAKE_TIMEOUT, CLOSED, events=(expired,))
    for state in until_open:
        yield Transition(
            side.role, state, local.VERDICT_TIMEOUT, CLOSED, sets=alert_code(side, 25), sends=(ALERT[side.letter],),
            events=(expired,),
        )  # fmt: skip
    yield Transition(side.role, OPEN, local.VALIDITY_ENDS, EXPIRED, events=(event("expired"),))
    yield Transition(
        side.role, EXPIRED, local.EXPIRED_TIMEOUT, CLOSED, sets=alert_code(side, 25), sends=(ALERT[side.letter],),
        events=(expired,),
    )  # fmt: skip


def alert_code(side: Side, code: int) -> Assignments:
    """The code that `side` is about to send in an ALERT."""
    return ((ALERT_CODE[side.letter], const(code)),)


def tam_row(side: Side, form: Form) -> Transition:
    """The TAM answers every request of its software: it cannot know whether the binder is honest."""
    request = QUOTE_REQUEST[side.letter]
    return Transition(
        TAM_NAME[side.letter], "ready", request.message, "ready", fresh=form.asked, sends=(form.quote,),
        events=(event("attested", binder=request.binder),),
    )  # fmt: skip
