"""Whether a benchmark run has come far enough to be gone on with."""

from __future__ import annotations

from eval.bench.layout import BenchDirectory
from solver.store import Store


def recorded_anything(bench: BenchDirectory) -> bool:
    """One sample of one problem, side samples included. Raises UserError for a store of another version."""
    for path in bench.problems.glob("*/run.sqlite"):
        with Store(path) as store:
            if store.next_request() or store.side_samples():
                return True
    return False
