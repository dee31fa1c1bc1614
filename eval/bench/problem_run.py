"""One problem of a benchmark run, its run's record and its hidden verdicts side by side: what figures and reports read.

Nothing here chooses; the verdicts meet the run only after its submissions are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import Evidence
from eval.bench.layout import BenchDirectory
from eval.bench.verdicts import JudgedProblem, Verdicts
from eval.judge import Judgement
from solver.choice import choice_evidence
from solver.config import RunConfig
from solver.problem import Problem
from solver.rundir import RunDirectory
from solver.store import Store

NOT_JUDGED = "not judged"
"""Instead of a hidden verdict: the program fails an example."""
NO_RESULT = "no result"
"""Instead of a verdict on the examples: the run ended before the program was executed."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """row: the candidate's, in the evidence. cluster: None for a guess that passes no filter."""

    rank: int
    row: int
    confidence: float
    cluster: int | None


@dataclass(frozen=True, slots=True)
class ProblemRun:
    """A problem's run. Per-sample arrays are in arrival order; per-candidate ones follow `evidence.candidates`.

    sample_program: candidate's row, -1 for a sample without a program. sample_tokens: completion tokens. sample_plan:
    the name of its prompt plan; sample_model: the model that wrote it. example_runs: per candidate, how many examples
    it was run on. example_verdict, verdict: on the examples and on the judge's tests. failed_on: which of the judge's
    tests the candidate failed, in words; empty where it failed none or was not judged. report: the run's report.json.
    model_seconds: wall time between the first sample and the last.
    """

    about: JudgedProblem
    directory: Path
    problem: Problem
    config: RunConfig
    report: dict[str, Any]
    evidence: Evidence
    sample_program: NDArray[np.intp]
    sample_tokens: NDArray[np.int64]
    sample_plan: tuple[str, ...]
    sample_model: tuple[str, ...]
    sample_temperature: NDArray[np.float64]
    example_runs: NDArray[np.intp]
    extraction: dict[str, int]
    prompt_tokens: int
    model_seconds: float
    executions: int
    sandbox_cpu_seconds: float
    example_verdict: tuple[str, ...]
    verdict: tuple[str, ...]
    right: NDArray[np.bool_]
    submissions: tuple[Submitted, ...]
    failed_on: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.about.name


def load_runs(root: Path) -> Iterator[ProblemRun]:
    """The judged problems of a benchmark directory, one at a time, in the order of the data set. Raises UserError."""
    bench = BenchDirectory(root)
    with Verdicts(bench.verdicts, read_only=True) as verdicts:
        for about in verdicts.problems(judged=True):
            yield load_run(root / about.directory, about, verdicts)


def load_run(directory: Path, about: JudgedProblem, verdicts: Verdicts) -> ProblemRun:
    """Raises UserError when the directory is no finished run."""
    run, problem, config = RunDirectory.open(directory)
    report = run.read_report()
    settled = int(report["counts"]["samples"])
    judgements = verdicts.of(about.name)
    with Store(run.store_path) as store:
        evidence = choice_evidence(store, settled, problem.name, problem.statement, everyone=True)
        row_of = {candidate.key: row for row, candidate in enumerate(evidence.candidates)}
        samples = store.query(
            "SELECT program, completion_tokens, plan, temperature, model FROM samples WHERE idx < ? ORDER BY idx",
            settled,
        )
        executions, cpu = store.query("SELECT count(*), coalesce(sum(cpu_seconds), 0) FROM executions")[0]
        on_examples = {
            key: (first_failure, runs)
            for key, first_failure, runs in store.query(
                "SELECT e.program, coalesce(max(CASE WHEN e.verdict != 'AC' THEN e.verdict END), 'AC'), count(*) "
                "FROM executions e JOIN inputs i ON i.id = e.input AND i.kind = 'example' GROUP BY e.program"
            )
        }
    verdict = tuple(judgements[c.key].verdict.value if c.key in judgements else NOT_JUDGED for c in evidence.candidates)
    timing = report.get("timing", {})
    return ProblemRun(
        about=about,
        directory=directory,
        problem=problem,
        config=config,
        report=report,
        evidence=evidence,
        sample_program=np.array([-1 if key is None else row_of[key] for key, *_ in samples], dtype=np.intp),
        sample_tokens=np.array([tokens for _, tokens, *_ in samples], dtype=np.int64),
        sample_plan=tuple(plan for *_, plan, _, _ in samples),
        sample_model=tuple(model for *_, model in samples),
        sample_temperature=np.array([temperature for *_, temperature, _ in samples], dtype=np.float64),
        example_runs=np.array([on_examples.get(c.key, ("", 0))[1] for c in evidence.candidates], dtype=np.intp),
        extraction={str(k): int(v) for k, v in report["counts"]["extraction"].items()},
        prompt_tokens=int(report["tokens"]["prompt"]),
        model_seconds=float(timing.get("sampling_seconds", 0.0)),
        executions=int(executions),
        sandbox_cpu_seconds=float(cpu),
        example_verdict=tuple(on_examples.get(c.key, (NO_RESULT, 0))[0] for c in evidence.candidates),
        verdict=verdict,
        right=np.array([one == "AC" for one in verdict], dtype=bool),
        submissions=tuple(
            Submitted(int(s["rank"]), row_of[s["program"]], float(s["confidence"]), s["cluster"])
            for s in report["submissions"]
        ),
        failed_on=tuple(
            _failed_on(judgements[c.key], len(problem.examples)) if c.key in judgements else ""
            for c in evidence.candidates
        ),
    )


def _failed_on(judgement: Judgement, examples: int) -> str:
    if judgement.failing_test is None:
        return ""
    place = judgement.failing_test - examples
    if place < 0:
        return f"example {judgement.failing_test + 1}"
    return f"hidden test {place + 1} of {judgement.tests - examples}"
