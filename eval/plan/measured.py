"""What a finished run or benchmark run really took, counted from its records: the figures that plans are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from eval.bench.config import read_config
from eval.bench.drive import read_plan
from eval.bench.layout import BenchDirectory
from eval.bench.sessions import read_sessions
from eval.plan.arithmetic import BYTES_A_PROBLEM, SANDBOX_SECONDS
from solver.config import RunConfig
from solver.errors import UserError
from solver.models.registry import find
from solver.rundir import RunDirectory
from solver.store import Store

_BUSY = 0.1
"""Share of its time that a driver computes, from which on its rate says something: one that waits for a model spends
more on clocks and progress than on samples."""

_COUNTS = """
SELECT (SELECT count(*) FROM samples), (SELECT coalesce(sum(completion_tokens), 0) FROM samples),
       (SELECT count(*) FROM programs),
       (SELECT count(*) FROM (
           SELECT e.program FROM executions e JOIN inputs i ON i.id = e.input AND i.kind = 'example'
           WHERE e.verdict = 'AC' GROUP BY e.program
           HAVING count(*) = (SELECT count(*) FROM inputs WHERE kind = 'example'))),
       (SELECT count(*) FROM executions e JOIN inputs i ON i.id = e.input AND i.kind = 'example'),
       (SELECT count(*) FROM executions), (SELECT coalesce(sum(cpu_seconds), 0) FROM executions)
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over problems. unique: programs; passing: those of them that pass the examples; executions: of all kinds.
    cpu_seconds: of the programs themselves. disk_bytes: of the run directories."""

    problems: int = 0
    samples: int = 0
    completion_tokens: int = 0
    unique: int = 0
    passing: int = 0
    example_executions: int = 0
    executions: int = 0
    cpu_seconds: float = 0.0
    disk_bytes: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Measured:
    """One run or benchmark run. per_problem: in the order of the data set. sessions: as `read_sessions` gives them."""

    directory: Path
    config: RunConfig
    per_problem: tuple[Totals, ...]
    sessions: tuple[dict[str, Any], ...]

    @property
    def model(self) -> str:
        """The name that its figures are remembered by."""
        if self.config.recorded is not None:
            return f"recorded:{self.config.recorded.name}"
        named = find(self.config.model)
        return named.name if named else self.config.model

    @property
    def totals(self) -> Totals:
        return sum(self.per_problem, Totals())


def measure(directory: Path) -> Measured:
    """Of a benchmark run or of one run; what is not finished counts as far as it got. Raises UserError."""
    bench = BenchDirectory(directory)
    if not bench.config.exists():
        _, _, config = RunDirectory.open(directory)
        return Measured(directory, config, (_count(directory),), tuple(_session_of_run(directory)))
    if not bench.plan.exists():
        raise UserError(f"{directory}: nothing was run yet; go on with `solve bench --resume {directory}`")
    runs = [directory / planned.directory for planned in read_plan(bench).values()]
    counted = tuple(_count(run) for run in runs if (run / "run.sqlite").exists())
    return Measured(directory, read_config(directory).run, counted, tuple(read_sessions(bench)))


def _count(directory: Path) -> Totals:
    store = directory / "run.sqlite"
    if not store.exists():
        raise UserError(f"{directory}: has no samples yet; go on with `solve resume {directory}`")
    with Store(store) as opened:
        row = opened.query(_COUNTS)[0]
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    samples, tokens, unique, passing, on_examples, executions, cpu = row
    return Totals(1, samples, tokens, unique, passing, on_examples, executions, cpu, size)


def _session_of_run(directory: Path) -> list[dict[str, Any]]:
    """The last session of a run, as its report tells it."""
    run = RunDirectory(directory)
    if not run.report_path.exists():
        return []
    timing = run.read_report().get("timing", {})
    if "elapsed_seconds" not in timing:
        return []
    tokens = timing.get("tokens_per_second", 0.0) * timing.get("sampling_seconds", 0.0)
    told = {name: timing.get(name) for name in ("engine", "driver_cpu_seconds")}
    samples = timing.get("samples_now", 0)
    return [{"seconds": timing["elapsed_seconds"], "samples": samples, "completion_tokens": round(tokens), **told}]


def figures(totals: Totals, sessions: Sequence[dict[str, Any]], *, replayed: bool) -> dict[str, float]:
    """By the names of `eval.plan.arithmetic.FIGURES`; those that the records do not tell are left out.

    replayed: the samples came from a recording, whose pace says nothing of a model.
    """
    found: dict[str, float] = {}
    if totals.samples:
        found["tokens_per_sample"] = totals.completion_tokens / totals.samples
        found["unique_share"] = totals.unique / totals.samples
        found["bytes_per_sample"] = (totals.disk_bytes - totals.problems * BYTES_A_PROBLEM) / totals.samples
    if totals.unique:
        found["pass_share"] = totals.passing / totals.unique
        found["example_runs"] = totals.example_executions / totals.unique
    if totals.executions:
        found["execution_seconds"] = totals.cpu_seconds / totals.executions + SANDBOX_SECONDS
    if not replayed and (rate := _tokens_per_second(sessions)):
        found["tokens_per_second"] = rate
    samples, cpu = busy_driver(sessions)
    if cpu:
        found["driver_samples_per_second"] = samples / cpu
    return {name: value for name, value in found.items() if value > 0 or name == "pass_share"}


def busy_driver(sessions: Sequence[dict[str, Any]]) -> tuple[int, float]:
    """Samples and CPU seconds of the sessions in which the driver had something to do."""
    told = [one for one in sessions if (one.get("driver_cpu_seconds") or 0) > _BUSY * one["seconds"]]
    return sum(one["samples"] for one in told), sum(one["driver_cpu_seconds"] for one in told)


def _tokens_per_second(sessions: Sequence[dict[str, Any]]) -> float | None:
    """Of one device, while the engine had work; of all the session's time, and of all the devices that a cluster was
    asked for, where the engine does not say."""
    seconds = tokens = 0.0
    for one in sessions:
        engine = one.get("engine") or {}
        if engine.get("seconds") and engine.get("completion_tokens"):
            seconds += engine["seconds"] * engine.get("devices", 1)
            tokens += engine["completion_tokens"]
        elif one.get("seconds"):
            seconds += one["seconds"] * (one.get("devices") or 1)
            tokens += one["completion_tokens"]
    return tokens / seconds if tokens and seconds else None
