"""`solve bench`: a data set through the engine, judged, with figures and a report; `solve report` makes those again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from rich.console import Console

from eval.bench.backend import Backend, Here
from eval.bench.begun import discard, recorded_anything
from eval.bench.config import BenchConfig, make_bench_config, resumed_config, write_config
from eval.bench.drive import Driver, Planned, read_plan
from eval.bench.estimate import estimate, show_estimate
from eval.bench.extra import check_references, make_extra_tests
from eval.bench.finish import finish
from eval.bench.judge_client import make_plan
from eval.bench.layout import BenchDirectory
from eval.bench.levels import at_level, levels, next_progress
from eval.bench.progress import BenchProgress, show_bench_progress
from eval.bench.rates import remember
from eval.bench.sessions import Session, session_file
from eval.bench.skips import skipped
from eval.bench.summary_text import show_results
from eval.datasets import DATA_SETS
from eval.datasets.options import data_options, named_data, words
from eval.metrics import FORMATS
from eval.plan.measured import figures, measure
from sandbox import SandboxUnavailable, ToolchainMissing
from solver.commands import run_config, run_options
from solver.errors import UserError
from solver.session import logging_to
from solver.tracing import Traces
from solver.tracing.command import trace_options
from solver.tracing.options import KEPT_CANDIDATES, TraceOptions, open_traces

EXIT_INTERRUPTED = 130
PATH = click.Path(path_type=Path)


def list_of_numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """An option's callback: `1,10` → (1, 10)."""
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of numbers, such as 1,10") from None


def _formats(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = words(ctx, param, value)
    for name in names:
        if name not in FORMATS:
            raise click.BadParameter(f"there is no export format {name!r}; there are: {', '.join(FORMATS)}")
    return names


_extra_option = click.option(
    "--extra-tests",
    type=click.IntRange(0, 1000),
    metavar="N",
    help="After the judge: accepted submissions on tests made of N inputs and reference solutions.",
)


ks_option = click.option(
    "--k", "ks", default="1,10", callback=list_of_numbers, show_default=True, help="Submissions, for the figures."
)
formats_option = click.option(
    "--export", "formats", callback=_formats, metavar="A,B", help=f"Also: {', '.join(FORMATS)}."
)


@click.command()
@click.argument("data_set", required=False, metavar=f"[{'|'.join(DATA_SETS)}]")
@data_options
@click.option("--out", type=PATH, help="Directory of the benchmark run.  [default: runs/bench-DATASET-TIME]")
@click.option("--resume", type=PATH, metavar="DIR", help="Go on with this benchmark run; nothing done is done again.")
@ks_option
@click.option("--dry-run", is_flag=True, help="Estimate tokens, time and disk, and stop.")
@click.option("--tokens-per-second", type=float, help="For --dry-run.  [default: as last measured with this model]")
@formats_option
@_extra_option
@run_options
@trace_options
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def bench(
    data_set: str | None,
    out: Path | None,
    resume: Path | None,
    ks: tuple[int, ...],
    dry_run: bool,
    tokens_per_second: float | None,
    formats: tuple[str, ...],
    extra_tests: int | None,
    tracing: TraceOptions,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a data set: sample and choose for each problem, judge the submissions on hidden tests, report.

    The choice never sees hidden tests: they are read by another process, after a problem's submissions are fixed. A run
    that was stopped, by Ctrl-C or kill -9, goes on with `--resume DIR` and ends with the same figures.

    Exit code 0: all problems are judged; 2: bad input or set-up; 130: interrupted.
    """
    tracing.check()
    console = Console(stderr=True, quiet=quiet)
    if resume is not None:
        root, config = resume, resumed_config(resume, options["workers"])
    else:
        config = _config(data_set, ks, extra_tests or 0, options)
        root = out or Path("runs") / f"bench-{config.data.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        if dry_run:
            found = estimate(config, tokens_per_second)
            print(json.dumps(found)) if as_json else show_estimate(found, Console())
            return
        write_config(BenchDirectory(root), config)
    if not run_bench(root, config, tracing, console, quiet=quiet, backend=Here(), is_new=resume is None):
        tell_empty_shard(config, as_json=as_json)
        return
    _extra_tests(root, config.extra_tests if extra_tests is None else extra_tests, console)
    results = finish(root, formats=formats)
    print(json.dumps(results)) if as_json else show_results(results, root, Console())


@click.command()
@click.argument("root", metavar="DIR", type=PATH)
@formats_option
@_extra_option
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
def report(root: Path, formats: tuple[str, ...], extra_tests: int | None, as_json: bool) -> None:
    """Make the figures and the report of a benchmark run again, from its records, also of one that is not finished."""
    _extra_tests(root, extra_tests or 0, Console(stderr=True))
    results = finish(root, formats=formats)
    print(json.dumps(results)) if as_json else show_results(results, root, Console())


def _extra_tests(root: Path, count: int, console: Console) -> None:
    """Raises UserError; interrupted, it ends here and what was found is kept."""
    if not count:
        return
    try:
        make_extra_tests(root, count, console)
    except KeyboardInterrupt:
        console.print(f"stopped; what was found is kept: go on with `solve report {root} --extra-tests {count}`")
        sys.exit(EXIT_INTERRUPTED)


def _config(data_set: str | None, ks: tuple[int, ...], extra_tests: int, options: dict[str, Any]) -> BenchConfig:
    if data_set is None:
        raise UserError(f"name a data set ({', '.join(DATA_SETS)}), or a run to go on with by --resume DIR")
    data = named_data(data_set, options)
    config = make_bench_config(data, run_config(options), ks=ks, extra_tests=extra_tests)
    if extra_tests:
        check_references(config.data)
    return config


def tell_empty_shard(config: BenchConfig, *, as_json: bool) -> None:
    """There are no figures, and there is nothing wrong."""
    assert config.data.shard is not None
    number, count = config.data.shard
    print(json.dumps({"problems": 0}) if as_json else f"shard {number}/{count} of {config.data.name} has no problems")


def run_bench(
    root: Path,
    config: BenchConfig,
    tracing: TraceOptions,
    console: Console,
    *,
    quiet: bool,
    backend: Backend,
    is_new: bool,
) -> bool:
    """Everything but the figures; False: this is a shard without problems, so there are none.

    Interrupted, it says how to go on and exits. is_new: begun by this command, and so not there when it fails before
    there is anything to go on with. Raises UserError, SandboxUnavailable, ToolchainMissing.
    """
    where, go_on = BenchDirectory(root), f"go on with `solve {backend.command} --resume {root}`"

    def kept(how: str = "") -> str:
        if is_new and not recorded_anything(where):
            discard(where)
            return ""
        return f"; what was recorded is kept: {how}{go_on}"

    try:
        with FileLock(where.lock).acquire(timeout=0), logging_to(where.log):
            if not where.plan.exists():
                with console.status("reading the data set"):
                    make_plan(where)
            plan = read_plan(where)
            if not plan and config.data.shard is not None:
                return False
            if not plan:
                told = "; ".join(f"{name}: {reason}" for name, reason in skipped(where)[:3])
                raise UserError(f"no problem of {config.data.name} can be run ({told or 'nothing passes the filters'})")
            tracing = _shared_out(tracing.within(root), len(plan) * config.run.samples)
            traces = open_traces(tracing)
            try:
                driver = _all_levels(where, config, plan, console, traces, backend, quiet=quiet)
                if not (driver.interrupted or driver.trouble):
                    _remember(root, config)
            finally:
                lost = traces.close()
                if lost:
                    console.print(lost)
    except Timeout:
        raise UserError(f"{root}: another solve is working in this directory; wait for it or stop it") from None
    except (sqlite3.DatabaseError, OSError) as error:
        raise UserError(f"{root}: {error}{kept('free space or mend the disk, then ')}") from error
    except (SandboxUnavailable, ToolchainMissing) as error:
        raise type(error)(f"{error}{kept()}") from None
    except UserError:
        kept()
        raise
    if driver.trouble:
        raise UserError(f"{driver.trouble}{kept()}")
    if driver.interrupted:
        console.print(f"stopped; what was done is kept: {go_on}", soft_wrap=True)
        sys.exit(EXIT_INTERRUPTED)
    return True


def _all_levels(
    where: BenchDirectory,
    config: BenchConfig,
    plan: dict[str, Planned],
    console: Console,
    traces: Traces,
    backend: Backend,
    *,
    quiet: bool,
) -> Driver:
    """One pass, or one for each model of a cascade. Returns the driver of the last."""
    progress, restarts = BenchProgress(len(plan), skipped=len(skipped(where))), _count_restart(where)
    for level in range(levels(config.run)):
        run = config.run.at_level(level) if config.run.cascade else config.run
        here = at_level(where, plan, level)
        driver = Driver(
            bench=where,
            config=config,
            plan=here,
            model=None if _all_done(where, here) else backend.model(run),
            restarts=restarts,
            progress=progress,
            console=console,
            traces=traces,
            backend=backend,
            level=level,
        )
        if here or not level:
            asyncio.run(_drive(driver, console, quiet=quiet))
        if driver.interrupted or driver.trouble:
            break
        progress = next_progress(progress)
    return driver


async def _drive(driver: Driver, console: Console, *, quiet: bool) -> None:
    beside = [] if quiet else [asyncio.create_task(show_bench_progress(driver.progress, console))]
    session = _session(driver)
    beside.append(asyncio.create_task(session.keep()))
    try:
        await driver.run()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        session.write(finished=not (driver.interrupted or driver.trouble))


def _session(driver: Driver) -> Session:
    run = driver.config.run

    def engine() -> dict[str, Any] | None:
        stats = driver.engine_stats
        return None if stats is None else stats.plain()

    model = run.cascade[driver.level].model if run.cascade else run.model
    about = {
        "sampler": run.sampler,
        "model": model,
        "workers": run.workers,
        "devices": driver.backend.devices,
    }
    file = session_file(driver.bench, driver.restarts * levels(run) + driver.level)
    return Session(file, about, driver.progress, engine)


def _remember(root: Path, config: BenchConfig) -> None:
    """What plans can be made with: of one model that was really asked, on this machine."""
    if config.run.sampler == "recorded" or config.run.cascade or config.cluster is not None:
        return
    done = measure(root)
    remember(done.model, figures(done.totals, done.sessions, replayed=False), str(root.absolute()))


def _all_done(where: BenchDirectory, plan: dict[str, Any]) -> bool:
    return all((where.root / planned.directory / "report.json").exists() for planned in plan.values())


def _count_restart(where: BenchDirectory) -> int:
    """How often this run was taken up before: an engine-wide seed moves with it."""
    file = where.restarts
    before = int(file.read_text() or 0) if file.exists() else -1
    file.write_text(str(before + 1))
    return before + 1


def _shared_out(tracing: TraceOptions, samples: int) -> TraceOptions:
    """So many candidates are traced of the whole benchmark as otherwise of one run."""
    if not tracing.wanted or tracing.rate is not None:
        return tracing
    return TraceOptions(tracing.file, tracing.otlp, tracing.content, min(1.0, KEPT_CANDIDATES / max(1, samples)))
