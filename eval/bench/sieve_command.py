"""`solve sieve`: run, filter and choose from shards that `solve sample` drew elsewhere; no model is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eval.bench.command import bench, list_of_numbers
from eval.datasets.options import data_options
from eval.datasets.registry import DATA_SETS
from eval.sampling.config import read_sample_config
from solver.commands import run, run_options
from solver.errors import UserError
from solver.formats import load_problem
from solver.samplers.recordings import is_recording_directory
from solver.tracing.command import trace_options
from solver.tracing.options import TraceOptions

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("problems", metavar="PROBLEMS")
@click.option("--samples-from", required=True, type=_PATH, metavar="DIR", help="Shards, a folder of such, or a file.")
@data_options
@click.option("--out", type=_PATH, help="Directory of the run.")
@click.option("--k", "ks", default="1,10", callback=list_of_numbers, show_default=True, help="Submissions, of figures.")
@run_options
@trace_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def sieve(
    problems: str,
    samples_from: Path,
    out: Path | None,
    ks: tuple[int, ...],
    tracing: TraceOptions,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Execute samples that were drawn before: `solve run` or `solve bench` with --recorded DIR.

    PROBLEMS as in `solve sample`. A path that holds one problem becomes a run (go on with `solve resume`); a data set,
    or a path that holds several, a benchmark run, judged, of which --shard I/N does every N-th problem (go on with
    `solve bench --resume`, put together with `solve merge`). --samples is by default what was sampled.
    """
    if options["recorded"] or options["base_url"]:
        raise UserError("--samples-from says where the samples are; leave --recorded and --base-url out")
    options["recorded"] = samples_from
    if options["samples"] is None and (drawn := _drawn(samples_from)) is not None:
        options["samples"] = drawn
    shared = {"out": out, "as_json": as_json, "quiet": quiet, **_as_given(tracing), **options}
    ctx = click.get_current_context()
    if not _is_one_problem(problems):
        given = {"dry_run": False, "tokens_per_second": None, "formats": (), "extra_tests": None}
        ctx.invoke(bench, data_set=problems, resume=None, ks=ks, **given, **shared)
        return
    if options["shard"] is not None:
        raise UserError(f"--shard: {problems} holds one problem, whose samples must be sieved together; leave it out")
    names = {parameter.name for parameter in run.params}
    ctx.invoke(
        run,
        problem_path=Path(problems),
        record_id=None,
        show_prompts=False,
        **{name: value for name, value in shared.items() if name in names},
    )


def _as_given(tracing: TraceOptions) -> dict[str, Any]:
    """The options that `trace_options` made it from."""
    return {
        "trace": tracing.file is not None,
        "otlp": tracing.otlp,
        "trace_content": tracing.content,
        "trace_rate": tracing.rate,
    }


def _drawn(samples: Path) -> int | None:
    """How many samples a problem has; None where the recording does not say."""
    if not samples.is_dir():
        return None
    roots = [samples] if is_recording_directory(samples) else sorted(filter(is_recording_directory, samples.iterdir()))
    found = [read_sample_config(root).run.samples for root in roots if (root / "sampling.json").exists()]
    return max(found, default=None)


def _is_one_problem(problems: str) -> bool:
    if problems in DATA_SETS or not Path(problems).exists():
        return False
    try:
        load_problem(Path(problems))
    except UserError:
        return False
    return True
