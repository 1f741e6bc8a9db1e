"""Subprocesses of an implementation under test: how they end is told apart, and nothing of them stays behind."""

import os
from pathlib import Path

import pytest

from trustconn.harness.deadline import Deadline
from trustconn.harness.iut.process import STDERR_KEPT, Process, ProcessError

LONG = Deadline.after(24 * 3600)  # Counted from when the module is read.


def run(script: str, folder: Path) -> Process:
    return Process(("sh", "-c", script), folder)


@pytest.mark.parametrize(
    ("script", "crashed", "words"),
    [
        pytest.param("exit 0", False, "exit code 0", id="good"),
        pytest.param("exit 1", False, "exit code 1", id="refusal"),
        pytest.param("kill -ABRT $$", True, "crashed: ended by SIGABRT", id="signal"),
        pytest.param("sh -c 'kill -SEGV $$'; exit $?", True, "crashed: exit code 139", id="signal-through-a-shell"),
        pytest.param("echo 'thread main panicked at x.rs:1' >&2; exit 101", True, "panicked at", id="panic"),
        pytest.param("echo '==1==ERROR: AddressSanitizer: x' >&2; exit 1", True, "AddressSanitizer", id="sanitizer"),
    ],
)
def test_crash_is_told_from_refusal(script: str, crashed: bool, words: str, tmp_path: Path) -> None:
    with run(script, tmp_path) as process:
        ended = process.wait(LONG)
        assert ended.crashed is crashed
        assert words in str(ended)


def test_being_stopped_is_no_crash(tmp_path: Path) -> None:
    process = run("read line < fifo", tmp_path)
    ended = process.stop(LONG)
    assert not ended.crashed
    assert process.poll() == ended


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    process = run("trap '' TERM; echo > ready; while :; do sleep 100 & wait; done", tmp_path)
    (tmp_path / "ready").read_text()
    assert str(process.stop(Deadline.after(0.01))) == "ended by SIGKILL as asked"


def test_children_end_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    process = run("(exec 3> held; sleep 1000) & exec 4< held; exit 0", tmp_path)
    with open(tmp_path / "held", "rb") as held:
        process.kill()
        assert held.read() == b""


def test_wait_ends_at_its_deadline(tmp_path: Path) -> None:
    with run("sleep 1000", tmp_path) as process, pytest.raises(ProcessError, match="has not ended in time"):
        process.wait(Deadline.after(0.01))


def test_standard_error_is_bounded_and_ends_with_the_latest(tmp_path: Path) -> None:
    with run("head -c 1000000 /dev/zero >&2; echo the end >&2", tmp_path) as process:
        process.wait(LONG)
        assert len(process.stderr()) <= STDERR_KEPT
        assert process.describe().endswith("the end")


def test_command_that_cannot_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="no-such-program cannot be started"):
        Process(("./no-such-program",), tmp_path)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the system does not tell")
def test_memory_and_files_are_told_while_it_runs(tmp_path: Path) -> None:
    with run("sleep 1000", tmp_path) as process:
        assert (process.peak_memory() or 0) > 10_000
        assert (process.open_files() or 0) >= 3
    assert process.open_files() is None
