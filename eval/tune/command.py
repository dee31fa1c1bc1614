"""`solve tune`: the best setting under a budget, found on recorded benchmark runs; nothing is sampled or executed."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from eval.metrics.markdown import percent
from eval.tune.outcome import Wanted
from eval.tune.outcome import tune as tuned
from eval.tune.replay import DRAWS
from eval.tune.split import split_of
from solver.errors import UserError

_PATH = click.Path(path_type=Path)
_NAMES = {
    "samples": "samples",
    "plans": "prompt plans",
    "temperature": "temperature",
    "inputs": "generated inputs",
    "policy": "policy",
    "opinions": "clusters the model judges",
}


@click.command()
@click.argument("roots", nargs=-1, required=True, type=_PATH, metavar="DIR…")
@click.option("--tokens", type=click.IntRange(min=1), metavar="N", help="Budget: completion tokens a problem.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Budget: seconds a problem.")
@click.option("--test", type=_PATH, metavar="DIR", help="Test on this benchmark run instead of a part of DIR.")
@click.option(
    "--validation", "fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.5,
    show_default=True, metavar="SHARE", help="Of the problems, for the search; the others are for the test.",
)  # fmt: skip
@click.option("--k", type=click.IntRange(1, 10), default=10, show_default=True, help="Submissions.")
@click.option("--trials", type=click.IntRange(min=1), default=100, show_default=True, help="Settings to try, in all.")
@click.option("--draws", type=click.IntRange(min=1), default=DRAWS, show_default=True, help="Of samples, a problem.")
@click.option("--seed", default=0, show_default=True, help="Seeds the split, the draws and the search.")
@click.option("--execution-cost", type=click.FloatRange(min=0), metavar="X",
              help="Of one, in the budget's unit.  [default: its CPU time]")  # fmt: skip
@click.option("--tokens-per-second", type=click.FloatRange(min=0, min_open=True),
              help="How fast the model writes.  [default: as recorded]")  # fmt: skip
@click.option("--out", type=_PATH, help="Where the search is kept, and goes on.  [default: runs/tune-TIME]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def tune(
    roots: tuple[Path, ...],
    test: Path | None,
    fraction: float,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Search the best setting of the engine on benchmark runs that are finished; nothing is sampled or executed.

    Half of the problems are searched on. The gain is told on the others, which the search never sees, against the
    setting that the runs were made with, under the same budget.

    Exit code 0: done; 2: bad input; 130: interrupted (go on with the same --out).
    """
    if len({root.resolve() for root in roots}) < len(roots):
        raise UserError("one run is given twice")
    wanted = Wanted(split_of(roots, test, fraction, options["seed"]), **options)
    out = out or Path("runs") / f"tune-{time.strftime('%Y%m%d-%H%M%S')}"
    console = Console(stderr=True, quiet=quiet)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / ".lock").acquire(timeout=0), _progress(console) as progress:
            bar = progress.add_task("settings", total=wanted.trials, best="")

            def told(done: int, best: float) -> None:
                progress.update(bar, completed=done, best=f"best {100 * best:.1f} %")

            result = tuned(wanted, out, told)
            (out / "tune.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except Timeout:
        raise UserError(f"{out}: another solve tune is working in this directory") from None
    except OSError as error:
        raise UserError(f"{out}: cannot be used ({error.strerror or error})") from None
    except KeyboardInterrupt:
        console.print(escape(f"stopped; the trials are kept: go on with the same options and --out {out}"))
        raise SystemExit(130) from None
    print(json.dumps(result)) if as_json else _show(result, out, Console())


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    best = TextColumn("{task.fields[best]}")
    return Progress(*columns, best, console=console, transient=True, disable=not console.is_terminal)


def _show(result: dict[str, Any], out: Path, console: Console) -> None:
    settings = Table(title=f"setting for {_told(result['budget'])} a problem", title_justify="left")
    for heading in ("", "default", "tuned"):
        settings.add_column(heading)
    for field, name in _NAMES.items():
        if result["default"][field] or result["tuned"][field]:
            before, after = _word(result["default"][field]), _word(result["tuned"][field])
            settings.add_row(name, escape(before), escape(after), style="bold" if before != after else "")
    console.print(settings)
    scores = Table(title=f"% solved with {result['k']}", title_justify="left")
    for heading in ("", "problems", "default", "tuned", "gain"):
        scores.add_column(heading, justify="right" if heading else "left")
    for name, told in (("searched on", "validation"), ("never seen", "test")):
        row = result[told]
        gain = percent(row["gain"], "+")
        scores.add_row(name, str(row["problems"]), percent(row["default"]), percent(row["tuned"]), gain)
    console.print(scores)
    for name in ("default", "tuned"):
        spent = result["test"]["spent"][name]
        console.print(
            f"{name}, on the test, mean of a problem: {spent['samples']:.1f} samples, {spent['tokens']:.0f} tokens, "
            f"{spent['executions']:.0f} executions, cost {spent['cost']:.4g} of {_told(result['budget'])}",
            highlight=False,
        )
    for warning in result["warnings"]:
        console.print(f"[yellow]careful:[/] {escape(warning)}")
    console.print(f"{result['trials']} settings tried; they and tune.json are in {escape(str(out))}", highlight=False)
    console.print("\nsolve run PROBLEM, or solve bench DATA_SET, with:", highlight=False)
    console.print(escape(shlex.join(result["options"])), soft_wrap=True, highlight=False)


def _told(budget: dict[str, Any]) -> str:
    return f"{budget['amount']:g} {budget['unit']}"


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {weight:g}" for name, weight in value.items())
    if isinstance(value, list):
        return ":".join(f"{part:g}" for part in value)
    return str(value)
