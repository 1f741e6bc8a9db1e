"""The log of keys: off by default, declared, the same from both ends, and readable by its owner alone."""

from __future__ import annotations

import stat
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from availability import not_available
from dissecting import Capture

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.harness.deadline import Deadline
from trustconn.harness.identity.provision import provision
from trustconn.harness.iut import node
from trustconn.harness.iut.description import Description
from trustconn.harness.iut.features import KEY_LOG_VARIABLE, Features
from trustconn.harness.iut.launch import LaunchedIut
from trustconn.harness.iut.reference import reference
from trustconn.harness.peer.keylog import SECRETS, KeyLog

NOW = 1_800_000_000
EDHOC = {"EDHOC_KEYSTREAM_2", *SECRETS}
TLS = {f"{side}_{kind}" for side in ("CLIENT", "SERVER") for kind in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")}


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("credentials")
    for role in ("device", "service"):
        provision(folder / role, seed=b"key log", now=NOW, role=role)
    return folder


def opened(device: Description, service: Description, keys: Path | None) -> None:
    """A session up to OPEN between two processes."""
    with LaunchedIut(device, key_log=keys) as dialling, LaunchedIut(service, key_log=keys) as listening:
        assert dialling.control and listening.control
        dialling.control.connect(listening.address)
        for plane in (dialling.control, listening.control):
            plane.wait_event(lambda event: event["event"] == "open", Deadline.after(60), "open")


def pair(credentials: Path, binding: str) -> tuple[Description, Description]:
    device, service = (reference(r, credentials / r, now=NOW, binding=binding) for r in ("device", "service"))
    return device, service


@pytest.mark.parametrize(("binding", "labels"), [("edhoc", EDHOC), ("tls", TLS | {"EXPORTER_SECRET"})])
def test_both_ends_write_the_same_secrets(binding: str, labels: set[str], credentials: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    opened(*pair(credentials, binding), keys)
    check(keys, labels)


def test_so_do_two_implementations(tmp_path: Path) -> None:
    """A device in Python, a service in JavaScript."""
    if lacks := node.missing():
        not_available(f"Node.js peer not available: {lacks}")
    for role in ("device", "service"):
        provision(tmp_path / role, seed=b"key log", now=int(time.time()), role=role)
    device = reference("device", tmp_path / "device", binding="tls")
    opened(device, node.node("service", tmp_path / "service"), tmp_path / "keys.log")
    check(tmp_path / "keys.log", TLS | {"EXPORTER_SECRET"})


def check(keys: Path, labels: set[str]) -> None:
    """One session, each secret from both ends, for its owner alone."""
    lines = Counter(keys.read_text(encoding="ascii").splitlines())
    assert {line.split()[0] for line in lines} == labels and set(lines.values()) == {2}
    assert len({line.split()[1] for line in lines}) == 1
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_who_has_not_declared_it_is_not_asked(credentials: Path, tmp_path: Path) -> None:
    undeclared = [replace(d, features=replace(d.features, key_log=False)) for d in pair(credentials, "edhoc")]
    opened(undeclared[0], undeclared[1], tmp_path / "keys.log")
    assert not (tmp_path / "keys.log").exists() and not Features().key_log


def test_a_run_writes_the_keys_of_its_conversations_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_LOG_VARIABLE, raising=False)
    keys, run = tmp_path / "keys.log", ["run", "--role", "service", "--select", "test_session_opens", "--out"]
    assert main([*run, str(tmp_path), "--keylog", str(keys)]) == exit_code.PASSED
    lines = Counter(keys.read_text(encoding="ascii").splitlines())
    assert {line.split()[0] for line in lines} == EDHOC and set(lines.values()) == {2}


def test_between_two_ends_their_own_keys_open_the_capture(tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    chosen = ["--select", "drop-ATT_I", "--keylog", str(keys), "--out", str(tmp_path)]
    assert main(["mitm", *chosen]) == exit_code.PASSED
    (messages,) = Capture(tmp_path / "conversations-mitm.pcapng", keys).values("tc1.message")
    assert {name: messages.count(name) for name in ("message_4", "HELLO_I", "ATT_R", "ATT_I")} == {
        "message_4": 2, "HELLO_I": 2, "ATT_R": 2, "ATT_I": 1
    }  # fmt: skip


def test_a_log_that_cannot_be_written_is_told_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--keylog", str(tmp_path / "no" / "keys.log"), "--out", str(tmp_path)]) == exit_code.USAGE
    assert "--keylog" in capsys.readouterr().err


def test_what_was_logged_stays(tmp_path: Path) -> None:
    for label in (b"first", b"second"):
        log = KeyLog(tmp_path / "keys.log")
        log.add_line(label)
        log.close()
    assert (tmp_path / "keys.log").read_bytes() == b"first\nsecond\n"
