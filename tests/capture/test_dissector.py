"""Captures of our conversations in tshark, with our dissector: names, values, and what must not be believed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from dissecting import Role, captured, played

from trustconn.harness.codec import cbor
from trustconn.harness.peer.keylog import KeyLog
from trustconn.harness.tester.conversation import Conversation
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.tls_tester import MisbehavingTls
from trustconn.harness.tester.wire import Sliced, own_sealer, put_record
from trustconn.harness.transport import pcap
from trustconn.harness.transport.frames import write_frame
from trustconn.harness.transport.pcap import Chunk
from trustconn.harness.transport.units import Kind, write_unit
from trustconn.model.protocol.tables import profile
from trustconn.model.symbols import received_slots
from trustconn.model.table import NET, RECORD
from trustconn.model.terms import Term

SESSION = ["HELLO_R", "HELLO_I", "ATT_R", "VERDICT_I", "ATT_I", "VERDICT_R", "PING_I", "PONG_R"]
EDHOC = [f"message_{n}" for n in (1, 2, 3, 4)]
LABELLED = ["DATA_I", "RECEIPT_R", "CLOSE_I", "CLOSE_R"]
ROLES: tuple[Role, ...] = ("device", "service")
BINDINGS = ("edhoc", "tls")
GRAMMARS = ("uint", "int", "text", "bytes", "bytes_8")


def whole(iut: LocalIut, conversation: Conversation) -> None:
    """Labelled data of the device, its receipt, and the end."""
    conversation.peer.send_data(b"21.5 degrees")
    conversation.flush()
    conversation.until_seen("RECEIPT_R")
    conversation.finish()


@pytest.mark.parametrize("binding", BINDINGS)
def test_every_message_has_its_name_and_no_complaint(binding: str, tmp_path: Path) -> None:
    capture, _ = played(tmp_path, "service", binding, whole)
    messages, problems, verified = capture.values("tc1.message", "tc1.problem", "edhoc_tcp.verified")
    assert messages == (EDHOC if binding == "edhoc" else []) + SESSION + LABELLED
    assert not problems and set(verified) <= {"1"}


@pytest.mark.parametrize("suite", (2, 3, 5))
def test_records_of_each_suite_are_decrypted(suite: int, tmp_path: Path) -> None:
    capture, _ = played(tmp_path, "service", "edhoc", whole, suites=(suite,))
    messages, verified = capture.values("tc1.message", "edhoc_tcp.verified")
    assert messages == [*EDHOC, *SESSION, *LABELLED] and set(verified) == {"1"}


OPENED = {slot: pattern for row in profile().rows for slot, pattern in row.opens}


def slots(binding: str) -> Iterator[Term]:
    """Slots of all messages whose value tshark shows as the octets, number or text that it is."""
    terms = [m.term for m in profile(binding).messages.values() if m.channel in (NET, RECORD) and not m.by_library]
    while terms:
        found = received_slots(terms.pop())
        plain = (s for s in found if s.sort.size not in ("item", "items") or s.sort.grammar in GRAMMARS)
        yield from (slot for slot in plain if slot not in OPENED)
        terms += [OPENED[slot] for slot in found if slot in OPENED]


def shown_as(slot: Term, octets: bytes) -> str:
    value = cbor.decode(octets) if slot.sort.size == "item" else octets
    return value.hex() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("role", ROLES)
def test_fields_have_the_values_of_the_session(role: Role, binding: str, tmp_path: Path) -> None:
    """Every slot that the tester knows the value of, under the specification's name."""
    capture, conversation = played(tmp_path, role, binding, whole if role == "service" else lambda iut, c: None)
    known = {s: octets for s in slots(binding) if (octets := conversation.peer.run.values.get(s))}
    assert len(known) > 25
    shown = capture.values(*(f"tc1.{s.label.lower()}" for s in known))
    wrong = [
        s.label for (s, octets), values in zip(known.items(), shown, strict=True) if shown_as(s, octets) not in values
    ]
    assert not wrong


@pytest.mark.parametrize("binding", BINDINGS)
def test_without_keys_nothing_is_shown_that_is_protected(binding: str, tmp_path: Path) -> None:
    capture, _ = played(tmp_path, "service", binding, whole, logged=False)
    messages, records = capture.values("tc1.message", "edhoc_tcp.record")
    assert messages == (EDHOC if binding == "edhoc" else [])
    assert len(records) == (len(SESSION + LABELLED) if binding == "edhoc" else 0)


def test_the_misbehaving_handshake_is_decrypted_too(tmp_path: Path) -> None:
    for role in ROLES:
        (folder := tmp_path / role).mkdir()
        capture, _ = played(folder, role, "tls", lambda iut, c: None, channel=MisbehavingTls)
        (messages,) = capture.values("tc1.message")
        assert messages[:6] == SESSION[:6]


def test_frames_over_many_records_are_put_together(tmp_path: Path) -> None:
    capture, _ = played(tmp_path, "service", "edhoc", whole, make=partial(Sliced))
    (messages,) = capture.values("tc1.message")
    assert messages == [*EDHOC, *SESSION, *LABELLED]


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("size", (1, 700))
def test_segments_may_cut_anywhere(size: int, binding: str, tmp_path: Path) -> None:
    capture, conversation = played(tmp_path, "service", binding, whole)
    chunks = [
        (chunk.time, chunk.sender, chunk.data[at : at + size])
        for chunk in conversation.transcript.chunks
        for at in range(0, len(chunk.data), size)
    ]
    again = captured(tmp_path, capture.keys, chunks)
    (messages,) = again.values("tc1.message")
    assert messages == (EDHOC if binding == "edhoc" else []) + SESSION + LABELLED


@pytest.mark.parametrize("binding", BINDINGS)
def test_any_port_will_do(binding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first message, or TLS with its ALPN, tells."""
    monkeypatch.setattr(pcap, "SERVICE_PORT", 4433)
    capture, _ = played(tmp_path, "service", binding, whole)
    (messages,) = capture.values("tc1.message")
    assert messages == (EDHOC if binding == "edhoc" else []) + SESSION + LABELLED


# --- what must not be believed ---------------------------------------------------------------------------------------


def forge(iut: LocalIut, conversation: Conversation) -> None:
    """A record that is cut, one under the other side's key, and the record before once more."""
    peer = conversation.peer
    sealed = own_sealer(peer).seal(b"\x00\x00\x01\x00")
    peer.put_unit(Kind.RECORD, sealed)
    peer.put_unit(Kind.RECORD, sealed)
    peer.put_unit(Kind.RECORD, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    peer.put_unit(Kind.RECORD, own_sealer(peer, peer.peer).seal(b"\x00\x00\x01\x00"))
    conversation.flush()


def test_records_that_do_not_authenticate_are_not_decrypted(tmp_path: Path) -> None:
    capture, _ = played(tmp_path, "service", "edhoc", forge)
    verified, problems = capture.values("edhoc_tcp.verified", "tc1.problem")
    assert verified == ["1"] * (len(SESSION) + 2) + ["0"] * 2
    assert len(problems) >= 3 and "once more" in capture.text()


def mutated(frames: list[bytes], count: int) -> Iterator[bytes]:
    """Frames with octets changed, cut off or put in, from a seed."""
    rng = random.Random(27071)
    for _ in range(count):
        frame = bytearray(rng.choice(frames))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(frame) or 1)
            frame[at : at + rng.choice((0, 1, 1, 1, 8))] = rng.randbytes(rng.choice((0, 1, 1, 1, 3)))
        yield bytes(frame)


def test_no_octets_break_it(tmp_path: Path) -> None:
    """Whatever is sent in frames, units and EDHOC messages: tshark ends well, and Lua has no error."""
    _, conversation = played(tmp_path, "service", "edhoc", whole)
    peer = conversation.peer
    frames = [o.data for o in peer.observations if o.data] + [d for d in peer.sent.values() if d]
    message_1 = next(c.data for c in conversation.transcript.chunks if c.sender == "device")
    sealer = own_sealer(peer)
    chunks: list[Chunk] = [(0.0, "device", message_1)]
    sealer.sequence = 0
    for octets in mutated(frames, 150):
        chunks.append((1.0, "device", write_unit(Kind.RECORD, sealer.seal(write_frame(octets)))))
        chunks.append((1.0, "service", write_unit(Kind.EDHOC_ERROR, octets)))
    kinds = [_units(message_1, octets, n % 5) for n, octets in enumerate(mutated([message_1[5:], *frames], 40))]
    text = captured(tmp_path, tmp_path / "keys.log", chunks, *kinds).text()
    assert text.count("tag verifies: True") == 150


def _units(message_1: bytes, octets: bytes, kind: int) -> list[Chunk]:
    """Octets in place of message_1, of message_2, and as a unit of that kind."""
    first = message_1 if kind else write_unit(Kind.EDHOC_MESSAGE, octets)
    second = write_unit(Kind.EDHOC_MESSAGE, octets)
    return [(0.0, "device", first), (0.1, "service", second), (0.2, "device", write_unit(kind, octets))]


def test_deep_nesting_and_long_claims_are_told(tmp_path: Path) -> None:
    def play(iut: LocalIut, conversation: Conversation) -> None:
        put_record(conversation.peer, write_frame(b"\x82\x05" + b"\x81" * 5000))
        put_record(conversation.peer, write_frame(b"\x82\x05\x9b" + b"\xff" * 8))
        put_record(conversation.peer, b"\xff\xff\xff")
        conversation.flush()

    capture, _ = played(tmp_path, "service", "edhoc", play)
    text = capture.text()
    assert "nested too deep" in text and "items are missing" in text and "a frame of 16777215 octets" in text


def test_the_log_of_another_session_opens_nothing(tmp_path: Path) -> None:
    capture, conversation = played(tmp_path, "service", "edhoc", whole, logged=False)
    other = KeyLog(tmp_path / "other.log")
    other.add("EDHOC_RECORD_KEY_I", bytes(32), bytes(16))
    other.close()
    (messages,) = captured(tmp_path, other.path, conversation.transcript.chunks).values("tc1.message")
    assert messages == EDHOC and capture.keys is None
