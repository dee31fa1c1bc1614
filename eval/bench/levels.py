"""A cascade over a data set, level by level, so that one model is loaded at a time: which problems are whose."""

from __future__ import annotations

from collections.abc import Mapping

from eval.bench.drive import Planned
from eval.bench.layout import BenchDirectory
from eval.bench.progress import BenchProgress
from solver.cascade_report import levels_left
from solver.config import RunConfig
from solver.store import Store


def levels(run: RunConfig) -> int:
    """How many passes over the data set there are."""
    return max(1, len(run.cascade))


def at_level(bench: BenchDirectory, plan: Mapping[str, Planned], level: int) -> dict[str, Planned]:
    """The problems that have come to this level. Those that are done belong to the first, which tells the judge of
    them."""
    return {name: planned for name, planned in plan.items() if _level(bench, planned) == level}


def _level(bench: BenchDirectory, planned: Planned) -> int:
    directory = bench.root / planned.directory
    if (directory / "report.json").exists() or not (directory / "run.sqlite").exists():
        return 0
    with Store(directory / "run.sqlite") as store:
        return len(levels_left(store))


def next_progress(progress: BenchProgress) -> BenchProgress:
    """For the pass that follows: what is done stays done, the pace is a new one."""
    return BenchProgress(
        progress.total,
        done=progress.done,
        judged=progress.judged,
        solved=progress.solved,
        skipped=progress.skipped,
    )
