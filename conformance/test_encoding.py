"""Encodings: one frame, EDHOC message or embedded structure, as valid as any but for the way in which it is encoded."""

from __future__ import annotations

from collections.abc import Iterator

from ..harness.codec import cbor
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterOctets, Deviation, Lie
from ..harness.tester.wire import Before, OnDemand
from ..harness.verdict.allowed import Allowed, allowed_refusals
from ..model.checks import CHECKS
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.edhoc import C_I, C_R, EAD, handshake
from ..model.protocol.frames import HELLO
from ..model.protocol.labels import LABEL
from ..model.terms import Term
from .bench import Bench, opened
from .case import Case, both, fault, for_each
from .encodings import (
    BYTE_STRINGS,
    DETERMINISM,
    DUPLICATES,
    FORM,
    SEVERAL_PAIRS,
    TRAILING,
    Change,
    doubled,
    indefinite,
    long_head,
    nested,
    trailing,
    unsorted,
)
from .places import ROLES, TESTER_LETTER, in_open
from .stages import stage_of

RULES = {
    "frame_is_deterministic": {**DETERMINISM, **SEVERAL_PAIRS, **BYTE_STRINGS},
    "frame_has_no_duplicate_keys": DUPLICATES,
    "frame_has_no_trailing_bytes": TRAILING,
    "frame_matches_its_grammar": FORM,
}
EVERYWHERE = ("long-type", "indefinite-map", "duplicate-key", "trailing-octet", "unknown-key", "no-body")
"""What is tried on every kind of frame; one kind suffers everything."""
EVERYTHING = {"device": "HELLO", "service": "PING"}
WITHOUT = {
    "PING": ("unsorted-keys", "chunked-string"),
    "CLOSE": ("duplicate-key",),
    "ALERT": ("unsorted-keys",),
}
"""What there is no room for in a frame's body, or what only its grammar can exclude."""
OWN = {"CLOSE": cbor.encode([7, {}]), "ALERT": cbor.encode([6, {1: 80}]), "PING": cbor.encode([8, {1: b"8 octets"}])}
"""Frames that the tester makes itself in an open session."""


def _frames() -> Iterator[Case]:
    for kind in ("HELLO", "PING", "ATT", "VERDICT", "DATA", "RECEIPT", "ATT_REQ", "CLOSE", "ALERT"):
        for check, changes in RULES.items():
            for name, change in changes.items():
                if name not in WITHOUT.get(kind, ()):
                    roles = (role for role in ROLES if EVERYTHING[role] == kind or name in EVERYWHERE)
                    yield from (fault(role, check, name, kind, (kind, change)) for role in roles)


@for_each(_frames())
def test_frame(case: Case, bench: Bench) -> None:
    """A frame to be refused solely because of its encoding or form (ERR-05 to ERR-08)."""
    kind, change = case.data
    letter = TESTER_LETTER[case.role]
    if kind in OWN:
        bench.refuses(OnDemand(lambda peer: peer.send_frame(change(OWN[kind]))), in_open)
        return
    name = f"{kind}_{letter}"
    # Both sides hash HELLO: it has to be the altered one for the tester too.
    deviation: Deviation = Lie(HELLO[letter].term, change, name) if kind == "HELLO" else AlterOctets(name, change)
    bench.refuses(deviation, stage_of(name))


# --- types and depth -------------------------------------------------------------------------------------------------


@for_each(
    case
    for number in (0, 11, 127)
    for place in ("HELLO", "OPEN")
    for case in both("frame_type_is_known", f"type-{number}", place, (place, number))
)
def test_unknown_type(case: Case, bench: Bench) -> None:
    """A frame to be refused solely because its type, below 128, is none (ERR-09)."""
    place, number = case.data
    if place == "OPEN":
        bench.refuses(OnDemand(lambda peer: peer.put_frame(number, {})), in_open)
    else:
        bench.refuses(Before(f"HELLO_{TESTER_LETTER[case.role]}", lambda peer: peer.put_frame(number, {})))


_IGNORED = {
    "128": cbor.encode([128, {}]),
    "255": cbor.encode([255, b"anything"]),
    "65536": cbor.encode([65_536, {"key": [1, -1, 1.5, None, True, "text"]}]),
    "2-to-the-64th": cbor.encode([2**64 - 1, 0]),
    "sixteen-deep": b"\x82\x18\xc8" + nested(15),
}


@for_each(
    Case(role, ("ERR-09",), name, place, data=(place, frame))
    for role in ROLES
    for place in ("HELLO", "OPEN")
    for name, frame in _IGNORED.items()
)
def test_ignored_type(case: Case, bench: Bench) -> None:
    """A well-formed frame of a type from 128 on is ignored, whatever it holds (ERR-09)."""
    place, frame = case.data
    if place == "HELLO":
        bench.works(opened, deviation=Before(f"HELLO_{TESTER_LETTER[case.role]}", lambda peer: peer.send_frame(frame)))
        return

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.send_frame(frame)
        return "" if conversation.probe() else "the session ended"

    bench.works(play)


_DEEP = {
    "17-arrays": nested(16),
    "17-maps": nested(16, b"\xa1\x00"),
    "17-tags": nested(16, b"\xc1"),
    "1000-arrays": nested(999),
    "100000-arrays": nested(99_999),
    "100000-tags": nested(99_999, b"\xc1"),
}


@for_each(
    case for name, inner in _DEEP.items() for case in both("frame_depth_is_bounded", name, "ignored-frame", inner)
)
def test_depth(case: Case, bench: Bench) -> None:
    """A frame that would be ignored, to be refused solely because it nests too deep (ERR-04)."""
    frame = b"\x82\x18\xc8" + case.data
    bench.refuses(OnDemand(lambda peer: peer.send_frame(frame)), in_open)


# --- EDHOC messages --------------------------------------------------------------------------------------------------


def _item(position: int, change: Change) -> Change:
    """One item of a CBOR sequence changed."""

    def changed(data: bytes) -> bytes:
        items = cbor.split_sequence(data)
        return b"".join([*items[:position], change(items[position]), *items[position + 1 :]])

    return changed


def _longer_string(data: bytes) -> bytes:
    """The head of a byte string in five octets."""
    return b"\x5a" + len(cbor.unbstr(data)).to_bytes(4, "big") + cbor.unbstr(data)


def _chunk(data: bytes) -> bytes:
    return b"\x5f" + data + b"\xff"


def _text_follows(data: bytes) -> bytes:
    return data + b"\x60"


TERMS = handshake(0)
_STRING = {"long-head": _longer_string, "chunked": _chunk, "text-follows": _text_follows, "doubled": lambda d: d + d}
_MESSAGE_1: dict[str, Change] = {
    "long-G_X": _item(2, _longer_string),
    "chunked-G_X": _item(2, _chunk),
    "long-METHOD": _item(0, lambda data: b"\x18" + data),
    "long-SUITES_I": _item(1, lambda data: b"\x18" + data),
    "float-METHOD": _item(0, lambda data: b"\xf9\x00\x00"),
    "text-G_X": _item(2, lambda data: b"\x78" + data[1:]),
    "text-C_I": _item(3, lambda data: b"\x60"),
    "one-suite-in-array": _item(1, lambda data: b"\x81" + data),
    "no-suites": _item(1, lambda data: b"\x80"),
    "long-C_I": _item(3, lambda data: b"\x18\x18"),
    "no-C_I": _item(3, lambda data: b""),
    "in-array": lambda data: b"\x84" + data,
    "in-string": cbor.bstr,
    "text-follows": _text_follows,
    "value-without-label": lambda data: data + b"\x40",
    "two-values": lambda data: data + b"\x18\xa0\x40\x40",
    "early-end": lambda data: data[:-1],
    "no-octets": lambda data: b"",
}
_INNER: dict[str, Change] = {"long-signature": _item(-1, _longer_string), "text-follows": _text_follows}


def _edhoc() -> Iterator[Case]:
    check = "edhoc_message_is_deterministic"
    for name, change in _MESSAGE_1.items():
        yield fault("service", check, name, "message_1", ("message_1", TERMS.message_1, change))
    yield fault("service", check, "octet-for-integer", "C_I", ("message_1", C_I, lambda _: b"\x41\x05"))
    yield fault("device", check, "octet-for-integer", "C_R", ("message_2", C_R, lambda _: b"\x41\x05"))
    for role, message in (("device", "message_2"), ("service", "message_3"), ("device", "message_4")):
        for name, change in _STRING.items():
            yield fault(role, check, name, message, (message, None, change))
    for role, number, plaintext in (("device", 2, TERMS.plaintext_2), ("service", 3, TERMS.plaintext_3)):
        for name, change in _INNER.items():
            yield fault(role, check, name, f"plaintext_{number}", (f"message_{number}", plaintext, change))
    yield fault("device", check, "text", "plaintext_4", ("message_4", EAD[4], lambda _: b"\x60"))


@for_each(_edhoc())
def test_edhoc_message(case: Case, bench: Bench) -> None:
    """An EDHOC message or plaintext to be refused solely because of its encoding or form (EDH-13)."""
    message, term, change = case.data
    bench.refuses(AlterOctets(message, change) if term is None else Lie(term, change, message))


# --- structures inside byte strings ----------------------------------------------------------------------------------

_MAPS: dict[str, tuple[str, Change]] = {
    "duplicate-key": ("frame_has_no_duplicate_keys", doubled),
    "unsorted-keys": ("frame_is_deterministic", unsorted),
    "long-map-head": ("frame_is_deterministic", long_head),
    "indefinite-map": ("frame_is_deterministic", indefinite),
    "trailing-octet": ("frame_has_no_trailing_bytes", trailing),
}
_ARRAYS: dict[str, tuple[str, Change]] = {
    "long-array-head": ("frame_is_deterministic", lambda data: b"\x98" + bytes([data[0] & 31]) + data[1:]),
    "indefinite-array": ("frame_is_deterministic", lambda data: b"\x9f" + data[1:] + b"\xff"),
    "trailing-octet": ("frame_has_no_trailing_bytes", trailing),
}


def protected_of(token: Term) -> Term:
    """The protected header of a COSE_Sign1 template, without its byte string."""
    return token.args[0].args[0].args[0]


def payload_of(token: Term) -> Term:
    """The payload of a COSE_Sign1 template, without its byte string."""
    return token.args[0].args[2].args[0]


def _embedded() -> Iterator[Case]:
    for role in ROLES:
        letter = TESTER_LETTER[role]
        evidence, label = EVIDENCE[letter], LABEL[letter].term
        eat, cmw = evidence.token.term, evidence.att.term.args[1].args[1].args[0]
        places = (
            ("EAT-header", "ATT", protected_of(eat), True, "eat_header_is_exact", _MAPS),
            ("EAT-payload", "ATT", payload_of(eat), True, "eat_signature_verifies", _MAPS),
            ("CMW", "ATT", cmw, False, "cmw_type_was_accepted", _ARRAYS),
            ("label-header", "DATA", protected_of(label), False, "label_header_is_exact", _MAPS),
        )
        for place, message, term, tam, owner, changes in places:
            for name, (check, change) in changes.items():
                data = (f"{message}_{letter}", term, change, tam, owner)
                yield fault(role, check, name, place, data)


def either(case: Case, other: str) -> Allowed:
    """What is allowed for the case's check, or for the check that would find the embedded structure wrong (ERR-15)."""
    assert case.check is not None
    own, its = (allowed_refusals(CHECKS[name], handshake=False) for name in (case.check, other))
    return Allowed(own.specified, own.tolerated | its.specified | its.tolerated, "ERR-15")


@for_each(_embedded())
def test_embedded(case: Case, bench: Bench) -> None:
    """A structure in a byte string, signed as it stands, to be refused for its encoding alone (ERR-05 to ERR-07)."""
    message, term, change, tam, owner = case.data
    bench.refuses(Lie(term, change, message, tam=tam), stage_of(message), allowed=either(case, owner))
