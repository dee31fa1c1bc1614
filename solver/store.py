"""The run's record: samples, programs, inputs and executions, written by the driver alone (`solver.database`).

A program is known by the index of its first sample: small numbers that grow, so rows of all tables are appended, and
its key is kept once. Other modules read the views `samples` and `executions`, where a program is its key.
Reports are made from this file only, which is why a resumed run and an undisturbed one agree.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sandbox import Verdict
from solver.database import Database
from solver.samplers.base import Sample

_LEVEL = 3  # of zlib: half the time of the default level, 2 % more bytes

_OF_KEY = "SELECT first_sample FROM programs WHERE hash = ? AND key = ?"
_EXECUTIONS = (
    "SELECT input, verdict, behaviour, cpu_seconds, wall_seconds, peak_memory_bytes, exit_code, signal, detail "
    f"FROM execution_rows WHERE program = ({_OF_KEY}) AND verdict != 'IE'"
)


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample's place in the run: arrival order and the program it holds, if any. is_new: it is that one's first."""

    idx: int
    program: str | None
    completion_tokens: int
    is_new: bool


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


class Store(Database):
    """Open with `Store(path)`; close it, or use it as a context manager."""

    # --- samples and programs ---------------------------------------------------------------------

    def has_sample(self, request: int, choice: int) -> bool:
        found = self._db.execute("SELECT 1 FROM sample_rows WHERE request = ? AND choice = ?", (request, choice))
        return found.fetchone() is not None

    def add_sample(self, idx: int, sample: Sample, extraction: str, program: StoredProgram | None) -> bool:
        """Record a sample and, if its program is new, the program. True when the program is new."""
        first = None if program is None else self._first_sample(program.key)
        is_new = program is not None and first is None
        with self.transaction():
            self._db.execute(
                "INSERT INTO sample_rows VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    idx, sample.request, sample.choice, _pack(sample.text), sample.model, sample.plan,
                    sample.language, sample.temperature, sample.seed, sample.prompt_tokens,
                    sample.completion_tokens, sample.mean_logprob, sample.finish_reason, extraction,
                    idx if is_new else first,
                ),
            )  # fmt: skip
            if program is not None and is_new:
                self._add_program(idx, program, sample.text)
        return is_new

    def _add_program(self, idx: int, program: StoredProgram, answer: str) -> None:
        """Most sources stand in the answer as they are; then they are not kept a second time."""
        place = answer.find(program.source)
        found = (place, len(program.source), None) if place >= 0 else (None, None, _pack(program.source))
        self._db.execute(
            "INSERT INTO programs VALUES (?,?,?,?,?,?,?)",
            (idx, program.key, _hash(program.key), program.language, *found),
        )

    def _first_sample(self, key: str) -> int | None:
        row = self._db.execute(_OF_KEY, (_hash(key), key)).fetchone()
        return None if row is None else int(row[0])

    def stored_samples(self) -> Iterator[StoredSample]:
        """In arrival order."""
        for idx, program, tokens, is_new in self._db.execute(
            "SELECT s.idx, p.key, s.completion_tokens, s.program IS s.idx FROM sample_rows s "
            "LEFT JOIN programs p ON p.first_sample = s.program ORDER BY s.idx"
        ):
            yield StoredSample(idx, program, tokens, bool(is_new))

    def raw_samples(self) -> Iterator[Sample]:
        """Every sample with its text, in arrival order."""
        columns = (
            "request, choice, text, model, plan, language, temperature, seed, prompt_tokens, "
            "completion_tokens, mean_logprob, finish_reason"
        )
        for request, choice, text, *rest in self._db.execute(f"SELECT {columns} FROM sample_rows ORDER BY idx"):
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
        with self.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO side_samples VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (
                    sample.plan, sample.request, sample.choice, _pack(sample.text), sample.model, sample.temperature,
                    sample.seed, sample.prompt_tokens, sample.completion_tokens, sample.mean_logprob,
                    sample.finish_reason,
                ),
            )  # fmt: skip

    def program(self, key: str) -> StoredProgram:
        """Raises KeyError for a key that no sample has."""
        row = self._db.execute(
            "SELECT p.first_sample, p.language, p.source, p.start, p.length, s.text FROM programs p "
            "JOIN sample_rows s ON s.idx = p.first_sample WHERE p.hash = ? AND p.key = ?",
            (_hash(key), key),
        ).fetchone()
        if row is None:
            raise KeyError(key)
        first, language, source, start, length, answer = row
        text = _unpack(answer)[start : start + length] if source is None else _unpack(source)
        return StoredProgram(key, first, language, text)

    def next_request(self) -> int:
        """The first request index that no recorded sample used."""
        row = self._db.execute("SELECT max(request) FROM sample_rows").fetchone()
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
        with self.transaction():
            self._db.executemany(
                "INSERT INTO claims VALUES (?, ?, ?, ?)", [(c.input, c.expected, c.behaviour, c.copies) for c in claims]
            )
            self._db.executemany(
                "INSERT INTO inputs VALUES (?, ?, ?, ?, ?)",
                [(i.id, i.kind, i.origin, _pack(i.text), i.validity) for i in inputs],
            )

    def add_input(self, kind: str, origin: str, text: str) -> RunInput:
        """A further input, with the next free id."""
        with self.transaction():
            (last,) = self._db.execute("SELECT coalesce(max(id), -1) FROM inputs").fetchone()
            added = RunInput(last + 1, kind, origin, text)
            self._db.execute("INSERT INTO inputs VALUES (?, ?, ?, ?, 1)", (added.id, kind, origin, _pack(text)))
        return added

    def settle_search(self, origins: dict[int, str], key: str, record: str) -> None:
        """These inputs become distinguishing ones, and the search's record is kept under `key`, both or neither."""
        with self.transaction():
            self._db.executemany(
                "UPDATE inputs SET kind = 'distinguishing', origin = ? WHERE id = ?",
                [(origin, id_) for id_, origin in origins.items()],
            )
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, record))

    def output(self, program: str, input_id: int) -> str:
        """The beginning of what a program printed on a probe; empty when that is not known."""
        row = self._db.execute(
            f"SELECT detail FROM execution_rows WHERE program = ({_OF_KEY}) AND input = ? AND verdict = 'OK'",
            (_hash(program), program, input_id),
        ).fetchone()
        return "" if row is None else str(row[0])

    def execution(self, program: str, input_id: int) -> Execution | None:
        """What is known of the pair; None when it has not been executed, or only to an internal error."""
        row = self._db.execute(f"{_EXECUTIONS} AND input = ?", (_hash(program), program, input_id)).fetchone()
        return None if row is None else _execution(program, *row)

    def executions(self, program: str) -> dict[int, Execution]:
        """By input, what is known of a program; internal errors are not."""
        rows = self._db.execute(_EXECUTIONS, (_hash(program), program))
        return {row[0]: _execution(program, *row) for row in rows}

    def behaviour(self, program: str) -> tuple[str | None, ...]:
        """What a survivor did on the generated and the distinguishing inputs, in their order."""
        rows = self._db.execute(
            f"SELECT e.behaviour FROM inputs i LEFT JOIN execution_rows e ON e.input = i.id "
            f"AND e.program = ({_OF_KEY}) WHERE i.kind IN ('generated', 'distinguishing') ORDER BY i.id",
            (_hash(program), program),
        )
        return tuple(None if row[0] is None else sys.intern(row[0]) for row in rows)

    def add_execution(self, execution: Execution) -> None:
        """A pair executed a second time shows as `runs` = 2: the count that must stay empty.

        An internal error was no execution, so a later result takes its place.
        """
        with self.transaction():
            if self._insert_execution(execution):
                return
            replaced = self._db.execute(
                f"DELETE FROM execution_rows WHERE program = ({_OF_KEY}) AND input = ? AND verdict = 'IE'",
                (_hash(execution.program), execution.program, execution.input),
            )
            if replaced.rowcount:
                self._insert_execution(execution)
            else:
                self._db.execute(
                    f"UPDATE execution_rows SET runs = runs + 1 WHERE program = ({_OF_KEY}) AND input = ?",
                    (_hash(execution.program), execution.program, execution.input),
                )

    def _insert_execution(self, execution: Execution) -> bool:
        """False when the pair is there already."""
        inserted = self._db.execute(
            f"INSERT INTO execution_rows VALUES (({_OF_KEY}),?,?,?,?,?,?,?,?,?,1) "
            "ON CONFLICT (program, input) DO NOTHING",
            (
                _hash(execution.program), execution.program, execution.input, execution.verdict.value,
                execution.behaviour, execution.cpu_seconds, execution.wall_seconds, execution.peak_memory_bytes,
                execution.exit_code, execution.signal, execution.detail,
            ),
        )  # fmt: skip
        return inserted.rowcount == 1

    def set_clusters(self, assignment: dict[str, int]) -> None:
        """program key -> cluster index; replaces what was there."""
        with self.transaction():
            self._db.execute("DELETE FROM cluster_rows")
            self._db.executemany(
                f"INSERT INTO cluster_rows VALUES (({_OF_KEY}), ?)",
                ((_hash(key), key, cluster) for key, cluster in assignment.items()),
            )


def _hash(key: str) -> int:
    """Of a program's key: 64 bits, which an index holds in an eighth of the key's bytes."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def _execution(program: str, input_id: int, verdict: str, *rest: Any) -> Execution:
    return Execution(program, input_id, Verdict(verdict), *rest)


def _pack(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)


def _unpack(blob: bytes) -> str:
    return zlib.decompress(blob).decode("utf-8", "surrogatepass")
