"""What the judge found, as spans below the candidates' own: read from its record when a problem is judged."""

from __future__ import annotations

import time

from eval.bench.layout import BenchDirectory
from eval.bench.verdicts import Verdicts
from solver.config import RunConfig
from solver.rundir import RunDirectory
from solver.store import Store
from solver.tracing import Judgement, Traces


def trace_verdicts(bench: BenchDirectory, problem: str, directory: str, config: RunConfig, traces: Traces) -> None:
    """directory: the problem's run, relative to the benchmark's. Raises UserError."""
    run = RunDirectory(bench.root / directory)
    submitted = {str(submission["program"]) for submission in run.read_report()["submissions"]}
    begun = time.time_ns()
    with Verdicts(bench.verdicts, read_only=True) as verdicts, Store(run.store_path) as store:
        for key, found in verdicts.of(problem).items():
            judgement = Judgement(
                program=key,
                verdict=found.verdict,
                tests_passed=found.tests_passed,
                tests=found.tests,
                cpu_seconds=found.cpu_seconds,
                submitted=key in submitted,
                begun=begun,
            )
            traces.judged(config, store, judgement)
