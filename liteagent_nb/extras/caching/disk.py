"""Answers in one SQLite file: shared by a user's processes, bounded, without a server.

The standard library's SQLite, and bytes only: diskcache, the library that is known for this, unpickles what it reads,
so that whoever can write the file runs code here.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DiskStore"]

_BUSY_MS = 40
"""How long another process's write is waited for; after that it is a failure, which is a miss."""
_LOOK_EVERY = 16
"""The size is looked at each time that this part of the bound was added."""
_SCHEMA = f"""
PRAGMA busy_timeout = {_BUSY_MS};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, expires_s REAL NOT NULL, data BLOB NOT NULL
);
"""
_NEVER_S = 1e12
_KEEP_THE_NEWEST = """
DELETE FROM answers WHERE number <= (
    SELECT max(number) FROM (SELECT number, sum(length(data)) OVER (ORDER BY number DESC) AS size FROM answers)
    WHERE size > ?
)
"""


class DiskStore:
    """The file `answers.sqlite` in *folder*, with at most *max_mb* of answers: the oldest go first."""

    kind = "disk"

    def __init__(self, folder: Path, *, max_mb: float) -> None:
        self._file = folder / "answers.sqlite"
        self._max_bytes = int(max_mb * 1_000_000)
        self._added_bytes = self._max_bytes
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def describe(self) -> str:
        """Say which file it is."""
        return str(self._file)

    def get(self, key: str) -> bytes | None:
        """Return what is under *key*, where it has not expired."""
        with self._lock:
            found = self._connection().execute("SELECT data, expires_s FROM answers WHERE key = ?", (key,)).fetchone()
        return bytes(found[0]) if found and found[1] > time.time() else None

    def put(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*, as the newest entry."""
        expires_s = _NEVER_S if ttl_s is None else time.time() + ttl_s
        with self._lock:
            row = (key, expires_s, data)
            self._connection().execute("INSERT OR REPLACE INTO answers (key, expires_s, data) VALUES (?, ?, ?)", row)
            self._added_bytes += len(data)
            if self._added_bytes * _LOOK_EVERY >= self._max_bytes:
                self._make_room()

    async def aget(self, key: str) -> bytes | None:
        """Return what is under *key*: it takes microseconds, a thread would take longer."""
        return self.get(key)

    async def aput(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*, as the newest entry."""
        self.put(key, data, ttl_s)

    def count(self) -> int:
        """Return how many entries have not expired."""
        with self._lock:
            asked = self._connection().execute("SELECT count(*) FROM answers WHERE expires_s > ?", (time.time(),))
            return int(asked.fetchone()[0])

    def clear(self) -> int:
        """Remove all entries, and give their room back; return how many there were."""
        with self._lock:
            removed = self._connection().execute("DELETE FROM answers").rowcount
            self._connection().execute("VACUUM")
        return removed

    def close(self) -> None:
        """Close the file; it is opened again where it is asked again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    async def aclose(self) -> None:
        """Close the file."""
        self.close()

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))  # answers are the user's alone
            self._opened = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            self._opened.executescript(_SCHEMA)
        return self._opened

    def _make_room(self) -> None:
        self._added_bytes = 0
        self._connection().execute("DELETE FROM answers WHERE expires_s <= ?", (time.time(),))
        self._connection().execute(_KEEP_THE_NEWEST, (self._max_bytes,))
