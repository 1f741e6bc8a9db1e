"""Whose policy decides how old is too old, what lives short enough to need no proof, and what a verdict rests on."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.pki import issue_leaf, leaf_spec
from ..harness.identity.status import encode_proofs, make_ocsp
from ..harness.identity.world import World
from ..harness.tester.clock import RealClock
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Hold, Lie
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import OPPOSITE, Iut, NeedNotMet
from ..harness.tester.telling import Telling
from ..model.protocol.frames import VERDICT
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .claiming import FAR, max_age_of, now_of
from .forging import observed
from .labelling import accepted, faulty, label_of, telling
from .parties import LETTERS, credential_message, world_with
from .stages import StageNotReached
from .talk import Talk, Wrong, attesting, tell, timed
from .test_evidence import att, evidence
from .test_revocation import DAY, LONG, STALE, of_attestation_key, of_leaf
from .test_revocation import attesting as with_attestation_key

ROLES = ("device", "service")
YEAR = 31_622_400
"""The greatest age that the tester states where it would take anything."""


def patient(iut: Iut) -> World:
    """The tester, which says in its HELLO that it takes evidence and labels of any age."""
    return attesting(iut, max_age=YEAR)


def _too_old(peer: TesterEndpoint, honest: bytes) -> bytes:
    return cbor.encode(now_of(peer) - max_age_of(peer) - FAR)


@for_each(fault(role, "eat_is_recent", "claim", "iat-too-old-by-own-policy") for role in ROLES)
def test_age_of_evidence(case: Case, bench: Bench) -> None:
    """Evidence too old by what the implementation stated, though not by what its peer did (ATT-23)."""
    iut = bench.iut
    bench.refuses(Telling(att(iut), tam={evidence(iut).token.iat: _too_old}), world=patient(iut))


@for_each(fault(role, "label_is_recent", "label", "iat-too-old-by-own-policy") for role in ROLES)
def test_age_of_label(case: Case, bench: Bench) -> None:
    """A label too old by what the implementation stated, though not by what its peer did (LBL-12)."""
    tale = telling(lambda peer: {label_of(peer).iat: _too_old(peer, b"")})
    bench.refuses(Deviation(), faulty(tale), world=patient(bench.iut))


def _aged(peer: TesterEndpoint, honest: bytes) -> bytes:
    return cbor.encode(now_of(peer) - FAR)


@for_each(Case(role, ("ATT-23", "LBL-12"), "accept", "iat-too-old-for-the-peer-alone") for role in ROLES)
def test_age_for_the_peer_alone(case: Case, bench: Bench) -> None:
    """What its own policy takes, the implementation takes, whatever its peer would: ATT-23, LBL-12."""
    iut = bench.iut

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        try:
            accepted(conversation)
        except StageNotReached as error:
            return str(error)
        return ""

    deviation = Telling(att(iut), tam={evidence(iut).token.iat: _aged})
    bench.works(play, deviation=deviation, world=attesting(iut, max_age=1))


# --- revocation ------------------------------------------------------------------------------------------------------


@for_each(
    dataclasses.replace(
        fault(role, "peer_leaf_is_not_revoked", "prove", "too-old-by-own-policy"), requirements=("REV-03", "REV-07")
    )
    for role in ROLES
)
def test_age_of_proof(case: Case, bench: Bench) -> None:
    """A proof that its maker and its bearer call good, refused solely for the policy of its receiver: REV-07."""
    iut = bench.iut
    asked = of_leaf(iut)
    old = make_ocsp(asked.certificate, asked.issuer, asked.now - STALE, validity=LONG)
    world = world_with(iut, proofs=encode_proofs(ocsp=[old]))
    policy = dataclasses.replace(world.policy, max_age=YEAR, revocation_max_age=YEAR)
    bench.refuses(Telling(f"HELLO_{LETTERS[iut.opposite]}"), world=dataclasses.replace(world, policy=policy))


def _ending(iut: Iut, role: str, seconds: int, *, old: int = 0) -> World:
    """The tester with a leaf of its own that began `old` seconds earlier than usual and ends in `seconds`."""
    spec = leaf_spec(iut.pki.seed, iut.pki.now, role, iut.pki.names(role, role), f"{role} identity")
    spec = dataclasses.replace(spec, not_before=spec.not_before - old, not_after=iut.clock.now() + seconds)
    issuer = iut.pki.branch(role).issuing
    leaf = issue_leaf(spec, issuer).certificate
    return world_with(iut, leaf=leaf, proofs=encode_proofs(ocsp=[make_ocsp(leaf, issuer, iut.clock.now())]))


@for_each(fault(role, "peer_leaf_is_not_revoked", "prove", "absent-near-the-end") for role in ROLES)
def test_long_life_near_its_end(case: Case, bench: Bench) -> None:
    """A leaf without proof, refused solely because it lives over seven days, however soon it ends: REV-03."""
    iut = bench.iut
    world = _ending(iut, iut.opposite, DAY, old=20 * DAY)
    credentials = dataclasses.replace(world.credentials, proofs=b"")
    bench.refuses(Telling(f"HELLO_{LETTERS[iut.opposite]}"), world=dataclasses.replace(world, credentials=credentials))


BACK = 40
"""Seconds by which clocks are turned back: little enough for a proof to be no proof from the future."""


@for_each(
    citing(fault(role, f"cred_{LETTERS[OPPOSITE[role]].lower()}_is_in_validity", "turn-back", when), "REV-10")
    for role in ROLES
    for when in ("clock", "clock-and-restart")
)
def test_clock_turned_back(case: Case, bench: Bench) -> None:
    """A leaf that ended before a proof was made which has been accepted, whatever the clock shows now: REV-10."""
    iut = bench.iut
    bench.control()  # Its proof was made at the time that the clock shows still; none comes between that and the fault.
    with iut.later() as clock:
        if isinstance(clock, RealClock):
            raise NeedNotMet("nobody can turn its clock back")
        clock.advance(-BACK)
        world = _ending(iut, iut.opposite, BACK // 2)
        if case.field.endswith("restart"):
            iut.restart()
        # Later on other proofs could show the time again; over TLS nothing is said before the handshake has ended.
        bench.refuses(Telling(credential_message(iut)), world=world, deferred=iut.binding != "edhoc")


# --- what a verdict rests on -----------------------------------------------------------------------------------------

LASTING = {"without-re-attestation": False, "re-attested": True}
SOON = 100
"""Seconds after which something ends on which the verdict rests."""


def _leaf_ends(iut: Iut) -> dict[str, Any]:
    return {"world": _ending(iut, iut.opposite, SOON)}


def _proof_ends(iut: Iut) -> dict[str, Any]:
    asked = of_leaf(iut)
    proof = make_ocsp(asked.certificate, asked.issuer, asked.now, validity=SOON)
    return {"world": world_with(iut, proofs=encode_proofs(ocsp=[proof]))}


def _attestation_key_ends(iut: Iut) -> dict[str, Any]:
    asked = of_attestation_key(iut, not_after=iut.clock.now() + SOON)
    return {"world": with_attestation_key(asked)}


def _proof_of_attestation_key_ends(iut: Iut) -> dict[str, Any]:
    asked = of_attestation_key(iut)
    proof = make_ocsp(asked.certificate, asked.issuer, asked.now, validity=SOON)
    deviation = Telling(att(iut), {evidence(iut).endorsements: encode_proofs(ocsp=[proof])})
    return {"world": with_attestation_key(asked), "deviation": deviation}


ENDING: dict[str, Callable[[Iut], dict[str, Any]]] = {
    "leaf": _leaf_ends,
    "proof-of-leaf": _proof_ends,
    "attestation-key": _attestation_key_ends,
    "proof-of-attestation-key": _proof_of_attestation_key_ends,
}


def _endings() -> Iterator[Case]:
    for role in ROLES:
        for what in ENDING:
            yield Case(role, ("SES-12",), "ends-soon", what)


@for_each(_endings())
def test_verdict_ends_with_what_it_rests_on(case: Case, bench: Bench) -> None:
    """No verdict outlives a certificate or a proof on which it rests: SES-12."""
    iut = bench.iut

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        seconds = cbor.decode(observed(conversation, f"VERDICT_{LETTERS[iut.role]}"))[1][4]
        return "" if seconds <= SOON else f"a verdict for {seconds} seconds, where {SOON} are left"

    bench.works(play, **ENDING[case.field](iut))


@for_each(Case(role, ("SES-12",), "ended", "leaf") for role in ROLES)
def test_no_verdict_once_it_has_ended(case: Case, bench: Bench) -> None:
    """Evidence of a later epoch gets no verdict once the certificate has ended on which it would rest: SES-12."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    hold = Hold(behind=False)

    def script(talk: Talk) -> None:
        talk.open()
        hold.hold(f"ATT_{LETTERS[iut.opposite]}")
        talk.clock.advance(SOON - FAR)
        talk.expect("ATT_REQ")
        talk.clock.advance(FAR + 1)
        hold.release(talk.peer)
        talk.conversation.flush()
        talk.expect("ALERT")

    with timed(bench, reattest_interval=SOON - FAR) as clock:
        tell(bench, script, clock, deviation=hold, world=_ending(iut, iut.opposite, SOON))


@for_each(
    (Case(role, ("EDH-24",), "lasts", way, data=again) for role in ROLES for way, again in LASTING.items()),
    only="edhoc",
)
def test_session_of_a_day(case: Case, bench: Bench) -> None:
    """No session is used for more than 24 hours, whatever the verdicts on it would allow: EDH-24."""
    iut, letter = bench.iut, LETTERS[bench.iut.opposite]
    verdict = Lie(VERDICT[letter].valid_for, cbor.encode(10 * DAY), f"VERDICT_{letter}")

    def script(talk: Talk) -> None:
        talk.open()
        talk.clock.advance(DAY // 2)
        if case.data:
            talk.reattest()
            talk.catch_up()
        talk.ping()
        talk.clock.advance(DAY // 2 + 31)
        talk.conversation.until(lambda: False)
        if not talk.conversation.ended:
            raise Wrong("the session goes on")

    world = attesting(iut, reattest_interval=10 * DAY)
    with timed(bench, reattest_interval=10 * DAY, valid_for=10 * DAY, revocation_max_age=30 * DAY) as clock:
        tell(bench, script, clock, deviation=verdict, world=world)


@for_each(Case(role, ("SES-12",), "ends-soon", "interval-below-policy") for role in ROLES)
def test_verdict_ends_with_the_interval(case: Case, bench: Bench) -> None:
    """A policy that would say more is bounded by the implementation's own re-attestation interval: SES-12."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        hello = cbor.decode(observed(conversation, f"HELLO_{LETTERS[bench.iut.role]}"))[1]
        seconds = cbor.decode(observed(conversation, f"VERDICT_{LETTERS[bench.iut.role]}"))[1][4]
        return "" if seconds <= hello[7] else f"a verdict for {seconds} seconds with an interval of {hello[7]}"

    with bench.iut.configured(reattest_interval=60, valid_for=3600):
        bench.works(play)
