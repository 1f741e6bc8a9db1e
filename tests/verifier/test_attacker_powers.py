"""Each power of the attacker has an attack that needs it, and each protection a proof that needs it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_models import kinds, protocol, role, transport

from trustconn.model.verifier.claims import Agree, Secret, Unique
from trustconn.model.verifier.protocol import (
    STANDARD,
    Event,
    Leak,
    Opening,
    Protocol,
    Recv,
    Role,
    Send,
    Symbol,
    Template,
    key_family,
)
from trustconn.model.verifier.published import key_exchange as kx


def test_a_dishonest_agent_is_what_breaks_needham_schroeder() -> None:
    a = role(
        "A",
        Send(("aenc", ("tuple", "na", "A"), ("pk", "B"))),
        Recv(("aenc", ("tuple", "na", "nb"), ("pk", "A"))),
        Send(("aenc", "nb", ("pk", "B"))),
        fresh="na",
        variables={"nb": "nonce"},
    )
    b = role(
        "B",
        Recv(("aenc", ("tuple", "na", "A"), ("pk", "B"))),
        Send(("aenc", ("tuple", "na", "nb"), ("pk", "A"))),
        Recv(("aenc", "nb", ("pk", "B"))),
        Event("done"),
        fresh="nb",
        variables={"na": "nonce"},
    )
    secret = Secret("B", "done", term="nb")
    assert kinds(protocol(a, b), secret, "dishonest") == "attack"
    assert kinds(protocol(a, b), secret) == "proof"


def test_a_long_term_key_revealed_later_breaks_key_transport_but_not_diffie_hellman() -> None:
    p = transport(("sign", ("aenc", "n", ("pk", "B")), ("sk", "A")))
    assert kinds(p, Secret("A", "sent", term="n"), "dishonest") == "proof"
    assert kinds(p, Secret("A", "sent", term="n", forward=True), "dishonest") == "attack"
    iso = kx.iso()
    assert kinds(iso, Secret("I", "done", term=kx.key("I"), forward=True), "dishonest") == "proof"


def test_a_stolen_identity_key_can_sign() -> None:
    stolen = {"I": "stolen", "R": "honest"}
    claim = Agree("R", "done", peer="I", running="running", classes=stolen)
    assert kinds(kx.iso(), replace(claim, classes={}), "dishonest", "stolen") == "proof"
    assert kinds(kx.iso(), claim, "dishonest") == "attack"


def test_a_stolen_identity_key_does_not_bring_the_attestation_key() -> None:
    stolen = {"I": "stolen", "R": "honest"}
    binding = Agree("R", "accept", peer="I", running="attest", classes=stolen)
    assert kinds(kx.sigma(), binding, "dishonest") == "proof"
    assert kinds(kx.sigma(bound=False), binding, "dishonest") == "attack"
    assert kinds(kx.sigma(), replace(binding, classes={"I": "dishonest", "R": "honest"}), "dishonest") == "attack"


@pytest.mark.parametrize(("classes", "forward"), [({"A": "stolen"}, False), ({}, True)])
def test_a_stranger_may_turn_out_to_be_the_agent_whose_key_is_known(classes: dict[str, str], forward: bool) -> None:
    """B gives its secret to whoever it talks to: to A in some run, whose key is stolen or revealed later."""
    keeper = role("B", Send(("aenc", "secret", ("pk", "A"))))
    p = protocol(role("A", Recv("x"), variables={"x": "nonce"}), keeper, secrets={"secret": "nonce"})
    claim = Secret("A", "", term="secret", classes=classes, forward=forward)
    assert kinds(p, claim) == "attack"
    assert kinds(p, replace(claim, classes={}, forward=False)) == "proof"


def test_one_s_own_stolen_key_is_key_compromise_impersonation() -> None:
    """With signatures the thief of my key cannot play others to me; with a shared key he can."""
    signed = transport(("sign", ("tuple", "n", "B"), ("sk", "A")))
    claim = Agree("B", "done", peer="A", running="running", classes={"B": "dishonest"})
    assert kinds(signed, claim, "dishonest") == "proof"
    shared = transport(("senc", "n", ("k", "A", "B")))
    assert kinds(shared, replace(claim, classes={}), "dishonest") == "proof"
    assert kinds(shared, claim, "dishonest") == "attack"


@pytest.mark.parametrize(
    ("key", "verdict"), [(("kdf", "seed", "n"), "attack"), (("kdf", ("k", "A", "B"), "n"), "proof")]
)
def test_a_leaked_secret_of_another_session(key: Template, verdict: str) -> None:
    """The seed is the same in all sessions that a nonce distinguishes; a leaked seed gives all keys away."""
    a = role(
        "A",
        Send(("senc", "seed", ("k", "A", "B"))),
        Recv("n"),
        Event("done"),
        Leak("seed" if verdict == "attack" else key, "session key"),
        fresh="seed",
        variables={"n": "nonce"},
    )
    b = role(
        "B",
        Recv(("senc", "seed", ("k", "A", "B"))),
        Send("n"),
        Leak("seed" if verdict == "attack" else key, "session key"),
        fresh="n",
        variables={"seed": "nonce"},
    )
    claim = Secret("A", "done", term=key)
    assert kinds(protocol(a, b), claim, "dishonest") == "proof"
    assert kinds(protocol(a, b), claim, "dishonest", "session key") == verdict


def test_what_a_claim_protects_is_not_given_away_but_what_it_does_not_is() -> None:
    """Runs leak two keys together: a claim that protects one of them speaks of runs that keep it."""
    seed: Template = ("senc", "s", ("k", "A", "B"))
    one, two, other = (("kdf", "s", label) for label in ("label", "tag", "zero"))
    leak = Leak(("tuple", one, two), "session key")
    a = role("A", Send(seed), Event("done"), leak, fresh="s")
    p = protocol(a, role("B", Recv(seed), leak, variables={"s": "nonce"}))
    powers = ("dishonest", "session key")
    assert kinds(p, Secret("A", "done", term=one), *powers) == "proof"
    assert kinds(p, Secret("A", "done", term=("tuple", one, other)), *powers) == "proof"
    assert kinds(p, Secret("A", "done", term=("hash", one)), *powers) == "attack"
    assert kinds(p, Secret("A", "done", term=("hash", one), unleaked=(two,)), *powers) == "proof"


def test_a_leak_before_the_claim_does_not_make_the_claim_empty() -> None:
    a = role("A", Event("running", ("n",)), Send("n"), fresh="n")
    b = role("B", Recv("n"), Leak("n", "session key"), Event("done", ("n",)), variables={"n": "nonce"})
    assert kinds(protocol(a, b), Agree("B", "done", peer="A", running="running"), "session key") == "attack"


def test_the_neutral_element_gives_the_secret_of_a_share_that_nobody_saw() -> None:
    a = Role(
        "A",
        ("A", "B"),
        "A",
        (Send(("hash", ("dh", "x"))), Recv("Y"), Event("done")),
        {"x": "exponent"},
        {"Y": "group"},
    )
    b = Role("B", ("A", "B"), "B", (Send(("dh", "y")),), {"y": "exponent"}, {})
    secret = Secret("A", "done", term=("kdf", ("dh", "x", "Y"), "label"))
    assert kinds(protocol(a, b), secret, "dishonest") == "proof"
    assert kinds(protocol(a, b, neutral_element=True), secret, "dishonest") == "attack"


def test_a_receiver_that_does_not_check_the_tag_agrees_on_nothing() -> None:
    def made(symbol: str) -> Protocol:
        message = ("n", ("k", "A", "B"), "zero", "header")
        a = role("A", Event("running", ("n",)), Send(("aead", *message)), fresh="n")
        b = role("B", Recv((symbol, *message)), Event("done", ("n",)), variables={"n": "nonce"})
        return protocol(a, b)

    claim = Agree("B", "done", peer="A", running="running")
    assert kinds(made("aead"), claim, "dishonest") == "proof"
    assert kinds(made("aead~"), claim, "dishonest") == "attack"
    assert kinds(made("aead~"), Secret("A", "", term="n"), "dishonest") == "proof"


def test_a_stream_is_made_from_its_plaintext() -> None:
    claim = Agree("B", "done", peer="A", running="running")
    assert kinds(transport(("senc", "n", ("k", "A", "B"))), claim, "dishonest") == "proof"
    assert kinds(transport(("stream", "n", ("k", "A", "B"))), claim, "dishonest") == "attack"
    assert kinds(transport(("stream", "n", ("k", "A", "B"))), Secret("A", "sent", term="n"), "dishonest") == "proof"


def test_hostile_software_owns_the_local_channel_to_its_anchor() -> None:
    """An anchor that attests what its software asks says nothing about the software."""
    symbols = {
        **STANDARD,
        "local": key_family("local", revealed_by=frozenset({"dishonest", "software"})),
        "ak": key_family("ak"),
    }
    software = role("A", Event("asked", ("n",)), Send(("senc", "n", ("local", "A"))), fresh="n")
    anchor = Role(
        "T",
        ("A", "B"),
        "A",
        (Recv(("senc", "n", ("local", "A"))), Event("attest", ("n",)), Send(("sign", "n", ("ak", "A")))),
        {},
        {"n": "nonce"},
    )
    service = role("B", Recv(("sign", "n", ("ak", "A"))), Event("accept", ("n",)), variables={"n": "nonce"})
    p = protocol(software, anchor, service, symbols=symbols)
    hostile = {"A": "software"}
    asked = Agree("B", "accept", peer="A", running="asked", classes=hostile)
    assert kinds(p, replace(asked, classes={}), "dishonest") == "proof"
    assert kinds(p, asked, "dishonest") == "attack"
    assert kinds(p, Agree("B", "accept", peer="T", running="attest", classes=hostile), "dishonest") == "proof"


def test_a_revoked_key_matters_when_revocation_is_not_checked() -> None:
    symbols = {**STANDARD, "old": key_family("old", revealed_by=frozenset({"dishonest", "revoked"}))}

    def made(key: str) -> Protocol:
        a = role("A", Event("running", ("n",)), Send(("sign", "n", (key, "A"))), fresh="n")
        b = role("B", Recv(("sign", "n", (key, "A"))), Event("done", ("n",)), variables={"n": "nonce"})
        return protocol(a, b, symbols=symbols)

    claim = Agree("B", "done", peer="A", running="running", classes={"A": "revoked"})
    assert kinds(made("sk"), claim, "dishonest") == "proof"
    assert kinds(made("old"), claim, "dishonest") == "attack"


def test_a_role_that_forwards_what_it_cannot_read_gives_it_away() -> None:
    """The ticket is opaque to A; what is inside comes out all the same."""
    server = role("A", Send(("senc", ("tuple", "B", ("senc", "n", "weak")), ("k", "A", "B"))), fresh="n weak")
    opener = role("B", Recv(("senc", ("tuple", "B", "T"), ("k", "A", "B"))), Send("T"), variables={"T": "message"})
    assert kinds(protocol(server, opener), Secret("A", "", term="n"), "dishonest") == "proof"
    leaky = role("A", Send(("senc", ("tuple", "B", ("sign", "n", ("sk", "A"))), ("k", "A", "B"))), fresh="n")
    assert kinds(protocol(leaky, opener), Secret("A", "", term="n"), "dishonest") == "attack"
    assert kinds(protocol(leaky, replace(opener, steps=opener.steps[:1])), Secret("A", "", term="n")) == "proof"


def test_fields_of_any_type_can_be_confused_only_when_asked() -> None:
    """A nonce is read where a pair of names was written."""
    a = role("A", Send(("senc", ("tuple", "n", "A"), ("k", "A", "B"))), Recv(("senc", "x", ("k", "A", "B"))), Send("x"))
    a = replace(a, fresh={"n": "nonce"}, variables={"x": "data"})
    b = role("B", Recv(("senc", ("tuple", "n", "A"), ("k", "A", "B"))), Send(("senc", "d", ("k", "A", "B"))))
    b = replace(b, fresh={"d": "data"}, variables={"n": "nonce"})
    secret = Secret("A", "", term="n")
    assert kinds(protocol(a, b), secret) == "proof"
    assert kinds(protocol(a, b, untyped=True), secret) == "attack"


def test_what_one_has_signed_somebody_dishonest_can_sign_too() -> None:
    """A key that is made to fit another's signature would give no more; what nobody reads nobody signs."""
    signed: Template = ("sign", ("tuple", "n", "B"), ("sk", "A"))
    one_signer = Unique("B", "done", other="B", other_at="done", keys=(("n", "n"),), agree=(("A", "A"),))
    assert kinds(transport(signed), one_signer, "dishonest") == "attack"
    assert kinds(transport(("aenc", signed, ("pk", "B"))), one_signer, "dishonest") == "proof"


def test_a_long_term_exponent_authenticates_a_static_share() -> None:
    """The peer's static share is a function of its name; agents that are still unknown make several unifiers."""
    symbols = {**STANDARD, "static": Symbol("static", 1, owners=(0,), sort="exponent")}
    key: dict[str, Template] = {
        "A": ("kdf", ("dh", "x", ("dh", ("static", "B"))), "label"),
        "B": ("kdf", ("dh", ("static", "B"), "X"), "label"),
    }
    a = Role(
        "A",
        ("A", "B"),
        "A",
        (Send(("dh", "x")), Recv(("mac", ("tuple", "A", "B"), key["A"])), Event("done", (key["A"],))),
        {"x": "exponent"},
        {},
    )
    b = Role(
        "B",
        ("A", "B"),
        "B",
        (
            Recv("X"),
            Event("running", (key["B"],)),
            Send(("mac", ("tuple", "A", "B"), key["B"])),
            Send(("dh", ("static", "B"))),
        ),
        {},
        {"X": "group"},
    )
    p = protocol(a, b, symbols=symbols)
    assert kinds(p, Secret("A", "done", term=key["A"]), "dishonest") == "proof"
    assert kinds(p, Agree("A", "done", peer="B", running="running"), "dishonest") == "proof"
    assert kinds(p, Secret("A", "done", term=key["A"], forward=True), "dishonest") == "attack"
    assert kinds(p, Secret("A", "done", term=key["A"], classes={"B": "dishonest"}), "dishonest") == "attack"


def test_an_opening_needs_the_inverse_of_the_key() -> None:
    assert STANDARD["aead"].opens == (Opening(0, (1, 2)),)
    p = transport(("aenc", "n", ("pk", "B")))
    assert kinds(p, Secret("A", "sent", term="n"), "dishonest") == "proof"
    assert kinds(p, Secret("A", "sent", term="n", classes={"B": "dishonest"}), "dishonest") == "attack"
    assert kinds(p, Secret("A", "sent", term="n", classes={"A": "dishonest"}), "dishonest") == "proof"
