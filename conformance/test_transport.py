"""Units and records: what may stand on the transport, and what the record layer must not let through."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..harness.tester.conversation import Conversation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.wire import (
    AlterRecords,
    OnDemand,
    Packed,
    Resend,
    Sliced,
    Trickle,
    ignored_frame,
    own_sealer,
    put_ping,
    put_record,
)
from ..harness.transport.frames import write_frame
from ..harness.transport.record import PLAINTEXT_LIMIT, associated_data
from ..harness.transport.units import Kind
from ..model.protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from .bench import Bench, opened
from .case import Case, both, fault, for_each
from .places import PHASES, ROLES, act, in_open, placed, refuses_at_once
from .stages import Stage, when_open

# --- units -----------------------------------------------------------------------------------------------------------


def _kinds() -> Iterator[Case]:
    for role, phases in PHASES.items():
        for phase in phases:
            for kind in (0, 4, 255):
                yield fault(role, "unit_kind_is_known", f"kind-{kind}", phase, (phase, kind))
        for phase in phases[:2]:
            yield fault(role, "unit_kind_is_known", "kind-3-too-early", phase, (phase, Kind.RECORD))


@for_each(_kinds())
def test_unit_kind(case: Case, bench: Bench) -> None:
    """A unit to be refused solely because of its kind: unknown, or a record before completion (EDH-15)."""
    phase, kind = case.data
    bench.refuses(*placed(phase, lambda peer: peer.put_unit(kind, b"\x00")))


_HEADS = {
    "zero": bytes(4),
    "over": (65_537).to_bytes(4, "big") + b"\x01",
    "over-kind-2": (65_537).to_bytes(4, "big") + b"\x02",
    "4-gib": bytes.fromhex("ffffffff01"),
}


@for_each(
    fault(role, "unit_length_is_bounded", f"length-{name}", phase, (phase, head))
    for role, phases in PHASES.items()
    for phase in phases
    for name, head in _HEADS.items()
)
def test_unit_length(case: Case, bench: Bench) -> None:
    """A unit to be refused solely because of its `len`, which is all that is ever sent of it (EDH-16)."""
    phase, head = case.data
    refuses_at_once(bench, *placed(phase, lambda peer: peer.put_octets(head)))


@for_each(both("unit_length_is_bounded", "too-long-kind-1", "OPEN"))
def test_whole_long_unit(case: Case, bench: Bench) -> None:
    """A unit of kind 1 that is there to the last octet and would be discarded, to be refused for its `len` (EDH-16)."""
    bench.refuses(OnDemand(lambda peer: peer.put_unit(Kind.EDHOC_MESSAGE, bytes(65_536))), in_open)


@for_each(
    Case(role, ("EDH-18",), f"kind-{kind}", name, data=(kind, payload))
    for role in ROLES
    for kind in (Kind.EDHOC_MESSAGE, Kind.EDHOC_ERROR)
    for name, payload in (("empty", b""), ("error", b"\x01\x61x"), ("longest", bytes(65_535)))
)
def test_discarded_after_completion(case: Case, bench: Bench) -> None:
    """EDHOC messages and errors after the handshake change nothing: the session goes on (EDH-18)."""
    kind, payload = case.data

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.put_unit(kind, payload)
        return "" if conversation.probe() else "the session ended"

    bench.works(play)


# --- cutting ---------------------------------------------------------------------------------------------------------


@for_each(
    Case(role, ("EDH-17",), f"segments-of-{size}", "conversation", data=size)
    for role in ROLES
    for size in (1, 2, 5, 100)
)
def test_segments(case: Case, bench: Bench) -> None:
    """However TCP cuts the octets, a unit is what its length says (EDH-17)."""
    bench.works(opened, connection=Trickle(bench.iut.connect(), case.data))


@for_each(
    Case(role, ("EDH-23",), name, "records", data=make)
    for role in ROLES
    for name, make in (("frames-across-records", Sliced), ("frames-in-one-record", Packed))
)
def test_frames_and_records(case: Case, bench: Bench) -> None:
    """Frames and records need not coincide: the stream is what counts."""
    bench.works(opened, make=case.data)


@for_each(
    Case(role, ("EDH-23",), "plaintext", name, data=length)
    for role in ROLES
    for name, length in (("empty", 0), ("longest", PLAINTEXT_LIMIT))
)
def test_record_lengths(case: Case, bench: Bench) -> None:
    """A record may be empty, and may hold 16,384 octets of plaintext (EDH-23)."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        put_record(conversation.peer, write_frame(ignored_frame(case.data - 3)) if case.data else b"")
        return "" if conversation.probe() else "the session ended"

    bench.works(play)


# --- records ---------------------------------------------------------------------------------------------------------


def pings(count: int) -> Stage:
    """That many PINGs in records of their own, which the deviation alters."""

    def stage(iut: Iut, conversation: Conversation) -> None:
        deviation = conversation.peer.deviation
        assert isinstance(deviation, AlterRecords)
        deviation.begin()
        for number in range(count):
            put_ping(conversation.peer, bytes([number]) * 8)

    return when_open(stage)


def _flipped(at: int) -> Callable[[list[bytes]], list[bytes]]:
    def change(records: list[bytes]) -> list[bytes]:
        altered = bytearray(records[0])
        altered[at] ^= 1
        return [bytes(altered)]

    return change


_TAG_CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "first-octet": _flipped(0),
    "content": _flipped(-17),
    "tag-first": _flipped(-16),
    "tag-middle": _flipped(-8),
    "tag-last": _flipped(-1),
    "zero-tag": lambda records: [records[0][:-16] + bytes(16)],
    "cut-tag": lambda records: [records[0][:-8]],
    "no-octets": lambda records: [b""],
    "tag-alone": lambda records: [records[0][-16:]],
    "longer": lambda records: [records[0] + b"\x00"],
}


@for_each(case for name, change in _TAG_CHANGES.items() for case in both("record_tag_verifies", name, "record", change))
def test_record_altered(case: Case, bench: Bench) -> None:
    """A record to be refused solely because its octets are not those that were sealed (EDH-21)."""
    bench.refuses(AlterRecords(1, case.data), pings(1))


_ORDERS: dict[str, tuple[int, Callable[[list[bytes]], list[bytes]]]] = {
    "swapped": (2, lambda records: [records[1], records[0]]),
    "dropped": (2, lambda records: [records[1]]),
    "rotated": (3, lambda records: [*records[1:], records[0]]),
}


@for_each(case for name, data in _ORDERS.items() for case in both("record_is_in_sequence", name, "record", data))
def test_record_order(case: Case, bench: Bench) -> None:
    """Honest records to be refused solely because of their places in the sequence (EDH-22)."""
    count, change = case.data
    bench.refuses(AlterRecords(count, change), pings(count))


@for_each(case for back in (0, 2) for case in both("record_is_in_sequence", f"replayed-after-{back}", "record", back))
def test_record_replayed(case: Case, bench: Bench) -> None:
    """A record to be refused solely because it has been accepted before (EDH-22)."""

    def stage(iut: Iut, conversation: Conversation) -> None:
        for _ in range(case.data):
            conversation.probe()
        act(iut, conversation)

    bench.refuses(Resend(case.data), when_open(stage))


def _ping_sealed(peer: TesterEndpoint, how: str) -> None:
    """PING sealed with one input of the AEAD wrong, and of the peer's own number all the same."""
    frame = write_frame(bytes.fromhex("8208a10148") + b"8 octets")
    aead, run = peer.run.suite.aead, peer.run
    key, iv = run.value(TRAFFIC_KEY[peer.letter]), run.value(TRAFFIC_IV[peer.letter])
    sequence = peer.edhoc.protect().sealer.sequence
    aad = associated_data(len(frame) + aead.tag_length)
    nonce = (int.from_bytes(iv, "big") ^ sequence).to_bytes(aead.nonce_length, "big")
    if how == "peer-key":
        key = run.value(TRAFFIC_KEY[peer.peer])
    elif how == "other-key":
        key = bytes(a ^ 1 for a in key)
    elif how == "peer-iv":
        nonce = (int.from_bytes(run.value(TRAFFIC_IV[peer.peer]), "big") ^ sequence).to_bytes(aead.nonce_length, "big")
    elif how == "no-number":
        nonce = iv
    elif how == "left-aligned-number":
        shifted = sequence << 8 * (aead.nonce_length - 8)
        nonce = (int.from_bytes(iv, "big") ^ shifted).to_bytes(aead.nonce_length, "big")
    else:
        aad = _ASSOCIATED[how](aad)
    peer.edhoc.protect().sealer.sequence += 1
    peer.put_unit(Kind.RECORD, aead.seal(key, nonce, aad, frame))


_ASSOCIATED: dict[str, Callable[[bytes], bytes]] = {
    "no-associated-data": lambda aad: b"",
    "associated-kind": lambda aad: b"\x01" + aad[1:],
    "associated-length": lambda aad: aad[:4] + bytes([aad[4] - 1]),
    "associated-order": lambda aad: aad[1:] + aad[:1],
}


@for_each(
    case
    for how in ("peer-key", "other-key", "peer-iv", "left-aligned-number", *_ASSOCIATED)
    for case in both("record_tag_verifies", how, "record", how)
)
def test_record_sealed_otherwise(case: Case, bench: Bench) -> None:
    """A record to be refused solely because one input of its AEAD is not the specified one (EDH-20, EDH-21)."""
    bench.refuses(OnDemand(lambda peer: _ping_sealed(peer, case.data)), in_open)


@for_each(both("record_is_in_sequence", "number-zero", "record"))
def test_record_number(case: Case, bench: Bench) -> None:
    """A record of this key to be refused solely because its number is zero again (EDH-22)."""
    bench.refuses(OnDemand(lambda peer: _ping_sealed(peer, "no-number")), in_open)


@for_each(both("record_tag_verifies", "another-sessions", "record"))
def test_record_of_another_session(case: Case, bench: Bench) -> None:
    """A record of the same peer in the same place to be refused solely because another session's key sealed it."""
    with_ping: list[bytes] = []

    def play(conversation: Conversation) -> str:
        wrong = opened(conversation)
        if not wrong:
            with_ping.append(own_sealer(conversation.peer).seal(write_frame(bytes.fromhex("8208a10148") + bytes(8))))
        return wrong

    bench.works(play)

    def replay(peer: TesterEndpoint) -> None:
        peer.edhoc.protect().sealer.sequence += 1
        peer.put_unit(Kind.RECORD, with_ping[0])

    if with_ping:
        bench.refuses(OnDemand(replay), in_open)


@for_each(
    case
    for excess in (1, 20)
    for case in both("record_length_is_bounded", f"plaintext-{PLAINTEXT_LIMIT + excess}", "record", excess)
)
def test_record_too_long(case: Case, bench: Bench) -> None:
    """A record to be refused solely because its plaintext exceeds 16,384 octets (EDH-23)."""
    frame = write_frame(ignored_frame(PLAINTEXT_LIMIT + case.data - 3))
    bench.refuses(OnDemand(lambda peer: put_record(peer, frame)), in_open)


LIMIT = 12
"""Records of a direction in a session under test; opening it takes four of the tester."""


def _spend(peer: TesterEndpoint) -> None:
    while peer.edhoc.protect().sealer.sequence < LIMIT:
        put_record(peer, b"")


@for_each(both("record_limit_holds", "received", "records"))
def test_record_limit(case: Case, bench: Bench) -> None:
    """A record to be refused solely because record_limit records came before it (EDH-24)."""

    def stage(iut: Iut, conversation: Conversation) -> None:
        _spend(conversation.peer)
        act(iut, conversation)

    with bench.iut.configured(record_limit=LIMIT):
        bench.refuses(OnDemand(put_ping), when_open(stage), configuration="record_limit")


@for_each(Case(role, ("EDH-24",), "last", "records") for role in ROLES)
def test_last_record(case: Case, bench: Bench) -> None:
    """The last record under record_limit is read and answered (EDH-24)."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        peer = conversation.peer
        while peer.edhoc.protect().sealer.sequence < LIMIT - 1:
            put_record(peer, b"")
        before = len(peer.observations)
        put_ping(peer)
        conversation.flush()
        answered = conversation.until_seen(f"PONG_{peer.peer}", before)
        return "" if answered else "the last record was not answered"

    with bench.iut.configured(record_limit=LIMIT):
        bench.works(play)


@for_each(Case(role, ("EDH-24",), "sent", "records") for role in ROLES)
def test_record_limit_of_sender(case: Case, bench: Bench) -> None:
    """More PINGs in one record than record_limit: the answers stop before it is exceeded (EDH-24)."""
    ping = write_frame(bytes.fromhex("8208a10148") + bytes(8))

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        before = len(conversation.peer.observations)
        put_record(conversation.peer, 2 * LIMIT * ping)
        conversation.flush()
        conversation.until(lambda: len(conversation.peer.observations) == before + 2 * LIMIT)
        answered = len(conversation.peer.observations) - before
        return "" if conversation.ended and answered < LIMIT else f"{answered} answers under a limit of {LIMIT} records"

    with bench.iut.configured(record_limit=LIMIT):
        bench.works(play)
