"""Implementations that were started from a description: services and devices that know nothing of the suite."""

import json
import sys
from pathlib import Path

import pytest

from trustconn.harness.deadline import Deadline
from trustconn.harness.iut.control import ControlGarbage
from trustconn.harness.iut.description import Description, load
from trustconn.harness.iut.launch import LaunchedIut, LaunchError
from trustconn.harness.iut.process import Process, ProcessError
from trustconn.harness.peer.tcp import NotReachable

LONG = Deadline.after(24 * 3600)  # Counted from when the module is read.
PYTHON = [sys.executable, "-S", "-E", "-c"]
SERVICE = """import socket, sys
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True: listener.accept()[0].send(b'me')"""
DEVICE = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2]))).send(b'me')"


def described(folder: Path, role: str, wire: str, control: str = "") -> Description:
    file = folder / "iut.toml"
    file.write_text(
        f'[iut]\nname = "x"\nrole = "{role}"\nversion = "1"\n[wire]\n{wire}\n[credentials]\nfolder = "c"\n{control}\n'
        "[timeouts]\nstart = 60\ndial = 60\nreply = 60\nstop = 60\n"
    )
    return load(file)


def test_service_is_reached_when_it_listens_and_gone_afterwards(port: int, tmp_path: Path) -> None:
    wire = f'address = "127.0.0.1:{port}"\ncommand = {json.dumps([*PYTHON, SERVICE, str(port)])}'
    with LaunchedIut(described(tmp_path, "service", wire)) as iut:
        assert iut.connect().recv_some(LONG) == b"me"
    with pytest.raises(NotReachable):
        iut.connect()


def test_service_that_ends_at_once_is_no_service(port: int, tmp_path: Path) -> None:
    command = ["sh", "-c", "echo bad configuration >&2; exit 2"]
    wire = f'address = "127.0.0.1:{port}"\ncommand = {json.dumps(command)}'
    with pytest.raises(LaunchError, match="ended before it listened: exit code 2: bad configuration"):
        LaunchedIut(described(tmp_path, "service", wire)).ready()


def test_service_without_a_program_is_named(port: int, tmp_path: Path) -> None:
    wire = f'address = "127.0.0.1:{port}"\ncommand = ["./absent"]'
    with pytest.raises(ProcessError, match="absent cannot be started"):
        LaunchedIut(described(tmp_path, "service", wire))


def test_device_dials_once_for_each_request(tmp_path: Path) -> None:
    connect = json.dumps([*PYTHON, DEVICE, "{host}", "{port}"])
    with LaunchedIut(described(tmp_path, "device", f"connect = {connect}")) as iut:
        assert iut.dial().recv_some(LONG) == b"me"
        assert iut.dial().recv_some(LONG) == b"me"


def test_crash_of_a_device_is_told_from_its_refusals(tmp_path: Path) -> None:
    dies = "; import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    for after, crashed in (("; sys.exit(1)", False), (dies, True)):
        connect = json.dumps([*PYTHON, DEVICE + after, "{host}", "{port}"])
        with LaunchedIut(described(tmp_path, "device", f"connect = {connect}")) as iut:
            assert iut.dial().recv_until_end(LONG) == b"me"
            iut.dials[-1].wait(LONG)
            assert bool(iut.crash()) is crashed


def test_device_that_ends_without_dialling_is_told_at_once(tmp_path: Path) -> None:
    connect = json.dumps(["sh", "-c", "echo no such host >&2; exit 3", "{host}", "{port}"])
    with (
        LaunchedIut(described(tmp_path, "device", f"connect = {connect}")) as iut,
        pytest.raises(LaunchError, match=r"nobody dialled .*: exit code 3: no such host"),
    ):
        iut.dial()


def test_device_that_reconnects_is_awaited(port: int, tmp_path: Path) -> None:
    description = described(tmp_path, "device", f'reconnects = true\nlisten = "127.0.0.1:{port}"')
    with LaunchedIut(description) as iut, Process((*PYTHON, DEVICE, "127.0.0.1", str(port)), tmp_path):
        assert iut.dial().recv_some(LONG) == b"me"


def test_service_that_is_started_by_hand_is_awaited(port: int, tmp_path: Path) -> None:
    description = described(tmp_path, "service", f'address = "127.0.0.1:{port}"\ncommand = ["./absent"]')
    iut = LaunchedIut(description, patience=60)
    with Process((*PYTHON, SERVICE, str(port)), tmp_path), iut:
        assert iut.connect().recv_some(LONG) == b"me"


def test_device_that_is_started_by_hand_is_awaited(port: int, tmp_path: Path) -> None:
    wire = f'connect = ["./absent", "{{host}}", "{{port}}"]\nlisten = "127.0.0.1:{port}"'
    iut = LaunchedIut(described(tmp_path, "device", wire), patience=60)
    with iut, Process((*PYTHON, DEVICE, "127.0.0.1", str(port)), tmp_path):
        assert iut.dial().recv_some(LONG) == b"me"


def test_nobody_starts_a_service_by_hand(port: int, tmp_path: Path) -> None:
    description = described(tmp_path, "service", f'address = "127.0.0.1:{port}"')
    with pytest.raises(LaunchError, match="within the time to start"), LaunchedIut(description, patience=0.05):
        pass


def test_adapter_of_the_other_role_is_refused(tmp_path: Path) -> None:
    hello = {"protocol": 1, "role": "device", "name": "x", "version": "1", "verbs": [], "features": {}}
    reply = json.dumps(json.dumps({"id": 1, "ok": hello}))
    (tmp_path / "adapter").write_text(f"read line; echo {reply}; read line")
    control = '[control]\nmode = "stdio"\ncommand = ["sh", "adapter"]'
    iut = LaunchedIut(described(tmp_path, "service", "", control))
    with pytest.raises(LaunchError, match="the adapter is a device, the description says service"), iut:
        pass


def test_adapter_that_dials_gets_the_address(tmp_path: Path) -> None:
    garbage = "import socket, sys; h, p = sys.argv[1].split(':'); socket.create_connection((h, int(p))).send(b'hi\\n')"
    control = f'[control]\nmode = "socket"\ncommand = {json.dumps([*PYTHON, garbage, "{control}"])}'
    iut = LaunchedIut(described(tmp_path, "service", "", control))
    with pytest.raises(ControlGarbage, match="'hi'"), iut:
        pass
