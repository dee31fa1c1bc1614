"""Problems that a benchmark run does not run, and why (`skipped.jsonl`). A line that a crash cut short is none."""

from __future__ import annotations

import json

from eval.bench.layout import BenchDirectory


def skipped(bench: BenchDirectory) -> list[tuple[str, str]]:
    """(problem, reason) of those that were not run."""
    if not bench.skipped.exists():
        return []
    found = []
    for line in bench.skipped.read_text("utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
            found.append((str(row["problem"]), str(row["reason"])))
        except (ValueError, KeyError, TypeError):
            continue  # found again, and told again, when the run goes on
    return found


def skip(bench: BenchDirectory, problem: str, reason: str) -> None:
    """Adds it, once. Raises OSError."""
    if (problem, reason) in skipped(bench):
        return
    with bench.skipped.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps({"problem": problem, "reason": reason}).encode() + b"\n")
