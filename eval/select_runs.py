"""Choosing again from what runs have executed already: another policy, scorer or number of submissions, nothing run.

A benchmark run is judged, so ways to choose are compared on it as on a recorded pool. A single run is not: what each
way would submit is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clustering.policies import Scorer, rank
from eval.bench.layout import BenchDirectory
from eval.bench.problem_run import ProblemRun, load_runs
from eval.pools import Labelled
from solver.choice import choice_evidence
from solver.errors import UserError
from solver.rundir import RunDirectory
from solver.store import Store


def are_benchmarks(roots: Sequence[Path]) -> bool:
    """Whether these are benchmark runs; False for single runs. Raises UserError where there are both."""
    kinds = [BenchDirectory(root).config.exists() for root in roots]
    if any(kinds) and not all(kinds):
        raise UserError(f"{roots[kinds.index(False)]}: not a benchmark run, and others are; give one kind at a time")
    return all(kinds)


def labelled_runs(roots: Sequence[Path], limit: int | None = None) -> list[Labelled]:
    """The judged problems of benchmark runs. Raises UserError."""
    found = [_labelled(run) for root in roots for run in load_runs(root)]
    if not found:
        raise UserError(f"{roots[0]}: no problem is judged yet; go on with `solve bench --resume {roots[0]}`")
    return found[:limit]


def _labelled(run: ProblemRun) -> Labelled:
    return Labelled(
        plain=run.evidence,
        with_examples=run.evidence,
        right=run.right,
        recorded=tuple((0, 0) for _ in run.evidence.candidates),
        samples=len(run.sample_program),
        runs=run.executions,
        seconds=run.sandbox_cpu_seconds,
    )


def choices(root: Path, policies: Sequence[str], k: int, *, seed: int, scorer: Scorer) -> dict[str, Any]:
    """What each policy would submit of a finished run, best first; plain data. Raises UserError."""
    run, problem, _ = RunDirectory.open(root)
    settled = int(run.read_report()["counts"]["samples"])
    with Store(run.store_path) as store:
        evidence = choice_evidence(store, settled)
        told = {}
        for policy in policies:
            told[policy] = [
                {
                    "rank": place,
                    "program": choice.key,
                    "confidence": round(choice.confidence, 4),
                    "language": store.program(choice.key).language,
                    "source": store.program(choice.key).source,
                }
                for place, choice in enumerate(rank(evidence, policy, k, seed, scorer), 1)
            ]
    return {"run": str(root), "problem": problem.name, "passing": int(evidence.passes.sum()), "policies": told}
