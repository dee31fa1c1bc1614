"""From a benchmark run that is judged to its figures and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.bench import nodes, unjudged
from eval.bench.config import BenchConfig, read_config
from eval.bench.layout import BenchDirectory
from eval.bench.problem_run import load_runs
from eval.bench.skips import skipped
from eval.metrics import export, summarise
from eval.metrics.false_positives import load_rejudged
from solver.choice import scorer_of
from solver.errors import UserError


def finish(root: Path, *, formats: Iterable[str] = ("json",), with_report: bool = True) -> dict[str, Any]:
    """Writes results.json (and what else is wanted) and report.html of all problems that are judged; returns the
    figures. Raises UserError when none is."""
    bench, config = BenchDirectory(root), read_config(root)
    if not bench.verdicts.exists():
        raise UserError(f"{root}: nothing is judged yet; go on with `{_go_on(config)} --resume {root}`")
    rest = unjudged.unjudged_rows(bench)
    extra = load_rejudged(bench.extra) if bench.extra.exists() else None
    results = summarise(load_runs(root), config.ks, seed=config.run.seed, scorer=scorer_of(config.run), extra=extra)
    if not results["problems"] and not rest:
        raise UserError(f"{root}: no problem is judged yet; go on with `{_go_on(config)} --resume {root}`")
    results["skipped"] = dict(Counter(reason for _, reason in skipped(bench)))
    about = {"data set": _data_set(config), "directory": str(root)}
    if rest:
        results["unjudged"] = rest
        about["not judged"] = unjudged.told(rest)
    if (cluster := nodes.cluster_figures(bench)) is not None:
        results["cluster"] = cluster
        about["cluster"] = nodes.told(cluster)
    export(results, root, dict.fromkeys(("json", *formats)))
    if with_report:
        from eval.report import write_report

        write_report(
            results, load_runs(root), bench.report, title=_data_set(config), about=about, skipped=results["skipped"]
        )
    return results


def _go_on(config: BenchConfig) -> str:
    return "solve bench" if config.cluster is None else "solve batch"


def _data_set(config: BenchConfig) -> str:
    data = config.data
    return " ".join(part for part in (data.name, data.split) if part)
