"""The run's record: one SQLite file in WAL mode, written by the driver alone.

Every sample and every execution is committed as it arrives, so `kill -9` loses at most what was in flight.
Reports are made from this file only, which is why a resumed run and an undisturbed one agree.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sandbox import Verdict
from solver.errors import UserError
from solver.samplers.base import Sample

_SCHEMA_VERSION = "2"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS samples (
    idx INTEGER PRIMARY KEY,
    request INTEGER NOT NULL, choice INTEGER NOT NULL,
    text BLOB NOT NULL, model TEXT NOT NULL, plan TEXT NOT NULL, language TEXT NOT NULL,
    temperature REAL NOT NULL, seed INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    mean_logprob REAL, finish_reason TEXT NOT NULL,
    extraction TEXT NOT NULL, program TEXT,
    UNIQUE (request, choice));
CREATE INDEX IF NOT EXISTS samples_by_program ON samples (program);
CREATE TABLE IF NOT EXISTS programs (
    key TEXT PRIMARY KEY, first_sample INTEGER NOT NULL, language TEXT NOT NULL, source BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inputs (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, origin TEXT NOT NULL, text BLOB NOT NULL,
    validity REAL NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS executions (
    program TEXT NOT NULL, input INTEGER NOT NULL, verdict TEXT NOT NULL, behaviour TEXT,
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
CREATE TABLE IF NOT EXISTS clusters (
    cluster INTEGER NOT NULL, program TEXT NOT NULL, PRIMARY KEY (program)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample's place in the run: arrival order and the program it holds, if any."""

    idx: int
    program: str | None
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class StoredProgram:
    key: str
    first_sample: int
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class RunInput:
    """An input that programs are run on. kind: `example`, `generated`, `probe` (tried in a search for distinguishing
    inputs) or `distinguishing` (found by it); survivors are run on all but probes. validity: belief, 0 to 1, that it
    obeys the problem's rules."""

    id: int
    kind: str
    origin: str
    text: str
    validity: float = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A model-written test: the output it expects of an input, and the behaviour token of that output."""

    input: int
    expected: str
    behaviour: str
    copies: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One (program, input) pair, judged. `behaviour` is None for an internal error."""

    program: str
    input: int
    verdict: Verdict
    behaviour: str | None
    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int
    exit_code: int | None
    signal: int | None
    detail: str


class Store:
    """Open with `Store(path)`; close it, or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `UserError` when the file is not a run's store or cannot be written."""
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            version = self.meta("schema")
        except sqlite3.DatabaseError as error:
            raise UserError(f"{path}: cannot be used as a run's store ({error}); choose another --out") from None
        if version is None:
            self.set_meta("schema", _SCHEMA_VERSION)
        elif version != _SCHEMA_VERSION:
            raise UserError(f"{path}: written by another version of codesieve (store schema {version})")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """For choices and reports: any read-only statement."""
        return self._db.execute(sql, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    # --- meta -------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str | None) -> None:
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- samples and programs ---------------------------------------------------------------------

    def has_sample(self, request: int, choice: int) -> bool:
        found = self._db.execute("SELECT 1 FROM samples WHERE request = ? AND choice = ?", (request, choice))
        return found.fetchone() is not None

    def add_sample(self, idx: int, sample: Sample, extraction: str, program: StoredProgram | None) -> bool:
        """Record a sample and, if its program is new, the program. True when the program is new."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO samples VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    idx, sample.request, sample.choice, _pack(sample.text), sample.model, sample.plan,
                    sample.language, sample.temperature, sample.seed, sample.prompt_tokens,
                    sample.completion_tokens, sample.mean_logprob, sample.finish_reason, extraction,
                    program.key if program else None,
                ),
            )  # fmt: skip
            if program is None:
                return False
            inserted = self._db.execute(
                "INSERT OR IGNORE INTO programs VALUES (?, ?, ?, ?)",
                (program.key, program.first_sample, program.language, _pack(program.source)),
            )
            return inserted.rowcount == 1

    def stored_samples(self) -> Iterator[StoredSample]:
        """In arrival order."""
        for row in self._db.execute("SELECT idx, program, completion_tokens FROM samples ORDER BY idx"):
            yield StoredSample(*row)

    def raw_samples(self) -> Iterator[Sample]:
        """Every sample with its text, in arrival order."""
        columns = (
            "request, choice, text, model, plan, language, temperature, seed, prompt_tokens, "
            "completion_tokens, mean_logprob, finish_reason"
        )
        for request, choice, text, *rest in self._db.execute(f"SELECT {columns} FROM samples ORDER BY idx"):
            yield Sample(request, choice, _unpack(text), *rest)

    def side_samples(self, plan: str | None = None) -> list[Sample]:
        """Answers to side requests (of one plan), by plan, request and choice."""
        rows = self._db.execute(
            "SELECT * FROM side_samples WHERE plan = ? OR ? IS NULL ORDER BY plan, request, choice", (plan, plan)
        )
        return [
            Sample(request, choice, _unpack(text), model, name, "python", *rest)
            for name, request, choice, text, model, *rest in rows
        ]

    def add_side_sample(self, sample: Sample) -> None:
        """Kept beside the programs' samples; one already there stays."""
        self._db.execute(
            "INSERT OR IGNORE INTO side_samples VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                sample.plan, sample.request, sample.choice, _pack(sample.text), sample.model, sample.temperature,
                sample.seed, sample.prompt_tokens, sample.completion_tokens, sample.mean_logprob,
                sample.finish_reason,
            ),
        )  # fmt: skip

    def program(self, key: str) -> StoredProgram:
        row = self._db.execute("SELECT first_sample, language, source FROM programs WHERE key = ?", (key,)).fetchone()
        return StoredProgram(key, row[0], row[1], _unpack(row[2]))

    def next_request(self) -> int:
        """The first request index that no recorded sample used."""
        row = self._db.execute("SELECT max(request) FROM samples").fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    # --- inputs and executions --------------------------------------------------------------------

    def inputs(self) -> list[RunInput]:
        rows = self._db.execute("SELECT id, kind, origin, text, validity FROM inputs ORDER BY id")
        return [RunInput(id_, kind, origin, _unpack(text), validity) for id_, kind, origin, text, validity in rows]

    def claims(self) -> list[Claim]:
        """By input."""
        return [Claim(*row) for row in self._db.execute("SELECT * FROM claims ORDER BY input")]

    def set_inputs(self, inputs: list[RunInput], claims: Sequence[Claim] = ()) -> None:
        """Written once, before the first execution."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO claims VALUES (?, ?, ?, ?)", [(c.input, c.expected, c.behaviour, c.copies) for c in claims]
            )
            self._db.executemany(
                "INSERT INTO inputs VALUES (?, ?, ?, ?, ?)",
                [(i.id, i.kind, i.origin, _pack(i.text), i.validity) for i in inputs],
            )

    def add_input(self, kind: str, origin: str, text: str) -> RunInput:
        """A further input, with the next free id."""
        with self._transaction():
            (last,) = self._db.execute("SELECT coalesce(max(id), -1) FROM inputs").fetchone()
            added = RunInput(last + 1, kind, origin, text)
            self._db.execute("INSERT INTO inputs VALUES (?, ?, ?, ?, 1)", (added.id, kind, origin, _pack(text)))
        return added

    def settle_search(self, origins: dict[int, str], key: str, record: str) -> None:
        """These inputs become distinguishing ones, and the search's record is kept under `key`, both or neither."""
        with self._transaction():
            self._db.executemany(
                "UPDATE inputs SET kind = 'distinguishing', origin = ? WHERE id = ?",
                [(origin, id_) for id_, origin in origins.items()],
            )
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, record))

    def output(self, program: str, input_id: int) -> str:
        """The beginning of what a program printed on a probe; empty when that is not known."""
        row = self._db.execute(
            "SELECT detail FROM executions WHERE program = ? AND input = ? AND verdict = 'OK'", (program, input_id)
        ).fetchone()
        return "" if row is None else str(row[0])

    def execution(self, program: str, input_id: int) -> Execution | None:
        """What is known of the pair; None when it has not been executed, or only to an internal error."""
        row = self._db.execute(
            "SELECT verdict, behaviour, cpu_seconds, wall_seconds, peak_memory_bytes, exit_code, signal, detail "
            "FROM executions WHERE program = ? AND input = ? AND verdict != 'IE'",
            (program, input_id),
        ).fetchone()
        return None if row is None else Execution(program, input_id, Verdict(row[0]), *row[1:])

    def behaviour(self, program: str) -> tuple[str | None, ...]:
        """What a survivor did on the generated and the distinguishing inputs, in their order."""
        rows = self._db.execute(
            "SELECT e.behaviour FROM inputs i LEFT JOIN executions e ON e.input = i.id AND e.program = ? "
            "WHERE i.kind IN ('generated', 'distinguishing') ORDER BY i.id",
            (program,),
        )
        return tuple(row[0] for row in rows)

    def add_execution(self, execution: Execution) -> None:
        """A pair executed a second time shows as `runs` = 2: the count that must stay empty.

        An internal error was no execution, so a later result takes its place.
        """
        with self._transaction():
            self._db.execute(
                "DELETE FROM executions WHERE program = ? AND input = ? AND verdict = 'IE'",
                (execution.program, execution.input),
            )
            self._db.execute(
                "INSERT INTO executions VALUES (?,?,?,?,?,?,?,?,?,?,1) "
                "ON CONFLICT (program, input) DO UPDATE SET runs = runs + 1",
                (
                    execution.program, execution.input, execution.verdict.value, execution.behaviour,
                    execution.cpu_seconds, execution.wall_seconds, execution.peak_memory_bytes,
                    execution.exit_code, execution.signal, execution.detail,
                ),
            )  # fmt: skip

    def set_clusters(self, assignment: dict[str, int]) -> None:
        """program key -> cluster index; replaces what was there."""
        with self._transaction():
            self._db.execute("DELETE FROM clusters")
            self._db.executemany("INSERT INTO clusters (program, cluster) VALUES (?, ?)", assignment.items())


def _pack(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 6)


def _unpack(blob: bytes) -> str:
    return zlib.decompress(blob).decode("utf-8", "surrogatepass")
