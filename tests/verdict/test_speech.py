"""What was said in the conversations of a test that did not pass: in plain text, in order, with the fault's place."""

from pathlib import Path

import pytest

from trustconn.harness.tester.deviation import AlterInside, AlterUnit, Deviation, Drop
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.transport.units import Kind
from trustconn.harness.verdict.speech import FAULT, MOST, UNIT, Speech, SpeechError, read_speeches
from trustconn.harness.verdict.transcript import Archive, Transcript


def test_an_honest_conversation_is_told_message_by_message() -> None:
    conversation = LocalIut("service").good()
    names = [(one.sender, one.name) for one in conversation.speech.messages]
    assert names[:6] == [
        ("device", "message_1"), ("service", "message_2"), ("device", "message_3"), ("service", "message_4"),
        ("service", "HELLO_R"), ("device", "HELLO_I"),
    ]  # fmt: skip
    assert {"ATT_I", "ATT_R", "VERDICT_I", "VERDICT_R", "CLOSE_I", "CLOSE_R"} <= {name for _, name in names}
    assert FAULT not in {name for _, name in names}


@pytest.mark.parametrize(
    ("deviation", "faulty"),
    [
        (Drop("VERDICT_I"), "ATT_I"),
        (AlterInside("VERDICT_I", (1, 0), lambda value: b"\x18\x60"), "VERDICT_I"),
        (AlterUnit(Kind.RECORD, 0, lambda payload: [(Kind.RECORD, payload[::-1])]), "HELLO_I"),
    ],
)
def test_the_fault_stands_before_what_shows_it(deviation: Deviation, faulty: str) -> None:
    conversation = LocalIut("service").converse(deviation)
    conversation.until(lambda: conversation.peer.closed, 1)
    said = conversation.speech.messages
    names = [one.name for one in said]
    assert names.count(FAULT) == 1
    assert next(one.name for one in said[names.index(FAULT) + 1 :] if one.sender == "device") == faulty


def test_what_is_no_message_is_told_as_what_it_was() -> None:
    conversation = LocalIut("service").converse()
    conversation.peer.put_unit(Kind.RECORD, b"none")
    conversation.peer.put_octets(b"\x00")
    last = [(one.name, one.data) for one in conversation.speech.messages[-2:]]
    assert last == [(UNIT, b"\x03none"), ("octets", b"\x00")]


def test_a_flood_is_told_in_part() -> None:
    speech = Speech()
    for _ in range(2 * MOST):
        speech.add("device", "PING_I", b"")
    assert len(speech.messages) == MOST


def test_a_file_gives_back_what_was_told(tmp_path: Path) -> None:
    speech = LocalIut("device").good().speech
    with Archive(tmp_path, "device") as archive:
        archive.save("one", [("fault", Transcript())])
        assert not (tmp_path / "messages-device.jsonl").exists()
        archive.tell("one", [("fault", speech), ("afterwards", Speech())])
    assert list(read_speeches(tmp_path / "messages-device.jsonl")) == [
        ("one", "fault", speech),
        ("one", "afterwards", Speech()),
    ]


@pytest.mark.parametrize("line", ["{", "{}", '{"test": "a", "conversation": "b", "ended": null, "messages": [1]}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "messages-device.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(SpeechError, match=r"messages-device.jsonl, line 1"):
        list(read_speeches(path))
