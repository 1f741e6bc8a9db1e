"""The TLS binding of the reference peers: what is on the wire, what both libraries compute, what is refused."""

from functools import partial
from typing import Any, Literal

import pytest

from trustconn.conformance.test_tls_negotiation import client_hello
from trustconn.harness.crypto.suites import SUITES
from trustconn.harness.iut.features import BINDINGS as FEATURES
from trustconn.harness.peer.binding import BINDINGS
from trustconn.harness.peer.tls_channel import host_of
from trustconn.harness.peer.tls_handshake import TlsHandshake
from trustconn.harness.tester.conversation import Conversation
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.tls_messages import Change, Hello, TlsFault, altered, extension, left_out, message, twice
from trustconn.harness.tester.tls_tester import MisbehavingTls
from trustconn.harness.verdict.verdict import Outcome, Reaction
from trustconn.model.protocol import tables
from trustconn.spec import identifiers

Role = Literal["device", "service"]
ROLES: tuple[Role, ...] = ("device", "service")
CHANNELS: dict[str, dict[str, Any]] = {"OpenSSL": {}, "tlslite-ng": {"channel": MisbehavingTls}}


def both_channels(iut: LocalIut, conversation: Conversation) -> tuple[TlsHandshake, TlsHandshake]:
    assert iut.latest is not None
    mine, theirs = conversation.peer.channel, iut.latest.channel
    assert isinstance(mine, TlsHandshake) and isinstance(theirs, TlsHandshake)
    return mine, theirs


def test_every_binding_has_a_table_and_a_channel() -> None:
    assert set(BINDINGS) == set(tables.BINDINGS) == set(FEATURES)


def test_derivation_gives_the_published_handshake_traffic_key() -> None:
    """RFC 8448 section 3: the server's handshake traffic secret and its write key and iv."""
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    suite = SUITES[3]
    assert suite.expand_label(secret, "key", b"", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert suite.expand_label(secret, "iv", b"", 12).hex() == "5d313eb2671276ee13000b30"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("library", CHANNELS)
def test_a_session_opens_and_both_sides_export_the_same(role: Role, library: str) -> None:
    iut = LocalIut(role, binding="tls")
    conversation = iut.converse(**CHANNELS[library])
    assert conversation.until_open()
    mine, theirs = both_channels(iut, conversation)
    for label, context, length in ((b"EXPERIMENTAL-tc1-sid", b"", 16), (b"EXPERIMENTAL-tc1-binder", bytes(32), 32)):
        assert mine.export(label, context, length) == theirs.export(label, context, length)
    assert iut.latest is not None and iut.latest.sid == conversation.peer.sid


def test_the_exporter_has_the_labels_of_the_identifiers() -> None:
    from trustconn.model.protocol import tls

    numbers, names = identifiers()["edhoc"]["exporter_label"], identifiers()["tls"]
    assert {numbers["binder"]: names["binder_label"], numbers["sid"]: names["sid_label"]} == tls.EXPORTER_LABEL
    assert names["alpn"] == tls.ALPN


def test_the_device_names_the_service_and_offers_no_shortcut() -> None:
    iut = LocalIut("device", binding="tls")
    conversation = iut.good()
    hello = client_hello(conversation)
    assert host_of(iut.world.credentials.leaf.identity).encode() in hello.extensions[0]
    assert not {41, 42, 49} & set(hello.extensions)
    assert Hello.parse(hello.encode("ClientHello")) == hello


def test_a_hello_that_does_not_add_up_is_an_error() -> None:
    with pytest.raises((ValueError, IndexError)):
        Hello.parse(message("ClientHello", bytes(20)))


@pytest.mark.parametrize(
    ("role", "at", "change", "alert"),
    [
        ("service", "CertificateVerify", altered(-1), 51),
        ("service", "Certificate", left_out, 10),
        ("service", "Finished", altered(0), 51),
        ("device", "CertificateVerify", left_out, 10),
        ("device", "EncryptedExtensions", twice, 10),
        ("device", "ServerHello", extension(43, lambda _: b"\x03\x03"), 47),
    ],
)
def test_a_fault_in_one_message_meets_the_alert_of_the_rfc(role: Role, at: str, change: Change, alert: int) -> None:
    iut = LocalIut(role, binding="tls")
    conversation = iut.converse(TlsFault(at, change), channel=MisbehavingTls)
    outcome = conversation.outcome(iut.is_alive, deferred=False)
    assert outcome == Outcome(Reaction.REFUSED, f"tls-alert:{alert}")


def test_an_empty_certificate_is_answered_as_the_rfc_says() -> None:
    iut = LocalIut("service", binding="tls")
    conversation = iut.converse(channel=partial(MisbehavingTls, certificates=False))
    assert conversation.until_seen("tls_alert")
    assert conversation.peer.observations[-1].action == "tls-alert:116"
    assert conversation.saw("HELLO_R") is None


@pytest.mark.parametrize("size", [1, 7, 100])
def test_records_may_come_in_pieces(size: int) -> None:
    from trustconn.harness.tester.wire import Trickle

    iut = LocalIut("service", binding="tls")
    conversation = iut.converse(connection=Trickle(iut.connect(), size))
    assert conversation.until_open() and conversation.finish()


def test_the_end_of_the_transport_is_truncation() -> None:
    iut = LocalIut("service", binding="tls")
    conversation = iut.converse()
    assert conversation.until_open()
    conversation.connection.half_close()
    assert iut.ending(conversation, 0)["how"] == "truncated"


def test_garbage_is_answered_by_an_alert_and_a_good_session_follows() -> None:
    iut = LocalIut("service", binding="tls")
    connection = iut.connect()
    connection.endpoint.receive_data(b"GET / HTTP/1.1\r\n\r\n" * 100)
    assert connection.endpoint.closed
    iut.good()
