"""What each kind of claim says of models with a message or two, and how runs without end are met."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_models import kinds, protocol, role, transport

from trustconn.model.verifier.claims import Agree, Executable, Order, Secret, Unique
from trustconn.model.verifier.protocol import (
    Event,
    Match,
    Protocol,
    Recv,
    Role,
    Send,
    Step,
    Template,
)
from trustconn.model.verifier.published import key_exchange as kx
from trustconn.model.verifier.verify import DEFAULT_POWERS, NETWORK, verify


def test_replay_breaks_injective_agreement_only() -> None:
    p = transport(("sign", ("tuple", "n", "B"), ("sk", "A")))
    once = Agree("B", "done", peer="A", running="running")
    assert kinds(p, once, "dishonest") == "proof"
    assert kinds(p, replace(once, injective=True), "dishonest") == "attack"


def test_an_answer_is_fresh_only_with_the_challenge_in_it() -> None:
    def made(content: Template) -> Protocol:
        a = role("A", Recv("c"), Event("answer", ("d",)), Send(("sign", content, ("sk", "A"))), fresh="d")
        b = role("B", Event("asked"), Send("c"), Recv(("sign", content, ("sk", "A"))), Event("done", ("d",)), fresh="c")
        return protocol(replace(a, variables={"c": "nonce"}), replace(b, variables={"d": "nonce"}))

    order = Order("B", "done", peer="A", running="answer", since="asked")
    assert kinds(made(("tuple", "c", "d")), order, "dishonest") == "proof"
    assert kinds(made(("tuple", "tag", "d")), order, "dishonest") == "attack"
    assert kinds(made(("tuple", "tag", "d")), Agree("B", "done", peer="A", running="answer"), "dishonest") == "proof"


def test_one_key_for_two_runs_means_one_pair_of_peers() -> None:
    def unique(first: str, second: str) -> Unique:
        keys = ((kx.key(first), kx.key(second)),)
        return Unique(first, "done", other=second, other_at="done", keys=keys, agree=(("I", "I"), ("R", "R")))

    assert kinds(kx.iso(), unique("I", "R"), "dishonest") == "proof"
    assert kinds(kx.signed(), unique("I", "R"), "dishonest") == "attack"
    assert kinds(kx.unauthenticated(), unique("I", "I"), "dishonest") == "attack"


def test_checks_of_equality_and_difference_stop_a_run() -> None:
    a = role("A", Send(("tuple", "n", "m")), fresh="n m")
    same = role("B", Recv(("tuple", "x", "y")), Match("x", "y"), Event("done"), variables={"x": "nonce", "y": "nonce"})
    other = replace(same, steps=(same.steps[0], Match("x", "y", equal=False), same.steps[2]))
    both = replace(same, steps=(same.steps[0], Match("x", "y"), Match("x", "y", equal=False), same.steps[2]))
    assert kinds(protocol(a, same), Executable("B", "done")) == "proof"
    assert kinds(protocol(a, other), Executable("B", "done")) == "proof"
    assert kinds(protocol(a, both), Executable("B", "done")) == "vacuous"


def test_a_model_in_which_a_role_cannot_finish_says_nothing() -> None:
    a = role("A", Send(("senc", "n", ("k", "A", "B"))), Event("done"), Recv(("hash", ("k", "A", "B"))), fresh="n")
    b = role("B", Recv(("senc", "n", ("k", "A", "B"))), variables={"n": "nonce"})
    verdict = verify(protocol(a, b), Secret("A", "done", term="n"))
    assert (verdict.kind, verdict.reason) == ("vacuous", "cannot come to its end: A")


def relayed(opener: tuple[Step, ...], accepts: str) -> Protocol:
    """A server puts a stamp of its own on what A sent; whoever opens that gives the secret away."""
    sent, passed = (("senc", ("tuple", t, "x"), ("k", "A", "B")) for t in "tu")
    a = Role("A", ("A", "B"), "A", (Send(sent), Event("done")), {"t": "first", "x": "nonce"}, {})
    server = Role(
        "S",
        ("A", "B"),
        "B",
        (Recv(sent), Send(passed), Send(("hash", "u"))),
        {"u": "second"},
        {"t": "any", "x": "nonce"},
    )
    b = Role("B", ("A", "B"), "B", opener, {}, {"u": accepts, "x": "nonce"})
    return protocol(a, server, b, sorts={"any": ("first", "second")})


ANSWER: Template = ("senc", ("tuple", "u", "x"), ("k", "A", "B"))


def test_a_server_that_answers_itself_for_ever_is_met_once() -> None:
    assert kinds(relayed((Recv(ANSWER), Event("opened")), "any"), Secret("A", "done", term="x"), "dishonest") == "proof"


@pytest.mark.parametrize("accepts", ["any", "second"])
@pytest.mark.parametrize(
    "opener", [(Recv(ANSWER),), (Recv(ANSWER), Recv(("hash", "u"))), (Recv(("tuple", ANSWER, ("hash", "u"))),)]
)
def test_what_comes_by_a_detour_may_be_another_message(accepts: str, opener: tuple[Step, ...]) -> None:
    """The stamp of the server has another sort, or is asked for once more: only what S sent does."""
    assert kinds(relayed((*opener, Send("x")), accepts), Secret("A", "done", term="x"), "dishonest") == "attack"


def test_loops_are_bounded_and_never_called_a_proof() -> None:
    """Each step of the chain needs the one before: no number of runs is enough to say."""
    step = role("B", Recv(("senc", "n", ("k", "A", "B"))), Send(("senc", ("hash", "n"), ("k", "A", "B"))))
    first = role("A", Send(("senc", "n", ("k", "A", "B"))), Recv(("senc", ("tuple", "m", "tag"), ("k", "A", "B"))))
    p = protocol(
        replace(first, fresh={"n": "chain"}, variables={"m": "chain"}),
        replace(step, variables={"n": "link"}),
        sorts={"link": ("chain", "hash")},
    )
    verdict = verify(p, Secret("A", "", term="n"), powers=NETWORK, max_runs=4)
    assert verdict.kind == "vacuous"


def test_an_agent_that_talks_to_itself_is_an_agent_too() -> None:
    """Both sign both names in one order: only who talks to itself can be shown its own signature."""
    a = role("A", Event("running", ("n",)), Send(("sign", ("tuple", "n", "A", "B"), ("sk", "A"))), fresh="n")
    b = role(
        "B",
        Send(("sign", ("tuple", "m", "A", "B"), ("sk", "B"))),
        Recv(("sign", ("tuple", "n", "A", "B"), ("sk", "A"))),
        Event("done", ("n",)),
        fresh="m",
        variables={"n": "nonce"},
    )
    attack = verify(protocol(a, b), Agree("B", "done", peer="A", running="running"), powers=DEFAULT_POWERS).attack
    assert attack is not None
    assert attack.runs[0].agents["A"] == attack.runs[0].agents["B"]


def test_a_message_reflected_into_its_own_run_is_found() -> None:
    """The same run sends under the key what it will give away when it comes back."""
    a = role(
        "A",
        Send(("senc", "n", ("k", "A", "B"))),
        Recv(("senc", "v", ("k", "A", "B"))),
        Send("v"),
        fresh="n",
        variables={"v": "nonce"},
    )
    b = role("B", Recv(("senc", "v", ("k", "A", "B"))), variables={"v": "nonce"})
    assert kinds(protocol(a, b), Secret("A", "", term="n")) == "attack"
