"""Where the parts of a benchmark run lie.

bench.json            the data set, the run's configuration, the numbers of submissions
problems/0001-slug/   a run directory as `solve` makes it, one a problem
skipped.jsonl         problems that were not run, a line each with its reason
verdicts.sqlite       what the judge found; written by the judge's process alone
extra.jsonl           accepted submissions on extra tests, with --extra-tests; a line a problem that was solved
sessions/             how fast each session was, see eval/bench/sessions.py
results.json          all figures            report.html   the same for people
nodes.jsonl           of a cluster: which actors came, died, or were sent away, and why
traces.jsonl          with --trace
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BenchDirectory:
    """Paths of one benchmark run."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "bench.json"

    @property
    def problems(self) -> Path:
        return self.root / "problems"

    @property
    def plan(self) -> Path:
        return self.root / "plan.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    @property
    def skipped(self) -> Path:
        return self.root / "skipped.jsonl"

    @property
    def verdicts(self) -> Path:
        return self.root / "verdicts.sqlite"

    @property
    def extra(self) -> Path:
        return self.root / "extra.jsonl"

    @property
    def sessions(self) -> Path:
        return self.root / "sessions"

    @property
    def nodes(self) -> Path:
        return self.root / "nodes.jsonl"

    @property
    def results(self) -> Path:
        return self.root / "results.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def traces(self) -> Path:
        return self.root / "traces.jsonl"

    @property
    def restarts(self) -> Path:
        return self.root / "restarts"

    def run_directory(self, number: int, name: str) -> Path:
        """number: the problem's place among those that are run, from 1."""
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "problem"
        return self.problems / f"{number:04d}-{slug}"
