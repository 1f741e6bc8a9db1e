"""What a campaign has found: one SQLite file, each result in it once and whole.

A result is written in one transaction, under the id of its item: a second result of the same item changes nothing.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .plan import Item
from .play import Outcome

FORMAT = 1
FILE = "campaign.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    id TEXT PRIMARY KEY, iut TEXT NOT NULL, configuration TEXT NOT NULL, seed INTEGER NOT NULL,
    digest TEXT NOT NULL, arguments TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS results (
    item TEXT PRIMARY KEY REFERENCES items (id), status TEXT NOT NULL, exit_code INTEGER NOT NULL,
    seconds REAL NOT NULL, attempts INTEGER NOT NULL, worker TEXT NOT NULL, told TEXT NOT NULL, counts TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    item TEXT NOT NULL REFERENCES results (item), name TEXT NOT NULL, deflated BLOB NOT NULL,
    PRIMARY KEY (item, name)
);
"""


class StoreError(Exception):
    """The store cannot be used; one line."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as the store has it."""

    id: str
    iut: str
    configuration: str
    seed: int
    status: str
    seconds: float
    told: str
    arguments: tuple[str, ...]


class Store:
    """The results in a folder. One campaign at a time writes to it; with `looks` it is looked at, also meanwhile.

    Raises:
        StoreError: another campaign writes there, or the file is none of ours.
    """

    def __init__(self, folder: Path, *, looks: bool = False) -> None:
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "lock").open("w")
            if not looks:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._data = sqlite3.connect(self._path)
            self._open()
        except BlockingIOError as error:
            raise StoreError(f"{folder}: another campaign writes here") from error
        except OSError as error:
            raise StoreError(f"{folder}: expected a folder that can be written: {error.strerror}") from error
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    def _open(self) -> None:
        found = self._data.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, FORMAT):
            raise StoreError(f"{self._path}: of format {found}, expected {FORMAT}")
        self._data.execute("PRAGMA journal_mode = WAL")
        self._data.executescript(_TABLES)
        self._data.execute(f"PRAGMA user_version = {FORMAT}")

    def plan(self, items: Iterable[Item]) -> None:
        """Note what is to be played. Items of an earlier plan stay."""
        rows = [(i.id, i.iut, i.configuration, i.seed, i.digest, json.dumps(i.arguments)) for i in items]
        with self._data:
            self._data.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)

    def keep(self, item: Item, outcome: Outcome, attempts: int) -> bool:
        """Write a result; False if there was one. Raises StoreError."""
        row = (
            item.id, outcome.status, outcome.exit_code, outcome.seconds, attempts, outcome.worker, outcome.told,
            json.dumps(outcome.counts, sort_keys=True),
        )  # fmt: skip
        insert = "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        try:
            with self._data:
                new = self._data.execute(insert, row).rowcount
                if new:
                    files = [(item.id, name, zlib.compress(octets)) for name, octets in outcome.files.items()]
                    self._data.executemany("INSERT INTO files VALUES (?, ?, ?)", files)
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error
        return bool(new)

    def results(self) -> Iterator[Kept]:
        """All results, in the order of implementation, configuration and seed."""
        rows = self._data.execute(
            "SELECT id, iut, configuration, seed, status, seconds, told, arguments FROM results"
            " JOIN items ON id = item ORDER BY iut, configuration, seed, id"
        )
        for item, iut, configuration, seed, status, seconds, told, arguments in rows:
            yield Kept(item, iut, configuration, seed, status, seconds, told, tuple(json.loads(arguments)))

    def files(self, item: str) -> dict[str, bytes]:
        """What an item left, by name."""
        rows = self._data.execute("SELECT name, deflated FROM files WHERE item = ? ORDER BY name", (item,))
        return {name: zlib.decompress(deflated) for name, deflated in rows}

    def forget(self, statuses: Iterable[str]) -> int:
        """Take results with these statuses away, so that their items are played again; how many there were."""
        with self._data:
            marks = [(status,) for status in statuses]
            self._data.executemany("DELETE FROM files WHERE item IN (SELECT item FROM results WHERE status = ?)", marks)
            return self._data.executemany("DELETE FROM results WHERE status = ?", marks).rowcount

    def close(self) -> None:
        """Nothing more is written."""
        self._data.close()
        self._lock.close()
