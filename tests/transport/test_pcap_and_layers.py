"""Captures read back by scapy, and its layers against the package's own writers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from trustconn.harness.transport.frames import write_frame
from trustconn.harness.transport.pcap import DEVICE_PORT, SERVICE_PORT, CaptureWriter, Chunk, write_pcap
from trustconn.harness.transport.scapy_layers import EdhocError, EdhocMessage, Frame, Record, Unit
from trustconn.harness.transport.units import Kind, write_unit

START = 1_789_000_000.25
CHUNKS: list[Chunk] = [
    (START, "device", write_unit(1, b"message_1")),
    (START + 0.5, "service", write_unit(1, b"message_2")),
    (START + 1, "device", write_unit(1, b"message_3") + write_unit(3, b"record")),
    (START + 2, "service", write_unit(2, b"error") + bytes(100_001)),
]


def units_in(data: bytes) -> Iterator[Unit]:
    layer: Packet = Unit(data)
    while isinstance(layer, Unit):
        yield layer
        layer = layer.payload


def test_a_conversation_reads_back_in_time_order_and_content(tmp_path: Path) -> None:
    path = tmp_path / "conversation.pcap"
    write_pcap(path, CHUNKS)
    packets = rdpcap(str(path))
    flags = [str(p[TCP].flags) for p in packets]
    assert flags == ["S", "SA", "A", "PA", "PA", "PA", "PA", "PA", "FA", "FA", "A"]
    assert [float(p.time) for p in packets[3:7]] == [START, START + 0.5, START + 1, START + 2]
    for port, sender in ((DEVICE_PORT, "device"), (SERVICE_PORT, "service")):
        sent = b"".join(bytes(p[TCP].payload) for p in packets if p[TCP].sport == port)
        assert sent == b"".join(data for _, who, data in CHUNKS if who == sender)


def test_checksums_and_sequence_numbers_are_right(tmp_path: Path) -> None:
    path = tmp_path / "conversation.pcap"
    write_pcap(path, [*CHUNKS, (START + 3, "device", b"odd")])
    due = {DEVICE_PORT: 0, SERVICE_PORT: 0}
    for packet in rdpcap(str(path)):
        fresh = packet.copy()
        del fresh[IP].chksum, fresh[TCP].chksum, fresh[IP].len
        assert bytes(IP(bytes(fresh))) == bytes(packet)
        tcp = packet[TCP]
        assert tcp.seq == due[tcp.sport]
        due[tcp.sport] += len(tcp.payload) + ("S" in tcp.flags) + ("F" in tcp.flags)
        assert tcp.ack == (due[tcp.dport] if "A" in tcp.flags else 0)


def test_a_capture_of_many_conversations_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "conversations.pcapng"
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        writer.add("the first", CHUNKS)
        writer.add("nothing was said", [])
        writer.add("das dritte: größer", CHUNKS[:2])
    packets = rdpcap(str(path))
    first, third = DEVICE_PORT, DEVICE_PORT + 2
    commented = [(p[TCP].sport, str(p[TCP].flags), p.comment.decode()) for p in packets if p.comment]
    assert commented == [(first, "S", "the first"), (third, "S", "das dritte: größer")]
    assert [float(p.time) for p in packets[3:7]] == [START, START + 0.5, START + 1, START + 2]
    for port, chunks in ((first, CHUNKS), (third, CHUNKS[:2])):
        sent = b"".join(bytes(p[TCP].payload) for p in packets if p[TCP].sport == port)
        assert sent == b"".join(data for _, who, data in chunks if who == "device")


def test_a_conversation_without_octets_is_an_empty_capture(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    write_pcap(path, [])
    assert path.read_bytes().hex() == "d4c3b2a1020004000000000000000000" + "00000400" + "65000000"


@settings(max_examples=40)
@given(units=st.lists(st.tuples(st.sampled_from(Kind), st.binary(min_size=1, max_size=40)), min_size=1, max_size=4))
def test_units_dissect_and_build_again(units: list[tuple[Kind, bytes]]) -> None:
    data = b"".join(write_unit(kind, payload) for kind, payload in units)
    built = []
    for layer in units_in(data):
        built.append((layer.kind, bytes(layer.body)))
        expected = {Kind.EDHOC_MESSAGE: EdhocMessage, Kind.EDHOC_ERROR: EdhocError, Kind.RECORD: Record}[layer.kind]
        assert type(layer.body) is expected
    assert built == units
    assert bytes(Unit(data)) == data


def test_a_unit_is_built_with_its_length_or_with_a_wrong_one() -> None:
    assert bytes(Unit(kind=3, body=Record(sealed=b"abc"))) == write_unit(3, b"abc")
    assert bytes(Unit(len=9, kind=1, body=EdhocMessage(message=b"abc"))) == b"\0\0\0\x09\x01abc"
    assert type(Unit(write_unit(77, b"abc")).body) is Raw


def test_units_of_a_capture_dissect(tmp_path: Path) -> None:
    path = tmp_path / "units.pcap"
    write_pcap(path, CHUNKS[:3])
    sent = (bytes(packet[TCP].payload) for packet in rdpcap(str(path)) if packet[TCP].payload)
    bodies = [bytes(unit.body) for data in sent for unit in units_in(data)]
    assert bodies == [b"message_1", b"message_2", b"message_3", b"record"]


def test_reassembly_waits_for_the_end_of_a_unit() -> None:
    data = write_unit(1, b"message") + write_unit(3, b"record")
    whole = [n for n in range(1, len(data) + 1) if Unit.tcp_reassemble(data[:n], {}, {})]
    assert whole == [len(write_unit(1, b"message")), len(data)]


def test_frames_dissect_and_build_again() -> None:
    data = write_frame(b"\x82\x07\xa0") + write_frame(b"\x82\x06\xa1\x01\x0a")
    first = Frame(data)
    assert (first.cbor, first.payload.cbor) == (b"\x82\x07\xa0", b"\x82\x06\xa1\x01\x0a")
    assert bytes(Frame(cbor=b"\x82\x07\xa0")) == write_frame(b"\x82\x07\xa0")
    assert bytes(first) == data


@pytest.mark.parametrize("module", ["trustconn.harness.transport", "trustconn.harness.transport.pcap"])
def test_scapy_is_not_imported_to_run(module: str) -> None:
    code = f"import {module}, sys; sys.exit('scapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
