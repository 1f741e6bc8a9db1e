"""The TLS binding for the man in the middle: records on TCP, what stands in them unprotected, honest conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ...model.checks import CHECKS
from ..bits import one_bit_other
from ..crypto.curves import CURVE_25519
from ..crypto.random import SeededRandom
from ..identity.keys import derive_key
from ..peer.channel import ChannelOf
from ..tester.tls_messages import (
    ALERT,
    ALPN,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    EARLY_DATA,
    HANDSHAKE,
    KEY_SHARE,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    TYPES,
    Hello,
    message,
    record,
)
from ..tester.tls_records import HEAD, TAG, cutter
from ..tester.tls_tester import MisbehavingTls
from .binding import Cutter, Interjection, Position, Rewrite
from .flow import CLOSE_FRAME, END_OF_CHANNEL, forged_close, honest, positions

ENFORCED_BY = {
    "client_hello": "finished_r_verifies",
    "server_flight": "flight_r_is_protected",
    "client_flight": "flight_i_is_protected",
}
"""The check that meets a change of a flight; what comes later meets the protection of records."""
PROTECTED = "tls_message_is_expected"
RANDOM_AT = HEAD + 4 + 2
"""Where the random value of a hello begins (RFC 9846 section 4.1)."""
P_256, X25519, X25519MLKEM768, TLS_1_2, AES_256, NOBODY = 0x0017, 0x001D, 0x11EC, 0x0303, 0x1302, b"\x00\x02h2"


def _enforced(message_name: str, protected: bool) -> str:
    return CHECKS[PROTECTED if protected else ENFORCED_BY[message_name]].requirement


class TlsBinding:
    """TLS 1.3 (RFC 9846) on TCP."""

    name, protects, works, once = "tls", PROTECTED, "TLS-01", "TLS-19"
    impostor: ChannelOf = MisbehavingTls

    def flow(self) -> tuple[Position, ...]:
        return tuple(positions(honest(self.name, cutter), _enforced))

    def cutter(self) -> Cutter:
        return cutter()

    def bits(self, position: Position) -> Mapping[str, Rewrite]:
        places: dict[str, Rewrite] = {
            "type": partial(one_bit_other, at=0), "length": partial(one_bit_other, at=4), "last": one_bit_other,
        }  # fmt: skip
        if position.message in ("client_hello", "server_flight"):
            places |= {"random": partial(one_bit_other, at=RANDOM_AT), "suites": _in_head}
            return places | dict(_in_extensions(position))
        return places | {"first": partial(one_bit_other, at=HEAD)}

    def rewrites(self, position: Position) -> Mapping[str, Rewrite]:
        if position.message == "client_hello":
            return _CLIENT_HELLO
        if position.message == "server_flight":
            return _SERVER_HELLO
        frame = honest(self.name, cutter)[self.flow().index(position)].data
        is_frame = position.protected and not position.message.startswith(END_OF_CHANNEL)
        return {"CLOSE": partial(_forged, known=frame)} if is_frame and frame != CLOSE_FRAME else {}

    def interjections(self) -> Mapping[str, Interjection]:
        return _interjections()


@cache
def _interjections() -> Mapping[str, Interjection]:
    requirement = CHECKS[PROTECTED].requirement
    return {
        name: Interjection(octets, sentence, requirement, when, to_both=name == "alert")
        for name, octets, sentence, when in (
            ("alert", record(ALERT, b"\x02\x28"), "a fatal alert in the clear", "always"),
            ("close_notify", record(ALERT, b"\x01\x00"), "close_notify in the clear", "always"),
            ("data", record(APPLICATION_DATA, bytes(40)), "a record under no key", "always"),
            ("change_cipher_spec", record(CHANGE_CIPHER_SPEC, b"\x01"), "change_cipher_spec", "always"),
            ("message", record(HANDSHAKE, message("Finished", bytes(32))), "a message that nobody sent", "handshake"),
            ("key_update", record(HANDSHAKE, message("KeyUpdate", b"\x01")), "KeyUpdate in the clear", "handshake"),
            ("unknown", record(99, b"?"), "a record of an unknown type", "handshake"),
        )
    }


# --- bits ------------------------------------------------------------------------------------------------------------


def _in_head(unit: bytes) -> bytes:
    """The last bit of the cipher suites that are offered, or of the one that was selected."""
    session = RANDOM_AT + 32
    at = session + 1 + unit[session]
    return one_bit_other(unit, at + 3 if unit[HEAD] == TYPES["ClientHello"] else at + 1)


def _in_extensions(position: Position) -> Iterator[tuple[str, Rewrite]]:
    """One bit in each extension that matters."""
    numbers = {"key_share": KEY_SHARE, "supported_versions": SUPPORTED_VERSIONS}
    if position.message == "client_hello":
        numbers |= {"alpn": ALPN, "groups": SUPPORTED_GROUPS, "signatures": SIGNATURE_ALGORITHMS}
    for name, number in numbers.items():
        yield name, _extension(number, one_bit_other)


# --- rewrites --------------------------------------------------------------------------------------------------------


def _hello(change: Callable[[Hello], Hello]) -> Rewrite:
    """A hello in a record of its own; anything else stays as it is."""

    def rewrite(unit: bytes) -> bytes:
        kind = next((name for name in ("ClientHello", "ServerHello") if unit[HEAD] == TYPES[name]), None)
        if kind is None or unit[0] != HANDSHAKE:
            return unit
        return record(HANDSHAKE, change(Hello.parse(unit[HEAD:])).encode(kind))

    return rewrite


def _extension(number: int, change: Callable[[bytes], bytes | None]) -> Rewrite:
    """One extension with other data; left out for None, and as it is where it is not there and gets none."""

    def changed(hello: Hello) -> Hello:
        data = change(hello.extensions.get(number, b""))
        kept = {kind: old for kind, old in hello.extensions.items() if kind != number}
        return Hello(hello.head, kept if data is None else {**kept, number: data})

    return _hello(changed)


def _fixed(number: int, data: bytes | None) -> Rewrite:
    return _extension(number, lambda _: data)


def _u16(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


@cache
def _own_shares() -> Iterable[tuple[int, int, bytes]]:
    """Groups, the octets of a share there, and an ephemeral share of the attacker with which it ends."""
    point = derive_key(b"middle", "share").public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    x = CURVE_25519.public(CURVE_25519.generate(SeededRandom(b"share of the middle")))
    return (
        (P_256, len(point), point), (X25519, len(x), x), (X25519MLKEM768, 1184 + len(x), x),
        (X25519MLKEM768, 1088 + len(x), x),
    )  # fmt: skip


def _share(data: bytes) -> bytes:
    """The attacker's share in the place of each on P-256 or X25519, in a hybrid too, alone or in a list."""
    for group, length, share in _own_shares():
        head = _u16(group, length)
        at = data.find(head)
        if at >= 0:
            end = at + len(head) + length
            data = data[: end - len(share)] + share + data[end:]
    return data


_CLIENT_HELLO: Mapping[str, Rewrite] = {
    "key_share": _extension(KEY_SHARE, _share),
    "no-key_share": _fixed(KEY_SHARE, _u16(0)),
    "groups": _fixed(SUPPORTED_GROUPS, _u16(2, X25519)),
    "signatures": _fixed(SIGNATURE_ALGORITHMS, _u16(2, 0x0807)),
    "tls-1.2": _fixed(SUPPORTED_VERSIONS, b"\x02" + _u16(TLS_1_2)),
    "no-version": _fixed(SUPPORTED_VERSIONS, None),
    "alpn": _fixed(ALPN, _u16(len(NOBODY)) + NOBODY[1:]),
    "no-alpn": _fixed(ALPN, None),
    "server_name": _fixed(SERVER_NAME, None),
    "early_data": _fixed(EARLY_DATA, b""),
}
"""Weaker and other offers."""
_SERVER_HELLO: Mapping[str, Rewrite] = {
    "key_share": _extension(KEY_SHARE, _share),
    "tls-1.2": _fixed(SUPPORTED_VERSIONS, _u16(TLS_1_2)),
    "no-version": _fixed(SUPPORTED_VERSIONS, None),
    "suite": _hello(lambda hello: Hello(hello.head[:-3] + _u16(AES_256) + hello.head[-1:], hello.extensions)),
}


def _forged(unit: bytes, known: bytes) -> bytes:
    """A record with CLOSE in it, and the tag that was there; behind the frame stands the type of its content."""
    ciphertext = unit[HEAD:-TAG]
    rest = ciphertext[len(CLOSE_FRAME) + 3 :]
    forged = forged_close(ciphertext, known, len(ciphertext) - 4)
    return record(APPLICATION_DATA, forged + rest[-1:] + unit[-TAG:])
