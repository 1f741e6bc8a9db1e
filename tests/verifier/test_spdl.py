"""SPDL files: what is read, and where errors are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.model.verifier.spdl import SpdlError, load
from trustconn.model.verifier.verify import Verifier

HEAD = "protocol p(A, B)\n{\n  role A\n  {\n"
TAIL = "  }\n  role B\n  {\n  }\n}\n"


def kinds(source: str) -> dict[str, str]:
    model = load(source)
    verifier = Verifier(model.protocol)
    return {c.name: verifier.verify(c.claim, time_limit=10).kind for c in model.claims}


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("protocol p(A, B)\n{\n  roles A { }\n}", 3, 3, "expected a role"),
        ("/* never closed\n", 1, 1, "never closed"),
        ("const a: Thing;", 1, 10, "unknown type Thing"),
        ("protocol p(A)\n{ role A { send_1(A, A, $); } }", 2, 25, "unexpected character '$'"),
        (HEAD + "    fresh n: Nonce;\n    send_1(A, B, m);\n" + TAIL, 6, 18, "m is not declared"),
        (HEAD + "    send_1(A, B, f(A));\n" + TAIL, 5, 18, "f is not a function"),
        (HEAD + "    send_1(A, B, pk(A, B));\n" + TAIL, 5, 18, "pk takes 1"),
        (HEAD + "    send_1(A, B);\n" + TAIL, 5, 5, "a message"),
        (HEAD + "    send(A, B, A);\n" + TAIL, 5, 9, "a label"),
        (HEAD + "    claim(A, Pretty);\n" + TAIL, 5, 14, "claims of kind Pretty"),
        (HEAD + "    claim(B, Alive);\n" + TAIL, 5, 11, "starts with its name"),
        (HEAD + "    claim(A, Secret);\n" + TAIL, 5, 5, "says which term"),
        ("protocol p(A)\n{ role B { } }", 2, 8, "not a parameter"),
        ("run A(Alice);", 1, 6, "expected '.'"),
        ("symmetric-role p(A) { }", 1, 16, "expected 'protocol'"),
        ("inversekeys(a, b);", 1, 13, "a is not declared"),
        ("protocol p(A, A) { role A { } }", 1, 15, "parameter A is there twice"),
        ("protocol p(A) { role A { } role A { } }", 1, 33, "role A is there twice"),
        ("protocol p(A) { fresh n: Nonce; role A { send_1(A, A, n); } }", 1, 55, "belongs to the role that makes it"),
        ("const a, b, c: Function;\ninversekeys(a, b);\ninversekeys(b, c);", 3, 13, "b is the inverse of a already"),
        (f"protocol p({', '.join('ABCDEFGH')}) {{ }}", 1, 33, "at most 7 roles"),
        (HEAD + "    fresh n: Nonce;\n    send_1(B, A, n);\n" + TAIL, 6, 5, "role A is the sender"),
        (HEAD + "    var n: Nonce;\n    recv_!1(A, B, n);\n" + TAIL, 6, 5, "role A is the receiver"),
        (
            HEAD + "    send_1(A, A, A);\n    send_1(A, A, B); recv_1(A, A, B);\n" + TAIL,
            6,
            5,
            "there is a send_1 already",
        ),
        (HEAD + "    var n: Nonce;\n    recv_1(B, A, n);\n" + TAIL, 6, 5, "nothing is sent as 1"),
        (HEAD + "    var n: Nonce;\n    send_1(A, B, {n}pk(B));\n" + TAIL, 6, 19, "n has no value yet"),
        (HEAD + "    var n: Nonce;\n    claim(A, Secret, n);\n" + TAIL, 6, 22, "n has no value yet"),
        (HEAD + "    var n: Nonce;\n    not match(n, A);\n" + TAIL, 6, 15, "n has no value yet"),
        (HEAD + "    claim(A, Secret, k(A, B), A);\n" + TAIL, 5, 5, "claimed of one term"),
        ("secret f: Function;\ncompromised f(Nobody);", 2, 13, "only the keys of an untrusted agent"),
        ("hashfunction h; secret f: Function;\ncompromised f(h(Eve), Bob);", 2, 13, "only the keys of an untrusted"),
        ("macro n = A;\nprotocol p(A) { role A { fresh n: Nonce; } }", 2, 32, "n is a macro already"),
        ("protocol p(A) { role A { send_1(A, A, [A]); } }", 1, 39, "unexpected character"),
        ('include "x.spdl";', 1, 1, "'include' is not supported"),
        ("protocol p(A)\n{ role A { send_1(A, A, A)", 2, 27, "found 'end of file'"),
    ],
)
def test_an_error_has_its_line_and_column(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(SpdlError, match=message.replace("$", r"\$")) as caught:
        load(source)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_deep_nesting_is_an_error_and_not_a_crash() -> None:
    with pytest.raises(SpdlError, match="too deeply"):
        load(HEAD + "send_1(A, B, " + "(" * 5000 + "A" + ")" * 5000 + ");" + TAIL)


def test_macros_that_nest_too_deeply_are_an_error() -> None:
    lines = [f"macro m{i} = h(m{i - 1});" for i in range(1, 3000)]
    with pytest.raises(SpdlError, match="too deeply"):
        load("hashfunction h;\nmacro m0 = a;\n" + "\n".join(lines))


def test_more_events_than_can_be_searched_are_an_error() -> None:
    with pytest.raises(SpdlError, match="more than 2000 events"):
        load(HEAD + "claim(A, Alive);\n" * 2001 + TAIL)


def test_macros_that_grow_without_end_are_an_error() -> None:
    lines = [f"macro m{i} = (m{i - 1}, m{i - 1});" for i in range(1, 40)]
    with pytest.raises(SpdlError, match="more terms than a file may have"):
        load("macro m0 = (a, b);\n" + "\n".join(lines))


@given(st.text(alphabet="protocl(){}AB,;:_1 \nrs/*#\"'{}k", max_size=80))
def test_any_text_is_a_model_or_an_error_with_a_place(source: str) -> None:
    try:
        load(source)
    except SpdlError as error:
        assert 1 <= error.line <= source.count("\n") + 1


def test_macros_comments_and_read_are_understood() -> None:
    source = """
    # one comment
    macro hello = {n}pk(B); // another
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, hello); claim_s(A, Secret, n); };
      role B { var n: Nonce; read_1(A, B, hello); };
    };
    """
    assert kinds(source) == {"s": "proof"}


def test_own_key_functions_are_known_to_the_attacker_only_when_compromised() -> None:
    source = """
    const pub: Function; secret key: Function; inversekeys(pub, key);
    untrusted Eve; %s
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, {n, A}pub(B)); }
      role B { var n: Nonce; recv_1(A, B, {n, A}pub(B)); send_2(B, A, {n}pub(A)); claim_s(B, Secret, n); }
    }
    """
    compromised = kinds(source % "compromised key(Eve);")
    assert compromised == {"s": "attack"}
    assert kinds(source.replace("claim_s(B, Secret, n);", "claim_s(B, Secret, key(B));") % "") == {"s": "proof"}


def test_a_match_binds_and_compares() -> None:
    source = """
    hashfunction h;
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, {n}pk(B)); recv_2(B, A, h(n)); claim_a(A, Alive); }
      role B { var x: Ticket; var n: Nonce; recv_1(A, B, x); match(x, {n}pk(B)); send_2(B, A, h(n)); }
    }
    """
    assert kinds(source) == {"a": "proof"}


def test_a_match_gives_a_variable_its_value() -> None:
    """`x` is never received: it is `y` from the match on, and answering with it is no source of anything new."""
    source = """
    usertype One, Two;
    protocol p(A, B) {
      role A { fresh n: One; send_1(A, B, {n}k(A, B)); claim_s(A, Secret, n); }
      role B {
        var y: One, Two; var x;
        recv_1(A, B, {y}k(A, B)); match(x, y); send_2(B, A, {x}k(B, A)); claim_b(B, %s);
      }
    }
    """
    assert kinds(source % "Alive, A") == {"s": "proof", "b": "proof"}
    assert kinds(source % "Secret, x") == {"s": "proof", "b": "proof"}


def test_a_value_must_not_match_what_it_must_not() -> None:
    source = """
    usertype Flag; const yes, no: Flag;
    protocol p(A, B) {
      role A { send_1(A, B, {%s}k(A, B)); }
      role B { var f: Flag; recv_1(A, B, {f}k(A, B)); not match(f, no); claim_b(B, Reachable); claim_n(B, Niagree); }
    }
    """
    assert kinds(source % "yes") == {"b": "proof", "n": "proof"}
    assert kinds(source % "no") == {"b": "vacuous", "n": "vacuous"}


def test_an_underscore_may_be_in_a_name() -> None:
    source = """
    protocol key_server(A, B) {
      role A { fresh n_a: Nonce; send_1(A, B, {n_a}k(A, B)); claim_a_1(A, Secret, n_a); }
      role B { var n_a: Nonce; recv_1(A, B, {n_a}k(A, B)); }
    }
    """
    assert kinds(source) == {"a_1": "proof"}


def test_helpers_do_not_count_as_alive() -> None:
    source = """
    protocol @oracle(O) { role O { var n: Nonce; recv_!1(O, O, {n}sk(O)); send_!2(O, O, {n}sk(O)); } }
    protocol p(A, B) {
      role A { var n: Nonce; recv_1(B, A, {n}sk(B)); claim_a(A, Alive); }
      role B { fresh n: Nonce; send_1(B, A, {n}sk(B)); }
    }
    """
    assert kinds(source) == {"a": "proof"}


def test_commit_wants_a_running_with_the_same_data() -> None:
    source = """
    protocol p(A, B) {
      role A { fresh n, m: Nonce; claim(A, Running, B, %s); send_1(A, B, {n, m, B}sk(A)); }
      role B { var n, m: Nonce; recv_1(A, B, {n, m, B}sk(A)); claim_c(B, Commit, A, n, m); }
    }
    """
    assert kinds(source % "n, m") == {"c": "proof"}
    assert kinds(source % "m, n") == {"c": "attack"}
    assert kinds(source % "n") == {"c": "attack"}


def test_functions_that_are_not_applied_are_keys_of_their_own() -> None:
    source = """
    const up: Function; secret down: Function; inversekeyfunctions(up, down);
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, {n}up, {n}%s); claim_s(A, Secret, n); }
      role B { var n, m: Nonce; recv_1(A, B, {n}up, {m}%s); }
    }
    """
    assert kinds(source % ("up", "up")) == {"s": "proof"}
    assert kinds(source % ("down", "down")) == {"s": "attack"}


def test_a_byte_order_mark_and_other_line_ends_are_read() -> None:
    source = (
        "\ufeffprotocol p(A, B)\r\n{ role A { fresh n: Nonce; send_1(A, B, {n}k(A, B)); claim_s(A, Secret, n); }\r\n"
    )
    assert kinds(source + "role B { var n: Nonce; recv_1(A, B, {n}k(A, B)); } }") == {"s": "proof"}


def test_a_constant_in_a_role_is_made_for_each_run() -> None:
    """Older files write `const` for `fresh`: with one value for all runs, the second claim would hold."""
    source = """
    protocol p(A, B) {
      role A { const n: Nonce; send_1(A, B, {n}k(A, B)); recv_2(B, A, n); claim(A, Alive); }
      role B { var n: Nonce; secret m: Nonce; recv_1(A, B, {n}k(A, B)); send_2(B, A, n); claim(B, Secret, m); }
    }
    protocol q(A, B) { role A { const n: Nonce; send_1(A, B, n); } role B { } }
    """
    assert kinds(source) == {"A1": "proof", "B1": "proof"}


KEYS = """
%s
protocol p(A, B) {
  role A { fresh n: Nonce; send_1(A, B, {n, A}%s); claim(A, Secret, n); }
  role B { var n: Nonce; recv_1(A, B, {n, A}%s); }
}
"""


@pytest.mark.parametrize(
    ("declared", "key", "verdict"),
    [
        ("", "pk(B)", "proof"),
        ("const pk: Function; secret sk: Function; inversekeys(pk, sk);", "pk(B)", "proof"),
        ("const sk: Function;", "pk(B)", "attack"),
        ("const k: Function;", "k(A, B)", "attack"),
        ("secret k: Function;", "k(B)", "proof"),
        ("secret k: Function; const e: Agent; untrusted e; compromised k(e);", "k(B)", "proof"),
        ("const g: Function; secret f: Function; inversekeys(g, f);", "g(A, B)", "proof"),
        ("const g: Function; secret f: Function; inversekeyfunctions(f, g);", "f(A, B)", "attack"),
        ("secret f: Function;", "f(B, B)", "proof"),
        ("secret K: SessionKey;", "K(A, B)", "proof"),
        ("const K: SessionKey;", "K(A, B)", "attack"),
        ("const h: Function; secret un: Function; inversekeys(h, un);", "h(A, h(B))", "proof"),
        ("secret f: Function; compromised f(Eve, Bob);", "f(A, B)", "proof"),
        ("const S: Agent;", "k(A, S)", "proof"),
        ("", "k(A, Eve)", "attack"),
        ("const e: Agent; untrusted e;", "k(A, e)", "attack"),
    ],
)
def test_a_key_is_secret_as_it_was_declared(declared: str, key: str, verdict: str) -> None:
    assert kinds(KEYS % (declared, key, key)) == {"A1": verdict}


def test_an_agent_of_the_claim_may_be_one_that_the_file_names() -> None:
    """What is secret among strangers is not when one of them is the server whose name the file has."""
    source = """
    const S: Agent;
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, {n}k(A, B)); claim(A, Secret, n); }
      role B { var n: Nonce; recv_1(A, B, {n}k(A, B)); }
    }
    protocol leak(C) { role C { var n: Nonce; recv_!1(C, C, {n}k(C, S)); send_!2(C, C, n); } }
    """
    assert kinds(source) == {"A1": "attack"}


def test_words_without_meaning_for_any_number_of_runs_are_read() -> None:
    source = """
    option "--max-runs=2";
    symmetric-role protocol p(A, B) {
      singular role A { knows A; fresh n: Nonce; send_1(A, B, {n}k(A, B)); claim(A, SID, n); claim(A, SKR, n); }
      role B { var n: Nonce; recv_1(A, B, {n}k(A, B)); claim(B, Empty, n); }
    }
    run p.A(Alice, Bob);
    """
    assert kinds(source) == {"A1": "proof"}


def test_only_an_agent_gives_a_key_away() -> None:
    """A key pair that a run makes for itself, from a fresh value, has no dishonest owner."""
    source = """
    protocol p(A, B) {
      role A { fresh t: Nonce; var n: Nonce; send_1(A, B, {pk(t), B}sk(A)); recv_2(B, A, {n, B}pk(t)); }
      role B { var t: %s; fresh n: Nonce; recv_1(A, B, {pk(t), B}sk(A)); send_2(B, A, {n, B}pk(t)); %s }
    }
    """
    claim = "claim(B, Secret, n);"
    assert kinds(source % ("Nonce", claim)) == kinds(source % ("Ticket", claim)) == {"B1": "proof"}


def test_what_a_role_takes_out_of_a_hash_may_be_given_away() -> None:
    """SPDL lets a pattern look inside of what nobody can open, and so do we, to the attacker's good."""
    source = """
    hashfunction h;
    protocol p(A, B) {
      role A { fresh n: Nonce; send_1(A, B, h(n)); claim(A, Secret, n); }
      role B { var n: %s; recv_1(A, B, h(n)); send_!2(B, A, n); }
    }
    """
    assert kinds(source % "Nonce") == kinds(source % "Ticket") == {"A1": "attack"}
    assert kinds(source.replace("send_!2(B, A, n)", "send_!2(B, A, h(n))") % "Nonce") == {"A1": "proof"}


def test_a_key_that_is_received_may_be_more_than_one_term() -> None:
    """`y` may be a tuple. What it opens is asked early in a search that would take long."""
    source = """
    hashfunction h;
    secret c;
    protocol p(A, B, S) {
    role A { fresh m: Ticket; var x, y, z, T: Ticket;
    recv_1(B, A, {x}x, {h(x, y)}k(A, B), T);
    match(T, {z, S, S}k(B, A));
    send_2(A, S, {y}k(A, B), {h(m)}y, {z, x}k(A, S));
    recv_3(S, A, {y}k(A, B), A);
    send_4(A, S, {c, y}pk(S), h(x), {h(x, m)}k(A, B));
    }
    role B { fresh x, y, z: Ticket;
    send_1(B, A, {x}x, {h(x, y)}k(A, B), {z, S, S}k(B, A)); }
    role S { var T, m, y, x, z: Ticket;
    recv_2(A, S, T, {h(m)}y, {z, x}k(A, S));
    send_3(S, A, T, A);
    claim(S, Secret, m);
    }
    }
    """
    (claim,) = load(source).claims
    assert Verifier(load(source).protocol).verify(claim.claim, time_limit=1).reason  # No answer, and no crash.
