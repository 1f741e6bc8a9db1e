"""The established TLS channel: exporter, tickets, KeyUpdate, late authentication, and its own end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from ..harness.codec import cbor
from ..harness.identity.faults import bad_leaf
from ..harness.peer.tls_handshake import TlsHandshake
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.misbehaving import misbehaving_tls
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.telling import Telling
from ..harness.tester.tls_messages import HANDSHAKE, message
from ..harness.tester.wire import OnDemand
from ..model.protocol.attestation import EVIDENCE, binder
from ..model.protocol.frames import SIDES
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .parties import credential_message, presenting
from .places import in_open
from .talk import PEER, Talk, Wrong, tell

if TYPE_CHECKING:
    from ..harness.tester.tls_tester import MisbehavingTls

ROLES = ("device", "service")
OPPOSITE = {"device": "service", "service": "device"}
MOST_KEY_UPDATES = 64


def channel_of(peer: TesterEndpoint) -> TlsHandshake:
    """The tester's TLS channel."""
    assert isinstance(peer.channel, TlsHandshake)
    return peer.channel


def misbehaving(peer: TesterEndpoint) -> MisbehavingTls:
    """The tester's channel, where it can misbehave."""
    from ..harness.tester.tls_tester import MisbehavingTls

    assert isinstance(peer.channel, MisbehavingTls)
    return peer.channel


# --- certificates, before anything else ------------------------------------------------------------------------------

BAD = ("foreign-root", "expired", "other-role", "other-identity", "revoked", "no-digital-signature")


def _certificate_cases() -> Iterator[Case]:
    from ..harness.identity.faults import CREDENTIAL_FAULTS

    for role in ROLES:
        for name in BAD:
            check = CREDENTIAL_FAULTS[name].check_on("i" if role == "service" else "r")
            yield citing(fault(role, check, "issue", name), "TLS-09")


@for_each(_certificate_cases(), only="tls")
def test_no_frame_for_a_bad_certificate(case: Case, bench: Bench) -> None:
    """The certificate is refused before any frame: TLS-09."""
    iut = bench.iut
    bad = bad_leaf(iut.pki, iut.opposite, case.field, iut.world.credentials.leaf)
    bench.refuses(Telling(credential_message(iut)), world=presenting(iut, bad), deferred=False)


# --- exporter --------------------------------------------------------------------------------------------------------


def _context(peer: TesterEndpoint) -> bytes:
    items = [cbor.decode(peer.run.value(item)) for item in binder(SIDES[peer.letter]).args[1].args[0].args]
    return sha256(cbor.encode(items)).digest()


BINDERS: dict[str, tuple[str, Callable[[TesterEndpoint], bytes]]] = {
    "channel-binding": ("TLS-13", lambda peer: channel_of(peer).export(b"EXPORTER-Channel-Binding", b"", 32)),
    "channel-binding-label": (
        "TLS-13", lambda peer: channel_of(peer).export(b"EXPORTER-Channel-Binding", _context(peer), 32),
    ),
    "label-of-the-session-id": (
        "TLS-10", lambda peer: channel_of(peer).export(b"EXPERIMENTAL-tc1-sid", _context(peer), 32),
    ),
    "no-context": ("TLS-10", lambda peer: channel_of(peer).export(b"EXPERIMENTAL-tc1-binder", b"", 32)),
    "another-label": (
        "TLS-10", lambda peer: channel_of(peer).export(b"EXPORTER-tc1-binder", _context(peer), 32),
    ),
}  # fmt: skip


def _binder_cases() -> Iterator[Case]:
    for role in ROLES:
        for name, (requirement, _) in BINDERS.items():
            yield citing(fault(role, "eat_nonce_is_binder", "bind", name), requirement)


@for_each(_binder_cases(), only="tls")
def test_binder(case: Case, bench: Bench) -> None:
    """Evidence bound to another value of this very channel's exporter: TLS-10, TLS-13."""
    letter = PEER[case.role]
    made = BINDERS[case.field][1]
    tale = {EVIDENCE[letter].nonce: lambda peer, honest: cbor.bstr(made(peer))}
    bench.refuses(Telling(f"ATT_{letter}", tam=tale))


@for_each(Case(role, ("TLS-10", "TLS-12"), "export", "binder") for role in ROLES)
def test_exporter(case: Case, bench: Bench) -> None:
    """Evidence over the exporter's binder is accepted and given, from another library's key schedule: TLS-10."""
    bench.works(opened, deviation=Deviation(), channel=misbehaving_tls)


@for_each(Case(role, ("TLS-11",), "export", "session-id") for role in ROLES)
def test_session_id(case: Case, bench: Bench) -> None:
    """Labels carry the session id, so an accepted one shows that both sides exported the same: TLS-11."""

    def script(talk: Talk) -> None:
        talk.open()
        if channel_of(talk.peer).export(b"EXPERIMENTAL-tc1-sid", b"", 16) != talk.peer.sid:
            raise Wrong("another session id")
        talk.send_data()

    tell(bench, script)


# --- tickets ---------------------------------------------------------------------------------------------------------


@for_each([Case("service", ("TLS-06",), "send", "no-ticket")])
def test_no_ticket(case: Case, bench: Bench) -> None:
    """The service sends no NewSessionTicket, not even behind a PING."""

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        return "a NewSessionTicket came" if conversation.saw("new_session_ticket") else ""

    bench.works(play)


_LIFETIME, _AGE_ADD, _NONCE, _TICKET = bytes.fromhex("00001c20"), bytes(4), b"\x01\x01", bytes(16)
NEW_TICKET = message("NewSessionTicket", _LIFETIME + _AGE_ADD + _NONCE + b"\x00\x10" + _TICKET + bytes(2))


@for_each([Case("device", ("TLS-06",), "receive", "ticket")])
def test_ticket_is_discarded(case: Case, bench: Bench) -> None:
    """A NewSessionTicket in the session changes nothing."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        misbehaving(conversation.peer).put(HANDSHAKE, NEW_TICKET)
        conversation.flush()
        return "" if conversation.probe() else "no answer behind the ticket"

    bench.works(play, channel=misbehaving_tls)


# --- KeyUpdate -------------------------------------------------------------------------------------------------------


@for_each(Case(role, ("TLS-14",), "update", kind) for role in ROLES for kind in ("requested", "not-requested"))
def test_key_update(case: Case, bench: Bench) -> None:
    """Three KeyUpdates with data in between: the session goes on under the next keys."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        for _ in range(3):
            misbehaving(conversation.peer).update_keys(case.field == "requested")
            conversation.flush()
            if not conversation.probe():
                return "no answer behind KeyUpdate"
        return ""

    bench.works(play, channel=misbehaving_tls)


def _flood(peer: TesterEndpoint) -> None:
    for _ in range(MOST_KEY_UPDATES + 16):
        misbehaving(peer).update_keys(False)


@for_each(fault(role, "key_updates_are_bounded", "flood", "KeyUpdate") for role in ROLES)
def test_key_update_flood(case: Case, bench: Bench) -> None:
    """More KeyUpdates than anyone needs, and no data: TLS-14."""
    bench.refuses(OnDemand(_flood), in_open, channel=misbehaving_tls)


# --- late handshakes -------------------------------------------------------------------------------------------------

_SCHEMES = bytes.fromhex("000d000400020403")
LATE: dict[str, dict[str, bytes]] = {
    "device": {
        "CertificateRequest": message("CertificateRequest", b"\x01\x2a" + len(_SCHEMES).to_bytes(2, "big") + _SCHEMES),
        "HelloRequest": bytes(4),
        "Finished": message("Finished", bytes(32)),
    },
    "service": {
        "ClientHello": message("ClientHello", b"\x03\x03" + bytes(32) + b"\x00\x00\x02\x13\x01\x01\x00\x00\x00"),
        "Certificate": message("Certificate", bytes(4)),
        "Finished": message("Finished", bytes(32)),
        "NewSessionTicket": NEW_TICKET,
    },
}
"""Handshake messages that do not belong into a session, by the role of the implementation that gets them."""


@for_each(
    citing(fault(role, "tls_message_is_expected", "late", name), "TLS-08") for role in ROLES for name in LATE[role]
)
def test_late_handshake(case: Case, bench: Bench) -> None:
    """Authentication or negotiation once more in an open session: TLS-08, TLS-20."""
    octets = LATE[case.role][case.field]
    late = OnDemand(lambda peer: misbehaving(peer).put(HANDSHAKE, octets))
    bench.refuses(late, in_open, channel=misbehaving_tls)


# --- the channel's own end -------------------------------------------------------------------------------------------


@for_each(Case(role, ("TLS-16", "SES-19"), "close_notify", "OPEN") for role in ROLES)
def test_close_notify(case: Case, bench: Bench) -> None:
    """close_notify without CLOSE is truncation, and told as such: TLS-16."""
    iut = bench.iut
    since = iut.moment()

    def script(talk: Talk) -> None:
        talk.open()
        channel_of(talk.peer).close()
        talk.conversation.flush()
        talk.expect_end()
        told = iut.ending(talk.conversation, since)["how"]
        if told != "truncated":
            raise Wrong(f"told as {told}")

    tell(bench, script)
