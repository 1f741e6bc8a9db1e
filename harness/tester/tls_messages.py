"""TLS handshake messages as a misbehaving tester sees them: named, as octets, one change at a time.

What is sent is what both transcripts hold, unless a change says otherwise: a message that is left out is missing from
our own transcript too, so that only the receiver's own idea of the order can object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from ..identity.keys import PrivateKey
from .deviation import Deviation

if TYPE_CHECKING:
    from .peer import TesterEndpoint

HANDSHAKE, APPLICATION_DATA, CHANGE_CIPHER_SPEC, ALERT = 22, 23, 20, 21
"""Content types, RFC 9846 section 5.1."""
NAMES = {
    1: "ClientHello", 2: "ServerHello", 4: "NewSessionTicket", 8: "EncryptedExtensions", 11: "Certificate",
    13: "CertificateRequest", 15: "CertificateVerify", 20: "Finished", 24: "KeyUpdate",
}  # fmt: skip
"""Handshake types, RFC 9846 section 4."""
TYPES = {name: number for number, name in NAMES.items()}


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets of one content type. `hashed`: part of our own transcript."""

    octets: bytes
    content: int = HANDSHAKE
    hashed: bool = True


class Handshake(Protocol):
    """What a change may ask of the handshake as it stands."""

    def transcript(self) -> bytes:
        """Hash of the transcript up to now."""

    def unhashed(self, honest: bytes, sent: bytes) -> list[Piece]:
        """`sent` on the wire, `honest` in our transcript."""


Change = Callable[[Handshake, bytes], Iterable[Piece]]
"""What goes out in place of a message, given the handshake as it stands and the message with its header."""


def message(kind: str, body: bytes) -> bytes:
    """A handshake message with its header (RFC 9846 section 4)."""
    return bytes((TYPES[kind],)) + len(body).to_bytes(3, "big") + body


def record(content: int, fragment: bytes) -> bytes:
    """A record (RFC 9846 section 5.1)."""
    return bytes((content, 3, 3)) + _u16(len(fragment)) + fragment


def body_of(octets: bytes) -> bytes:
    """A handshake message without its header."""
    return octets[4:]


class TlsFault(Deviation):
    """A change of one handshake message; nothing else differs but what is computed from it."""

    def __init__(self, at: str, change: Change) -> None:
        super().__init__()
        self.at, self._change = at, change

    def handshake(self, peer: TesterEndpoint, handshake: Handshake, octets: bytes) -> list[Piece]:
        """What the tester sends in place of a handshake message."""
        if NAMES.get(octets[0]) != self.at or self.reached:
            return [Piece(octets)]
        self.happened(peer)
        return list(self._change(handshake, octets))


class Swapped(TlsFault):
    """A message comes behind the one that follows it."""

    def __init__(self, at: str) -> None:
        super().__init__(at, lambda handshake, octets: ())
        self._held: bytes | None = None

    def handshake(self, peer: TesterEndpoint, handshake: Handshake, octets: bytes) -> list[Piece]:
        held, self._held = self._held, None
        if held is not None:
            self.happened(peer)
            return [Piece(octets), Piece(held)]
        if NAMES.get(octets[0]) == self.at and not self.reached:
            self._held = octets
            return []
        return [Piece(octets)]


class Offer(Deviation):
    """Settings of the tester's handshake are the fault, which goes out with this message."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def handshake(self, peer: TesterEndpoint, handshake: Handshake, octets: bytes) -> list[Piece]:
        """The message as it is."""
        if NAMES.get(octets[0]) == self.at:
            self.happened(peer)
        return [Piece(octets)]


# --- changes ---------------------------------------------------------------------------------------------------------


def left_out(handshake: Handshake, octets: bytes) -> list[Piece]:
    """Nothing."""
    return []


def twice(handshake: Handshake, octets: bytes) -> list[Piece]:
    """The message two times."""
    return [Piece(octets), Piece(octets)]


def altered(position: int, *, hashed: bool = True) -> Change:
    """One bit of the body flipped, counted from either end; `hashed` False keeps our transcript honest."""

    def change(handshake: Handshake, octets: bytes) -> list[Piece]:
        body = bytearray(body_of(octets))
        body[position] ^= 1
        return (
            [Piece(octets[:4] + bytes(body), hashed=hashed)]
            if hashed
            else handshake.unhashed(octets, octets[:4] + body)
        )

    return change


def instead(make: Callable[[Handshake, bytes], bytes]) -> Change:
    """Another message, header included."""
    return lambda handshake, octets: [Piece(make(handshake, octets))]


def before(content: int, octets_before: bytes) -> Change:
    """Something of another content type first, then the message."""
    return lambda handshake, octets: [Piece(octets_before, content, False), Piece(octets)]


def without_body(kind: str) -> Change:
    """The message with an empty body."""
    return lambda handshake, octets: [Piece(message(kind, b""))]


ECDSA_P256 = 0x0403
"""ecdsa_secp256r1_sha256, RFC 9846 section 4.2.3."""
CONTEXTS = {"device": b"TLS 1.3, client CertificateVerify", "service": b"TLS 1.3, server CertificateVerify"}
"""Whose signature it is, RFC 9846 section 4.4.3."""


def certificate_verify(signature: bytes, scheme: int = ECDSA_P256) -> bytes:
    """CertificateVerify with its header."""
    return message("CertificateVerify", _u16(scheme) + _u16(len(signature)) + signature)


def signed(key: PrivateKey, context: bytes, transcript: Callable[[bytes], bytes] = bytes) -> Change:
    """CertificateVerify by `key`, over what `transcript` makes of the hash of the transcript."""

    def change(handshake: Handshake, octets: bytes) -> list[Piece]:
        assert isinstance(key, EllipticCurvePrivateKey)
        content = b" " * 64 + context + b"\0" + transcript(handshake.transcript())
        return [Piece(certificate_verify(key.sign(content, ECDSA(SHA256(), deterministic_signing=True))))]

    return change


# --- hellos ----------------------------------------------------------------------------------------------------------

SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, ALPN, PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS = 10, 13, 16, 41, 42, 43
POST_HANDSHAKE_AUTH, KEY_SHARE, SERVER_NAME = 49, 51, 0
"""Extension types, RFC 9846 section 4.2."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A ClientHello or ServerHello taken apart: what comes before the extensions, and these in their order."""

    head: bytes
    extensions: dict[int, bytes]

    @classmethod
    def parse(cls, octets: bytes) -> Hello:
        """A handshake message with its header. Raises ValueError or IndexError for what is no hello."""
        body = body_of(octets)
        at = 34 + 1 + body[34]
        if octets[0] == TYPES["ClientHello"]:
            at += 2 + int.from_bytes(body[at : at + 2], "big")
            at += 1 + body[at]
        else:
            at += 3
        rest, found = body[at + 2 :], dict[int, bytes]()
        while rest:
            kind, length = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
            if len(rest) < 4 + length or kind in found:
                raise ValueError("extensions that do not add up")
            found[kind], rest = rest[4 : 4 + length], rest[4 + length :]
        return cls(body[:at], found)

    @property
    def cipher_suites(self) -> tuple[int, ...]:
        """What a ClientHello offers."""
        at = 35 + self.head[34]
        return _numbers(self.head[at + 2 : at + 2 + int.from_bytes(self.head[at : at + 2], "big")])

    def numbers(self, extension: int, length: int = 2) -> tuple[int, ...]:
        """The list of 16-bit numbers in an extension whose own length takes `length` octets."""
        return _numbers(self.extensions.get(extension, b"")[length:])

    def encode(self, kind: str) -> bytes:
        """The handshake message with its header."""
        extensions = b"".join(_u16(number) + _u16(len(data)) + data for number, data in self.extensions.items())
        return message(kind, self.head + _u16(len(extensions)) + extensions)


def _numbers(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2))


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def extension(number: int, change: Callable[[bytes], bytes | None]) -> Change:
    """One extension of a hello with other data, or left out for None; what is not there is empty to `change`."""

    def changed(handshake: Handshake, octets: bytes) -> list[Piece]:
        hello = Hello.parse(octets)
        data = change(hello.extensions.get(number, b""))
        others = {kind: value for kind, value in hello.extensions.items() if kind != number}
        kept = {**others, number: data} if data is not None else others
        return [Piece(Hello(hello.head, kept).encode(NAMES[octets[0]]))]

    return changed
