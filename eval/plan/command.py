"""`solve plan`: what a run will take, from rates measured here and named assumptions; or how right that was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from eval.bench.rates import remember
from eval.plan.arithmetic import Workload, predict
from eval.plan.check import check, from_others, from_own_tenth, from_run
from eval.plan.gather import gather
from eval.plan.measured import figures, measure
from eval.plan.show import plain_check, show_check, show_plan
from solver.config import RunConfig
from solver.errors import UserError
from solver.models.registry import find

_PATH = click.Path(path_type=Path)
_POSITIVE = click.FloatRange(min=0, min_open=True)
_SHARE = click.FloatRange(min=0, max=1)
_DEFAULTS = RunConfig()


def _count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A whole number, also written as 1e6."""
    if value is None:
        return None
    try:
        number = float(value)
        if number < 1 or number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no whole number from 1, such as 1000 or 1e6") from None
    return int(number)


@click.command()
@click.option("--problems", callback=_count, help="How many problems.")
@click.option("--samples", callback=_count, metavar="N", help="Samples a problem; 1e6 is a number too.")
@click.option(
    "--gpus",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="GPUs, each with a replica of the model; 0: the samples are recorded.",
)
@click.option("--model", default=_DEFAULTS.model, show_default=True, help="Whose measured rates are used.")
@click.option(
    "--cores", callback=_count, help="Cores for the sandbox; with --gpus 0 for all.  [default: as many as it needs]"
)
@click.option("--inputs", type=int, default=_DEFAULTS.inputs, show_default=True, help="Generated inputs a problem.")
@click.option(
    "--max-tokens", callback=_count, default=str(_DEFAULTS.max_tokens), show_default=True, help="Longest answer."
)
@click.option("--tokens-per-second-per-gpu", "tokens_per_second", type=_POSITIVE, help="Instead of what was measured.")
@click.option("--tokens-per-sample", type=_POSITIVE, help="Instead of what was measured.")
@click.option("--unique-share", type=_SHARE, help="New programs a sample, 0 to 1.")
@click.option("--pass-share", type=_SHARE, help="Programs that pass the examples, 0 to 1.")
@click.option("--time-per-execution", "execution_seconds", type=_POSITIVE, help="Core seconds an execution.")
@click.option("--from", "learnt", type=_PATH, metavar="DIR", help="Measure this run or benchmark run first.")
@click.option(
    "--check",
    "checked",
    type=_PATH,
    metavar="DIR",
    help="Predict this run or benchmark run and compare; with --from, from that one.",
)
@click.option(
    "--check-from",
    type=click.Choice(["others", "tenth"]),
    default="others",
    show_default=True,
    help="With --check: from other runs, or from its own first tenth.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def plan(
    problems: int | None,
    samples: int | None,
    gpus: int,
    model: str,
    cores: int | None,
    inputs: int,
    max_tokens: int,
    learnt: Path | None,
    checked: Path | None,
    check_from: str,
    as_json: bool,
    **given: float | None,
) -> None:
    """Tokens, GPU hours, cores, disk and time of a run that is not begun.

    The rates are those of benchmark runs that ended on this machine (`solve bench` remembers them), what you give, or
    assumptions; each is shown with its source.
    """
    if learnt is not None:
        _learn(learnt)
    if checked is not None:
        _check(checked, learnt or check_from, as_json)
        return
    if problems is None or samples is None:
        raise UserError("a plan needs --problems N and --samples N (a problem), or --check DIR")
    named = find(model)
    used = gather(named.name if named else model, max_tokens, given)
    work = Workload(problems, samples, inputs, gpus, cores)
    told = predict(work, {name: figure.value for name, figure in used.items()})
    if as_json:
        sources = {name: asdict(figure) for name, figure in used.items()}
        click.echo(json.dumps({"workload": asdict(work), "prediction": asdict(told), "figures": sources}))
    else:
        show_plan(work, used, told, Console())


def _learn(directory: Path) -> None:
    run = measure(directory)
    found = figures(run.totals, run.sessions, replayed=run.config.sampler == "recorded")
    remember(run.model, found, str(directory.absolute()))


def _check(directory: Path, source: Path | str, as_json: bool) -> None:
    run = measure(directory)
    if isinstance(source, Path):
        used = from_run(run, measure(source))
    else:
        used = from_others(run, run.model) if source == "others" else from_own_tenth(run, run.model)
    rows = check(run, used)
    if as_json:
        click.echo(json.dumps({"directory": str(directory), "from": str(source), "rows": plain_check(rows)}))
    else:
        show_check(rows, Console())
