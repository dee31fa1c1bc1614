"""Problems of a run that nothing judges: what they came to, as far as the examples say."""

from __future__ import annotations

from typing import Any

from eval.bench.drive import read_plan
from eval.bench.layout import BenchDirectory
from solver.rundir import RunDirectory


def unjudged_rows(bench: BenchDirectory) -> list[dict[str, Any]]:
    """A row for each that has a report, in the order of the plan. Raises UserError."""
    if not bench.plan.exists():
        return []
    rows = []
    for planned in read_plan(bench).values():
        directory = bench.root / planned.directory
        if planned.judged or not (directory / "report.json").exists():
            continue
        report = RunDirectory.open(directory)[0].read_report()
        rows.append(
            {
                "problem": planned.name,
                "directory": planned.directory,
                "samples": report["counts"]["samples"],
                "programs": report["counts"]["unique"],
                "passing_programs": report["counts"]["passing"],
                "clusters": report["clusters"]["count"],
                "submissions": len(report["submissions"]),
                "passes_examples": report["passes_examples"],
                "stop_reason": report["stop_reason"],
            }
        )
    return rows


def told(rows: list[dict[str, Any]]) -> str:
    """In one sentence."""
    passing = sum(bool(row["passes_examples"]) for row in rows)
    return (
        f"{len(rows)} problems without hidden tests are not judged; {passing} have submissions that pass the examples"
    )
