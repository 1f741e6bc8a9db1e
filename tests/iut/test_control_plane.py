"""The tester's side of the control plane: whatever an adapter does ends in one clear error, in bounded time."""

import copy
import shlex
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from trustconn.harness.deadline import Deadline
from trustconn.harness.iut import messages
from trustconn.harness.iut.channel import LineChannel
from trustconn.harness.iut.closed_schema import UnknownKeyword, compile_schema
from trustconn.harness.iut.control import (
    ControlClient,
    ControlClosed,
    ControlError,
    ControlGarbage,
    ControlListener,
    ControlRefused,
    ControlTimeout,
)
from trustconn.harness.iut.description import Address
from trustconn.harness.iut.process import Process

LONG = Deadline.after(24 * 3600)  # Counted from when the module is read.
OPEN = '{"event": "open", "connection": 1, "seq": %d, "time": 1, "sid": "' + "00" * 16 + '"}'
Adapter = Callable[..., ControlClient]


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    """Starts a shell script that plays an adapter; it reads a request with `read line`."""
    started: list[tuple[ControlClient, Process]] = []

    def start(script: str, timeout: float = 5.0) -> ControlClient:
        process = Process(("sh", "-c", script), tmp_path, talks=True)
        client = ControlClient(LineChannel(*process.pipes()), timeout, process.describe)
        started.append((client, process))
        return client

    yield start
    for client, process in started:
        client.close()
        process.kill()


def say(*lines: str) -> str:
    return "read line; " + "; ".join(f"printf '%s\\n' {shlex.quote(line)}" for line in lines)


def test_reply_is_the_content(adapter: Adapter) -> None:
    assert adapter(say('{"id": 1, "ok": {"host": "127.0.0.1", "port": 7}}')).start() == Address("127.0.0.1", 7)


def test_refusal_keeps_the_plane_usable(adapter: Adapter) -> None:
    refusal = '{"id": 1, "error": {"code": "wrong_role", "message": "a device does not listen"}}'
    client = adapter(say(refusal) + "; " + say('{"id": 2, "ok": {"now": 9}}'))
    with pytest.raises(ControlRefused, match="start: wrong_role: a device does not listen") as caught:
        client.start()
    assert caught.value.code == "wrong_role"
    assert client.advance_clock(5) == 9


def test_events_before_the_reply_are_kept(adapter: Adapter) -> None:
    client = adapter(say(OPEN % 4, OPEN % 5, '{"id": 1, "ok": {}}'))
    client.stop()
    assert [event["seq"] for event in client.events] == [4, 5]
    assert client.wait_event(lambda event: event["event"] == "open", LONG, since=4)["seq"] == 5


def test_event_that_is_still_to_come_ends_the_wait(adapter: Adapter) -> None:
    client = adapter(say('{"id": 1, "ok": {}}') + "; " + say(OPEN % 1, OPEN % 2) + "; read end")
    client.close_connection(1)
    with pytest.raises(ControlTimeout, match="the second open did not come in time"):
        client.wait_event(lambda event: event["seq"] == 2, Deadline.after(0), "the second open")
    client._channel.send(b"go\n", LONG)
    assert client.wait_event(lambda event: event["seq"] == 2, LONG)["sid"] == "00" * 16


def test_events_come_in_as_many_lines_as_they_need(adapter: Adapter) -> None:
    batches = enumerate((OPEN % 3, OPEN % 4, "", OPEN % 4), 1)
    replies = [f'{{"id": {number}, "ok": {{"events": [{batch}]}}}}' for number, batch in batches]
    client = adapter("; ".join(say(reply) for reply in replies))
    assert [event["seq"] for event in client.events_since(2)] == [3, 4]
    with pytest.raises(ControlGarbage, match="number 4 after 4"):
        client.events_since(4)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        pytest.param(say("Listening on port 1"), ControlGarbage, "not JSON .*'Listening on port 1'", id="log-line"),
        pytest.param(say("[1]"), ControlGarbage, "no JSON object", id="array"),
        pytest.param(say('{"id": 1, "id": 1, "ok": {}}'), ControlGarbage, "a key stands twice", id="duplicate-key"),
        pytest.param(say('{"id": NaN, "ok": {}}'), ControlGarbage, "NaN is no JSON number", id="nan"),
        pytest.param(say("[" * 100_000), ControlGarbage, "not JSON", id="deep"),
        pytest.param(say("1" * 10_000), ControlGarbage, "not JSON", id="huge-number"),
        pytest.param("read line; printf '\\377\\n'", ControlGarbage, "not JSON", id="no-utf-8"),
        pytest.param("read line; head -c 1100000 /dev/zero", ControlGarbage, "more than 1048576 bytes", id="long-line"),
        pytest.param(say('{"id": 9, "ok": {}}'), ControlGarbage, "id 9, expected 1", id="other-id"),
        pytest.param(say('{"id": 1, "ok": {"extra": 1}}'), ControlGarbage, "reply.close .*extra", id="unknown-field"),
        pytest.param(say('{"id": 1}'), ControlGarbage, "reply.close", id="neither-ok-nor-error"),
        pytest.param(say('{"event": "open", "seq": 1}'), ControlGarbage, "event.open .*required", id="half-event"),
        pytest.param(say('{"event": "party"}'), ControlGarbage, "'event.party' is not part", id="unknown-event"),
        pytest.param(say(OPEN % 2, OPEN % 2), ControlGarbage, "event number 2 after 2", id="event-twice"),
        pytest.param("read line", ControlClosed, "before the reply to close: exit code 0", id="ends"),
        pytest.param("read line; printf '{\"id\"'", ControlClosed, r"inside the line '\{\"id\"'", id="half-a-line"),
        pytest.param(
            "read line; echo out of memory >&2; kill -SEGV $$",
            ControlClosed,
            "crashed: ended by SIGSEGV: out of memory",
            id="crashes",
        ),
    ],
)
def test_misbehaviour_has_its_own_clear_error(
    script: str, error: type[ControlError], words: str, adapter: Adapter
) -> None:
    client = adapter(script)
    with pytest.raises(error, match=words) as caught:
        client.close_connection(1)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    with pytest.raises(error):
        client.hello()


def test_silence_ends_at_the_deadline(adapter: Adapter) -> None:
    client = adapter("read line; read more", timeout=0.05)
    with pytest.raises(ControlTimeout, match="the reply to restart did not come in time"):
        client.restart()


def test_adapter_that_does_not_read_ends_at_the_deadline(adapter: Adapter) -> None:
    client = adapter("kill -STOP $$", timeout=0.05)
    with pytest.raises(ControlTimeout, match="does not read"):
        client.send(1, bytes(700_000))


def test_both_sides_may_write_at_once(adapter: Adapter) -> None:
    event = (OPEN % 999999).replace('"', r"\"").replace("999999", "%d") + r"\n"
    flood = f"""awk 'BEGIN {{ for (i = 1; i <= 1000; i++) printf "{event}", i }}'"""
    client = adapter(flood + "; " + say('{"id": 1, "ok": {}}'))
    client.send(1, bytes(700_000))
    assert client.last_seq == 1000


def test_wrong_request_is_the_callers_fault_and_is_never_sent(adapter: Adapter) -> None:
    client = adapter(say('{"id": 2, "ok": {}}'))
    with pytest.raises(messages.MessageError, match=r"request\.connect \$\.port"):
        client.connect(Address("127.0.0.1", 0))
    client.stop()


def test_adapter_on_a_socket() -> None:
    listener = ControlListener(Address("127.0.0.1", 0))
    with pytest.raises(ControlTimeout, match="no adapter dialled"):
        listener.accept(Deadline.after(0.01))
    with socket.create_connection(listener.address) as dialled:
        dialled.sendall(b'{"id": 1, "ok": {}}\n')
        with ControlClient(listener.accept(LONG), 5.0) as client:
            client.stop()
            assert b'"verb":"stop"' in dialled.recv(100)
            dialled.close()
            with pytest.raises(ControlClosed):
                client.stop()
    listener.close()


def test_schema_is_closed_and_names_at_most_ten_verbs() -> None:
    Draft202012Validator.check_schema(messages.schema())
    definitions = messages.schema()["$defs"]
    assert len(messages.verbs()) <= 10
    for verb in messages.verbs():
        assert definitions[f"request.{verb}"]["additionalProperties"] is False
        assert definitions[f"reply.{verb}"]["additionalProperties"] is False


DEFINITIONS = messages.schema()["$defs"]
GOOD: dict[str, messages.Message] = {
    "request.hello": {"id": 1, "verb": "hello"},
    "reply.hello": {
        "id": 1,
        "ok": {
            "protocol": 1,
            "role": "device",
            "name": "x",
            "version": "1",
            "verbs": ["hello", "stop"],
            "features": {"suites": [3, 2], "key_log": False, "connections": 4},
        },
    },
    "request.provision": {
        "id": 1,
        "verb": "provision",
        "folder": "a",
        "suites": [2, 3],
        "accepted": [263, "a/b"],
        "record_limit": 9,
        "requires_evidence": True,
        "authorised_devices": ["urn:x"],
    },
    "request.events": {"id": 1, "verb": "events", "since": 5, "latest": 64, "push": False},
    "request.clock": {"id": 1, "verb": "clock", "now": 5},
    "request.send": {"id": 1, "verb": "send", "connection": 1, "content": "AAAA", "content_type": "a/b"},
    "reply.start": {"id": 1, "ok": {"host": "127.0.0.1", "port": 4433}},
    "reply.events": {
        "id": 1,
        "ok": {"events": [{"event": "open", "connection": 1, "seq": 1, "time": 1, "sid": "0" * 32}]},
    },
    "error": {"id": 1, "error": {"code": "failed", "message": "x"}},
    "event.data": {
        "event": "data",
        "connection": 1,
        "seq": 1,
        "time": 1,
        "labelled": True,
        "digest": "a" * 64,
        "sequence": 1 << 63,
    },
    "event.edhoc_error": {
        "event": "edhoc_error",
        "connection": 1,
        "seq": 1,
        "time": 1,
        "direction": "sent",
        "code": None,
    },
}
VALUES = (
    st.none() | st.booleans() | st.integers(-2, 1 << 65) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "AAA", "AAAA", "a" * 64, "x" * 5000, "open"]) | st.lists(st.integers(0, 3))
    | st.dictionaries(st.sampled_from(["a", "event", "port"]), st.integers(0, 3))
)  # fmt: skip


@given(name=st.sampled_from(sorted(GOOD)), data=st.data())
def test_compiled_schema_judges_like_the_general_library(name: str, data: st.DataObject) -> None:
    message = copy.deepcopy(GOOD[name])
    part = data.draw(st.sampled_from([message, *(value for value in message.values() if isinstance(value, dict))]))
    for key in data.draw(st.lists(st.sampled_from([*part, "extra", "advance"]), max_size=2)):
        if data.draw(st.booleans()):
            part[key] = data.draw(VALUES)
        else:
            part.pop(key, None)
    general = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": DEFINITIONS})
    assert (compile_schema(DEFINITIONS[name], DEFINITIONS)(message) == "") == general.is_valid(message)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_messages_are_good(name: str) -> None:
    messages.check(name, GOOD[name])


def test_pattern_ends_where_the_text_ends() -> None:
    with pytest.raises(messages.MessageError, match=r"event\.data \$\.digest: expected a match"):
        messages.check("event.data", {**GOOD["event.data"], "digest": "a" * 64 + "\n"})


def test_keyword_that_the_compiler_does_not_know_is_an_error() -> None:
    with pytest.raises(UnknownKeyword, match="multipleOf"):
        compile_schema({"type": "integer", "multipleOf": 2}, {})
