"""What the hellos of TLS may settle: version, parameters, key shares, the application protocol, and no shortcut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from ..harness.peer.tls_channel import host_of
from ..harness.tester.conversation import Conversation
from ..harness.tester.misbehaving import misbehaving_tls
from ..harness.tester.tls_messages import (
    ALPN,
    EARLY_DATA,
    KEY_SHARE,
    POST_HANDSHAKE_AUTH,
    PRE_SHARED_KEY,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    TYPES,
    Change,
    Hello,
    Offer,
    Piece,
    TlsFault,
    extension,
    message,
)
from ..model.protocol import tls
from .bench import Bench, opened
from .case import Case, fault, for_each
from .test_tls_handshake import refuses

if TYPE_CHECKING:
    from tlslite.api import HandshakeSettings

P256, X25519 = 0x0017, 0x001D
SUITES = (0x1301, 0x1302, 0x1303)
UNKNOWN = 0xFEFE
Settings: TypeAlias = "Callable[[HandshakeSettings], None]"

# --- versions --------------------------------------------------------------------------------------------------------

OLD = {"1.2": (3, 3), "1.1": (3, 2), "1.0": (3, 1)}


def _only(version: tuple[int, int]) -> Settings:
    def change(settings: HandshakeSettings) -> None:
        settings.minVersion = settings.maxVersion = version
        settings.cipherNames = ["aes128gcm", "aes128"]

    return change


@for_each((fault("service", "version_i_is_tls_1_3", "offer-only", version) for version in OLD), handshake=True)
def test_old_client(case: Case, bench: Bench) -> None:
    """A client that knows no TLS 1.3: TLS-01."""
    refuses(bench, Offer("ClientHello"), change=_only(OLD[case.field]))


VERSIONS: dict[str, bytes | None] = {
    "1.2": b"\x03\x03", "1.1": b"\x03\x02", "draft-23": b"\x7f\x17", "1.4": b"\x03\x05", "none": None,
}  # fmt: skip


@for_each((fault("device", "version_r_is_tls_1_3", "select", version) for version in VERSIONS), handshake=True)
def test_selected_version(case: Case, bench: Bench) -> None:
    """A server that selects a version which was not offered: TLS-01."""
    refuses(bench, TlsFault("ServerHello", extension(SUPPORTED_VERSIONS, lambda _: VERSIONS[case.field])))


# --- parameters ------------------------------------------------------------------------------------------------------


def _list(*numbers: int) -> bytes:
    octets = b"".join(number.to_bytes(2, "big") for number in numbers)
    return len(octets).to_bytes(2, "big") + octets


def _suites(*numbers: int) -> Change:
    def change(handshake: Any, octets: bytes) -> list[Piece]:
        hello = Hello.parse(octets)
        head, start = hello.head, 35 + hello.head[34]
        end = start + 2 + int.from_bytes(head[start : start + 2], "big")
        return [Piece(Hello(head[:start] + _list(*numbers) + head[end:], hello.extensions).encode("ClientHello"))]

    return change


OFFERS: dict[str, Change] = {
    "suite-of-nobody": _suites(UNKNOWN),
    "suites-of-tls-1.2": _suites(0xC02B, 0xC02F),
    "no-suite": _suites(),
    "group-of-nobody": extension(SUPPORTED_GROUPS, lambda _: _list(UNKNOWN)),
    "no-groups": extension(SUPPORTED_GROUPS, lambda _: None),
    "signature-sha1": extension(SIGNATURE_ALGORITHMS, lambda _: _list(0x0201, 0x0203)),
    "signature-rsa": extension(SIGNATURE_ALGORITHMS, lambda _: _list(0x0804, 0x0401)),
    "no-signature-algorithms": extension(SIGNATURE_ALGORITHMS, lambda _: None),
}


@for_each((fault("service", "parameters_i_overlap", "offer", what) for what in OFFERS), handshake=True)
def test_offer(case: Case, bench: Bench) -> None:
    """A client with which the service has nothing in common: TLS-02."""
    refuses(bench, TlsFault("ClientHello", OFFERS[case.field]))


def _selected_suite(number: int) -> Change:
    def change(handshake: Any, octets: bytes) -> list[Piece]:
        hello = Hello.parse(octets)
        head = hello.head[:-3] + number.to_bytes(2, "big") + hello.head[-1:]
        return [Piece(Hello(head, hello.extensions).encode("ServerHello"))]

    return change


SELECTIONS: dict[str, Change] = {
    "suite-of-nobody": _selected_suite(UNKNOWN),
    "suite-of-tls-1.2": _selected_suite(0xC02B),
    "group-of-nobody": extension(KEY_SHARE, lambda share: UNKNOWN.to_bytes(2, "big") + share[2:]),
    "no-key-share": extension(KEY_SHARE, lambda _: None),
    "pre-shared-key": extension(PRE_SHARED_KEY, lambda _: b"\0\0"),
}


@for_each((fault("device", "parameters_r_were_offered", "select", what) for what in SELECTIONS), handshake=True)
def test_selection(case: Case, bench: Bench) -> None:
    """A server that selects what was not offered: TLS-02."""
    refuses(bench, TlsFault("ServerHello", SELECTIONS[case.field]))


# --- key shares ------------------------------------------------------------------------------------------------------

POINTS: dict[str, bytes] = {
    "off-curve": b"\x04" + bytes(63) + b"\x05",
    "infinity": b"\x00",
    "zeros": b"\x04" + bytes(64),
    "compressed": b"\x02" + bytes(31) + b"\x05",
    "cut-short": b"\x04" + bytes(40),
    "empty": b"",
}


def _share(point: bytes, *, listed: bool) -> bytes:
    entry = P256.to_bytes(2, "big") + len(point).to_bytes(2, "big") + point
    return len(entry).to_bytes(2, "big") + entry if listed else entry


@for_each(
    (
        fault(role, f"key_share_{side}_is_valid", "share", point)
        for role, side in (("service", "i"), ("device", "r"))
        for point in POINTS
    ),
    handshake=True,
)
def test_key_share(case: Case, bench: Bench) -> None:
    """A P-256 share that is no point of the curve: TLS-19."""
    listed = case.role == "service"
    point = POINTS[case.field]
    change = extension(KEY_SHARE, lambda _: _share(point, listed=listed))
    refuses(bench, TlsFault("ClientHello" if listed else "ServerHello", change))


# --- application protocol --------------------------------------------------------------------------------------------


@for_each((fault("service", "alpn_i_is_tc1", "offer", name) for name in ("h2", "tc2", "TC1", "none")), handshake=True)
def test_offered_protocol(case: Case, bench: Bench) -> None:
    """A client that offers another protocol, or none: TLS-07."""
    refuses(bench, Offer("ClientHello"), alpn=[] if case.field == "none" else [case.field.encode()])


def _alpn(name: str) -> bytes:
    listed = bytes((len(name),)) + name.encode()
    return len(listed).to_bytes(2, "big") + listed


def _in_encrypted_extensions(data: bytes | None) -> Change:
    def change(handshake: Any, octets: bytes) -> list[Piece]:
        listed = b"" if data is None else ALPN.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        return [Piece(message("EncryptedExtensions", len(listed).to_bytes(2, "big") + listed))]

    return change


@for_each((fault("device", "alpn_r_is_tc1", "select", name) for name in ("h2", "tc2", "none")), handshake=True)
def test_selected_protocol(case: Case, bench: Bench) -> None:
    """A server that selects another protocol, or none: TLS-07."""
    data = None if case.field == "none" else _alpn(case.field)
    refuses(bench, TlsFault("EncryptedExtensions", _in_encrypted_extensions(data)))


# --- no request for a certificate ------------------------------------------------------------------------------------


@for_each([fault("device", "certificate_is_requested", "ask", "for-no-certificate")], handshake=True)
def test_no_request(case: Case, bench: Bench) -> None:
    """A server that authenticates itself and asks the device for nothing: TLS-04."""
    refuses(bench, Offer("Certificate"), certificates=False)


# --- shortcuts -------------------------------------------------------------------------------------------------------


def _pre_shared(settings: HandshakeSettings) -> None:
    settings.pskConfigs = [(b"identity", b"\x11" * 32, "sha256")]
    settings.psk_modes = ["psk_dhe_ke"]


@for_each([Case("service", ("TLS-05",), "offer", "pre-shared-key")])
def test_offered_pre_shared_key(case: Case, bench: Bench) -> None:
    """A client that offers a pre-shared key meets certificates all the same, or refusal."""

    def play(conversation: Conversation) -> str:
        from ..harness.tester.tls_tester import MisbehavingTls

        if conversation.until(lambda: conversation.peer.state == "OPEN"):
            channel = conversation.peer.channel
            assert isinstance(channel, MisbehavingTls)
            session = channel.connection.session
            return "" if session.serverCertChain else "no certificate of the service"
        return "" if conversation.saw("tls_alert") else "neither a session nor an alert"

    bench.works(play, deviation=Offer("ClientHello"), channel=partial(misbehaving_tls, change=_pre_shared))


# --- what the device offers ------------------------------------------------------------------------------------------


def client_hello(conversation: Conversation) -> Hello:
    """The first message of the device, from the transcript. Raises ValueError or IndexError for what is none."""
    octets = b"".join(chunk.data for chunk in conversation.transcript.chunks if chunk.sender == "device")
    body = b""
    while octets and octets[0] == 22 and len(body) < 4 + int.from_bytes(body[1:4] or b"\xff", "big"):
        length = int.from_bytes(octets[3:5], "big")
        body, octets = body + octets[5 : 5 + length], octets[5 + length :]
    if body[:1] != bytes((TYPES["ClientHello"],)):
        raise ValueError("no ClientHello")
    return Hello.parse(body[: 4 + int.from_bytes(body[1:4], "big")])


def _version(hello: Hello, host: str) -> str:
    versions = hello.numbers(SUPPORTED_VERSIONS, 1)
    known = [version for version in versions if version & 0x0F0F != 0x0A0A]
    return "" if known == [tls.VERSION] else f"offers versions {[hex(version) for version in known]}"


def _parameters(hello: Hello, host: str) -> str:
    groups, schemes = hello.numbers(SUPPORTED_GROUPS), hello.numbers(SIGNATURE_ALGORITHMS)
    missing = [
        name
        for name, number, offered in (
            ("TLS_AES_128_GCM_SHA256", SUITES[0], hello.cipher_suites),
            ("secp256r1", P256, groups),
            ("ecdsa_secp256r1_sha256", 0x0403, schemes),
        )
        if number not in offered
    ]
    return f"does not offer {', '.join(missing)}" if missing else ""


def _no_shortcut(hello: Hello, host: str) -> str:
    return "offers a pre-shared key or early data" if {PRE_SHARED_KEY, EARLY_DATA} & set(hello.extensions) else ""


def _no_late_authentication(hello: Hello, host: str) -> str:
    return "offers authentication after the handshake" if POST_HANDSHAKE_AUTH in hello.extensions else ""


def _protocol(hello: Hello, host: str) -> str:
    return "" if _alpn(tls.ALPN)[2:] in hello.extensions.get(ALPN, b"") else "does not offer tc/1"


def _server_name(hello: Hello, host: str) -> str:
    return "" if host.encode() in hello.extensions.get(SERVER_NAME, b"") else f"does not name {host}"


OFFERED: dict[str, tuple[str, Callable[[Hello, str], str]]] = {
    "version": ("TLS-01", _version), "parameters": ("TLS-02", _parameters), "no-shortcut": ("TLS-05", _no_shortcut),
    "protocol": ("TLS-07", _protocol), "no-late-authentication": ("TLS-08", _no_late_authentication),
    "server-name": ("TLS-15", _server_name),
}  # fmt: skip


@for_each(Case("device", (requirement,), "offers", name) for name, (requirement, _) in OFFERED.items())
def test_own_offer(case: Case, bench: Bench) -> None:
    """What the device's ClientHello says, and what it leaves out."""
    host = host_of(bench.iut.world.credentials.leaf.identity)

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        try:
            return OFFERED[case.field][1](client_hello(conversation), host)
        except (ValueError, IndexError):
            return "the first message is no ClientHello"

    bench.works(play)


def _mandatory(name: str) -> Settings:
    def change(settings: HandshakeSettings) -> None:
        if name == "x25519":
            settings.eccCurves = settings.keyShares = ["x25519"]
        else:
            settings.eccCurves = settings.keyShares = ["secp256r1"]

    return change


def _support() -> Iterator[Case]:
    for role in ("device", "service"):
        yield Case(role, ("TLS-02",), "speaks", "secp256r1-aes128")


@for_each(_support())
def test_mandatory_parameters(case: Case, bench: Bench) -> None:
    """A session with nothing but the mandatory suite, group and signature: TLS-02."""
    channel = partial(misbehaving_tls, change=_mandatory("secp256r1"))
    bench.works(opened, deviation=Offer("Finished"), channel=channel)
