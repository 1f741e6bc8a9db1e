"""Results about properties in place of a configuration, and results of verifiers and by policies that are revoked.

The tester is the peer and the verifier, as in test_background_check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.tester import REVOKED_POLICY, REVOKED_VERIFIER, VERIFIER_POLICIES
from ..harness.verifier.folder import PROPERTIES, PROPERTY_POLICIES
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .test_background_check import (
    ASKING,
    CNF,
    EXP,
    NONCE,
    POLICY_IDS,
    ROLES,
    STATUS,
    SUBMODS,
    Misjudged,
    Tell,
    Told,
    another_key,
    by_another_verifier,
    now_told,
    other_claim,
    other_submod,
    refuses_result,
    saying,
)

# --- properties ------------------------------------------------------------------------------------------------------

NAMES = tuple(PROPERTIES)


def _property(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tell:
    return other_claim(SUBMODS, lambda told, honest: change(honest))


def _status(name: str, status: int) -> Tell:
    return _property(lambda honest: {**honest, name: {**honest[name], STATUS: status}})


PROPERTY_RESULTS: dict[str, dict[str, Tell]] = {
    "ear_names_the_properties": {
        "first-property-absent": _property(lambda honest: {NAMES[1]: honest[NAMES[1]]}),
        "last-property-absent": _property(lambda honest: {NAMES[0]: honest[NAMES[0]]}),
        "property-renamed": _property(lambda honest: {NAMES[0]: honest[NAMES[0]], "other": honest[NAMES[1]]}),
        "platform-as-a-whole": _property(lambda honest: {"tc": honest[NAMES[0]]}),
    },
    "ear_is_affirming": {
        "first-property-warning": _status(NAMES[0], 32),
        "last-property-contraindicated": _status(NAMES[1], 96),
        "property-unknown": _status(NAMES[0], 0),
    },
    "ear_nonce_is_binder": {"properties-of-another-binder": other_claim(NONCE, lambda told, _: bytes(32))},
    "ear_cnf_is_peer_identity_key": {"properties-of-another-attester": other_claim(CNF, another_key)},
    "ear_verifier_is_pinned": {"properties-by-another-verifier": by_another_verifier},
    "ear_is_in_force": {"properties-expired": other_claim(EXP, lambda told, _: now_told(told) - 1)},
}


def _property_cases() -> Iterator[Case]:
    for check, results in PROPERTY_RESULTS.items():
        cited = ("PBA-03", "PBA-04") if check == "ear_nonce_is_binder" else ("PBA-03",)
        for role in ROLES:
            yield from (citing(fault(role, check, "judge", name), *cited) for name in results)


@contextmanager
def about_properties(bench: Bench, told: Told) -> Iterator[None]:
    """The implementation asks about properties of the tester."""
    policy = PROPERTY_POLICIES[bench.iut.opposite]
    asked = {"verifier_policy": policy, "verifier_properties": list(NAMES)}
    with bench.iut.judged_by(told.answer, **asked):
        yield


ABOUT_PROPERTIES = "asking a verifier about properties"


@for_each(Case(role, ("PBA-03",), "judge", "properties-truly") for role in ROLES)
def test_true_properties(case: Case, bench: Bench) -> None:
    """Properties that the pinned verifier affirms for this very session open it: PBA-03."""
    with about_properties(bench, Told(bench.iut, saying(None))):
        bench.works(opened)


@for_each(Case(role, ("PBA-03",), "judge", "further-property-not-affirmed") for role in ROLES)
def test_further_properties(case: Case, bench: Bench) -> None:
    """A property that the policy does not name is no reason to refuse: PBA-03."""
    further = _property(lambda honest: {**honest, "zz": {**honest[NAMES[0]], STATUS: 96}})
    told = Told(bench.iut, further, lies=True)
    with about_properties(bench, told):
        bench.works(opened)


@for_each(_property_cases())
def test_property_result(case: Case, bench: Bench) -> None:
    """A result about properties, refused solely because of one thing in it: PBA-03, PBA-04."""
    assert case.check is not None
    told = Told(bench.iut, PROPERTY_RESULTS[case.check][case.field])
    with about_properties(bench, told):
        bench.refuses(Misjudged(told), configuration=ABOUT_PROPERTIES)


@for_each(
    citing(fault(role, "ear_nonce_is_binder", "replay", "properties-of-the-session-before"), "PBA-04") for role in ROLES
)
def test_cached_properties(case: Case, bench: Bench) -> None:
    """A property result that was good in the session before, refused solely because of its binder: PBA-04."""
    told = Told(bench.iut, lambda told, reply: told.said[0])
    with about_properties(bench, told):
        bench.iut.good()
        bench.refuses(Misjudged(told), configuration=ABOUT_PROPERTIES)


# --- revocation ------------------------------------------------------------------------------------------------------


def by_the_revoked_one(told: Told, reply: bytes) -> bytes:
    """The same reply signed by a verifier that is pinned, and revoked."""
    return told.signed(reply, lambda parts: None, told.iut.pki.verifier(REVOKED_VERIFIER))


@for_each(fault(role, "ear_is_not_revoked", "revoke", "verifier") for role in ROLES)
def test_result_of_a_revoked_verifier(case: Case, bench: Bench) -> None:
    """A result of a verifier that is pinned, refused solely because its key is revoked: PBA-06."""
    refuses_result(bench, by_the_revoked_one)


@for_each(fault(role, "ear_is_not_revoked", "revoke", "policy") for role in ROLES)
def test_result_by_a_revoked_policy(case: Case, bench: Bench) -> None:
    """A result by the policy that was asked for, refused solely because that is revoked: PBA-06."""
    told = Told(bench.iut, other_submod(POLICY_IDS, [REVOKED_POLICY]))

    def answer(request: bytes) -> bytes | None:
        held = VERIFIER_POLICIES[bench.iut.opposite]
        return told.answer(cbor.encode({**cbor.decode(request), 4: held}))

    with bench.iut.judged_by(told.answer):
        control = bench.control(ASKING)
    with bench.iut.judged_by(answer, verifier_policy=REVOKED_POLICY):
        conversation = bench.iut.converse(Misjudged(told))
        bench.main = conversation.transcript
        outcome = conversation.outcome(bench.iut.is_alive, deferred=True)
        conversation.close()
    bench.conclude(outcome, control, conversation)
