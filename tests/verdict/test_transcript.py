"""Transcripts: kept whole, hashed by what was said."""

from pathlib import Path

import pytest

from trustconn.harness.transport.pcap import Sender
from trustconn.harness.verdict.transcript import Transcript, TranscriptError


def conversation(*chunks: tuple[float, Sender, bytes]) -> Transcript:
    transcript = Transcript()
    for chunk in chunks:
        transcript.add(*chunk)
    return transcript


def test_a_transcript_is_read_back_as_saved(tmp_path: Path) -> None:
    saved = conversation((0.5, "device", b"\x00\xff"), (0.75, "service", b"ok"), (1.0, "device", b""))
    saved.save(tmp_path / "t.jsonl")
    assert Transcript.load(tmp_path / "t.jsonl") == saved
    assert len(saved.chunks) == 2


def test_the_digest_is_of_what_was_said_not_of_when_or_in_which_segments() -> None:
    whole = conversation((0.0, "device", b"abcd"), (1.0, "service", b"e"))
    assert (
        conversation((3.0, "device", b"ab"), (4.0, "device", b"cd"), (5.0, "service", b"e")).digest() == whole.digest()
    )
    for other in (
        conversation((0.0, "device", b"abc"), (1.0, "service", b"de")),
        conversation((0.0, "service", b"abcd"), (1.0, "device", b"e")),
        conversation((0.0, "device", b"abcd")),
    ):
        assert other.digest() != whole.digest()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "3",
        '{"time": 1, "sender": "device"}',
        '{"time": 1, "sender": "device", "data": "0"}',
        '{"time": 1, "sender": "mallory", "data": "00"}',
    ],
)
def test_a_damaged_transcript_names_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"time": 1, "sender": "device", "data": "00"}\n' + line + "\n")
    with pytest.raises(TranscriptError, match="line 2"):
        Transcript.load(path)


def test_a_transcript_becomes_a_capture_with_its_bytes(tmp_path: Path) -> None:
    conversation((0.5, "device", b"from the device"), (0.75, "service", b"from the service")).save_pcap(
        tmp_path / "t.pcap"
    )
    captured = (tmp_path / "t.pcap").read_bytes()
    assert b"from the device" in captured
    assert b"from the service" in captured
