"""`solve compare A B …`: benchmark runs against each other, on the problems they share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval.metrics.compare import compare as compared
from eval.metrics.export import read_results
from eval.metrics.markdown import comparison_as_markdown, percent
from solver.errors import UserError

_PATH = click.Path(path_type=Path)
_SHOWN = 12


@click.command()
@click.argument("runs", nargs=-1, required=True, type=_PATH, metavar="BASE OTHER…")
@click.option("--seed", default=0, show_default=True, help="Seeds the resampling.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Markdown tables.")
def compare(runs: tuple[Path, ...], seed: int, as_json: bool, as_markdown: bool) -> None:
    """Compare benchmark runs with the first one: paired differences with 95 % intervals, and which problems flipped.

    Each is a directory of `solve bench`, or a results.json. Differences are of the problems that both runs hold; p is
    the exact sign test on the problems that flipped.
    """
    if len(runs) < 2:
        raise UserError("solve compare needs at least two runs, the base first")
    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other")
    names = _names(runs)
    result = compared({name: read_results(path) for name, path in zip(names, runs, strict=True)}, seed)
    if as_json:
        print(json.dumps(result))
    elif as_markdown:
        print(comparison_as_markdown(result), end="")
    else:
        _show(result)


def _names(runs: tuple[Path, ...]) -> list[str]:
    """The last part of each path, or as much of it as tells them apart. Raises UserError for one given twice."""
    paths = [path.resolve() for path in runs]
    paths = [path.parent if path.name == "results.json" else path for path in paths]
    if len(set(paths)) < len(paths):
        raise UserError("one run is given twice")
    for length in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise AssertionError("different paths have the same parts")


def _show(result: dict[str, Any]) -> None:
    console = Console()
    for one in result["comparisons"]:
        table = Table(
            title=escape(f"{one['run']} against {result['base']} · {one['problems']} problems, % solved"),
            title_justify="left",
        )
        for heading in ("", result["base"], one["run"], "difference", "won", "lost", "p"):
            table.add_column(escape(heading), justify="right" if heading else "left")
        for row in one["solved"]:
            flips = str(len(row["won"])), str(len(row["lost"])), f"{row['p_value']:.3g}"
            table.add_row(f"solved with {row['k']}", *_values(row), *flips)
        for row in one["pass_at_k"]:
            table.add_row(f"pass@{row['k']}", *_values(row))
        table.add_row("coverage", *_values(one["coverage"]))
        console.print(table)
        _show_flips(one, console)
        for name, ratio in one["cost"].items():
            if ratio is not None:
                console.print(f"{name.replace('_', ' ')}: {percent(ratio)} % of the base's")
        for left_out, where in (("only_in_base", result["base"]), ("only_in_run", one["run"])):
            if one[left_out]:
                console.print(escape(f"{len(one[left_out])} problems are in {where} only and do not count"))
        for warning in one["unlike"]:
            console.print(f"[yellow]careful:[/] {escape(warning)}")


def _values(row: dict[str, Any]) -> tuple[str, str, str]:
    return f"{100 * row['base']:.1f}", f"{100 * row['run']:.1f}", percent(row["difference"], "+")


def _show_flips(one: dict[str, Any], console: Console) -> None:
    for row in one["solved"]:
        for word in ("won", "lost"):
            names = row[word]
            if names:
                more = f" and {len(names) - _SHOWN} more (--json names all)" if len(names) > _SHOWN else ""
                console.print(escape(f"k = {row['k']}, {word}: {', '.join(names[:_SHOWN])}{more}"))
