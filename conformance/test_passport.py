"""Results about properties in ATT: fetched by the attester for this very session, and by nobody for any other.

The tester is the attester, or the relying party, and the verifier. The results are those of test_property_results.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from cbor2 import CBORTag

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.crypto.random import SeededRandom
from ..harness.identity.policy import EAR_FORMAT, EAT_CWT
from ..harness.identity.tester import ANOTHER, REVOKED_POLICY
from ..harness.identity.world import World
from ..harness.tester.attesting import Attester
from ..harness.tester.background import honest_verifier
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling
from ..harness.verifier.folder import PROPERTY_POLICIES
from .attesting import nothing_to_show, own_data
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .forging import observed, token_in, with_cmw
from .labelling import accepted, bring_environment, environment_of, faulty, send
from .parties import LETTERS
from .stages import INTERVAL, Stage, at_once, open_then_request
from .test_background_check import (
    POLICY_IDS,
    RESULTS,
    ROLES,
    SUBMODS,
    Tell,
    Told,
    other_claim,
    saying,
)
from .test_evidence import att
from .test_property_results import NAMES, PROPERTY_RESULTS, by_the_revoked_one

IN_ATT = "property results in ATT"
"""What the control conversation is about."""


class Fetched(Told):
    """The tester's verifier, asked by the tester about itself; the `nth` reply from 0 is the lie."""

    nth = 0

    def answer(self, request: bytes) -> bytes | None:
        self.lies = len(self.said) == self.nth
        return super().answer(request)


def presenting(iut: Iut, told: Told) -> World:
    """The tester as one that offers results about itself alone. Raises NeedNotMet."""
    iut.need_feature("evidence_accepted", "ear")
    policy = dataclasses.replace(
        iut.world.policy, offered=(EAR_FORMAT,), own_policy=PROPERTY_POLICIES[iut.opposite]
    )  # fmt: skip

    def ask(request: bytes) -> bytes:
        return told.answer(request) or b""

    return iut.fresh_world(policy=policy, verifier=ask)


def accepting(iut: Iut, **further: Any) -> AbstractContextManager[None]:
    """The implementation accepts results about properties before tokens."""
    return iut.configured(
        accepted=[EAR_FORMAT, EAT_CWT], verifier_policy=PROPERTY_POLICIES[iut.opposite],
        verifier_properties=list(NAMES), **further,
    )  # fmt: skip


def refuses(
    bench: Bench, told: Told, deviation: Deviation | None = None, stage: Stage = at_once, **settings: Any
) -> None:
    """A result, or what surrounds it, is refused where an honest one is accepted."""
    iut = bench.iut
    world, honest = presenting(iut, told), Told(iut, saying(None))

    def control() -> str:
        return iut.good(world=presenting(iut, honest)).transcript.digest()

    with accepting(iut, **settings):
        bench.refuses(
            deviation or Telling(att(iut)), stage, world=world, configuration=IN_ATT, control=control, deferred=False
        )


# --- what a result says ----------------------------------------------------------------------------------------------

ANY_RESULT = (
    "ear_header_is_exact", "ear_profile_is_this_one", "ear_verifier_is_pinned", "ear_signature_verifies",
    "ear_nonce_is_binder", "ear_cnf_is_peer_identity_key", "ear_ueid_is_peer_device",
    "ear_is_in_force",
)  # fmt: skip


def _by_policies(*policies: str) -> Tell:
    return other_claim(SUBMODS, lambda told, honest: {n: {**s, POLICY_IDS: list(policies)} for n, s in honest.items()})


PRESENTED: dict[str, dict[str, Tell]] = {
    **{check: RESULTS[check] for check in ANY_RESULT},
    "ear_names_the_properties": PROPERTY_RESULTS["ear_names_the_properties"],
    "ear_is_affirming": PROPERTY_RESULTS["ear_is_affirming"],
    "ear_names_the_policy": {
        "another-policy": _by_policies("tc-test-empty"),
        "another-policy-too": _by_policies(*PROPERTY_POLICIES.values()),
        "no-policy": _by_policies(),
    },
}


def _presented() -> Iterator[Case]:
    for check, results in PRESENTED.items():
        cited = ("PBA-04",) if check == "ear_nonce_is_binder" else ("PBA-03",)
        pinned = ("PBA-01",) if check in ("ear_verifier_is_pinned", "ear_names_the_policy") else ()
        for role in ROLES:
            yield from (citing(fault(role, check, "present", name), *cited, *pinned) for name in results)


@for_each(_presented())
def test_presented_result(case: Case, bench: Bench) -> None:
    """A result in ATT, refused solely because of one thing in it: PBA-01, PBA-03, PBA-04."""
    assert case.check is not None
    refuses(bench, Fetched(bench.iut, PRESENTED[case.check][case.field]))


@for_each(Case(role, ("PBA-01", "PBA-03"), "present", "truly") for role in ROLES)
def test_true_result(case: Case, bench: Bench) -> None:
    """A result that the attester fetched for this session opens it, and stands behind its data: PBA-03, LBL-32."""
    told = Told(bench.iut, saying(None))

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        accepted(conversation)
        return ""

    with accepting(bench.iut):
        bench.works(play, world=presenting(bench.iut, told))


@for_each(Case(role, ("PBA-01",), "send", "type-of-results") for role in ROLES)
def test_listed(case: Case, bench: Bench) -> None:
    """A relying party that accepts results about properties says so in its HELLO: PBA-01."""
    iut = bench.iut
    iut.need_feature("evidence_accepted", "ear")

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        listed = cbor.decode(observed(conversation, f"HELLO_{LETTERS[iut.role]}"))[1][4]
        return "" if EAR_FORMAT in listed else f"{listed} does not name {EAR_FORMAT}"

    with accepting(iut):
        bench.works(play)


# --- results for something else --------------------------------------------------------------------------------------


@for_each(citing(fault(role, "ear_nonce_is_binder", "replay", "cached-result"), "PBA-04") for role in ROLES)
def test_cached_result(case: Case, bench: Bench) -> None:
    """The result that was accepted in the session before, refused solely because of its binder: PBA-04."""
    iut = bench.iut
    told = Fetched(iut, lambda told, reply: told.said[0])
    told.nth = 1
    with accepting(iut):
        iut.good(world=presenting(iut, told))
    refuses(bench, told)


def for_another_relying_party(told: Told, reply: bytes) -> bytes:
    """A true result that the attester fetched in a session with somebody else."""
    iut, request = told.iut, cbor.decode(told.request)
    context = cbor.decode(request[3])
    context[5] = iut.pki.party(iut.role, ANOTHER).leaf.sha256
    rng = SeededRandom(told.request)
    binder, world = rng(32), iut.fresh_world()
    evidence = Attester(iut.opposite, world, rng, world.policy.max_age).conveyed(binder)
    other = {**request, 1: evidence, 2: binder, 3: cbor.encode(context)}
    return honest_verifier(iut.pki, iut.clock.now).answer(cbor.encode(other))


@for_each(
    citing(fault(role, "ear_nonce_is_binder", "divert", "result-for-another-relying-party"), "PBA-04") for role in ROLES
)
def test_diverted_result(case: Case, bench: Bench) -> None:
    """A true result for a session with another relying party, refused solely because of its binder: PBA-04."""
    refuses(bench, Fetched(bench.iut, for_another_relying_party))


@for_each(
    citing(fault(role, "ear_nonce_is_binder", "replay", "result-of-the-epoch-before"), "PBA-04") for role in ROLES
)
def test_result_of_an_earlier_epoch(case: Case, bench: Bench) -> None:
    """The result of epoch 0, refused solely because epoch 1 asks anew: PBA-04."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    told = Fetched(iut, lambda told, reply: told.said[0])
    told.nth = 1

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, lambda peer: None)

    with iut.later():
        refuses(bench, told, Telling(att(iut), nth=1), stage, reattest_interval=INTERVAL)


# --- revocation ------------------------------------------------------------------------------------------------------


REVOKED: dict[str, tuple[Tell, dict[str, str]]] = {
    "verifier": (by_the_revoked_one, {}),
    "policy": (_by_policies(REVOKED_POLICY), {"verifier_policy": REVOKED_POLICY}),
}


@for_each(fault(role, "ear_is_not_revoked", "revoke", f"{what}-in-att", what) for role in ROLES for what in REVOKED)
def test_revoked(case: Case, bench: Bench) -> None:
    """A result in ATT, refused solely because its verifier's key or its policy is revoked: PBA-06."""
    tell, settings = REVOKED[case.data]
    iut, told = bench.iut, Fetched(bench.iut, tell)
    if not settings:
        refuses(bench, told)
        return
    world, honest = presenting(iut, told), presenting(iut, Told(iut, saying(None)))
    with accepting(iut):
        control = bench.control(IN_ATT, lambda: iut.good(world=honest).transcript.digest())
    with _changed(iut, settings):
        conversation = iut.converse(Telling(att(iut)), world=world)
        bench.main = conversation.transcript
        outcome = conversation.outcome(iut.is_alive)
        conversation.close()
    bench.conclude(outcome, control, conversation)


def _changed(iut: Iut, settings: dict[str, str]) -> AbstractContextManager[None]:
    wanted: dict[str, Any] = {"accepted": [EAR_FORMAT, EAT_CWT], "verifier_properties": list(NAMES), **settings}
    return iut.configured(**wanted)


# --- the record ------------------------------------------------------------------------------------------------------

Change = Callable[[list[Any]], list[Any]]
RECORDS: dict[str, tuple[str, Change]] = {
    "type-of-a-token": ("cmw_type_was_accepted", lambda record: [EAT_CWT, *record[1:]]),
    "type-of-another-profile": ("cmw_type_was_accepted", lambda record: [record[0] + "0", *record[1:]]),
    "marked-as-evidence": ("cmw_is_marked_result", lambda record: [*record[:2], 4]),
    "marked-as-both": ("cmw_is_marked_result", lambda record: [*record[:2], 12]),
    "marked-as-reference-values": ("cmw_is_marked_result", lambda record: [*record[:2], 1]),
}


@for_each(fault(role, check, "wrap-result", field) for role in ROLES for field, (check, _) in RECORDS.items())
def test_record(case: Case, bench: Bench) -> None:
    """A true result, refused solely because of the record around it: ATT-06, ATT-07."""
    change = RECORDS[case.field][1]
    told = Told(bench.iut, saying(None))
    refuses(bench, told, Forging(att(bench.iut), lambda peer, data: with_cmw(data, change)))


# --- environment objects ---------------------------------------------------------------------------------------------


def _other_claims(peer: TesterEndpoint, told: Told) -> bytes:
    """Another result of the verifier for the same binder."""
    further = told.signed(told.said[-1], lambda parts: parts[2].update({-1: 0}))
    return cbor.encode(cbor.decode(further)[1])


ENVIRONMENTS: dict[str, Callable[[TesterEndpoint, Told], bytes]] = {
    "one-bit": lambda peer, told: one_bit_other(cbor.encode(cbor.decode(told.said[-1])[1])),
    "another-result-for-this-binder": _other_claims,
    "by-the-attestation-key": lambda peer, told: bytes(peer.tam.run.value(environment_of(peer).token.term)),
}


@for_each(fault(role, "env_is_the_accepted_evidence", "environment", field) for role in ROLES for field in ENVIRONMENTS)
def test_environment(case: Case, bench: Bench) -> None:
    """Data not accepted solely because its environment object is not the result that was accepted: LBL-32."""
    told = Told(bench.iut, saying(None))

    def act(iut: Iut, conversation: Conversation) -> None:
        bring_environment(conversation.peer, ENVIRONMENTS[case.field](conversation.peer, told))
        send(conversation.peer)

    refuses(bench, told, Deviation(), faulty(act))


# --- the implementation's own ----------------------------------------------------------------------------------------


@contextmanager
def vouched(bench: Bench, told: Told) -> Iterator[World]:
    """The implementation presents results; the world of a tester that accepts them alone.

    The verifier has the reference values by which the tester appraises the implementation's own evidence.
    """
    iut = bench.iut
    told.references = {PROPERTY_POLICIES[iut.role]: iut.world.policy.reference_values}
    policy = dataclasses.replace(
        iut.world.policy, accepted=(EAR_FORMAT,), verifier_policy=PROPERTY_POLICIES[iut.role],
        verifier_properties=NAMES,
    )  # fmt: skip
    with iut.vouched_by(told.answer, own_policy=PROPERTY_POLICIES[iut.role]):
        yield iut.fresh_world(policy=policy)


@for_each(Case(role, ("PBA-20", "LBL-32"), "send", "own-result") for role in ROLES)
def test_own_result(case: Case, bench: Bench) -> None:
    """The implementation's result passes every check, and its data refers to it: PBA-20, LBL-32."""
    with vouched(bench, Told(bench.iut, saying(None))) as world:
        bench.works(partial(own_data, bench), world=world, off=frozenset())


@for_each(Case(role, ("PBA-20",), "send", "own-result-unchanged") for role in ROLES)
def test_unchanged(case: Case, bench: Bench) -> None:
    """The implementation hands on what the verifier signed, octet for octet, also what it does not know: PBA-20."""
    said: list[bytes] = []

    def answer(told: Told, reply: bytes) -> bytes:
        said.append(told.signed(reply, lambda parts: parts[2].update({-70001: "of no concern"})))
        return said[-1]

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        given: CBORTag = cbor.decode(said[0])[1]
        sent = token_in(observed(conversation, f"ATT_{LETTERS[case.role]}"))
        return "" if sent == cbor.encode(given) else "what it sent is not what it was given"

    with vouched(bench, Fetched(bench.iut, answer)) as world:
        bench.works(play, world=world)


@for_each(Case(role, ("PBA-20",), "send", "own-result-again") for role in ROLES)
def test_anew(case: Case, bench: Bench) -> None:
    """Asked again, the implementation asks the verifier again, for the new binder: PBA-20."""
    told = Told(bench.iut, saying(None))

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.reattest()
        conversation.flush()
        name, seen = f"ATT_{LETTERS[case.role]}", conversation.peer.observations
        if not conversation.until(lambda: sum(o.name == name for o in seen) == 2):
            return "no second evidence came"
        if not any(e.name == "evidence_accepted" and "epoch" in e.fields for e in conversation.peer.events):
            return "the second result was not accepted"
        return "" if len(told.said) == 2 else f"the verifier was asked {len(told.said)} times"

    with vouched(bench, told) as world:
        bench.works(play, world=world, off=frozenset())


@for_each(Case(role, ("PBA-20",), "withhold", field) for role in ROLES for field in ("no-answer", "error", "octets"))
def test_no_result(case: Case, bench: Bench) -> None:
    """An implementation that is given no result says that this is its own fault, and sends no evidence: PBA-20."""
    reply = {"no-answer": None, "error": cbor.encode({2: 1}), "octets": b"\xff" * 40}[case.field]
    with vouched(bench, Fetched(bench.iut, saying(reply))) as world:
        bench.works(partial(nothing_to_show, bench), world=world)
