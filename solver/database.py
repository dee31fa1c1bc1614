"""The SQLite file of a run: its tables, how it is opened, and when what is written is on record.

Alone, every write is a transaction of its own. While `Database.grouped` is open, writes share one that is committed
every 50 ms, or sooner when it grows large, so `kill -9` loses at most what was in flight; `commit` before anything that
must not outlive its record. Not covered: what the rows mean (`solver.store`).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from solver.errors import UserError

GROUP_SECONDS = 0.05
GROUP_WRITES = 2000
_CACHE_KIB = 32 * 1024
_CHECKPOINT_PAGES = 4000

_SCHEMA_VERSION = "3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sample_rows (
    idx INTEGER PRIMARY KEY,
    request INTEGER NOT NULL, choice INTEGER NOT NULL,
    text BLOB NOT NULL, model TEXT NOT NULL, plan TEXT NOT NULL, language TEXT NOT NULL,
    temperature REAL NOT NULL, seed INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    mean_logprob REAL, finish_reason TEXT NOT NULL,
    extraction TEXT NOT NULL, program INTEGER,
    UNIQUE (request, choice));
CREATE INDEX IF NOT EXISTS samples_by_program ON sample_rows (program);
CREATE TABLE IF NOT EXISTS programs (
    first_sample INTEGER PRIMARY KEY, key TEXT NOT NULL, hash INTEGER NOT NULL, language TEXT NOT NULL,
    start INTEGER, length INTEGER, source BLOB);
CREATE INDEX IF NOT EXISTS programs_by_hash ON programs (hash);
CREATE TABLE IF NOT EXISTS inputs (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, origin TEXT NOT NULL, text BLOB NOT NULL,
    validity REAL NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS execution_rows (
    program INTEGER NOT NULL, input INTEGER NOT NULL, verdict TEXT NOT NULL, behaviour TEXT,
    cpu_seconds REAL NOT NULL, wall_seconds REAL NOT NULL, peak_memory_bytes INTEGER NOT NULL,
    exit_code INTEGER, signal INTEGER, detail TEXT NOT NULL, runs INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (program, input)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS side_samples (
    plan TEXT NOT NULL, request INTEGER NOT NULL, choice INTEGER NOT NULL,
    text BLOB NOT NULL, model TEXT NOT NULL, temperature REAL NOT NULL, seed INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    mean_logprob REAL, finish_reason TEXT NOT NULL,
    PRIMARY KEY (plan, request, choice)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
    input INTEGER PRIMARY KEY, expected TEXT NOT NULL, behaviour TEXT NOT NULL, copies INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cluster_rows (program INTEGER PRIMARY KEY, cluster INTEGER NOT NULL);
CREATE VIEW IF NOT EXISTS samples AS
    SELECT s.idx, s.request, s.choice, s.text, s.model, s.plan, s.language, s.temperature, s.seed, s.prompt_tokens,
        s.completion_tokens, s.mean_logprob, s.finish_reason, s.extraction, p.key AS program
    FROM sample_rows s LEFT JOIN programs p ON p.first_sample = s.program;
CREATE VIEW IF NOT EXISTS executions AS
    SELECT p.key AS program, e.input, e.verdict, e.behaviour, e.cpu_seconds, e.wall_seconds, e.peak_memory_bytes,
        e.exit_code, e.signal, e.detail, e.runs
    FROM execution_rows e LEFT JOIN programs p ON p.first_sample = e.program;
"""


class Database:
    """Open with `Database(path)`; close it, or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `UserError` when the file is not a run's store or cannot be written."""
        self.path = path
        self._grouping = False
        self._writes = 0
        self._broken: sqlite3.Error | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            known = self.query("SELECT 1 FROM sqlite_master WHERE name = 'meta'")
            version = self.meta("schema") if known else None
            if version in (None, _SCHEMA_VERSION):
                self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise UserError(f"{path}: cannot be used as a run's store ({error}); choose another --out") from None
        if version is None:
            self.set_meta("schema", _SCHEMA_VERSION)
        elif version != _SCHEMA_VERSION:
            self._db.close()
            raise UserError(f"{path}: written by another version of codesieve (store schema {version})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """For choices and reports: any read-only statement."""
        return self._db.execute(sql, parameters).fetchall()

    def rows(self, sql: str, *parameters: object) -> Iterator[tuple[Any, ...]]:
        """The same for an answer that may be too long to hold; nothing is to be written before its end."""
        return self._db.execute(sql, parameters)

    @asynccontextmanager
    async def grouped(self) -> AsyncIterator[None]:
        """While it is open, writes share transactions; reads through this object see them at once.

        After a write or a commit that failed, every further one raises what that raised. Commits at the end.
        """
        self._grouping = True
        ticking = asyncio.create_task(self._commit_regularly())
        try:
            yield
        finally:
            self._grouping = False
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            self.commit()

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(GROUP_SECONDS)
            with contextlib.suppress(sqlite3.Error):  # the next write raises it
                self.commit()

    def commit(self) -> None:
        """What was written is on record when this returns. Raises sqlite3.Error."""
        self._check()
        try:
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)
            raise
        self._writes = 0

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _give_up(self, error: BaseException) -> None:
        if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
            self._db.execute("ROLLBACK")
        if self._grouping:  # rows of others went with it: nobody may build on them
            broke_off = sqlite3.DatabaseError(f"a write broke off: {error!r}")
            self._broken = error if isinstance(error, sqlite3.Error) else broke_off

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written in it is written together or not at all. Raises sqlite3.Error."""
        self._check()
        if not self._db.in_transaction:
            self._db.execute("BEGIN")
        try:
            yield
        except BaseException as error:
            self._give_up(error)
            raise
        self._writes += 1
        if not self._grouping or self._writes >= GROUP_WRITES:
            self.commit()

    # --- meta -------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str | None) -> None:
        with self.transaction():
            if value is None:
                self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
