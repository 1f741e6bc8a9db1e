"""A campaign on a Dask cluster of two workers on loopback, one of which is killed half-way."""

import os
import selectors
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

SEEDS = 8
PLAN = f"""
[iut.device]
reference = "device"
[configuration.good]
command = "run"
select = "EDH-08"
seeds = "1-{SEEDS}"
[configuration.bad]
command = "run"
select = "EDH-08"
without = ["signature_2_verifies"]
"""


def dask(stack: ExitStack, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a scheduler or a worker; it ends with the stack."""
    started = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        cwd=folder, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    stack.callback(started.wait)
    stack.callback(started.kill)
    return started


def lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stderr is not None
    return iter(process.stderr.readline, "")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends what was started."""
    with ExitStack() as opened:
        yield opened


def cluster(stack: ExitStack, folder: Path) -> "tuple[str, list[subprocess.Popen[str]]]":
    """The address of a scheduler with two workers, and the workers."""
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    scheduler = dask(stack, folder, "dask_scheduler", *options)
    told = next(line for line in lines(scheduler) if "Scheduler at:" in line)
    address = "tcp://" + told.split("tcp://")[1].strip()
    more = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
    workers = [
        dask(stack, folder, "dask_worker", address, *more, "--local-directory", str(folder / f"worker-{number}"))
        for number in range(2)
    ]
    for worker in workers:
        next(line for line in lines(worker) if "Registered to:" in line)
    return address, workers


def test_a_worker_is_killed(stack: ExitStack, tmp_path: Path) -> None:
    """All results, each once: what the dead worker had begun is played by the other one."""
    address, workers = cluster(stack, tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    command = [sys.executable, "-u", "-m", "trustconn", "campaign", "plan.toml", "--out", "out"]
    started = subprocess.Popen(
        [*command, "--scheduler", address], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    stack.callback(started.wait)
    stack.callback(started.kill)
    assert started.stdout is not None
    next(line for line in started.stdout if line.startswith("fail: "))
    os.kill(workers[0].pid, signal.SIGKILL)
    printed, errors = started.communicate(timeout=120)
    assert started.returncode == 1, printed + errors
    data = sqlite3.connect(tmp_path / "out" / "campaign.sqlite")
    kept = data.execute("SELECT configuration, seed, status FROM results JOIN items ON id = item").fetchall()
    data.close()
    assert sorted(kept) == [("bad", 0, "fail"), *(("good", seed, "pass") for seed in range(1, SEEDS + 1))]


PLAYING = """
import sys
from pathlib import Path
from trustconn.conformance.campaign import plan, play
item = plan.load(Path(sys.argv[1]))[0]
play.play(item, 60, began=lambda process: print(process.pid, flush=True))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_what_a_dead_worker_had_begun_ends(tmp_path: Path) -> None:
    """Nobody would ask for its result."""
    text = '[iut.device]\nreference = "device"\n[configuration.long]\ncommand = "fuzz"\nseconds = 50\n'
    (tmp_path / "plan.toml").write_text(text)
    worker = subprocess.Popen(
        [sys.executable, "-c", PLAYING, str(tmp_path / "plan.toml")], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    item = os.pidfd_open(int(worker.stdout.readline()))
    worker.kill()
    worker.communicate()
    with closing(selectors.DefaultSelector()) as selector:
        selector.register(item, selectors.EVENT_READ)
        assert selector.select(30)
    os.close(item)


REFUSED = {
    "nonsense://x": "expected tcp://HOST:PORT or tls://HOST:PORT",
    "tcp://127.0.0.1": "expected tcp://HOST:PORT or tls://HOST:PORT",
    "tcp://127.0.0.1:1": "Connection refused",
}


@pytest.mark.parametrize("address", REFUSED)
def test_nobody_answers(address: str, tmp_path: Path) -> None:
    """One line, and exit code 2."""
    (tmp_path / "plan.toml").write_text(PLAN)
    command = [sys.executable, "-m", "trustconn", "campaign", "plan.toml", "--scheduler", address]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (2, f"trustconn: --scheduler {address}: {REFUSED[address]}\n")
