"""Units and frames: the same whatever the splits, bounded before they are held, and final once broken."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.transport.errors import FrameError, TransportError, UnitError
from trustconn.harness.transport.frames import FrameReader, write_frame
from trustconn.harness.transport.units import Kind, Unit, UnitReader, write_unit
from trustconn.model.checks import CHECKS

KIND, LENGTH = "unit_kind_is_known", "unit_length_is_bounded"


def reader(*off: str, limit: int = 65_536) -> UnitReader:
    return UnitReader(lambda kind: limit, frozenset(off))


def drain(machine: UnitReader | FrameReader, *pieces: bytes) -> tuple[list[Unit | bytes], str | None]:
    """What came out, and the check that ended it."""
    out: list[Unit | bytes] = []
    try:
        for piece in pieces:
            for item in machine.feed(piece):
                out.append(item)
    except TransportError as error:
        return out, error.check
    return out, None


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


UNITS = st.lists(st.builds(Unit, st.sampled_from(Kind), st.binary(max_size=60)), max_size=5)
CUTS = st.lists(st.integers(0, 400), max_size=6)


def test_the_octets_of_a_unit() -> None:
    assert write_unit(Kind.RECORD, b"\xaa\xbb") == bytes.fromhex("00000003 03 aabb")
    assert write_unit(Kind.EDHOC_ERROR, b"") == bytes.fromhex("00000001 02")
    with pytest.raises(OverflowError):
        write_unit(256, b"")


@given(units=UNITS, cuts=CUTS, tail=st.binary(max_size=12))
def test_splits_never_matter(units: list[Unit], cuts: list[int], tail: bytes) -> None:
    """Also behind garbage: the same units, then the same check."""
    data = b"".join(write_unit(u.kind, u.payload) for u in units) + tail
    whole = drain(reader(limit=70), data)
    assert whole[0][: len(units)] == units
    assert drain(reader(limit=70), *cut(data, cuts)) == whole
    assert drain(reader(limit=70), *(bytes((octet,)) for octet in data)) == whole


def test_an_incomplete_unit_waits_and_is_counted() -> None:
    machine = reader()
    data = write_unit(Kind.EDHOC_MESSAGE, b"message")
    assert list(machine.feed(data + data[:-1])) == [Unit(1, b"message")]
    assert machine.pending == len(data) - 1
    assert list(machine.feed(data[-1:])) == [Unit(1, b"message")]
    assert machine.pending == 0


@pytest.mark.parametrize("kind", [0, 4, 22, 255])
def test_an_unknown_kind_is_refused_before_its_payload(kind: int) -> None:
    good, bad = write_unit(Kind.RECORD, b"r"), write_unit(kind, b"xyz")
    assert drain(reader(), good + bad[:5]) == ([Unit(3, b"r")], KIND)
    assert drain(reader(KIND), good + bad + good) == ([Unit(3, b"r"), Unit(kind, b"xyz"), Unit(3, b"r")], None)


@pytest.mark.parametrize("length", [0, 65_537, 1 << 31, (1 << 32) - 1])
def test_a_length_out_of_bounds_is_refused_from_the_head_alone(length: int) -> None:
    machine = reader()
    assert drain(machine, length.to_bytes(4, "big") + b"\x01") == ([], LENGTH)
    assert machine.pending == 0


def test_a_huge_length_without_its_check_takes_no_memory_in_advance() -> None:
    for machine, head in (
        (reader(LENGTH), b"\xff\xff\xff\xff\x01"),
        (FrameReader(4, frozenset({"frame_length_is_bounded"})), b"\xff\xff\xff"),
    ):
        tracemalloc.start()
        assert drain(machine, head, b"payload") == ([], None)
        assert tracemalloc.get_traced_memory()[1] < 100_000
        tracemalloc.stop()
        assert machine.pending == len(head) + 7


def test_the_limit_is_the_largest_length() -> None:
    payload = bytes(65_535)
    assert drain(reader(), write_unit(Kind.RECORD, payload)) == ([Unit(3, payload)], None)
    assert drain(reader(), write_unit(Kind.RECORD, payload + b"\0")) == ([], LENGTH)
    assert drain(reader(LENGTH), write_unit(Kind.RECORD, payload + b"\0")) == ([Unit(3, payload + b"\0")], None)
    assert drain(reader(LENGTH), bytes(4) + write_unit(Kind.RECORD, b"r")) == ([Unit(3, b"r")], None)


def test_the_limit_may_depend_on_the_kind_and_on_the_units_before() -> None:
    seen: list[Unit] = []
    machine = UnitReader(lambda kind: 10 if kind == 1 and not seen else 20)
    for unit in machine.feed(write_unit(1, bytes(9)) + write_unit(1, bytes(19))):
        seen.append(unit)
    assert [len(u.payload) for u in seen] == [9, 19]
    assert drain(UnitReader(lambda kind: 10 if kind == 1 else 20), write_unit(1, bytes(19))) == ([], LENGTH)


def test_a_broken_reader_stays_broken_and_holds_nothing() -> None:
    machine = reader()
    assert drain(machine, write_unit(9, b"")) == ([], KIND)
    for _ in range(3):
        with pytest.raises(UnitError, match=KIND):
            list(machine.feed(write_unit(1, b"good")))
    assert machine.pending == 0


def test_octets_fed_and_not_asked_for_come_later() -> None:
    machine = reader()
    machine.feed(write_unit(1, b"a"))
    assert list(machine.feed(write_unit(1, b"b"))) == [Unit(1, b"a"), Unit(1, b"b")]


@given(frames=st.lists(st.binary(max_size=80), max_size=5), cuts=CUTS, tail=st.binary(max_size=6))
def test_frames_do_not_know_their_records(frames: list[bytes], cuts: list[int], tail: bytes) -> None:
    data = b"".join(map(write_frame, frames)) + tail
    whole = drain(FrameReader(100), data)
    assert whole[0][: len(frames)] == frames
    assert drain(FrameReader(100), *cut(data, cuts)) == whole
    assert drain(FrameReader(100), *(bytes((octet,)) for octet in data)) == whole


def test_a_frame_too_long_is_refused_from_its_length() -> None:
    name = "frame_length_is_bounded"
    machine = FrameReader(4)
    assert drain(machine, write_frame(b"four") + (5).to_bytes(3, "big")) == ([b"four"], name)
    assert machine.pending == 0
    with pytest.raises(FrameError, match=name):
        list(machine.feed(write_frame(b"")))
    assert drain(FrameReader(4, frozenset({name})), write_frame(b"fiver")) == ([b"fiver"], None)
    with pytest.raises(OverflowError):
        write_frame(bytes(1 << 24))


def test_the_limit_of_frames_rises_with_the_session() -> None:
    machine = FrameReader(4)
    frames = []
    for frame in machine.feed(write_frame(b"open") + write_frame(b"longer")):
        frames.append(frame)
        machine.max_length = 10
    assert frames == [b"open", b"longer"]


def test_every_error_names_a_declared_check() -> None:
    for name in (KIND, LENGTH):
        assert CHECKS[name] is UnitError(name, "").declaration
        assert CHECKS[name].beside_table
