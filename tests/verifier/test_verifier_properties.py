"""Metamorphic properties: what must not change a verdict, and what may change it in one direction only."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustconn.model.verifier.checking import check
from trustconn.model.verifier.claims import Agree, Claim, Secret
from trustconn.model.verifier.engine import Engine
from trustconn.model.verifier.pool import Stats, TimeLimit
from trustconn.model.verifier.protocol import Event, Match, Protocol, Recv, Role, Send, Step, Template
from trustconn.model.verifier.query import Query
from trustconn.model.verifier.verify import DEFAULT_POWERS, NETWORK

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
CONSTANTS = {"tag1": "label", "tag2": "label"}
RUNS = 3

KEYS = st.sampled_from([("pk", "A"), ("pk", "B"), ("k", "A", "B")])


def _fields(names: list[str]) -> st.SearchStrategy[Template]:
    """A message of some of these names, in the clear, encrypted, signed or hashed."""
    plain = st.lists(st.sampled_from(names), min_size=1, max_size=3).map(
        lambda xs: ("tuple", *xs) if len(xs) > 1 else xs[0]
    )
    wrapped = st.one_of(
        plain.flatmap(lambda m: KEYS.map(lambda key: ("enc", m, key))),
        plain.map(lambda m: ("sign", m, ("sk", "A"))),
        plain.map(lambda m: ("tuple", "tag2", ("sign", m, ("sk", "B")))),
    )
    return st.one_of(wrapped, plain)


@st.composite
def protocols(draw: st.DrawFn) -> Protocol:
    """Three messages between A, who makes `n`, and B, who makes `m`; each field in each message is as drawn."""
    first = draw(_fields(["n", "A", "B", "tag1"]))
    second = draw(_fields(["n", "m", "A", "B", "tag2"]))
    third = draw(_fields(["m", "n", "A", "tag1"]))
    a: list[Step] = [Send(first), Recv(second), Event("running", ("n",)), Send(third), Event("done", ("n",))]
    b: list[Step] = [Recv(first), Event("running", ("n",)), Send(second), Recv(third), Event("done", ("n",))]
    return Protocol(
        "drawn",
        (
            Role(
                "A",
                ("A", "B"),
                "A",
                tuple(a),
                {"n": "nonce"},
                {"m": "nonce"},
            ),
            Role("B", ("A", "B"), "B", tuple(b), {"m": "nonce"}, {"n": "nonce"}),
        ),
        constants=CONSTANTS,
    )


@st.composite
def relays(draw: st.DrawFn) -> Protocol:
    """A sends `x` with a stamp; servers pass it on with stamps of their own, under the same keys or others."""
    keys = st.sampled_from([("k", "A", "B"), ("k", "B", "A"), ("k", "A", "A")])
    fields = st.lists(st.sampled_from("AB"), max_size=2).flatmap(lambda names: st.permutations(["t", "x", *names]))
    first = ("enc", ("tuple", *draw(fields)), draw(keys))
    second = ("enc", ("tuple", *("u" if f == "t" else f for f in draw(fields))), draw(keys))
    taken: Template = ("tuple", "t", first) if draw(st.booleans()) else first
    a = Role("A", ("A", "B"), "A", (Send(taken), Event("done", ("x",))), {"t": "stamp", "x": "nonce"}, {})
    server = Role("S", ("A", "B"), "A", (Recv(taken), Send(second)), {"u": "stamp"}, {"t": "stamp", "x": "nonce"})
    b = Role("B", ("A", "B"), "B", (Recv(second), Event("done", ("x",))), {}, {"u": "stamp", "x": "nonce"})
    return Protocol("relayed", (a, server, b))


CLAIMS: list[Claim] = [
    Secret("A", "done", term="n"),
    Secret("B", "done", term="m"),
    Secret("B", "done", term="n"),
    Agree("A", "done", peer="B", running="running"),
    Agree("B", "done", peer="A", running="running"),
]


def answer(protocol: Protocol, claim: Claim, *, powers: frozenset[str] = DEFAULT_POWERS, shortcuts: bool = True) -> str:
    """The verdict with a few runs and no check of executability; `unknown` when it takes too long."""
    engine = Engine(protocol, powers, shortcuts)
    verdict = "proof"
    for query in claim.queries(protocol):
        found = _solve(engine, query)
        if found in ("attack", "unknown"):
            return found
        if found == "bounded":
            verdict = found
    return verdict


def _solve(engine: Engine, query: Query) -> str:
    class Limited(Stats):
        def tick(self) -> None:
            self.states += 1
            if self.states > 1500:
                raise TimeLimit

    try:
        return engine.solve(query, Limited(), RUNS, lambda _: None).kind
    except TimeLimit:
        return "unknown"


@FEW
@given(protocols(), st.sampled_from(CLAIMS))
def test_the_theorems_that_prune_never_lose_an_attack(protocol: Protocol, claim: Claim) -> None:
    fast, slow = answer(protocol, claim), answer(protocol, claim, shortcuts=False)
    if "unknown" not in (fast, slow):
        assert (fast == "attack") == (slow == "attack")


@FEW
@given(relays(), st.sampled_from("AB"))
def test_detours_never_lose_an_attack(protocol: Protocol, role: str) -> None:
    claim = Secret(role, "done", term="x")
    fast, slow = answer(protocol, claim), answer(protocol, claim, shortcuts=False)
    if "unknown" not in (fast, slow):
        assert (fast == "attack") == (slow == "attack")


@FEW
@given(st.one_of(protocols(), relays()), st.sampled_from(CLAIMS))
def test_every_proof_is_checked(protocol: Protocol, claim: Claim) -> None:
    if protocol.name == "relayed":
        claim = Secret(claim.role, "done", term="x")
    engine = Engine(protocol, DEFAULT_POWERS)
    for query in claim.queries(protocol):
        found = engine.solve(query, Stats(), RUNS, lambda _: None, record=True)
        if found.kind == "proof":
            check(protocol, query, DEFAULT_POWERS, json.loads(json.dumps(found.trees)))


@FEW
@given(protocols(), st.sampled_from(CLAIMS))
def test_more_power_never_turns_an_attack_into_a_pass(protocol: Protocol, claim: Claim) -> None:
    if answer(protocol, claim, powers=NETWORK) == "attack":
        assert answer(protocol, claim) in ("attack", "unknown")


@FEW
@given(protocols(), st.sampled_from(CLAIMS))
def test_the_order_of_roles_and_an_unrelated_role_change_nothing(protocol: Protocol, claim: Claim) -> None:
    stranger = Role("C", ("C", "D"), "C", (Send(("hash", "z")), Recv(("mac", "z", "D"))), {"z": "other"}, {})
    changed = replace(protocol, roles=(stranger, *reversed(protocol.roles)))
    before, after = answer(protocol, claim), answer(changed, claim)
    if "unknown" not in (before, after):
        assert (before == "attack") == (after == "attack")


@FEW
@given(protocols(), st.sampled_from(CLAIMS))
def test_new_names_change_nothing(protocol: Protocol, claim: Claim) -> None:
    new = {"n": "alpha", "m": "beta", "A": "Alpha", "B": "Beta", "tag1": "one", "tag2": "two"}
    renamed = replace(
        protocol, roles=tuple(_renamed(r, new) for r in protocol.roles), constants={"one": "label", "two": "label"}
    )
    fields: dict[str, Any] = {"role": new[claim.role]}
    if isinstance(claim, Secret):
        fields["term"] = new[str(claim.term)]
    elif isinstance(claim, Agree):
        fields["peer"] = new[claim.peer]
    assert answer(protocol, claim) == answer(renamed, replace(claim, **fields))


def _renamed(role: Role, new: dict[str, str]) -> Role:
    def template(t: Template) -> Template:
        return new.get(t, t) if isinstance(t, str) else (t[0], *(template(x) for x in t[1:]))

    steps = tuple(
        Event(s.name, tuple(map(template, s.data))) if isinstance(s, Event) else replace(s, message=template(s.message))
        for s in role.steps
        if not isinstance(s, Match)
    )
    agents = tuple(new[a] for a in role.agents)
    fresh = {new[n]: s for n, s in role.fresh.items()}
    return Role(new[role.name], agents, new[role.actor], steps, fresh, {new[n]: s for n, s in role.variables.items()})


@FEW
@given(protocols(), st.sampled_from(CLAIMS), st.integers(0, 2))
def test_a_message_that_gives_all_away_never_helps(protocol: Protocol, claim: Claim, place: int) -> None:
    """The sender of a secret also sends it in the clear: secrecy cannot get better."""
    if isinstance(claim, Secret):
        leaky = tuple(replace(r, steps=(*r.steps, Send(("tuple", "tag1", *sorted(r.fresh))))) for r in protocol.roles)
        if answer(protocol, claim) == "attack":
            assert answer(replace(protocol, roles=leaky), claim) in ("attack", "unknown")


@FEW
@given(protocols(), _fields(["m", "n", "A", "tag2"]), st.sampled_from(CLAIMS))
def test_variants_of_a_role_are_searched_together_or_apart_alike(
    protocol: Protocol, other: Template, claim: Claim
) -> None:
    """A second B goes another way after two messages. Under other names the two share nothing, and mean the same."""
    a, b = protocol.roles
    second = Role("B2", b.agents, b.actor, (*b.steps[:3], Recv(other), Send(("hash", "n"))), b.fresh, b.variables)
    apart = replace(_renamed(second, {"n": "p", "m": "q"} | {x: x for x in ("A", "B", "B2")}), name="B2")
    together = answer(replace(protocol, roles=(a, b, second)), claim)
    alone = answer(replace(protocol, roles=(a, b, apart)), claim)
    if "unknown" not in (together, alone) and not (isinstance(claim, Agree) and claim.peer == "B"):
        assert (together == "attack") == (alone == "attack")
