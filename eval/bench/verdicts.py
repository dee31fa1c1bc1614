"""What the judge found: one SQLite file beside the runs, so that no run directory ever holds a hidden verdict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from eval.judge import Judgement
from sandbox import Verdict
from solver.errors import UserError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS problems (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL, directory TEXT NOT NULL, source TEXT NOT NULL,
    difficulty TEXT NOT NULL, rating INTEGER, tags TEXT NOT NULL, date TEXT NOT NULL,
    hidden_tests INTEGER NOT NULL, doubtful TEXT NOT NULL, judged INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS judgements (
    problem TEXT NOT NULL, program TEXT NOT NULL, verdict TEXT NOT NULL, tests_passed INTEGER NOT NULL,
    tests INTEGER NOT NULL, failing_test INTEGER, cpu_seconds REAL NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (problem, program)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class JudgedProblem:
    """A problem of the benchmark. directory: its run's, relative to the benchmark's. doubtful: why exact match may
    reject right answers; empty when nothing speaks for it."""

    name: str
    number: int
    directory: str
    source: str = ""
    difficulty: str = ""
    rating: int | None = None
    tags: tuple[str, ...] = ()
    date: str = ""
    hidden_tests: int = 0
    doubtful: str = ""


class Verdicts:
    """Open with `Verdicts(path)`; close it, or use it as a context manager."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Raises UserError when the file cannot be used."""
        try:
            if read_only:
                self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            else:
                self._db = sqlite3.connect(path, isolation_level=None)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.executescript(_SCHEMA)
            self._db.execute("SELECT count(*) FROM problems")
        except sqlite3.DatabaseError as error:
            raise UserError(f"{path}: cannot be used as a record of verdicts ({error})") from None

    def __enter__(self) -> Verdicts:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def add_problem(self, problem: JudgedProblem) -> None:
        """One already there stays as it is."""
        p = problem
        self._db.execute(
            "INSERT OR IGNORE INTO problems VALUES (?,?,?,?,?,?,?,?,?,?,0)",
            (
                p.name, p.number, p.directory, p.source, p.difficulty, p.rating, json.dumps(p.tags), p.date,
                p.hidden_tests, p.doubtful,
            ),
        )  # fmt: skip

    def problems(self, *, judged: bool = False) -> Iterator[JudgedProblem]:
        """In the order of the data set. judged: only those whose programs are all judged."""
        for name, number, directory, source, difficulty, rating, tags, *rest in self._db.execute(
            "SELECT name, number, directory, source, difficulty, rating, tags, date, hidden_tests, doubtful "
            "FROM problems WHERE judged >= ? ORDER BY number",
            (int(judged),),
        ).fetchall():
            yield JudgedProblem(name, number, directory, source, difficulty, rating, tuple(json.loads(tags)), *rest)

    def finish(self, problem: str) -> None:
        """All of its programs are judged."""
        self._db.execute("UPDATE problems SET judged = 1 WHERE name = ?", (problem,))

    def is_finished(self, problem: str) -> bool:
        row = self._db.execute("SELECT judged FROM problems WHERE name = ?", (problem,)).fetchone()
        return row is not None and bool(row[0])

    def add(self, problem: str, program: str, judgement: Judgement) -> None:
        """An internal error is no verdict: a later judgement takes its place."""
        j = judgement
        self._db.execute(
            "INSERT OR REPLACE INTO judgements VALUES (?,?,?,?,?,?,?,?)",
            (
                problem, program, j.verdict.value, j.tests_passed, j.tests, j.failing_test, j.cpu_seconds,
                j.detail[:500],
            ),
        )  # fmt: skip

    def of(self, problem: str) -> dict[str, Judgement]:
        """Program key → judgement."""
        rows = self._db.execute(
            "SELECT program, verdict, tests_passed, tests, failing_test, cpu_seconds, detail FROM judgements "
            "WHERE problem = ? ORDER BY program",
            (problem,),
        )
        return {key: Judgement(Verdict(verdict), *rest) for key, verdict, *rest in rows}
