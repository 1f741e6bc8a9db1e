"""What a verifier must not forget: the binders that it was asked about, and the latest time that a proof has shown."""

from __future__ import annotations

from pathlib import Path

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS binders (binder BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 0), floor INTEGER NOT NULL);
"""


class LedgerError(Exception):
    """The file cannot be used. The message is one line."""


class Ledger:
    """A database in a file, or without one in memory. What a call has noted survives a crash after it.

    Several verifiers may share a file: each binder is new to one of them only. It grows by about 40 octets a binder,
    and a verifier that can store no more answers no more.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Raises LedgerError."""
        import sqlite3  # What only knows of verifiers needs no database.

        try:
            self._database = sqlite3.connect(file or ":memory:", isolation_level=None)
            self._database.executescript(_TABLES)
        except sqlite3.Error as error:
            raise LedgerError(f"{file}: expected a verifier's ledger that can be written: {error}") from error

    def use(self, binder: bytes) -> bool:
        """Note a binder; whether it was new. Raises sqlite3.Error, and then it counts as not noted."""
        noted = self._database.execute("INSERT OR IGNORE INTO binders VALUES (?)", (binder,))
        return noted.rowcount == 1

    @property
    def floor(self) -> int:
        """Unix seconds below which the clock does not go."""
        found = self._database.execute("SELECT floor FROM clock").fetchone()
        return int(found[0]) if found else 0

    def raise_floor(self, seconds: int) -> None:
        """Raise it; a lower one changes nothing."""
        self._database.execute(
            "INSERT INTO clock VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET floor = max(floor, excluded.floor)",
            (seconds,),
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()
