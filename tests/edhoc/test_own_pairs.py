"""Handshakes between our own ends: every method and suite, and nothing survives a changed octet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustconn.harness.codec.cbor import bstr, encode, split_sequence
from trustconn.harness.crypto.curves import EphemeralKey
from trustconn.harness.crypto.errors import OutputTooLong
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.suites import SUITES
from trustconn.harness.evaluator.bare import BareEnd, BareParty, Credential, UnknownCredential, complete
from trustconn.harness.evaluator.errors import CheckFailed, GrammarError
from trustconn.model.protocol.edhoc import AUTHENTICATION, DEVICE, G_XY, G_Y, SERVICE, SIG, X

REFUSALS = (CheckFailed, GrammarError, UnknownCredential)
"""What an end may raise on hostile octets; anything else is a defect."""

ID_CRED = {"I": encode({4: b"\x2b"}), "R": encode({4: b"key of r"})}
GREASE = (160, 41120, 43690, 44975)


def pair(
    method: int,
    suite: int,
    *,
    seed: bytes = b"pair",
    ead: dict[int, bytes] | None = None,
    suites_i: bytes | None = None,
) -> tuple[BareEnd, BareEnd]:
    """Initiator and responder with keys of the kinds that the method asks for."""
    rng, algorithms = SeededRandom(seed), SUITES[suite]
    secrets: dict[str, Callable[[bytes], bytes] | EphemeralKey] = {}
    credentials: dict[bytes, Credential] = {}
    for letter, kind in zip("IR", AUTHENTICATION[method], strict=True):
        cred = encode({2: letter})
        if kind == SIG:
            key = algorithms.signature.generate(rng)
            secrets[letter] = partial(algorithms.signature.sign, key)
            credentials[ID_CRED[letter]] = Credential(cred, public_key=key.public_key())
        else:
            secrets[letter] = static = algorithms.curve.ephemeral(rng)
            credentials[ID_CRED[letter]] = Credential(cred, static_share=static.share)

    def party(letter: str, connection: bytes) -> BareParty:
        offered = suites_i or encode(suite)
        return BareParty((suite,), offered, connection, ID_CRED[letter], secrets[letter], credentials, ead or {})

    return (
        BareEnd(DEVICE, method, party("I", b"\x0e"), rng.child("initiator")),
        BareEnd(SERVICE, method, party("R", bstr(b"c_r")), rng.child("responder")),
    )


def party_of(end: BareEnd) -> BareParty:
    """What an end of a pair knows."""
    assert isinstance(end.run.provider, BareParty)
    return end.run.provider


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("method", AUTHENTICATION)
def test_equal_exporters(method: int, suite: int) -> None:
    ends = pair(method, suite)
    complete(*ends)
    initiator, responder = ends
    assert initiator.completed and responder.completed
    for label, context, length in ((0, b"", 16), (24, b"x" * 24, 48), (65535, b"c" * 300, 300)):
        assert initiator.export(label, context, length) == responder.export(label, context, length)
    assert initiator.export(0, b"", 16) != initiator.export(1, b"", 16)


def changed(message: bytes) -> Iterator[bytes]:
    """The message with one bit of one octet the other way, for every octet; then cut short and drawn out."""
    for at in range(len(message)):
        yield message[:at] + bytes([message[at] ^ 1 << at % 8]) + message[at + 1 :]
    yield message[:-1]
    yield message + b"\x00"


def survives(method: int, suite: int, number: int, message: bytes) -> bool:
    """Whether both ends complete with one key when the message of that number arrives as `message`."""
    initiator, responder = pair(method, suite)
    to = initiator.start()
    try:
        for position, receiver in enumerate((responder, initiator, responder, initiator), 1):
            to = receiver.receive(message if position == number else to)
    except REFUSALS:
        return False
    return initiator.export(0, b"", 16) == responder.export(0, b"", 16)


@pytest.mark.parametrize("number", (1, 2, 3, 4))
@pytest.mark.parametrize(("method", "suite"), ((0, 2), (3, 2), (0, 0)))
def test_no_changed_octet_survives(method: int, suite: int, number: int) -> None:
    message = complete(*pair(method, suite))[number - 1]
    assert survives(method, suite, number, message)
    assert not [c.hex() for c in changed(message) if survives(method, suite, number, c)]


HOSTILE = [
    "",
    "40",
    "4100",
    "47" + "00" * 7,
    "4f00",
    "590100" + "00" * 256,
    "5a000000ff00",
    "00",
    "ff",
    "f6",
    "5820" + "00" * 32,
]
HOSTILE += ["80", "a0", "c040", "6161", "9fff", "5f4100ff", "5bffffffffffffffff", "d81840", "fb7ff8000000000000"]


@pytest.mark.parametrize("octets", HOSTILE)
@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_hostile_octets_are_refused_and_change_nothing(number: int, octets: str) -> None:
    initiator, responder = pair(0, 2)
    exchanged = complete(*pair(0, 2))
    receiver = responder if number % 2 else initiator
    initiator.start()
    if number > 2:
        receiver.receive(exchanged[number - 3])
    before = receiver.machine.state
    with pytest.raises(REFUSALS):
        receiver.receive(bytes.fromhex(octets))
    assert receiver.machine.state == before


@pytest.mark.parametrize("number", (2, 3, 4))
@pytest.mark.parametrize(("method", "suite"), ((0, 2), (3, 2), (0, 0)))
def test_a_refused_message_leaves_nothing_behind(method: int, suite: int, number: int) -> None:
    initiator, responder = pair(method, suite)
    to = initiator.start()
    for position, receiver in enumerate((responder, initiator, responder, initiator), 1):
        if position == number:
            for other in (to[:1] + bytes([to[1] ^ 1]) + to[2:], to[:8] + bytes([to[8] ^ 1]) + to[9:], to[:-1]):
                with pytest.raises(REFUSALS):
                    receiver.receive(other)
        to = receiver.receive(to)
    assert initiator.export(0, b"", 16) == responder.export(0, b"", 16)


def test_a_message_1_of_another_suite_leaves_nothing_behind() -> None:
    _, responder = pair(0, 2)
    with pytest.raises(CheckFailed, match="suite 24 is not supported"):
        responder.receive(pair(0, 24)[0].start())
    initiator, _ = pair(0, 2)
    responder.receive(initiator.receive(responder.receive(initiator.start())))
    assert responder.completed


# --- somebody in the middle who does all that can be done without the key -------------------------------------------


@pytest.mark.parametrize(("letter", "check"), (("R", "signature_2_verifies"), ("I", "signature_3_verifies")))
@pytest.mark.parametrize("method", AUTHENTICATION)
def test_a_credential_without_its_key_is_refused(method: int, letter: str, check: str) -> None:
    ends = dict(zip("IR", pair(method, 2), strict=True))
    others = dict(zip("IR", pair(method, 2, seed=b"somebody else"), strict=True))
    party_of(ends[letter]).secret = party_of(others[letter]).secret
    with pytest.raises(CheckFailed) as refused:
        complete(ends["I"], ends["R"])
    assert refused.value.check.name == check


@pytest.mark.parametrize(
    ("suite", "share", "reason"),
    [
        (0, bytes(32), "low order"),
        (0, b"\x01" + bytes(31), "low order"),
        (2, b"\xff" * 32, "no point"),
        (2, bytes(31) + b"\x01", "no point"),
    ],
)
def test_a_share_whose_secret_anybody_can_know_is_refused(suite: int, share: bytes, reason: str) -> None:
    """The responder sends the share and uses the secret that an initiator without validation would compute."""
    initiator, responder = pair(0, suite)
    message_1 = initiator.start()
    secret = SUITES[suite].curve.exchange_unvalidated(initiator.run.value(X).private, share)
    responder.run.pinned = {G_Y: share, G_XY: secret}
    with pytest.raises(CheckFailed, match=reason) as refused:
        initiator.receive(responder.receive(message_1))
    assert refused.value.check.name == "g_y_is_valid"


@settings(max_examples=60)
@given(
    st.sampled_from((0, 3)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_whatever_plaintext_2_holds_is_judged(method: int, edits: list[tuple[int, int, bytes]]) -> None:
    """PLAINTEXT_2 is what an unauthenticated responder likes it to be: the edits replace octets by others."""
    initiator, responder = pair(method, 2)
    message_1 = initiator.start()
    honest = responder.receive(message_1)
    plaintext = responder.run.value(responder.terms.plaintext_2)
    _, liar = pair(method, 2)
    for at, removed, inserted in edits:
        plaintext = plaintext[:at] + inserted + plaintext[at + removed :]
    liar.run.pinned = {liar.terms.plaintext_2: plaintext}
    message_2 = liar.receive(message_1)
    if message_2 == honest:
        assert initiator.receive(message_2)
        return
    with pytest.raises(REFUSALS):
        initiator.receive(message_2)


# --- identifiers -----------------------------------------------------------------------------------------------------

FORMS = {"00": "00", "17": "17", "18": "4118", "1f": "411f", "20": "20", "37": "37", "38": "4138", "ff": "41ff"}
"""Identifier to its encoding, around the limits of RFC 9528 section 3.3.2."""


@pytest.mark.parametrize(("kid", "form"), [*FORMS.items(), ("", "40"), ("0e0e", "420e0e")])
def test_a_kid_is_compacted_where_it_can_be(kid: str, form: str) -> None:
    initiator, responder = pair(0, 2)
    id_cred = encode({4: bytes.fromhex(kid)})
    for end in (initiator, responder):
        party = party_of(end)
        party.store = {**party.store, id_cred: party.store[ID_CRED["R"]]}
    party_of(responder).id_cred = id_cred
    complete(initiator, responder)
    assert split_sequence(initiator.run.value(initiator.terms.plaintext_2))[1].hex() == form


@pytest.mark.parametrize("form", ("1818", "3818", "4117", "4120", "4137", "4100", "f5", "80"))
def test_an_identifier_of_another_form_is_refused(form: str) -> None:
    message_1 = pair(0, 2)[0].start()
    with pytest.raises(GrammarError, match="C_I"):
        pair(0, 2)[1].receive(message_1[:-1] + bytes.fromhex(form))


# --- external authorization data -------------------------------------------------------------------------------------

IGNORED = [("padding", b"\x00"), ("padding with octets", b"\x00" + bstr(bytes(100)))]
IGNORED += [(f"grease {n}", encode(n)) for n in GREASE] + [
    (f"grease {n} with value", encode(n) + b"\x42hi") for n in GREASE
]
IGNORED += [("several", b"\x00" + encode(160) + b"\x40" + b"\x00\x40" + encode(44975))]


@pytest.mark.parametrize("items", [i for _, i in IGNORED], ids=[n for n, _ in IGNORED])
@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_padding_grease_and_unknown_items_are_ignored(number: int, items: bytes) -> None:
    ends = pair(0, 2, ead={number: items})
    complete(*ends)
    assert ends[0].export(0, b"", 16) == ends[1].export(0, b"", 16)


@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_an_unknown_critical_item_is_refused(number: int) -> None:
    for items in (encode(-1), encode(-160) + b"\x41x", b"\x00" + encode(-41120)):
        with pytest.raises(CheckFailed) as refused:
            complete(*pair(0, 2, ead={number: items}))
        assert refused.value.check.name == f"ead_{number}_has_no_unknown_critical"


@pytest.mark.parametrize("items", ("f6", "40", "004040", "6161", "80", "a0", "00f5"))
@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_ead_of_another_form_is_refused(number: int, items: str) -> None:
    with pytest.raises(GrammarError):
        complete(*pair(0, 2, ead={number: bytes.fromhex(items)}))


# --- limits and negotiation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", (2, 24))
def test_plaintext_2_as_long_as_the_keystream_can_be(suite: int) -> None:
    limit = 255 * SUITES[suite].hash_length
    ends = pair(0, suite)
    complete(*ends)
    spare = limit - len(ends[0].run.value(ends[0].terms.plaintext_2))
    complete(*pair(0, suite, ead={2: b"\x00" + bstr(bytes(spare - 4))}))
    with pytest.raises(OutputTooLong, match=f"{limit} is the most"):
        complete(*pair(0, suite, ead={2: b"\x00" + bstr(bytes(spare - 3))}))


def test_a_received_message_2_beyond_the_keystream_is_refused() -> None:
    initiator, _ = pair(0, 2)
    initiator.start()
    share = SUITES[2].curve.ephemeral(SeededRandom(b"y")).share
    with pytest.raises(GrammarError, match=r"CIPHERTEXT_2: .*8161 octets"):
        initiator.receive(bstr(share + bytes(8161)))


@pytest.mark.parametrize(
    ("suites_i", "reason"),
    [
        ("06", "suite 6 is not supported"),
        ("20", "suite -1 is not supported"),
        ("820206", "suite 6 is not supported"),
        ("820302", None),
        ("820202", "prefers is supported"),
        ("83020302", "prefers is supported"),
        ("03", "suite 3 is not supported"),
    ],
)
def test_the_responder_judges_the_suites(suites_i: str, reason: str | None) -> None:
    initiator, responder = pair(3, 2, suites_i=bytes.fromhex(suites_i))
    party_of(initiator).exponent = SUITES[2].curve.ephemeral(SeededRandom(b"x"))
    message_1 = initiator.start()
    if reason is None:
        assert responder.receive(message_1)
        return
    with pytest.raises(CheckFailed, match=reason) as refused:
        responder.receive(message_1)
    assert refused.value.check.name == "suite_is_most_preferred"
    assert refused.value.check.refusal.code == 2


def test_a_method_of_another_handshake_is_refused() -> None:
    initiator, _ = pair(3, 2)
    _, responder = pair(0, 2)
    with pytest.raises(CheckFailed) as refused:
        responder.receive(initiator.start())
    assert refused.value.check.name == "method_is_profile"


def test_an_unknown_credential_is_no_crash() -> None:
    initiator, responder = pair(0, 2)
    party_of(initiator).store = {}
    with pytest.raises(UnknownCredential):
        complete(initiator, responder)


def test_a_handshake_with_the_keys_of_somebody_else_is_refused() -> None:
    for method in AUTHENTICATION:
        initiator, _ = pair(method, 2)
        _, responder = pair(method, 2, seed=b"somebody else")
        with pytest.raises(CheckFailed):
            complete(initiator, responder)
