"""Both traces of RFC 9529, every value of them, and the messages that it calls invalid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from traces import PUBLISHED, TRACE_1, TRACE_2, Item, Trace, invalid

from trustconn.harness.codec.cbor import bstr, encode, split_sequence, unbstr
from trustconn.harness.crypto.curves import P_256
from trustconn.harness.crypto.suites import SUITES, kdf_info
from trustconn.harness.evaluator.bare import BareEnd, BareParty, complete
from trustconn.harness.evaluator.errors import CheckFailed, GrammarError
from trustconn.harness.evaluator.makers import keystream
from trustconn.harness.evaluator.run import Run
from trustconn.model.protocol.edhoc import (
    C_I,
    C_R,
    DEVICE,
    EAD,
    G_X,
    G_XY,
    G_Y,
    INITIATOR,
    RESPONDER,
    SERVICE,
    SUITES_I,
    Handshake,
    handshake,
)
from trustconn.model.table import Verifies
from trustconn.model.terms import Term, octets

Way = Term | Callable[[Run], bytes]
"""How a run comes to a value."""

TRACES = [pytest.param(TRACE_1, id="method-0"), pytest.param(TRACE_2, id="method-3")]

GIVEN = {
    ("SK_I", "raw"): "input of the initiator; its public key is compared",
    ("SK_R", "raw"): "input of the responder; its public key is compared",
    ("X", "raw"): "input of the initiator; G_X is compared",
    ("Y", "raw"): "input of the responder; G_Y is compared",
    ("context for KeyUpdate", "raw"): "input of both",
}
"""Values that are put in, and so cannot be recomputed."""

ELSEWHERE = {"message_1 (first time)": "test_negotiation_of_the_suite", "error": "test_negotiation_of_the_suite"}
"""Sections of trace 2 from a handshake that ends with an error."""


# --- from the names of the RFC to terms ------------------------------------------------------------------------------


def _wrapped(term: Term) -> Callable[[Run], bytes]:
    return lambda run: bstr(run.value(term))


def _unwrapped(term: Term) -> Callable[[Run], bytes]:
    return lambda run: unbstr(run.value(term))


def _public_octets(key: Term) -> Callable[[Run], bytes]:
    def octets_of(run: Run) -> bytes:
        public: bytes = run.value(key).public_bytes_raw()
        return public

    return octets_of


def _info(derived: Term) -> Callable[[Run], bytes]:
    label, length = derived.params
    assert isinstance(label, int) and isinstance(length, int | str)
    return lambda run: kdf_info(label, run.value(derived.args[1]), run.length(length))


def _identifier(term: Term) -> Callable[[Run], bytes]:
    """A connection identifier as the octets that it stands for (RFC 9528 section 3.3.1)."""

    def value(run: Run) -> bytes:
        encoded: bytes = run.value(term)
        return encoded if len(encoded) == 1 else unbstr(encoded)

    return value


def _keys(terms: Handshake) -> dict[tuple[str, str], Way]:
    """Key schedule: items of the sections on messages 2 to 4."""
    ciphertext_2, message_3, message_4 = (
        terms.message_2.args[0].args[1],
        terms.message_3.args[0],
        terms.message_4.args[0],
    )
    items: dict[tuple[str, str], Way] = {
        ("salt", "raw"): terms.prk_2e.args[0],
        ("G_XY", "raw"): G_XY,
        ("PRK_2e", "raw"): terms.prk_2e,
        ("PRK_3e2m", "raw"): terms.prk_3e2m,
        ("PRK_4e3m", "raw"): terms.prk_4e3m,
        ("info for KEYSTREAM_2", "cbor"): lambda run: kdf_info(
            0, run.value(terms.th_2), len(run.value(terms.plaintext_2))
        ),
        ("KEYSTREAM_2", "raw"): lambda run: keystream(run, ciphertext_2, len(run.value(terms.plaintext_2))),
        ("CIPHERTEXT_2", "raw"): ciphertext_2,
        ("CIPHERTEXT_3", "raw"): message_3,
        ("CIPHERTEXT_4", "n/a"): message_4,
    }
    for number, protected in ((3, message_3), (4, message_4)):
        key, nonce, aad, _ = protected.args
        items |= {
            (f"A_{number}", "cbor"): aad,
            (f"info for K_{number}", "cbor"): _info(key),
            (f"K_{number}", "raw"): key,
            (f"info for IV_{number}", "cbor"): _info(nonce),
            (f"IV_{number}", "raw"): nonce,
        }
    for name, prk, secret in (("3e2m", terms.prk_3e2m, "G_RX"), ("4e3m", terms.prk_4e3m, "G_IY")):
        if prk is not terms.prk_2e and terms.method == 3:
            salt, shared = prk.args
            items |= {
                (f"info for SALT_{name}", "cbor"): _info(salt),
                (f"SALT_{name}", "raw"): salt,
                (secret, "raw"): shared,
            }
    return items


def _transcripts(terms: Handshake) -> dict[tuple[str, str], Way]:
    items: dict[tuple[str, str], Way] = {}
    h_message_1 = terms.th_2.args[0].args[1].args[0]
    for name, term in (
        ("H(message_1)", h_message_1),
        ("TH_2", terms.th_2),
        ("TH_3", terms.th_3),
        ("TH_4", terms.th_4),
    ):
        items |= {(name, "raw"): term, (name, "cbor"): _wrapped(term)}
        if name != "H(message_1)":
            items["Input to calculate " + name, "cbor"] = term.args[0]
    return items


def _authentication(terms: Handshake) -> dict[tuple[str, str], Way]:
    items: dict[tuple[str, str], Way] = {}
    for number, party, mac, carried, form in (
        (2, RESPONDER, terms.mac_2, terms.signature_or_mac_2, terms.authenticates_r),
        (3, INITIATOR, terms.mac_3, terms.signature_or_mac_3, terms.authenticates_i),
    ):
        letter = party.letter
        items |= {
            (f"ID_CRED_{letter}", "cbor"): party.id_cred,
            (f"CRED_{letter}", "cbor"): party.cred,
            (f"CRED_{letter}", "raw"): _unwrapped(party.cred),
            (f"context_{number}", "cbor"): mac.args[1],
            (f"info for MAC_{number}", "cbor"): _info(mac),
            (f"MAC_{number}", "raw"): mac,
            (f"MAC_{number}", "cbor"): _wrapped(mac),
            (f"Signature_or_MAC_{number}", "raw"): carried,
            (f"Signature_or_MAC_{number}", "cbor"): _wrapped(carried),
        }
        if isinstance(form, Verifies):
            items[f"Message to be signed {number}", "cbor"] = form.message
            items[f"PK_{letter}", "raw"] = _public_octets(form.key)
    return items


def _exports(terms: Handshake, suffix: str = "") -> dict[tuple[str, str], Way]:
    """Keys after the handshake, and the OSCORE parameters of RFC 9528 appendix A.1."""
    secret, salt = (terms.exporter(label, octets(b""), length) for label, length in ((0, 16), (1, 8)))
    return {
        ("info for PRK_out" + suffix, "cbor"): _info(terms.prk_out),
        ("PRK_out" + suffix, "raw"): terms.prk_out,
        ("info for PRK_exporter" + suffix, "cbor"): _info(terms.prk_exporter),
        ("PRK_exporter" + suffix, "raw"): terms.prk_exporter,
        ("info for OSCORE Master Secret" + suffix, "cbor"): _info(secret),
        ("OSCORE Master Secret" + suffix, "raw"): secret,
        ("info for OSCORE Master Salt" + suffix, "cbor"): _info(salt),
        ("OSCORE Master Salt" + suffix, "raw"): salt,
    }


def ways(trace: Trace) -> Mapping[tuple[str, str], Way]:
    """(name, form) of an item of the RFC to how a run computes it."""
    terms = handshake(trace.method)
    context = octets(trace("context for KeyUpdate"))
    return {
        ("METHOD", "cbor"): terms.message_1.args[0],
        ("SUITES_I", "cbor"): SUITES_I,
        ("G_X", "raw"): G_X,
        ("G_X", "cbor"): _wrapped(G_X),
        ("G_Y", "raw"): G_Y,
        ("G_Y", "cbor"): _wrapped(G_Y),
        ("C_I", "cbor"): C_I,
        ("C_I", "raw"): _identifier(C_I),
        ("C_R", "cbor"): C_R,
        ("C_R", "raw"): _identifier(C_R),
        ("C_R", "n/a"): _identifier(C_R),
        ("Client's OSCORE Sender ID", "raw"): _identifier(C_R),
        ("Server's OSCORE Sender ID", "raw"): _identifier(C_I),
        ("PLAINTEXT_2", "cbor"): terms.plaintext_2,
        ("PLAINTEXT_3", "cbor"): terms.plaintext_3,
        ("PLAINTEXT_4", "cbor"): terms.message_4.args[0].args[3],
        ("context for KeyUpdate", "cbor"): _wrapped(context),
        **{(f"EAD_{n}", "cbor"): EAD[n] for n in EAD},
        **{(f"message_{n}", "cbor"): getattr(terms, f"message_{n}") for n in EAD},
        **_keys(terms),
        **_transcripts(terms),
        **_authentication(terms),
        **_exports(terms),
        **_exports(terms.updated(context), " after KeyUpdate"),
    }


# --- the traces ------------------------------------------------------------------------------------------------------


def compared(trace: Trace) -> list[Item]:
    """Items that a run must reproduce: all but the declared ones and the coordinates."""
    return [
        i
        for i in trace.items
        if i.section not in ELSEWHERE and (i.name, i.form) not in GIVEN and i.name != "(Raw Value)"
    ]


def value(run: Run, way: Way) -> bytes:
    """The value itself, by its term or by a function of the run."""
    computed: bytes = run.value(way) if isinstance(way, Term) else way(run)
    return computed


@pytest.mark.parametrize("trace", TRACES)
def test_the_messages_are_those_of_the_trace(trace: Trace) -> None:
    exchanged = complete(*trace.ends())
    assert [m.hex() for m in exchanged] == [trace(f"message_{n}", "cbor").hex() for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("side", (DEVICE, SERVICE))
def test_every_value_of_the_trace_in_either_peer(trace: Trace, side: str) -> None:
    ends = trace.ends()
    complete(*ends)
    run = ends[0 if side == DEVICE else 1].run
    table = ways(trace)
    for item in compared(trace):
        assert (item.name, item.form) in table, f"{item.section}: {item.name} ({item.form}) is not compared"
        computed = value(run, table[item.name, item.form])
        # The RFC shows a context as the sequence that it is and once more inside the byte string of info.
        accepted = (computed, bstr(computed)) if item.name.startswith("context_") else (computed,)
        assert item.octets in accepted, f"{item.section}: {item.name} ({item.form})"


@pytest.mark.parametrize("trace", TRACES)
def test_contexts_are_shown_bare_and_wrapped(trace: Trace) -> None:
    for name in ("context_2", "context_3"):
        bare, wrapped = (i.octets for i in trace.items if i.name == name)
        assert wrapped == bstr(bare)


def test_coordinates_of_the_points_of_trace_2() -> None:
    """The RFC lists y-coordinates beside the shares, which are x-coordinates; either sign of y will do."""
    owners = [("X", "message_1"), ("Y", "message_2"), ("SK_R", "authentication"), ("SK_I", "authentication")]
    points = {key: ec.derive_private_key(int.from_bytes(TRACE_2(key)), ec.SECP256R1()) for key, _ in owners}
    both = [
        n.to_bytes(32)
        for key in points.values()
        for numbers in (key.public_key().public_numbers(),)
        for n in (numbers.x, numbers.y, P_256.prime - numbers.y)
    ]
    coordinates = [i for i in TRACE_2.items if i.name == "(Raw Value)"]
    assert len(coordinates) == 6
    assert all(i.octets in both for i in coordinates)


@pytest.mark.parametrize("trace", TRACES)
def test_exports_before_and_after_a_key_update(trace: Trace) -> None:
    ends = trace.ends()
    complete(*ends)
    for end in ends:
        assert end.export(0, b"", 16) == trace("OSCORE Master Secret")
        end.update_key(trace("context for KeyUpdate"))
        assert end.export(0, b"", 16) == trace("OSCORE Master Secret after KeyUpdate")
        assert end.export(1, b"", 8) == trace("OSCORE Master Salt after KeyUpdate")


def test_negotiation_of_the_suite() -> None:
    """Trace 2 opens with suite 6, which the responder does not have, and error code 2."""
    first = {(i.name, i.form): i.octets for i in TRACE_2.items if i.section == "message_1 (first time)"}
    party = TRACE_2.party("I")
    party.suites_i, party.connection = first["SUITES_I", "cbor"], first["C_I", "cbor"]
    party.exponent = SUITES[2].curve.load(first["X", "raw"])
    message_1 = BareEnd(DEVICE, 3, party).start()
    assert message_1 == first["message_1", "cbor"]
    assert split_sequence(message_1)[0] == first["METHOD", "cbor"]
    assert party.exponent.share == first["G_X", "raw"] == unbstr(first["G_X", "cbor"])
    assert party.connection == first["C_I", "raw"]

    party_r = TRACE_2.party("R")
    responder = BareEnd(SERVICE, 3, party_r)
    with pytest.raises(CheckFailed, match="suite 6 is not supported") as refused:
        responder.receive(message_1)
    assert refused.value.check.name == "suite_is_most_preferred"
    assert encode(refused.value.check.refusal.code) + encode(party_r.suites[0]) == TRACE_2("error", "cbor")
    # Trace 2 goes on with both suites, and the responder that refused takes that message.
    assert responder.receive(TRACE_2("message_1", "cbor")) == TRACE_2("message_2", "cbor")


# --- the invalid messages --------------------------------------------------------------------------------------------

MESSAGES_1 = {
    "Surplus array encoding of message": (2, GrammarError, "1 items, not 4 or more"),
    "Surplus bstr encoding of connection identifier": (2, GrammarError, "C_I: expected the integer form"),
    "Surplus array encoding of ciphersuite": (2, GrammarError, "SUITES_I: expected an array of two or more"),
    "Text string encoding of ephemeral key": (2, GrammarError, "byte string: item has major type 3, not 2"),
    "Error in length of ephemeral key": (24, GrammarError, "G_X: 32 octets, not 48"),
    "Error in elliptic curve representation": (2, CheckFailed, "g_x_is_valid: .*no point has this x"),
    "Error in elliptic curve point": (2, CheckFailed, "g_x_is_valid: .*no point has this x"),
    "Curve point of low order": (0, CheckFailed, "g_x_is_valid: .*low order"),
    "Error in elliptic curve encoding": (2, GrammarError, "G_X: 31 octets, not 32"),
    "Unnecessary long encoding": (2, GrammarError, "head is not the shortest at octet 0"),
    "Indefinite-length array encoding": (2, GrammarError, "indefinite length at octet 1"),
}
"""Section to the suite of the responder and to the refusal."""

MESSAGES_2 = {"Wrong number of CBOR sequence elements": "octets follow the item at octet 34"}

PLAINTEXTS_2 = {
    "Surplus map encoding of ID_CRED field": "ID_CRED: a kid alone is sent compacted",
    "Surplus bstr encoding of ID_CRED field": "ID_CRED: expected the integer form",
    "Error in length of MAC": "Signature_or_MAC_2:3: 4 octets, not 8",
}


def test_every_invalid_message_is_judged() -> None:
    assert {i["section"] for i in PUBLISHED["invalid"]} == {*MESSAGES_1, *MESSAGES_2, *PLAINTEXTS_2}


def _responder(suite: int) -> BareEnd:
    curve = SUITES[suite].curve
    party = BareParty(
        (suite,),
        b"",
        TRACE_2("C_R", "cbor"),
        TRACE_2("ID_CRED_R", "cbor"),
        curve.load(b"\x01" * curve.share_length),
        {},
    )
    return BareEnd(SERVICE, 3, party)


@pytest.mark.parametrize("section", MESSAGES_1)
def test_invalid_message_1(section: str) -> None:
    suite, refusal, reason = MESSAGES_1[section]
    responder = _responder(suite)
    with pytest.raises(refusal, match=reason):
        responder.receive(invalid(section))
    assert responder.machine.state == "wait_message_1"


@pytest.mark.parametrize("section", MESSAGES_2)
def test_invalid_message_2(section: str) -> None:
    initiator, _ = TRACE_2.ends()
    initiator.start()
    with pytest.raises(GrammarError, match=MESSAGES_2[section]):
        initiator.receive(invalid(section))


def _message_2(plaintext: bytes) -> bytes:
    """message_2 of trace 2 around another plaintext."""
    stream = SUITES[2].edhoc_kdf(TRACE_2("PRK_2e"), 0, TRACE_2("TH_2"), len(plaintext))
    return bstr(TRACE_2("G_Y") + bytes(a ^ b for a, b in zip(plaintext, stream, strict=True)))


def test_protecting_the_valid_plaintext_gives_the_valid_message() -> None:
    assert _message_2(TRACE_2("PLAINTEXT_2", "cbor")) == TRACE_2("message_2", "cbor")


@pytest.mark.parametrize("section", PLAINTEXTS_2)
def test_invalid_plaintext_2(section: str) -> None:
    initiator, _ = TRACE_2.ends()
    initiator.start()
    with pytest.raises(GrammarError, match=PLAINTEXTS_2[section]):
        initiator.receive(_message_2(invalid(section)))
    assert initiator.machine.state == "wait_message_2"
