"""Every result of a campaign is kept once, whatever ends it half-way."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.conformance.campaign.campaign import ATTEMPTS, Done, play_all
from trustconn.conformance.campaign.local import LocalRunner
from trustconn.conformance.campaign.plan import Item, load
from trustconn.conformance.campaign.play import Outcome
from trustconn.conformance.campaign.store import Store, StoreError

PLAN = """
[iut.device]
reference = "device"
[configuration.good]
command = "run"
select = "EDH-08"
seeds = "1-2"
[configuration.bad]
command = "run"
select = "EDH-08"
without = ["signature_2_verifies"]
"""


class Silent:
    """Shows nothing."""

    def advance(self, item: Item, outcome: Outcome) -> None:
        """Nothing."""


def campaign(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call `trustconn campaign`."""
    command = [sys.executable, "-m", "trustconn", "campaign", str(folder / "plan.toml"), "--out", str(folder / "out")]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)


def rows(folder: Path) -> list[tuple[str, str, int]]:
    """Configuration, status and seed of each result that was kept."""
    data = sqlite3.connect(folder / "out" / "campaign.sqlite")
    found = data.execute("SELECT configuration, status, seed FROM results JOIN items ON id = item").fetchall()
    data.close()
    return sorted(found)


def durations(folder: Path) -> list[tuple[str, float]]:
    """Items and how long each took: another play would take another time."""
    data = sqlite3.connect(folder / "out" / "campaign.sqlite")
    found = data.execute("SELECT item, seconds FROM results ORDER BY item").fetchall()
    data.close()
    return found


def test_a_campaign_in_processes(tmp_path: Path) -> None:
    """Passes and failures are told apart, kept with their results, and not played twice."""
    (tmp_path / "plan.toml").write_text(PLAN)
    ended = campaign(tmp_path, "--workers", "2")
    assert rows(tmp_path) == [("bad", "fail", 0), ("good", "pass", 1), ("good", "pass", 2)]
    assert ended.returncode == 1
    assert "trustconn run --role device --select EDH-08 --without signature_2_verifies --seed 0" in ended.stdout
    took = durations(tmp_path)
    assert campaign(tmp_path, "--show").returncode == 1
    assert campaign(tmp_path).returncode == 1
    assert durations(tmp_path) == took
    item = next(line.split()[1].rstrip(":") for line in ended.stdout.splitlines() if line.startswith("fail "))
    extracted = campaign(tmp_path, "--extract", item[:8])
    assert extracted.returncode == 0
    assert '"verdict":"fail"' in (tmp_path / "out" / item / "results.json").read_text().replace(" ", "")


def test_an_interrupted_campaign_goes_on(tmp_path: Path) -> None:
    """What had ended is kept, what had not is played the next time."""
    (tmp_path / "plan.toml").write_text(PLAN.replace('seeds = "1-2"', 'seeds = "1-6"'))
    command = [sys.executable, "-u", "-m", "trustconn", "campaign", "plan.toml", "--out", "out", "--workers", "1"]
    started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("fail: "):  # The first item of all: seed 0.
            started.send_signal(signal.SIGINT)
    assert started.wait(60) == 130
    before = rows(tmp_path)
    assert 1 <= len(before) < 7
    campaign(tmp_path, "--workers", "2")
    assert rows(tmp_path) == [("bad", "fail", 0), *(("good", "pass", seed) for seed in range(1, 7))]


def test_a_campaign_whose_client_is_killed_goes_on(tmp_path: Path) -> None:
    """Each item has one result, and what the client could not clear away is gone."""
    (tmp_path / "plan.toml").write_text(PLAN.replace('seeds = "1-2"', 'seeds = "1-6"'))
    command = [sys.executable, "-u", "-m", "trustconn", "campaign", "plan.toml", "--out", "out", "--workers", "2"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        started.stdout.readline()
        started.kill()
    # Killed between two items it leaves no folder: this one stands for what it left within one.
    (left := tmp_path / "out" / "trustconn-left").mkdir()
    (left / "results.json").write_text("half a result")
    campaign(tmp_path, "--workers", "2")
    assert rows(tmp_path) == [("bad", "fail", 0), *(("good", "pass", seed) for seed in range(1, 7))]
    assert not list((tmp_path / "out").glob("trustconn-*"))


def test_two_campaigns_in_one_folder(tmp_path: Path) -> None:
    """The second one is refused; who only looks is not."""
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="another campaign writes here"):
        Store(tmp_path)
    looked = Store(tmp_path, looks=True)
    assert list(looked.results()) == []
    looked.close()
    store.close()
    Store(tmp_path).close()


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    """It is refused and left as it is."""
    (tmp_path / "campaign.sqlite").write_text("a letter to a friend, long enough to be read")
    with pytest.raises(StoreError, match=r"campaign\.sqlite: file is not a database"):
        Store(tmp_path)
    assert (tmp_path / "campaign.sqlite").read_text().startswith("a letter")


def test_a_second_result_changes_nothing(tmp_path: Path) -> None:
    """A worker that was thought dead may still answer."""
    (tmp_path / "plan.toml").write_text(PLAN)
    item = load(tmp_path / "plan.toml")[0]
    store = Store(tmp_path / "out")
    store.plan([item])
    assert store.keep(item, Outcome("pass", 0, 1.0, "", files={"results.json": b"first"}), 1)
    assert not store.keep(item, Outcome("fail", 1, 1.0, "", files={"results.json": b"second"}), 2)
    assert [result.status for result in store.results()] == ["pass"]
    assert store.files(item.id) == {"results.json": b"first"}
    store.close()


class KilledAtFirst(LocalRunner):
    """Somebody kills the process of the first attempts."""

    def __init__(self, folder: Path, times: int) -> None:
        super().__init__(1, 60, folder)
        self.times = times

    def _began(self, process: subprocess.Popen[bytes]) -> None:
        super()._began(process)
        if self.times:
            self.times -= 1
            os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(("times", "status"), [(1, "pass"), (ATTEMPTS, "error")])
def test_an_item_whose_process_is_killed(times: int, status: str, tmp_path: Path) -> None:
    """It is tried again, but not for ever; the store says which attempt it was."""
    (tmp_path / "plan.toml").write_text(PLAN)
    items = [item for item in load(tmp_path / "plan.toml") if item.seed == 1]
    store = Store(tmp_path / "out")
    ended = play_all(items, store, KilledAtFirst(tmp_path, times), Silent())
    assert (dict(ended.statuses), ended.left) == ({status: 1}, 0)
    assert [result.status for result in store.results()] == [status]
    store.close()


def test_an_item_that_takes_too_long(tmp_path: Path) -> None:
    """It is ended, and that is an error, which can be tried again."""
    (tmp_path / "plan.toml").write_text(PLAN)
    ended = campaign(tmp_path, "--workers", "2", "--limit", "0.05")
    assert ended.returncode == 3
    assert "not ended after 0.05 s" in ended.stdout
    assert {status for _, status, _ in rows(tmp_path)} == {"error"}
    assert campaign(tmp_path, "--workers", "2", "--again").returncode == 1
    assert {status for _, status, _ in rows(tmp_path)} == {"pass", "fail"}


class Vanishing:
    """A cluster that goes away with the second item."""

    capacity = 1

    def __init__(self) -> None:
        self.started = 0

    def start(self, item: Item, done: Done) -> None:
        """The first is answered."""
        self.started += 1
        done(item, Outcome("pass", 0, 0.0, "") if self.started == 1 else None, "")

    def stop(self) -> None:
        """Nothing runs."""


def test_a_cluster_that_is_gone(tmp_path: Path) -> None:
    """What was not played is left, and said to be."""
    (tmp_path / "plan.toml").write_text(PLAN)
    store = Store(tmp_path / "out")
    ended = play_all(load(tmp_path / "plan.toml"), store, Vanishing(), Silent())
    assert (dict(ended.statuses), ended.left, ended.interrupted) == ({"pass": 1}, 2, False)
    store.close()
