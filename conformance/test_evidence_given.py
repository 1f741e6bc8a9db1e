"""Evidence that must be accepted, and what the implementation itself sends: evidence, nonces, verdicts."""

from collections.abc import Callable
from typing import Any

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Lie
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..model.protocol.attestation import EAT_FORMAT, Evidence
from ..model.protocol.frames import SIDES, VERDICT, Tier
from ..model.terms import Term
from ..spec import identifiers
from .bench import Bench, opened
from .case import Case, fault, for_each
from .claiming import Change, max_age_of, now_of
from .forging import observed
from .parties import LETTERS
from .stages import INTERVAL, StageNotReached, open_then_request
from .test_boot_counts import with_another_key
from .test_evidence import ROLES, att, evidence

MARGIN = 30
REQUESTS = 10
HELLOS = 20

GOOD_TOKENS: dict[str, tuple[str, Callable[[Evidence], Term], Change]] = {
    "alg-esp256": ("ATT-08", lambda e: e.token.alg, lambda peer, _: -9),
    "dbgstat-disabled-since-boot": ("ATT-21", lambda e: e.debug, lambda peer, _: 2),
    "dbgstat-disabled-fully": ("ATT-21", lambda e: e.debug, lambda peer, _: 4),
    "iat-nearly-too-old": ("ATT-23", lambda e: e.token.iat, lambda p, _: now_of(p) - max_age_of(p) + MARGIN),
    "iat-a-little-ahead": ("ATT-23", lambda e: e.token.iat, lambda p, _: now_of(p) + MARGIN),
    "cnf-with-key-id": ("ATT-17", lambda e: e.token.cnf, lambda peer, honest: {**honest, 2: b"key id"}),
    "cnf-with-algorithm": ("ATT-17", lambda e: e.token.cnf, lambda peer, honest: {**honest, 3: -7}),
    "measurements-in-another-order": ("ATT-20", lambda e: e.token.measurements, lambda peer, honest: honest[::-1]),
    "bootcount-high": ("ATT-29", lambda e: e.token.bootcount, lambda peer, honest: 2**32),
}


@for_each(Case(role, (good[0],), "accept", field) for role in ROLES for field, good in GOOD_TOKENS.items())
def test_good_evidence(case: Case, bench: Bench) -> None:
    """Evidence that differs from the usual in what the profile leaves open is accepted: ATT-08, ATT-17 to ATT-23."""
    _, term, change = GOOD_TOKENS[case.field]

    def told(peer: TesterEndpoint, honest: bytes) -> bytes:
        return cbor.encode(change(peer, cbor.decode(honest)))

    world = with_another_key(bench.iut, case.field) if "bootcount" in case.field else None
    bench.works(opened, deviation=Telling(att(bench.iut), tam={term(evidence(bench.iut)): told}), world=world)


@for_each(Case(role, ("ATT-29",), "accept", "further-claims") for role in ROLES)
def test_further_claims(case: Case, bench: Bench) -> None:
    """Claims that the profile does not name are ignored: ATT-29."""
    iut = bench.iut
    further = cbor.encode(-70001) + cbor.encode("more")
    payload = evidence(iut).token.tbs.args[3].args[0]
    bench.works(opened, deviation=Telling(att(iut), tam={payload.args[-1]: further}))


GOOD_CLAIMS = {
    claim: cbor.encode(identifiers()["claim"][claim]) + cbor.encode(value)
    for claim, value in {
        "bootseed": bytes(32),
        "trusted_ui": {1: 1, 2: bytes(32), 3: bytes(32)},
        "iso19790": {1: 3, 2: "4321", 3: "module"},
    }.items()
}


@for_each(Case(role, ("ATT-29", "ATT-51"), "accept", f"claim-{c}", data=c) for role in ROLES for c in GOOD_CLAIMS)
def test_optional_claim(case: Case, bench: Bench) -> None:
    """A claim that the grammar knows, in its form, is ignored where nobody asks for it: ATT-29, ATT-51."""
    tale = {evidence(bench.iut).further: GOOD_CLAIMS[case.data]}
    bench.works(opened, deviation=Telling(att(bench.iut), tam=tale))


@for_each(Case(role, ("ATT-26", "ATT-29", "ATT-30"), "send", "own-evidence") for role in ROLES)
def test_own_evidence(case: Case, bench: Bench) -> None:
    """The implementation's evidence passes every check of a tester that makes them all: ATT-08 to ATT-30."""
    bench.works(opened, off=frozenset())


@for_each(Case(role, ("ATT-27",), "send", "own-evidence-again") for role in ROLES)
def test_own_evidence_again(case: Case, bench: Bench) -> None:
    """Asked again, the implementation attests the new epoch to a tester that makes every check: ATT-27."""
    name = f"ATT_{LETTERS[case.role]}"

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        conversation.peer.reattest()
        conversation.flush()
        _await(conversation, name, 2)
        accepted = [e for e in conversation.peer.events if e.name == "evidence_accepted"]
        return "" if len(accepted) == 2 else "the second evidence was not accepted"

    bench.works(play, off=frozenset())


@for_each(Case(role, ("ATT-04",), "accept-first", "something-else") for role in ROLES)
def test_choice(case: Case, bench: Bench) -> None:
    """The implementation sends the first type of the tester's list that it offered itself: ATT-04."""
    mine, peers = LETTERS[bench.iut.opposite], LETTERS[bench.iut.role]
    wanted = ["application/x-nobody-offers-this", EAT_FORMAT]

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        offered = cbor.decode(observed(conversation, f"HELLO_{peers}"))[1][3]
        sent = cbor.decode(cbor.decode(observed(conversation, f"ATT_{peers}"))[1][2])[0]
        due = next((item for item in wanted if item in offered), None)
        return "" if sent == due else f"evidence of type {sent!r}, where {due!r} was to be chosen"

    bench.works(play, deviation=Lie(SIDES[mine].accepted, cbor.encode(wanted), f"HELLO_{mine}"))


# --- nonces ----------------------------------------------------------------------------------------------------------


@for_each(Case(role, ("ATT-27",), "draw", "nonces-of-hello") for role in ROLES)
def test_nonces_of_hello(case: Case, bench: Bench) -> None:
    """No two HELLOs of the implementation have one nonce: ATT-27."""
    name = f"HELLO_{LETTERS[case.role]}"
    nonces = set()
    for _ in range(HELLOS):
        conversation = bench.iut.converse()
        try:
            if not conversation.until_seen(name):
                return bench.show("no HELLO came", conversation)
            nonces.add(cbor.decode(observed(conversation, name))[1][2])
        finally:
            conversation.close()
    bench.show("" if len(nonces) == HELLOS else f"{HELLOS} HELLOs have {len(nonces)} nonces")
    return None


@for_each(Case(role, ("ATT-27",), "draw", "nonces-of-att_req") for role in ROLES)
def test_nonces_of_requests(case: Case, bench: Bench) -> None:
    """Every request for evidence has the next epoch and a nonce that no request had before: ATT-27, SES-14."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")

    def play(conversation: Conversation) -> str:
        try:
            open_then_request(iut, conversation, lambda peer: None)
            for number in range(2, REQUESTS + 1):
                _until_next(iut, conversation, number)
        except StageNotReached as error:
            return str(error)
        return _distinct(iut, conversation)

    with iut.configured(reattest_interval=INTERVAL), iut.later():
        bench.works(play)


def _until_next(iut: Iut, conversation: Conversation, number: int) -> None:
    """The verdict on the evidence before, then the `number`th request."""
    _await(conversation, f"VERDICT_{LETTERS[iut.role]}", number)
    iut.clock.advance(INTERVAL + 1)
    _await(conversation, f"ATT_REQ_{LETTERS[iut.role]}", number)


def _await(conversation: Conversation, name: str, count: int) -> None:
    if not conversation.until(lambda: sum(o.name == name for o in conversation.peer.observations) >= count):
        raise StageNotReached(f"{name} number {count} did not come")


def _distinct(iut: Iut, conversation: Conversation) -> str:
    letter = LETTERS[iut.role]
    bodies = [cbor.decode(observed(conversation, f"ATT_REQ_{letter}", n))[1] for n in range(REQUESTS)]
    nonces = {cbor.decode(observed(conversation, f"HELLO_{letter}"))[1][2], *(body[2] for body in bodies)}
    if [body[1] for body in bodies] != list(range(1, REQUESTS + 1)):
        return "epochs do not follow one another"
    return "" if len(nonces) == REQUESTS + 1 else f"{REQUESTS + 1} requests have {len(nonces)} nonces"


# --- verdicts --------------------------------------------------------------------------------------------------------


@for_each(Case(role, ("SES-07",), "send", "own-verdict") for role in ROLES)
def test_own_verdict(case: Case, bench: Bench) -> None:
    """Good evidence is answered with tier 2, for epoch 0 and for some time: SES-07, SES-11."""

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        body: dict[int, Any] = cbor.decode(observed(conversation, f"VERDICT_{LETTERS[case.role]}"))[1]
        good = body[1] == Tier.AFFIRMING and body[3] == 0 and body[4] > 0
        return "" if good else f"the verdict is {body}"

    bench.works(play)


@for_each(
    fault(role, "verdict_tier_fits_direction", "answer-evidence", f"tier-{int(tier)}", int(tier))
    for role in ROLES
    for tier in (Tier.WAIVED, Tier.NOT_REQUIRED, 0, 1, 3, 255)
)
def test_verdict_on_evidence(case: Case, bench: Bench) -> None:
    """A verdict refused solely because its tier does not answer evidence: SES-09."""
    letter = LETTERS[bench.iut.opposite]
    bench.refuses(Lie(VERDICT[letter].tier, cbor.encode(case.data), f"VERDICT_{letter}"))
