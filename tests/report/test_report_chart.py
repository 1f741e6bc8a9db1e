"""Messages in the names of the specification, whatever their octets are; and what a run took of the state machine."""

from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trustconn.conformance.collect import suite_tests
from trustconn.conformance.report.chart import LAST, answer, chart
from trustconn.conformance.report.decode import decode
from trustconn.conformance.report.machine import machine
from trustconn.conformance.report.machine_drawing import drawn
from trustconn.harness.codec import cbor
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.verdict.speech import FAULT, FRAME, OCTETS, REPLY, REQUEST, UNIT, Speech, Spoken
from trustconn.model.protocol.tables import profile

NAMES = (*profile().messages, "edhoc_error", "tls_alert", FRAME, UNIT, OCTETS, REQUEST, REPLY)


def spoken(name: str, data: bytes, sender: Literal["device", "service"] = "device") -> Spoken:
    return Spoken(sender, name, data, len(data))


def test_every_message_of_an_honest_conversation_is_read_to_the_end() -> None:
    conversation = LocalIut("service").converse()
    assert conversation.until_open()
    conversation.peer.send_data(b"content")
    conversation.flush()
    assert conversation.until_seen("RECEIPT_R")
    seen = {one.name: decode(one) for one in conversation.speech.messages}
    assert {"HELLO_I", "ATT_R", "VERDICT_I", "DATA_I", "RECEIPT_R"} <= seen.keys()
    for message in seen.values():
        assert not {"not as specified", "not as its grammar says"}.intersection(field.name for field in message.fields)
    assert {name: text for _, name, text in seen["DATA_I"].fields}["CONTENT"] == "h'636f6e74656e74'"
    assert seen["VERDICT_I"].words.startswith("2 affirming")


def test_codes_have_their_names() -> None:
    assert decode(spoken("ALERT_R", cbor.encode([6, {1: 23}]), "service"))[:2] == ("ALERT", "23 binder mismatch")
    assert decode(spoken(FRAME, cbor.encode([9, {1: 3, 2: 30}])))[:2] == ("RECEIPT", "count 3, 30 label invalid")
    assert decode(spoken("edhoc_error", cbor.encode(2) + cbor.encode(3))).words == "2 wrong suite"
    assert decode(spoken(UNIT, b"\x03abc")).title == "unit: record"


@given(st.sampled_from(NAMES), st.binary(max_size=80))
@example("ATT_I", cbor.encode([3, {1: 0, 2: cbor.encode([1, b"\xd2\x84\x40\xa0\x40\x40"])}]))
@example("HELLO_I", b"\x82\x01\xa1\x01\xf9\x7e\x00")
@example("DATA_I", b"\x81" * 60)
def test_hostile_octets_are_shown_and_never_raise(name: str, data: bytes) -> None:
    message = decode(spoken(name, data))
    assert message.title
    assert all(isinstance(field.text, str) for field in message.fields)


def test_a_chart_opens_what_comes_from_the_fault_on() -> None:
    speech = Speech()
    for number in range(10):
        speech.add("device", "PING_I", cbor.encode([8, {1: bytes([number] * 8)}]))
        if number == 6:
            speech.fault_comes("device", now=False)
    speech.add("service", "ALERT_R", cbor.encode([6, {1: 10}]))
    lines = list(chart(speech, "device", "drop of PING"))
    assert [line.kind for line in lines].index("fault") == 7
    assert [bool(line.fields) for line in lines if line.kind == "message"] == [False] * 6 + [True] * 5
    assert lines[-1].title == "the implementation left the connection open"
    assert answer(speech, "device") == "ALERT 10 unexpected frame"


def test_an_exchange_with_a_verifier_is_a_question_and_an_answer() -> None:
    speech = Speech.of_exchange([("device", cbor.encode({1: b"evidence"})), ("service", b"\xff")])
    lines = list(chart(speech, "device", ""))
    assert [(line.sender, line.title) for line in lines] == [("device", "request"), ("service", "reply")]
    assert lines[0].fields[0][1:] == ("1", "h'65766964656e6365'")
    assert lines[1].fields[0].name == "not as its grammar says"


def test_a_chart_without_fault_opens_its_end() -> None:
    lines = list(chart(LocalIut("device").good().speech, "service", ""))
    assert sum(bool(line.octets) for line in lines) == LAST
    assert FAULT not in {line.kind for line in lines}


@pytest.mark.parametrize("role", ["device", "service"])
@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_all_tests_together_take_every_transition(role: Literal["device", "service"], binding: str) -> None:
    """But PING by itself, which no tester can make an implementation do."""
    everything = dict.fromkeys((test.id for test in suite_tests()), "pass")
    made = machine(role, binding, everything)
    left = {step.message for step in made.transitions if step.status != "pass"}
    assert left <= {"app_ping", "PONG_I", "PONG_R"}
    assert made.refusals and {step.status for step in made.refusals} == {"pass"}
    assert {step.status for step in machine(role, binding, {}).steps} == {"not exercised"}
    assert drawn(made).count("<rect") == len(made.states) - 2


def test_a_transition_that_only_failing_tests_take_is_failed() -> None:
    failed = dict.fromkeys((test.id for test in suite_tests()), "fail")
    assert {step.status for step in machine("device", "edhoc", failed).steps} == {"fail", "not exercised"}
