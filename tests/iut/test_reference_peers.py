"""The reference device and service as two processes behind the control plane, from the first word to the last."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from trustconn.harness.deadline import Deadline
from trustconn.harness.identity.provision import provision
from trustconn.harness.iut.address import Address
from trustconn.harness.iut.channel import LineChannel
from trustconn.harness.iut.control import ControlClient, ControlListener, ControlRefused
from trustconn.harness.iut.launch import LaunchedIut
from trustconn.harness.iut.messages import Message, check, decode, verbs
from trustconn.harness.iut.process import Process
from trustconn.harness.iut.reference import reference
from trustconn.harness.peer.runner import BAD_USAGE, FAILED, main
from trustconn.harness.peer.tcp import PeerFinished, TcpConnection, TcpListener

SECONDS = 60.0


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("credentials")
    for role in ("device", "service"):
        provision(folder / role, seed=b"reference peers", now=int(time.time()) - 60, role=role)
    return folder


@pytest.fixture(scope="module")
def launched(credentials: Path) -> Iterator[tuple[LaunchedIut, LaunchedIut]]:
    device, service = (LaunchedIut(reference(role, credentials / role)) for role in ("device", "service"))
    with device, service:
        yield device, service


class Peer:
    """One process, and the number of the event after which a test looks at what happens."""

    def __init__(self, iut: LaunchedIut, mark: int | None = None) -> None:
        assert iut.control
        self.iut, self.control = iut, iut.control
        self.mark = self.control.last_seq if mark is None else mark

    def sees(self, name: str, **fields: object) -> Message:
        """Waits for an event of this test."""
        return self.control.wait_event(
            lambda event: event["event"] == name and fields.items() <= event.items(),
            Deadline.after(SECONDS),
            f"the event {name} {fields}",
            self.mark,
        )

    def seen(self, name: str) -> list[Message]:
        return [event for event in self.control.events if event["seq"] > self.mark and event["event"] == name]


@pytest.fixture
def pair(launched: tuple[LaunchedIut, LaunchedIut]) -> Iterator[tuple[Peer, Peer]]:
    device, service = Peer(launched[0]), Peer(launched[1])
    yield device, service
    for peer in (device, service):
        peer.iut.restart()


def opened(device: Peer, service: Peer) -> tuple[int, int]:
    """A session up to OPEN; the number of the connection on either side."""
    number = device.control.connect(service.iut.address)
    device.sees("open", connection=number)
    return number, int(service.sees("open")["connection"])


def test_hello_states_role_verbs_and_features(pair: tuple[Peer, Peer]) -> None:
    hello = pair[0].control.hello()
    assert (hello["role"], set(hello["verbs"])) == ("device", set(verbs()))
    assert hello["features"]["key_log"] is True


def test_both_open_the_same_session_and_know_their_peer(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    opened(device, service)
    assert device.sees("open")["sid"] == service.sees("open")["sid"]
    assert device.sees("peer")["identity"] == "https://service.example/"
    assert service.sees("peer")["identity"].startswith("urn:tc:device:01")
    assert {event["direction"] for event in device.seen("verdict")} == {"sent", "received"}


def test_events_that_are_held_are_told_when_they_are_asked_for(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    service.control.push_events(False)
    before = service.control.last_seq
    number = device.control.connect(service.iut.address)
    device.sees("open", connection=number)
    device.control.close_connection(number)
    device.sees("closed", connection=number)
    service.control.hello()
    assert service.control.last_seq == before
    service.control.push_events(True)
    told = [event["event"] for event in service.control.events if event["seq"] > before]
    assert told.index("connected") < told.index("open")
    again = device.control.connect(service.iut.address)
    device.sees("open", connection=again)
    assert service.sees("open")["seq"] > before


def test_labelled_data_goes_both_ways_and_is_receipted(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    near, far = opened(device, service)
    device.control.send(near, b"reading 1", "text/plain")
    expected = {"labelled": True, "content_type": "text/plain", "digest": sha256(b"reading 1").hexdigest()}
    service.sees("data", connection=far, **expected)
    device.sees("receipt", connection=near, code=0)
    service.control.send(far, b"command 1")
    device.sees("data", connection=near, digest=sha256(b"command 1").hexdigest())
    service.sees("receipt", connection=far, code=0)


def test_close_is_a_clean_end_on_both_sides(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    near, _ = opened(device, service)
    device.control.close_connection(near)
    assert device.sees("closed")["how"] == service.sees("closed")["how"] == "clean"
    assert not device.seen("error") + service.seen("error")


def test_events_can_be_asked_for_again(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    opened(device, service)
    assert device.control.events_since(device.mark) == [
        event for event in device.control.events if event["seq"] > device.mark
    ]


def test_clock_runs_the_timers_before_it_answers(pair: tuple[Peer, Peer]) -> None:
    _, service = pair
    with TcpConnection.connect(*service.iut.address, Deadline.after(SECONDS)) as silent:
        service.sees("connected")
        now = service.control.advance_clock(9)
        assert not service.seen("closed")
        assert service.control.set_clock(now + 1) == now + 1
        assert service.seen("closed")[0]["how"] == "refused"
        assert silent.recv_until_end(Deadline.after(SECONDS)) == b""
        assert silent.ended is PeerFinished


def test_evidence_is_asked_for_again_when_the_clock_says_so(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    device.control.provision(reattest_interval=30)
    near, far = opened(device, service)
    first = device.sees("verdict", direction="sent")["seq"]
    device.control.advance_clock(30)
    device.mark = first
    device.sees("verdict", connection=near, direction="sent", tier=2)
    assert service.sees("open")["connection"] == far


def test_configuration_is_for_connections_that_begin_later(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    near, far = opened(device, service)
    device.control.provision(requires_evidence=False, suites=[2])
    device.control.send(near, b"before")
    service.sees("data", connection=far)
    device.mark = device.control.last_seq
    near = device.control.connect(service.iut.address)
    device.sees("open", connection=near)
    assert {event["tier"] for event in device.seen("verdict")} == {2, 201}


def test_record_limit_ends_a_connection(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    service.control.provision(record_limit=6)
    near, _ = opened(device, service)
    with suppress(ControlRefused):
        for number in range(6):
            device.control.send(near, bytes([number]))
    assert service.sees("closed")["how"] != "clean"


def test_restart_drops_connections_and_answers_again(pair: tuple[Peer, Peer]) -> None:
    device, service = pair
    near, _ = opened(device, service)
    service.iut.restart()
    assert device.sees("closed", connection=near)["how"] == "truncated"
    device.mark, service.mark = device.control.last_seq, service.control.last_seq
    opened(device, service)


@pytest.mark.parametrize(
    ("role", "verb", "arguments", "code"),
    [
        pytest.param("device", "start", {}, "wrong_role", id="device-listens"),
        pytest.param("service", "connect", {"host": "127.0.0.1", "port": 9}, "wrong_role", id="service-dials"),
        pytest.param("device", "connect", {"host": "127.0.0.1", "port": 1}, "failed", id="nobody-listens"),
        pytest.param("device", "connect", {"host": "192.0.2.1", "port": 9}, "failed", id="not-this-machine"),
        pytest.param("device", "close", {"connection": 99}, "unknown_connection", id="no-connection"),
        pytest.param("device", "provision", {"suites": [24]}, "unsupported", id="no-suite"),
        pytest.param("device", "provision", {"presents_waiver": True}, "bad_configuration", id="no-waiver"),
        pytest.param("device", "provision", {"folder": "/absent"}, "bad_configuration", id="no-folder"),
    ],
)
def test_request_that_cannot_be_carried_out_has_its_code(
    role: str, verb: str, arguments: dict[str, Any], code: str, pair: tuple[Peer, Peer]
) -> None:
    peer = pair[0] if role == "device" else pair[1]
    with pytest.raises(ControlRefused) as caught:
        peer.control.call(verb, **arguments)
    assert caught.value.code == code
    assert peer.control.hello()["role"] == role


def test_data_before_open_is_the_wrong_state(pair: tuple[Peer, Peer]) -> None:
    device, _ = pair
    with TcpListener() as listener:
        number = device.control.connect(Address(listener.host, listener.port))
        with listener.accept(Deadline.after(SECONDS)) as silent, pytest.raises(ControlRefused, match="wrong_state"):
            device.control.send(number, b"early")
        assert silent.received == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(b"hello?", "bad_request", id="no-json"),
        pytest.param(b'{"id": 7}', "unknown_verb", id="no-verb"),
        pytest.param(b'{"id": 7, "verb": "dance"}', "unknown_verb", id="unknown-verb"),
        pytest.param(b'{"id": 7, "verb": "send", "connection": "1"}', "bad_request", id="wrong-type"),
        pytest.param(b'{"id": 7, "verb": "clock"}', "bad_request", id="neither-set-nor-advance"),
        pytest.param(b"[" * 100_000, "bad_request", id="deep"),
    ],
)
def test_adapter_answers_what_is_no_request(line: bytes, code: str, adapter: LineChannel) -> None:
    adapter.send(line + b"\n", Deadline.after(SECONDS))
    reply = decode(adapter.receive(Deadline.after(SECONDS)))
    check("error", reply)
    assert reply["error"]["code"] == code


@pytest.fixture(scope="module")
def adapter(credentials: Path) -> Iterator[LineChannel]:
    """The control plane of a service as a bare line channel."""
    description = reference("service", credentials / "service")
    with Process(description.control.command or (), description.folder, talks=True) as process:
        channel = LineChannel(*process.pipes())
        yield channel
        channel.close()
        assert str(process.wait(Deadline.after(SECONDS))) == "exit code 0"


def runner(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "trustconn.harness.peer.runner", *words)


def test_peers_work_without_a_control_plane(credentials: Path, tmp_path: Path) -> None:
    folder = str(credentials / "service" / "iut")
    with Process(runner("service", "--credentials", folder, "--events"), tmp_path, talks=True) as service:
        lines = LineChannel(*service.pipes())
        address = decode(lines.receive(Deadline.after(SECONDS)))
        peer = str(credentials / "service" / "tester" / "peer")
        to = f"{address['host']}:{address['port']}"
        with Process(
            runner("device", "--credentials", peer, "--connect", to, "--events"), tmp_path, talks=True
        ) as device:
            told = LineChannel(*device.pipes())
            assert decode(told.receive(Deadline.after(SECONDS))).keys() == {"host", "port"}
            assert decode(told.receive(Deadline.after(SECONDS)))["event"] == "connected"
            while decode(lines.receive(Deadline.after(SECONDS)))["event"] != "open":
                pass
            assert str(service.stop(Deadline.after(SECONDS))) == "exit code 0"
            assert str(device.wait(Deadline.after(SECONDS))) == "exit code 0"
            told.close()
        lines.close()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("--without", "no_such_check"), "no check no_such_check", id="unknown-check"),
        pytest.param(("--listen", "here"), "--listen: expected host:port, found here", id="address"),
        pytest.param(("--listen", "0.0.0.0:0"), "0.0.0.0 is not this machine", id="not-loopback"),
        pytest.param(("--listen", "0.0.0.0:0", "--far"), "come from a seed", id="seeded-keys"),
        pytest.param(("--seed", "00", "--far"), "come from a seed", id="seeded-randomness"),
    ],
)
def test_peer_refuses_to_start(
    words: tuple[str, ...], complaint: str, credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["service", "--credentials", str(credentials / "service" / "iut"), *words]) in (FAILED, BAD_USAGE)
    assert complaint in capsys.readouterr().err


def test_peer_dials_the_control_plane_and_ends_with_it(credentials: Path, tmp_path: Path) -> None:
    listener = ControlListener(Address("127.0.0.1", 0))
    folder = str(credentials / "device" / "iut")
    command = runner("device", "--credentials", folder, "--control", str(listener.address))
    with Process(command, tmp_path) as process:
        with ControlClient(listener.accept(Deadline.after(SECONDS)), SECONDS, process.describe) as control:
            assert control.hello()["role"] == "device"
            with pytest.raises(ControlRefused, match="unsupported: this peer runs on the system's clock"):
                control.advance_clock(1)
        assert str(process.wait(Deadline.after(SECONDS))) == "exit code 0"
    listener.close()


def test_silent_connection_ends_whatever_the_clock_says(credentials: Path) -> None:
    description = reference("service", credentials / "service")
    assert description.control.command
    control = replace(description.control, command=(*description.control.command, "--idle", "0.05"))
    with LaunchedIut(replace(description, control=control)) as service, service.connect() as silent:
        assert silent.recv_until_end(Deadline.after(SECONDS)) == b""
        assert "no byte for 0.05 s" in Peer(service, mark=0).sees("error")["message"]


def test_seed_repeats_the_octets(credentials: Path) -> None:
    one, two = (LaunchedIut(reference("device", credentials / "device", seed=b"again")) for _ in range(2))
    with one, two, one.dial() as first, two.dial() as second:
        assert first.recv_some(Deadline.after(SECONDS)) == second.recv_some(Deadline.after(SECONDS))


def test_check_that_is_switched_off_lets_the_wrong_peer_in(credentials: Path) -> None:
    mine, weakened = credentials / "device", ["cred_r_is_intended"]
    strict, weak = LaunchedIut(reference("device", mine)), LaunchedIut(reference("device", mine, without=weakened))
    with LaunchedIut(reference("service", credentials / "service")) as service, strict, weak:
        for iut in (strict, weak):
            assert iut.control
            iut.control.provision(intended_peer="https://another.example/")
            iut.control.connect(service.address)
        assert Peer(strict, mark=0).sees("error")["check"] == "cred_r_is_intended"
        assert Peer(weak, mark=0).sees("peer")["identity"] == "https://service.example/"
