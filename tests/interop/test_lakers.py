"""Live handshakes with lakers (Rust), which shares no code with this repository: method 3, suite 2, CCS credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from trustconn.harness.codec.cbor import bstr, encode
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.suites import SUITES
from trustconn.harness.evaluator.bare import BareEnd, BareParty, Credential
from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.model.protocol.edhoc import DEVICE, EAD, SERVICE

lakers = pytest.importorskip("lakers")

METHOD, SUITE = 3, SUITES[2]
BY_REFERENCE, BY_VALUE = lakers.CredentialTransfer.ByReference, lakers.CredentialTransfer.ByValue
CONNECTION = {"I": "37", "R": "27", "one octet, no integer": "4118", "string": "426162", "empty": "40"}
EXPORTS = [
    (0, b"", 16),
    (1, b"", 8),
    (2, b"context", 32),
    (23, b"c" * 23, 33),
    (5, b"c" * 24, 23),
    (5, b"c" * 255, 255),
]


Meet = Callable[..., tuple[Any, dict[int, list[Any]]]]
"""A complete handshake with our end: the end of lakers and the EAD items that it received, by message."""


class Identity:
    """A static key with its CWT Claims Set (RFC 8392) by reference and by value."""

    def __init__(self, subject: str, kid: bytes) -> None:
        self.private = SUITE.curve.generate(SeededRandom(subject.encode()))
        numbers = ec.derive_private_key(int.from_bytes(self.private), ec.SECP256R1()).public_key().public_numbers()
        key = {1: 2, 2: kid, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        self.claims = {2: subject, 8: {1: key}}
        self.cred = encode(self.claims)
        self.by_reference = encode({4: kid})
        self.by_value = encode({14: self.claims})
        self.held = Credential(self.cred, static_share=numbers.x.to_bytes(32))


DEVICE_ID, SERVICE_ID = Identity("device", b"\x2b"), Identity("service", b"\x32")
STORE = {id_cred: who.held for who in (DEVICE_ID, SERVICE_ID) for id_cred in (who.by_reference, who.by_value)}


def ours(
    role: str,
    *,
    ead: dict[int, bytes] | None = None,
    connection: str | None = None,
    id_cred: bytes | None = None,
    suites_i: str = "02",
) -> BareEnd:
    """Our end of that role."""
    me, letter = (DEVICE_ID, "I") if role == DEVICE else (SERVICE_ID, "R")
    party = BareParty(
        suites=(2,),
        suites_i=bytes.fromhex(suites_i),
        connection=bytes.fromhex(connection or CONNECTION[letter]),
        id_cred=id_cred or me.by_reference,
        secret=SUITE.curve.load(me.private),
        store=STORE,
        ead=ead or {},
    )
    return BareEnd(role, METHOD, party)


def as_initiator(
    initiator: BareEnd, *, ead: dict[int, list[Any]] | None = None, transfer: object = BY_REFERENCE
) -> tuple[Any, dict[int, list[Any]]]:
    """A complete handshake of our initiator: the responder of lakers and the EAD items that it received."""
    ead = ead or {}
    responder = lakers.EdhocResponder(SERVICE_ID.private, SERVICE_ID.cred)
    _, ead_1 = responder.process_message_1(initiator.start())
    message_3 = initiator.receive(responder.prepare_message_2(transfer, b"\x27", ead.get(2, [])))
    _, ead_3 = responder.parse_message_3(message_3)
    responder.verify_message_3(DEVICE_ID.cred)
    assert initiator.receive(responder.prepare_message_4(ead.get(4, []))) == b""
    return responder, {1: ead_1, 3: ead_3}


def as_responder(
    responder: BareEnd, *, ead: dict[int, list[Any]] | None = None, transfer: object = BY_REFERENCE
) -> tuple[Any, dict[int, list[Any]]]:
    """A complete handshake of our responder: the initiator of lakers and the EAD items that it received."""
    ead = ead or {}
    initiator = lakers.EdhocInitiator()
    message_2 = responder.receive(initiator.prepare_message_1(b"\x37", ead.get(1, [])))
    _, _, ead_2 = initiator.parse_message_2(message_2)
    initiator.verify_message_2(DEVICE_ID.private, DEVICE_ID.cred, SERVICE_ID.cred)
    message_3, _ = initiator.prepare_message_3(transfer, ead.get(3, []))
    ead_4 = initiator.process_message_4(responder.receive(message_3))
    return initiator, {2: ead_2, 4: ead_4}


ROLES = [pytest.param(DEVICE, as_initiator, id="initiator"), pytest.param(SERVICE, as_responder, id="responder")]


@pytest.mark.parametrize(("role", "meet"), ROLES)
@pytest.mark.parametrize("transfer", (BY_REFERENCE, BY_VALUE), ids=("by-reference", "by-value"))
def test_complete_handshake_with_equal_exporters(role: str, meet: Meet, transfer: object) -> None:
    end = ours(role)
    peer, _ = meet(end, transfer=transfer)
    assert end.completed
    for label, context, length in EXPORTS:
        assert end.export(label, context, length) == peer.edhoc_exporter(label, context, length)


@pytest.mark.parametrize(("role", "meet"), ROLES)
def test_our_credential_by_value(role: str, meet: Meet) -> None:
    end = ours(role, id_cred=(DEVICE_ID if role == DEVICE else SERVICE_ID).by_value)
    meet(end)
    assert end.completed


@pytest.mark.parametrize(("role", "meet"), ROLES)
def test_key_update_of_both(role: str, meet: Meet) -> None:
    end = ours(role)
    peer, _ = meet(end)
    before = end.export(1, b"", 16)
    for context in (b"first", b"second"):
        end.update_key(context)
        peer.edhoc_key_update(context)
        assert before != end.export(1, b"", 16) == peer.edhoc_exporter(1, b"", 16)


@pytest.mark.parametrize("connection", CONNECTION.values(), ids=CONNECTION)
@pytest.mark.parametrize(("role", "meet"), ROLES)
def test_connection_identifiers_of_every_form(role: str, meet: Meet, connection: str) -> None:
    end = ours(role, connection=connection)
    meet(end)
    assert end.completed


@pytest.mark.parametrize("suites_i", ("820602", "83060302"))
def test_suites_that_the_initiator_prefers_and_the_responder_lacks(suites_i: str) -> None:
    end = ours(DEVICE, suites_i=suites_i)
    as_initiator(end)
    assert end.completed


def _octets(items: list[Any]) -> bytes:
    """EAD items of lakers as they are sent."""
    encoded = b""
    for item in items:
        label, value = item.label(), item.value()
        encoded += encode(-label if item.is_critical() else label)
        encoded += b"" if value is None else bstr(value)
    return encoded


UNKNOWN = [("no value", encode(70)), ("value", encode(71) + bstr(b"value")), ("padding", b"\x00" + bstr(bytes(40)))]
UNKNOWN += [(f"grease {label}", encode(label)) for label in (160, 41120, 43690, 44975)]
UNKNOWN += [("several", encode(70) + b"\x00" + bstr(b"") + encode(160) + bstr(b"g"))]


@pytest.mark.parametrize("items", [i for _, i in UNKNOWN], ids=[n for n, _ in UNKNOWN])
@pytest.mark.parametrize(("role", "meet"), ROLES)
def test_our_ead_items_arrive(role: str, meet: Meet, items: bytes) -> None:
    numbers = (1, 3) if role == DEVICE else (2, 4)
    end = ours(role, ead=dict.fromkeys(numbers, items))
    _, received = meet(end)
    assert {n: _octets(r) for n, r in received.items()} == dict.fromkeys(numbers, items)
    assert end.completed


@pytest.mark.parametrize(("role", "meet"), ROLES)
def test_their_unknown_ead_items_are_ignored(role: str, meet: Meet) -> None:
    numbers = (2, 4) if role == DEVICE else (1, 3)
    items = [lakers.EADItem(0, False, bytes(9)), lakers.EADItem(300, False, b"value"), lakers.EADItem(160, False)]
    end = ours(role)
    meet(end, ead=dict.fromkeys(numbers, items))
    assert end.completed
    assert all(end.run.value(EAD[n]) == _octets(items) for n in numbers)


@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_their_unknown_critical_item_is_refused(number: int) -> None:
    role, meet = (SERVICE, as_responder) if number % 2 else (DEVICE, as_initiator)
    end = ours(role)
    with pytest.raises(CheckFailed) as refused:
        meet(end, ead={number: [lakers.EADItem(5, True)]})
    assert refused.value.check.name == f"ead_{number}_has_no_unknown_critical"
    assert not end.completed


@pytest.mark.parametrize("at", (0, 40))
def test_a_changed_message_2_of_lakers_is_refused(at: int) -> None:
    """The share and the ciphertext: neither survives to message_3."""
    end = ours(DEVICE)
    responder = lakers.EdhocResponder(SERVICE_ID.private, SERVICE_ID.cred)
    responder.process_message_1(end.start())
    message_2 = bytearray(responder.prepare_message_2(BY_REFERENCE, b"\x27", []))
    message_2[2 + at] ^= 1
    with pytest.raises((CheckFailed, ValueError, LookupError)):
        end.receive(bytes(message_2))


@pytest.mark.parametrize(
    ("label", "length", "info"),
    [(24, 16, "184010"), (255, 16, "ff4010"), (5, 256, "05401800")],
    ids=("label 24", "label 255", "length 256"),
)
def test_where_lakers_departs_from_the_exporter(label: int, length: int, info: str) -> None:
    """lakers 0.6.2 writes a label beyond 23 as a bare octet, and of a length beyond 255 the low octet alone."""
    end = ours(DEVICE)
    peer, _ = as_initiator(end)
    theirs = peer.edhoc_exporter(label, b"", length)
    assert theirs != end.export(label, b"", length)
    assert theirs == SUITE.expand(end.run.value(end.terms.prk_exporter), bytes.fromhex(info), length)
