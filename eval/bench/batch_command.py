"""`solve batch`: what `solve bench` does, on a Ray cluster; problems without hidden tests are run too."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from eval.bench.command import PATH, formats_option, ks_option, run_bench, tell_empty_shard
from eval.bench.config import BenchConfig, make_bench_config, resumed_config, write_config
from eval.bench.finish import finish
from eval.bench.layout import BenchDirectory
from eval.bench.on_ray import OnRay
from eval.bench.summary_text import show_results
from eval.datasets import DATA_SETS
from eval.datasets.options import data_options, named_data
from solver.cluster.config import ClusterConfig
from solver.cluster.connect import connected, import_ray
from solver.commands import run_config, run_options
from solver.errors import UserError
from solver.tracing.command import trace_options
from solver.tracing.options import TraceOptions

_CLUSTER_OPTIONS = [
    click.option("--ray", "address", metavar="auto|HOST:PORT", help="The cluster's head.  [default: auto]"),
    click.option("--gpus-per-replica", type=click.IntRange(0), metavar="N", help="[default: 1]"),
    click.option("--cpus-per-replica", type=click.IntRange(0), metavar="N", help="[default: 0]"),
    click.option("--replicas", type=click.IntRange(1), metavar="R", help="Copies of the model.  [default: 1]"),
    click.option(
        "--sandbox-cpus", type=click.IntRange(1), metavar="C",
        help="CPUs of one sandbox actor.  [default: the smallest node's, at most 8]",
    ),
    click.option("--most-sandboxes", type=click.IntRange(1), metavar="N", help="[default: as many as fit]"),
    click.option(
        "--wait", "wait_seconds", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
        help="For nodes with room.  [default: 120]",
    ),
]  # fmt: skip
_CLUSTER_FIELDS = tuple(ClusterConfig.model_fields)


def _cluster_options(command: Any) -> Any:
    for option in reversed(_CLUSTER_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("problems", required=False, metavar="PROBLEMS")
@data_options
@click.option("--out", type=PATH, help="Directory of the run.  [default: runs/batch-NAME-TIME]")
@click.option("--resume", type=PATH, metavar="DIR", help="Go on with this run; nothing done is done again.")
@ks_option
@formats_option
@_cluster_options
@run_options
@trace_options
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def batch(
    problems: str | None,
    out: Path | None,
    resume: Path | None,
    ks: tuple[int, ...],
    formats: tuple[str, ...],
    tracing: TraceOptions,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Solve many problems on a Ray cluster, with the engine and the report of `solve bench`.

    PROBLEMS is the name of a data set, or a file or folder of problems. Those without hidden tests are solved and not
    judged. Nodes may come and go; a run that was stopped goes on with `--resume DIR`, on this cluster or another one.
    docs/cluster.md says how to start a cluster.

    Exit code 0: all problems are done; 2: bad input or set-up; 130: interrupted.
    """
    tracing.check()
    import_ray()
    console = Console(stderr=True, quiet=quiet)
    wished = {name: options.pop(name) for name in _CLUSTER_FIELDS}
    cluster = {name: value for name, value in wished.items() if value is not None}
    if resume is not None:
        root, config = resume, resumed_config(resume, options["workers"])
        # The cluster may be another one this time; what shapes the results stays as it was.
        found = (config.cluster or ClusterConfig()).model_copy(update=cluster)
    else:
        found = ClusterConfig(**cluster)
        config = _config(problems, ks, found, options)
        root = out or Path("runs") / f"batch-{Path(problems or '').stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    with connected(found.address) as ray:
        if resume is None:
            write_config(BenchDirectory(root), config)
        backend, is_new = OnRay(ray, found, BenchDirectory(root)), resume is None
        if not run_bench(root, config, tracing, console, quiet=quiet, backend=backend, is_new=is_new):
            tell_empty_shard(config, as_json=as_json)
            return
    results = finish(root, formats=formats)
    print(json.dumps(results)) if as_json else show_results(results, root, Console())


def _config(problems: str | None, ks: tuple[int, ...], cluster: ClusterConfig, options: dict[str, Any]) -> BenchConfig:
    if problems is None:
        raise UserError(f"name a data set ({', '.join(DATA_SETS)}), a file or a folder of problems, or --resume DIR")
    data = {**named_data(problems, options), "allow_untested": True}
    return make_bench_config(data, run_config(options), ks=ks, cluster=cluster)
