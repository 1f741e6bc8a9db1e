"""The register of scenarios: complete over the messages of the table, and traceable."""

import pytest
from mitm_pair import register

from trustconn.harness.mitm.edhoc import cutter as of_units
from trustconn.harness.mitm.ends import BINDINGS
from trustconn.harness.mitm.flow import END_OF_CHANNEL
from trustconn.harness.tester.tls_records import cutter as of_records
from trustconn.model.protocol.tables import profile
from trustconn.model.table import NET, RECORD
from trustconn.spec import requirements

AT_EACH = ("drop", "duplicate", "delay", "reflect", "echo", "fin", "rst", "half", "splice", "recorded", "flip")


@pytest.mark.parametrize("binding", BINDINGS)
def test_each_message_of_an_honest_conversation_meets_each_intervention(binding: str) -> None:
    scenarios = register(binding).values()
    for position in BINDINGS[binding]().flow():
        for operator in AT_EACH:
            assert any(s.operator == operator and s.field.startswith(position.message) for s in scenarios)


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_flow_is_made_of_the_tables_messages(binding: str) -> None:
    messages = profile(binding).messages.items()
    wire = {name for name, message in messages if message.channel in (NET, RECORD)}
    flow = BINDINGS[binding]().flow()
    said = {position.message.partition(".")[0] for position in flow} - {END_OF_CHANNEL}
    assert said <= wire
    handshake = {name for name, message in messages if message.channel == NET}
    assert handshake | {"HELLO_R", "ATT_I", "VERDICT_R", "DATA_I", "CLOSE_R"} <= said
    for sender in ("device", "service"):
        numbers = [position.number for position in flow if position.sender == sender]
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("binding", BINDINGS)
def test_every_scenario_cites_requirements_and_says_what_happens(binding: str) -> None:
    known = requirements()
    for scenario in register(binding).values():
        assert scenario.requirements
        assert set(scenario.requirements) <= known.keys(), scenario.id
        assert len(scenario.sentence.split()) > 2


@pytest.mark.parametrize("binding", BINDINGS)
def test_ids_are_file_names_and_unique(binding: str) -> None:
    listed = list(register(binding))
    assert len(listed) > 450
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") for name in listed)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_units_are_cut_where_they_end(size: int) -> None:
    units = [b"\x00\x00\x00\x02\x03\x01", b"\x00\x00\x00\x01\x09", b"\x00\x00\x00\x05\x01abcd"]
    stream, cutter, found = b"".join(units) + b"\x00\x00", of_units(), []
    for at in range(0, len(stream), size):
        found += cutter.feed(stream[at : at + size])
    assert found == units
    assert cutter.rest() == b"\x00\x00"


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x00\x01", b"\xff\xff\xff\xff\x01"])
def test_what_is_no_unit_passes_uncut_and_unbuffered(head: bytes) -> None:
    cutter = of_units()
    assert b"".join(cutter.feed(head + bytes(100))) == head + bytes(100)
    assert cutter.feed(b"12345678") == [b"12345678"]


def test_records_are_cut_where_they_end() -> None:
    records = [b"\x16\x03\x01\x00\x02ab", b"\x14\x03\x03\x00\x01\x01"]
    cutter = of_records()
    assert cutter.feed(b"".join(records) + b"\x17\x03") == records
    assert cutter.rest() == b"\x17\x03"
    assert of_records().feed(b"GET / HTTP/1.1") == [b"GET / HTTP/1.1"]
