"""Whether a benchmark run has come far enough to be gone on with, and its end where it has not."""

from __future__ import annotations

from contextlib import suppress

from eval.bench.layout import BenchDirectory
from solver.rundir import RunDirectory
from solver.store import Store


def recorded_anything(bench: BenchDirectory) -> bool:
    """One sample of one problem, side samples included. Raises UserError for a store of another version."""
    for path in bench.problems.glob("*/run.sqlite"):
        with Store(path) as store:
            if store.next_request() or store.side_samples():
                return True
    return False


def discard(bench: BenchDirectory) -> None:
    """A run without samples goes, so that its directory can be begun anew. Logs stay, and so does whatever else the
    user has there: only files that a run makes are touched."""
    for run in bench.problems.glob("[0-9][0-9][0-9][0-9]*-*"):
        if (run / "config.json").exists():
            RunDirectory(run).discard()
    files = [bench.config, bench.plan, bench.skipped, bench.restarts, bench.nodes, bench.traces]
    files += [*bench.root.glob(f"{bench.verdicts.name}*"), *bench.sessions.glob("[0-9][0-9][0-9][0-9].json")]
    for path in files:
        path.unlink(missing_ok=True)
    for folder in (bench.problems, bench.sessions):
        with suppress(OSError):
            folder.rmdir()  # unless something is left in it
