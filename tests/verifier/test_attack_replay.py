"""Every attack is judged by a replay of its own; the judge refuses what is not an attack."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from trustconn.model.verifier.attack import Attack, AttackEvent
from trustconn.model.verifier.claims import Agree, Secret
from trustconn.model.verifier.published import key_exchange as kx
from trustconn.model.verifier.query import Query
from trustconn.model.verifier.replay import ReplayError, replay
from trustconn.model.verifier.verify import DEFAULT_POWERS, NETWORK, verify

CLAIM = Agree("I", "done", peer="R", running="running")
PROTOCOL = kx.signed()
QUERY: Query = next(iter(CLAIM.queries(PROTOCOL)))


@pytest.fixture(scope="module")
def attack() -> Attack:
    found = verify(PROTOCOL, CLAIM).attack
    assert found is not None
    return found


def without(attack: Attack, kind: str) -> Attack:
    return replace(attack, events=tuple(e for e in attack.events if e.kind != kind))


def test_a_found_attack_replays(attack: Attack) -> None:
    replay(PROTOCOL, attack, QUERY, DEFAULT_POWERS)


def test_a_message_that_the_attacker_cannot_make_is_refused(attack: Attack) -> None:
    events = [e for e in attack.events if not (e.kind == "send" and e.run == 1)]
    with pytest.raises(ReplayError):
        replay(PROTOCOL, replace(attack, events=tuple(events)), QUERY, DEFAULT_POWERS)


def test_a_key_that_nobody_gives_away_is_refused(attack: Attack) -> None:
    first = AttackEvent("reveal", -1, -1, ("sk", "r"))
    with pytest.raises(ReplayError, match="gives"):
        replay(PROTOCOL, replace(attack, events=(first, *attack.events)), QUERY, DEFAULT_POWERS)


def test_a_dishonest_agent_needs_the_power_to_be_so() -> None:
    claim = Secret("I", "done", term=kx.key("I"), classes={"R": "dishonest"})
    found = verify(PROTOCOL, claim).attack
    assert found is not None
    query = next(iter(claim.queries(PROTOCOL)))
    honest = replace(query, classes=dict.fromkeys(query.classes, "honest"))
    with pytest.raises(ReplayError, match="gives"):
        replay(PROTOCOL, found, honest, NETWORK)


def test_a_run_that_skips_a_step_is_refused(attack: Attack) -> None:
    with pytest.raises(ReplayError, match="step"):
        replay(PROTOCOL, without(attack, "event"), QUERY, DEFAULT_POWERS)


def test_a_trace_in_which_the_claim_holds_is_refused() -> None:
    """The same trace violates the claim of the unauthenticated protocol, not that of a claim that it satisfies."""
    plain = kx.unauthenticated()
    found = verify(plain, Secret("I", "done", term=kx.key("I"))).attack
    assert found is not None
    easier = Secret("I", "done", term=("kdf", ("dh", "x", "Y"), "seal"))
    replay(plain, found, next(iter(easier.queries(plain))), DEFAULT_POWERS)
    harder = Secret("I", "done", term="x")
    with pytest.raises(ReplayError, match="does not know"):
        replay(plain, found, next(iter(harder.queries(plain))), DEFAULT_POWERS)


def test_an_attack_survives_json(attack: Attack) -> None:
    text = json.dumps(attack.to_json())
    again = Attack.from_json(json.loads(text))
    assert again == attack
    replay(PROTOCOL, again, QUERY, DEFAULT_POWERS)
