"""The EDHOC binding for the man in the middle: units on TCP, what stands in them unprotected, honest conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

from ...model.checks import CHECKS
from ...model.protocol.edhoc import handshake
from ..bits import one_bit_other
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..crypto.suites import SUITES
from ..peer import edhoc_errors
from ..peer.channel import ChannelOf
from ..peer.edhoc_channel import EdhocChannel
from ..transport.cutter import LengthCutter
from ..transport.units import HEAD_LENGTH, Kind, write_unit
from .binding import Cutter, Interjection, Position, Rewrite
from .flow import CLOSE_FRAME, forged_close, honest, positions

LARGEST = 1 << 20
"""Octets of a unit beyond which a direction is passed on uncut."""
ENFORCED_BY = {
    "message_1": "signature_2_verifies",
    "message_2": "signature_2_verifies",
    "message_3": "message_3_tag_verifies",
    "message_4": "message_4_tag_verifies",
}
"""The check that meets a change of a handshake message; records meet that of their tags."""
GREASE_EAD, UNKNOWN_KIND = 160, 9
PREFERRED, WEAKER, ANOTHER = 3, 2, 5


def _end_of(head: bytes) -> int | None:
    end = 4 + int.from_bytes(head[:4], "big")
    return end if HEAD_LENGTH <= end <= LARGEST else None


def cutter() -> LengthCutter:
    """Cuts at the lengths of units."""
    return LengthCutter(HEAD_LENGTH, _end_of)


def _enforced(message: str, protected: bool) -> str:
    return CHECKS["record_is_in_sequence" if protected else ENFORCED_BY[message]].requirement


class EdhocBinding:
    """EDHOC (RFC 9528) on TCP, with records under keys of its exporter."""

    name, protects, works, once = "edhoc", "record_tag_verifies", "EDH-01", "EDH-14"
    impostor: ChannelOf = EdhocChannel

    def flow(self) -> tuple[Position, ...]:
        return tuple(positions(honest(self.name, cutter), _enforced))

    def cutter(self) -> Cutter:
        return cutter()

    def bits(self, position: Position) -> Mapping[str, Rewrite]:
        first, last = partial(one_bit_other, at=HEAD_LENGTH), one_bit_other
        places: dict[str, Rewrite] = {"len": partial(one_bit_other, at=3), "kind": partial(one_bit_other, at=4)}
        if position.message == "message_1":
            names = _field_names()
            return places | {name: partial(_flip_item, number=i) for i, name in enumerate(names)}
        if position.message == "message_2":
            return places | {"G_Y": partial(one_bit_other, at=HEAD_LENGTH + 12), "CIPHERTEXT_2": last}
        if position.protected:
            return places | {"ciphertext": first, "tag": last}
        return places | {"head": first, "ciphertext": partial(one_bit_other, at=HEAD_LENGTH + 4), "tag": last}

    def rewrites(self, position: Position) -> Mapping[str, Rewrite]:
        if position.message == "message_1":
            return {
                "METHOD": _with_items({0: cbor.encode(3)}),
                "SUITES_I-weaker": _with_items({1: cbor.encode(WEAKER)}),
                "SUITES_I-listed": _with_items({1: cbor.encode([PREFERRED, WEAKER])}),
                "SUITES_I-other": _with_items({1: cbor.encode(ANOTHER)}),
                "G_X": lambda unit: _with_items({2: cbor.bstr(_own_share())})(unit),
                "C_I": _with_items({3: cbor.encode(-24)}),
                "EAD_1": lambda unit: _handshake_unit(unit[HEAD_LENGTH:] + cbor.encode(GREASE_EAD)),
            }
        if position.message == "message_2":
            return {"G_Y": _with_own_g_y}
        frame = honest(self.name, cutter)[self.flow().index(position)].data
        return {"CLOSE": partial(_forged, known=frame)} if position.protected and frame != CLOSE_FRAME else {}

    def interjections(self) -> Mapping[str, Interjection]:
        return _interjections()


@cache
def _interjections() -> Mapping[str, Interjection]:
    return dict((*_errors(), *_others()))


def _errors() -> Iterator[tuple[str, Interjection]]:
    for name, payload, sentence, requirement, when in (
        ("error-1", edhoc_errors.unspecified("go away"), "an error of code 1", "EDH-19", "always"),
        (
            "error-2",
            edhoc_errors.wrong_suite((WEAKER,)),
            "an error that asks for a weaker suite",
            "EDH-05",
            "handshake",
        ),
        (
            "error-2-other",
            edhoc_errors.wrong_suite((ANOTHER,)),
            "an error that asks for suite 5",
            "EDH-05",
            "handshake",
        ),
        ("error-3", edhoc_errors.unknown_credential(), "an error of code 3", "EDH-26", "handshake"),
        ("error-0", cbor.encode(0) + cbor.encode(""), "an error of code 0", "EDH-27", "handshake"),
    ):
        unit = write_unit(Kind.EDHOC_ERROR, payload)
        yield name, Interjection(unit, sentence, requirement, when, to_both=when == "always")


def _others() -> Iterator[tuple[str, Interjection]]:
    for name, kind, payload, sentence, check, when in (
        ("message", Kind.EDHOC_MESSAGE, cbor.bstr(bytes(64)), "a handshake message that nobody sent",
         "edhoc_after_completion_is_discarded", "always"),
        ("record", Kind.RECORD, bytes(40), "a record under no key", "record_tag_verifies", "always"),
        ("unknown", UNKNOWN_KIND, b"?", "a unit of an unknown kind", "unit_kind_is_known", "handshake"),
    ):  # fmt: skip
        yield name, Interjection(write_unit(kind, payload), sentence, CHECKS[check].requirement, when)


def _field_names() -> tuple[str, ...]:
    """Names of the items of message_1 that are always there."""
    items = handshake(0).message_1.args[:4]
    return tuple((item.args[0] if item.op == "bstr" else item).label for item in items)


def _flip_item(unit: bytes, number: int) -> bytes:
    """The last octet of an item of a CBOR sequence."""
    items = cbor.split_sequence(unit[HEAD_LENGTH:])
    items[number] = one_bit_other(items[number])
    return _handshake_unit(b"".join(items))


def _with_items(changed: Mapping[int, bytes]) -> Callable[[bytes], bytes]:
    def rewrite(unit: bytes) -> bytes:
        items = cbor.split_sequence(unit[HEAD_LENGTH:])
        return _handshake_unit(b"".join(changed.get(i, item) for i, item in enumerate(items)))

    return rewrite


def _with_own_g_y(unit: bytes) -> bytes:
    (message,) = cbor.split_sequence(unit[HEAD_LENGTH:])
    content, share = cbor.unbstr(message), _own_share()
    return _handshake_unit(cbor.bstr(share + content[len(share) :]))


@cache
def _own_share() -> bytes:
    """An ephemeral share of the attacker, of the curve of the mandatory suites."""
    curve = SUITES[WEAKER].curve
    return curve.public(curve.generate(SeededRandom(b"share of the middle")))


def _forged(unit: bytes, known: bytes) -> bytes:
    """A record with CLOSE in it, and the tag that was there."""
    tag = SUITES[PREFERRED].aead.tag_length
    ciphertext = unit[HEAD_LENGTH:-tag]
    return write_unit(Kind.RECORD, forged_close(ciphertext, known, len(ciphertext) - 3) + unit[-tag:])


def _handshake_unit(payload: bytes) -> bytes:
    return write_unit(Kind.EDHOC_MESSAGE, payload)
