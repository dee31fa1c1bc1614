"""`solve sample`: draw raw answers on the machine with the model; `solve sieve` runs them elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from rich.console import Console
from rich.markup import escape

from eval.datasets import Skipped
from eval.datasets.options import data_options, named_data
from eval.sampling.config import (
    SampleConfig,
    discard,
    make_sample_config,
    read_sample_config,
    recorded_anything,
    write_sample_config,
)
from eval.sampling.drive import SampleDriver, Tally
from solver.commands import run_config, run_options
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.samplers import Sampler, SamplerFailed
from solver.samplers.factory import open_sampler, resolve_model
from solver.samplers.recordings import PART_BYTES, ShardWriter
from solver.session import logging_to

EXIT_INTERRUPTED = 130
_PATH = click.Path(path_type=Path)
_PLAIN_INTERVAL_SECONDS = 15.0


@click.command()
@click.argument("problems", required=False, metavar="[PROBLEMS]")
@data_options
@click.option("--out", type=_PATH, help="Directory of the shards.  [default: runs/samples-TIME]")
@click.option("--resume", type=_PATH, metavar="DIR", help="Go on; nothing recorded is asked for again.")
@click.option("--shard-by", type=click.Choice(["problems", "requests"]), default="problems", show_default=True,
              help="With --shard: take every N-th problem, or of each problem every N-th request.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["jsonl", "parquet"]), default="jsonl", show_default=True,
              help="Of the parts: JSON Lines in Zstandard, or Parquet.")  # fmt: skip
@click.option("--part-mib", type=click.FloatRange(min=0, min_open=True), default=PART_BYTES / 2**20, show_default=True,
              metavar="MIB", help="Text in a part.")  # fmt: skip
@run_options
@click.option("--json", "as_json", is_flag=True, help="What was done as one JSON object on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def sample(
    problems: str | None,
    out: Path | None,
    resume: Path | None,
    shard_by: str,
    form: str,
    part_mib: float,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Draw --samples answers a problem and write them to append-only shards; nothing is executed.

    PROBLEMS is a problem file or directory in any known format, a file or folder of many, or the name of a data set as
    in `solve bench`. `solve sieve`, and `--recorded DIR` of the other commands, read the shards. With --recorded an
    older recording is copied into shards. Options about running and choosing do nothing here.

    Exit code 0: everything is drawn; 2: bad input or set-up; 130: interrupted (go on with --resume).
    """
    if resume is not None:
        root, config = resume, read_sample_config(resume)
    elif problems is None:
        raise UserError("name a problem, a folder of problems or a data set; or go on with --resume DIR")
    else:
        root = out or Path("runs") / f"samples-{time.strftime('%Y%m%d-%H%M%S')}"
        data, requests = named_data(problems, options), None
        if shard_by == "requests":
            data["shard"], requests = None, data["shard"]
            if requests is None:
                raise UserError("--shard-by requests needs --shard I/N")
        run = _without_budgets(run_config(options))
        config = make_sample_config(data, run, requests=requests, form=form, part_bytes=max(1, round(part_mib * 2**20)))
        write_sample_config(root, config)
    console = Console(stderr=True, quiet=quiet)
    told = _draw(root, config, console, is_new=resume is None)
    if told["interrupted"]:
        console.print(f"stopped; what was drawn is kept: go on with `solve sample --resume {root}`", soft_wrap=True)
        sys.exit(EXIT_INTERRUPTED)
    print(json.dumps(told)) if as_json else _show(told, config, root)


def _without_budgets(run: RunConfig) -> RunConfig:
    if run.cascade:
        raise UserError("--cascade: whom to ask next is known when programs are run; sample each model by itself")
    for name in ("max_seconds", "max_total_tokens"):
        if getattr(run, name) is not None:
            raise UserError(f"--{name.replace('_', '-')}: `solve sample` draws all of --samples; leave it out")
    return run


def _draw(root: Path, config: SampleConfig, console: Console, *, is_new: bool) -> dict[str, Any]:
    """is_new: begun by this command, and so not there when it fails before anything is drawn. Raises UserError."""
    skipped: dict[str, str] = {}

    def kept(how: str = "") -> str:
        if is_new and not recorded_anything(root):
            discard(root)
            return ""
        return f"; what was drawn is kept: {how}go on with `solve sample --resume {root}`"

    tally = Tally(told=lambda found: _skip(root, found, skipped))
    interrupted, began = False, time.monotonic()
    try:
        with FileLock(root / ".lock").acquire(timeout=0), logging_to(root / "log.txt"):
            with ShardWriter(root, config.form, config.part_bytes) as writer:
                driver = SampleDriver(config, writer, _opener(root, config), tally)
                interrupted = asyncio.run(_until_interrupted(driver, tally, console))
            parts, samples = writer.parts, writer.samples
    except Timeout:
        raise UserError(f"{root}: another solve is working in this directory; wait for it or stop it") from None
    except SamplerFailed as error:
        raise UserError(f"{error}{kept()}") from error
    except OSError as error:
        raise UserError(f"{root}: {error}{kept('free space or mend the disk, then ')}") from error
    except UserError:
        kept()
        raise
    if not tally.problems and config.shard == (0, 1):
        kept()
        reasons = "; ".join(f"{name}: {why}" for name, why in list(skipped.items())[:3])
        raise UserError(f"nothing to sample ({reasons or 'no problem passes the filters'})")
    return {
        "directory": str(root),
        "problems": tally.problems,
        "skipped": skipped,
        "samples": samples,
        "samples_now": tally.samples,
        "completion_tokens_now": tally.tokens,
        "seconds": round(time.monotonic() - began, 1),
        "parts": parts,
        "interrupted": interrupted,
    }


def _opener(root: Path, config: SampleConfig) -> Any:
    number, count = config.shard
    restarts = _count_restart(root)

    async def opened(problem: Problem) -> Sampler:
        model = await asyncio.to_thread(resolve_model, config.run)
        # The engine's own seed differs from shard to shard and from session to session.
        return await open_sampler(config.run, problem, model, restarts * count + number, root / "engine.log")

    return opened


def _count_restart(root: Path) -> int:
    file = root / "restarts"
    before = int(file.read_text() or 0) if file.exists() else -1
    file.write_text(str(before + 1))
    return before + 1


def _skip(root: Path, found: Skipped, skipped: dict[str, str]) -> None:
    skipped[found.problem] = found.reason
    row = json.dumps({"problem": found.problem, "reason": found.reason})
    file = root / "skipped.jsonl"
    if not file.exists() or row not in file.read_text("utf-8").splitlines():
        with file.open("a", encoding="utf-8") as lines:
            lines.write(row + "\n")


async def _until_interrupted(driver: SampleDriver, tally: Tally, console: Console) -> bool:
    """True when SIGINT or SIGTERM ended it."""
    work = asyncio.create_task(driver.run())
    shown = asyncio.create_task(_show_progress(tally, console))
    loop, signals, interrupted = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM), False

    def stop() -> None:
        nonlocal interrupted
        interrupted = True
        work.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        shown.cancel()
        for number in signals:
            loop.remove_signal_handler(number)
    return interrupted


async def _show_progress(tally: Tally, console: Console) -> None:
    began, live = time.monotonic(), console.is_terminal
    with console.status("sampling") if live else contextlib.nullcontext() as status:
        while True:
            await asyncio.sleep(0.5 if live else _PLAIN_INTERVAL_SECONDS)
            rate = tally.tokens / max(1e-9, time.monotonic() - began)
            line = f"problem {tally.problems}, {escape(tally.current)}: {tally.samples:,} samples, {rate:,.0f} tokens/s"
            status.update(line) if status is not None else console.print(line, highlight=False)


def _show(told: dict[str, Any], config: SampleConfig, root: Path) -> None:
    number, count = config.shard
    which = "" if count == 1 else f", shard {number}/{count}"
    print(
        f"{told['samples']:,} samples of {told['problems']} problems in {told['parts']} parts{which}, "
        f"{told['samples_now']:,} of them drawn now in {told['seconds']} s"
    )
    for name, why in told["skipped"].items():
        print(f"skipped {name}: {why}")
    print(f"directory: {root}   (`solve sieve PROBLEMS --samples-from {root}` runs them)")
