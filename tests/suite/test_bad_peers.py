"""Implementations that are no peers at all: each ends with its verdict and exit code, and none yields a pass."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_peer import describe as scripted

from trustconn.conformance.bench import Bench
from trustconn.conformance.collect import suite_tests
from trustconn.conformance.player import NO_CONVERSATION
from trustconn.harness.deadline import Deadline
from trustconn.harness.identity.provision import provision
from trustconn.harness.iut.description import load
from trustconn.harness.tester.live import IutSession
from trustconn.harness.verdict.verdict import Verdict

# A tester may leave at any time, also with a reset: that is no reason to end.
LISTEN = """
import contextlib, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with contextlib.suppress(OSError):
        {behave}
"""
CLOSES_AT_ONCE = "connection.close()"
STAYS_SILENT = "kept = globals().setdefault('kept', []); kept.append(connection)"
SENDS_GARBAGE = "connection.sendall(bytes(range(256)) * 64); connection.close()"
CRASHES_ON_THE_THIRD = """[connection.recv(65536) for _ in range(1)]
    connection.sendall(bytes.fromhex("000000020148"))
    globals()["n"] = globals().get("n", 0) + 1
    if n == 3: import os, signal; os.kill(os.getpid(), signal.SIGSEGV)
    connection.close()"""

FLOODS = """connection.sendall(bytes.fromhex('ffffffff01'))
    with __import__("contextlib").suppress(OSError):
        while True: connection.sendall(bytes(1 << 16))"""
FLOODS_WITH_UNITS = """with __import__("contextlib").suppress(OSError):
        while True: connection.sendall((bytes.fromhex('0000000201') + b'x') * (1 << 14))"""
ANNOUNCES_4_GIB = "connection.sendall(bytes.fromhex('ffffffff01') + bytes(100)); " + STAYS_SILENT
DRIPS = """connection.sendall(bytes.fromhex("0000ffff01"))
    import select
    while not select.select([connection], [], [], 0.02)[0] or connection.recv(4096): connection.send(b"x")"""
NESTS = """unit = lambda kind, body: (1 + len(body)).to_bytes(4, "big") + bytes([kind]) + body
    connection.sendall(unit(1, b"\\x81" * 100_000 + b"\\x00") + unit(2, b"\\x01" + b"\\xc1" * 100_000 + b"\\x00"))
    connection.close()"""
CLOSES_INSIDE = "connection.sendall(bytes.fromhex('0000006401') + bytes(50)); connection.close()"


def describe(folder: Path, behave: str | None, port: int) -> Path:
    """The description of a service that behaves so, or of nothing at all."""
    provision(folder / "credentials", seed=b"bad peers", now=int(time.time()), role="service")
    command = ""
    if behave is not None:
        script = folder / "peer.py"
        script.write_text(LISTEN.format(behave=behave.replace("\n", "\n    ")))
        command = f"command = {json.dumps([sys.executable, str(script), str(port)])}"
    path = folder / "iut.toml"
    path.write_text(
        f'[iut]\nname = "bad"\nrole = "service"\nversion = "1"\n'
        f'[wire]\naddress = "127.0.0.1:{port}"\n{command}\n'
        f'[credentials]\nfolder = "credentials"\n[features]\n[timeouts]\nstart = 60\nreply = 0.3\nsilence = 0.1\n'
    )
    return path


# What is no peer at first sight is hard to bear later: the reference service with one message of its own replaced.
INSIDE = """
import sys
from trustconn.harness.peer import endpoint, runner
from trustconn.harness.peer.connection import PeerConnection

emit = endpoint.Endpoint.emit
DEEP, IGNORED = b"\\x81" * 100_000 + b"\\x00", b"\\x82\\x18\\xc8\\xa0"

def bad(self, message, data):
    if message.name != "{message}":
        return emit(self, message, data)
    {behave}

endpoint.Endpoint.emit = bad
sys.exit(runner.main(sys.argv[1:]))
"""
INSIDE_PEERS = {
    "nests-in-HELLO": ("HELLO_R", "self.send_frame(DEEP)"),
    "nests-in-ATT": ("ATT_R", "self.send_frame(data[:-1] + DEEP)"),
    "nests-in-PONG": ("PONG_R", "self.send_frame(b'\\x82\\x0a\\xa1\\x01' + DEEP)"),
    "nests-in-ALERT": ("VERDICT_R", "self.send_frame(b'\\x82\\x06\\xa1\\x01' + DEEP)"),
    "announces-16-MiB": ("ATT_R", "self.channel.send_stream(b'\\xff' * 3 + data)"),
    "floods-with-frames": ("PONG_R", "[self.send_frame(IGNORED * 4000) for _ in range(1500)]"),
    "cuts-a-frame": ("ATT_R", "self.channel.send_stream(b'\\x00\\xff\\xff' + data[:9]); self.close()"),
}


def describe_inside(folder: Path, message: str, behave: str) -> Path:
    """The description of a reference service that does something else instead of sending a message."""
    return scripted(folder, INSIDE.format(message=message, behave=behave), "reply = 1\nsilence = 0.2")


MOST_MEMORY = 200 << 20
"""Octets by which the suite may grow, whatever it is told or sent."""


def play(iut: Path) -> dict[str, Verdict]:
    """What the basic tests conclude; anything but a verdict about the implementation fails here."""
    before, verdicts = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, {}
    session = IutSession(load(iut), 0)
    try:
        for test in suite_tests():
            if test.id.startswith("test_basic") and test.case.role == "service":
                bench = Bench(session, test.case, {}, lambda what, conversation: None)
                try:
                    test.play(test.case, bench)
                except NO_CONVERSATION:
                    verdicts[test.id] = Verdict.INCONC
                else:
                    assert bench.judgement is not None
                    verdicts[test.id] = bench.judgement.verdict
    finally:
        session.close()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MOST_MEMORY
    return verdicts


def judge_bad(verdicts: dict[str, Verdict]) -> None:
    """The honest conversation failed, and nothing was taken for the tester's own fault."""
    assert Verdict.ERROR not in verdicts.values()
    sessions = {verdict for test, verdict in verdicts.items() if test.startswith("test_basic::test_session")}
    assert sessions == {Verdict.FAIL}


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(FLOODS, id="floods"),
        pytest.param(FLOODS_WITH_UNITS, id="floods-with-units"),
        pytest.param(ANNOUNCES_4_GIB, id="announces-4-GiB"),
        pytest.param(DRIPS, id="drips"),
        pytest.param(NESTS, id="nests"),
        pytest.param(CLOSES_INSIDE, id="closes-inside"),
    ],
)
def test_the_suite_survives(tmp_path: Path, behave: str, port: int) -> None:
    verdicts = play(describe(tmp_path, behave, port))
    judge_bad(verdicts)
    assert Verdict.PASS not in verdicts.values()


@pytest.mark.parametrize("name", INSIDE_PEERS)
def test_the_suite_survives_from_inside(tmp_path: Path, name: str) -> None:
    iut = describe_inside(tmp_path, *INSIDE_PEERS[name])
    judge_bad(play(iut))


def test_the_suite_survives_a_peer_that_never_reads(tmp_path: Path) -> None:
    """More than the buffers between both hold is sent to a peer that has opened its session and reads no more."""
    script = INSIDE.format(message="PONG_R", behave="emit(self, message, data); deafen()")
    deaf = (
        "connections = []\nmade = PeerConnection.connection_made\n"
        "def keeping(self, transport):\n    connections.append(transport); made(self, transport)\n"
        "PeerConnection.connection_made = keeping\n"
        "def deafen():\n    connections[-1].pause_reading()\n"
    )
    session = IutSession(load(scripted(tmp_path, script.replace("emit = endpoint", deaf + "emit = endpoint"))), 0)
    try:
        conversation = session.converse()
        assert conversation.until_open()
        for _ in range(16):
            conversation.peer.put_octets(bytes(1 << 20))
        conversation.flush()
        assert conversation.timed_out
        assert not conversation.receive(Deadline.after(0))
    finally:
        session.close()


@pytest.mark.parametrize(
    ("behave", "code", "status"),
    [
        pytest.param(None, 3, "inconc", id="nothing-listens"),
        pytest.param(CLOSES_AT_ONCE, 1, "fail", id="closes-at-once"),
        pytest.param(STAYS_SILENT, 1, "fail", id="stays-silent"),
        pytest.param(SENDS_GARBAGE, 1, "fail", id="sends-garbage"),
        pytest.param(CRASHES_ON_THE_THIRD, 1, "fail", id="crashes-on-the-third"),
    ],
)
def test_a_bad_peer_never_passes(tmp_path: Path, behave: str | None, code: int, status: str, port: int) -> None:
    iut, out = describe(tmp_path, behave, port), tmp_path / "out"
    command = [sys.executable, "-m", "trustconn", "run", "--iut", str(iut), "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == code, ended.stdout[-2000:] + ended.stderr[-2000:]
    tests = json.loads((out / "results.json").read_text())["tests"]
    statuses = {test["status"] for test in tests}
    assert "pass" not in statuses
    assert "error" not in statuses
    basic = {test["status"] for test in tests if test["id"].startswith("test_basic::test_session")}
    assert basic == {status}
