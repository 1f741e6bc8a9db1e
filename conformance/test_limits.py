"""Limits: how long, how deep and how many an implementation must bear, and where it must stop."""

from __future__ import annotations

from ..harness.codec import cbor
from ..harness.deadline import Deadline
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import AlterOctets, Lie
from ..harness.tester.wire import Before, OnDemand, ignored_frame, put_record
from ..harness.transport.frames import LIMIT_AFTER_OPEN, LIMIT_BEFORE_OPEN
from ..model.protocol.edhoc import EAD
from .bench import Bench, opened
from .case import Case, both, fault, for_each
from .places import ROLES, in_open, placed, refuses_at_once


def padding(octets: int) -> bytes:
    """An EAD item that is to be ignored, with a value of so many octets (RFC 9528 section 3.8.1)."""
    return b"\x00" + cbor.bstr(bytes(octets))


# --- EDHOC messages --------------------------------------------------------------------------------------------------

LONGEST_MESSAGE_1 = 16_384 - 1
"""Octets of payload where `len` is the greatest allowed."""
REST_OF_MESSAGE_1 = 37
"""METHOD, one suite, G_X and a C_I of one octet."""
HEAD_OF_PADDING = 4


@for_each([Case("service", ("EDH-16",), "longest", "message_1")])
def test_longest_message_1(case: Case, bench: Bench) -> None:
    """A message_1 whose unit has a `len` of 16,384 is read (EDH-16)."""
    items = padding(LONGEST_MESSAGE_1 - REST_OF_MESSAGE_1 - HEAD_OF_PADDING)
    bench.works(opened, deviation=Lie(EAD[1], items, "message_1"))


@for_each(fault("service", "unit_length_is_bounded", f"{excess}-over", "message_1", excess) for excess in (1, 20_000))
def test_long_message_1(case: Case, bench: Bench) -> None:
    """A whole and valid message_1 to be refused solely because its unit is longer than 16,384 (EDH-16)."""
    items = padding(LONGEST_MESSAGE_1 - REST_OF_MESSAGE_1 - HEAD_OF_PADDING + case.data)
    bench.refuses(Lie(EAD[1], items, "message_1"))


_LONG = (("service", "message_3"), ("device", "message_4"))


@for_each(Case(role, ("EDH-16",), "60000-octets", message) for role, message in _LONG)
def test_long_message_accepted(case: Case, bench: Bench) -> None:
    """A message_3 or message_4 of 60,000 octets is read (EDH-16)."""
    number = int(case.field[-1])
    bench.works(opened, deviation=Lie(EAD[number], padding(60_000), case.field))


@for_each(Case(role, ("EDH-16",), "longest", message) for role, message in _LONG)
def test_longest_message(case: Case, bench: Bench) -> None:
    """A message_3 or message_4 whose unit has a `len` of 65,536 is read (EDH-16)."""
    honest = bench.iut.good().peer.sent[case.field]
    heads = 3 - (len(honest) - len(cbor.unbstr(honest)))
    items = padding(65_535 - len(honest) - heads - HEAD_OF_PADDING)
    bench.works(opened, deviation=Lie(EAD[int(case.field[-1])], items, case.field))


@for_each(fault(role, "unit_length_is_bounded", "66000-octets", message) for role, message in _LONG)
def test_long_message(case: Case, bench: Bench) -> None:
    """A whole and valid message_3 or message_4 to be refused solely because its unit is longer than 65,536 (EDH-16).

    AES-CCM cannot seal so much: suite 5 does.
    """
    bench.iut.need_feature("suites", 5)
    deviation = Lie(EAD[int(case.field[-1])], padding(66_000), case.field)
    if case.role == "service":
        bench.refuses(deviation, suites_i=(5,))
        return
    with bench.iut.configured(suites=[5]):
        bench.refuses(deviation, configuration="suite 5")


_BOMBS = {
    "array-of-2-to-the-32": bytes.fromhex("9affffffff"),
    "array-of-2-to-the-64": bytes.fromhex("9bffffffffffffffff"),
    "map-of-2-to-the-32": bytes.fromhex("baffffffff0000"),
    "map-of-2-to-the-63": bytes.fromhex("bb7fffffffffffffff"),
    "string-of-2-to-the-32": bytes.fromhex("5affffffff00"),
    "string-of-2-to-the-64": bytes.fromhex("5bffffffffffffffff00"),
    "text-of-2-to-the-63": bytes.fromhex("7b7fffffffffffffff61"),
    "arrays-of-arrays": bytes.fromhex("9affffffff") * 10,
}
"""Few octets that announce many."""


@for_each(
    fault("service", "edhoc_message_is_deterministic", name, "message_1", octets)
    for name, octets in {**_BOMBS, "16000-deep": b"\x81" * 16_000 + b"\x00"}.items()
)
def test_bomb_message_1(case: Case, bench: Bench) -> None:
    """A message_1 that announces more than it holds is refused, and costs no more than what it holds (EDH-13)."""
    bench.refuses(AlterOctets("message_1", lambda _: case.data))


_BEFORE_OPEN = {"device": "HELLO_R", "service": "HELLO_I"}


# --- frames ----------------------------------------------------------------------------------------------------------


@for_each(Case(role, ("ERR-03",), "longest", "frame-before-OPEN") for role in ROLES)
def test_longest_frame_before_open(case: Case, bench: Bench) -> None:
    """A frame of 65,536 octets before OPEN is read (ERR-03)."""
    frame = ignored_frame(LIMIT_BEFORE_OPEN)
    bench.works(opened, deviation=Before(_BEFORE_OPEN[case.role], lambda peer: peer.send_frame(frame)))


@for_each(Case(role, ("ERR-03",), "longest", "frame-in-OPEN") for role in ROLES)
def test_longest_frame_in_open(case: Case, bench: Bench) -> None:
    """A frame of 1,048,576 octets in OPEN is read (ERR-03)."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.send_frame(ignored_frame(LIMIT_AFTER_OPEN))
        return "" if conversation.probe() else "the session ended"

    bench.works(play)


@for_each(both("frame_length_is_bounded", "one-over", "frame-before-OPEN"))
def test_long_frame_before_open(case: Case, bench: Bench) -> None:
    """A whole frame that would be ignored, to be refused for its 65,537 octets before OPEN (ERR-03)."""
    frame = ignored_frame(LIMIT_BEFORE_OPEN + 1)
    bench.refuses(Before(_BEFORE_OPEN[case.role], lambda peer: peer.send_frame(frame)))


@for_each(both("frame_length_is_bounded", "one-over", "frame-in-OPEN"))
def test_long_frame_in_open(case: Case, bench: Bench) -> None:
    """A whole frame that would be ignored, to be refused for its 1,048,577 octets (ERR-03)."""
    frame = ignored_frame(LIMIT_AFTER_OPEN + 1)
    bench.refuses(OnDemand(lambda peer: peer.send_frame(frame)), in_open)


@for_each(
    fault(role, "frame_length_is_bounded", f"announced-{length}", f"frame-at-{place}", (place, length))
    for role in ROLES
    for place, lengths in ((_BEFORE_OPEN[role], (65_537, 2**24 - 1)), ("OPEN", (2**20 + 1, 2**24 - 1)))
    for length in lengths
)
def test_announced_frame(case: Case, bench: Bench) -> None:
    """A frame to be refused on reading its length, the only octets of it that are ever sent (ERR-03)."""
    place, length = case.data
    head = length.to_bytes(3, "big")
    refuses_at_once(bench, *placed(place, lambda peer: put_record(peer, head)))


@for_each(
    case for name, octets in _BOMBS.items() for case in both("frame_has_no_trailing_bytes", name, "frame", octets)
)
def test_bomb_frame(case: Case, bench: Bench) -> None:
    """A frame that announces more than it holds is refused, and costs no more than what it holds (ERR-07)."""
    bench.refuses(OnDemand(lambda peer: peer.send_frame(b"\x82\x18\xc8" + case.data)), in_open)


# --- connections -----------------------------------------------------------------------------------------------------

HALF_OPEN = 12
"""Connections that begin and never go on: fewer than every implementation must serve at once."""


@for_each(
    Case(role, ("ERR-10",), name, "connections", data=octets)
    for role in ROLES
    for name, octets in (("silent", b""), ("half-a-head", b"\x00\x00"), ("half-a-unit", bytes.fromhex("0000400001")))
)
def test_half_open_connections(case: Case, bench: Bench) -> None:
    """Connections that stop in the middle of a unit do not keep a good one from working (ERR-10)."""
    waiting = [bench.iut.connect() for _ in range(HALF_OPEN)]
    try:
        for connection in waiting:
            connection.send_all(case.data, Deadline.after(bench.iut.reply))
        bench.works(opened)
    finally:
        for connection in waiting:
            connection.close()
