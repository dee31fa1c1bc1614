"""`solve merge OUT A B …`: the benchmark runs of shards, as one."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from eval.bench.finish import finish
from eval.bench.merge import merge as merged
from eval.bench.summary_text import show_results
from solver.errors import UserError

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("out", type=_PATH, metavar="OUT")
@click.argument("roots", nargs=-1, required=True, type=_PATH, metavar="RUN…")
@click.option("--link", is_flag=True, help="Link to the runs instead of copying them.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
def merge(out: Path, roots: tuple[Path, ...], link: bool, as_json: bool) -> None:
    """Put the benchmark runs of shards (`--shard I/N`) together in OUT, with the figures and the report of the whole.

    The runs must be of one configuration and share no problem. OUT is a benchmark run like any other.
    """
    if len({root.resolve() for root in roots}) < len(roots):
        raise UserError("one run is given twice")
    for note in merged(out, roots, link=link):
        Console(stderr=True).print(f"careful: {note}", highlight=False, markup=False)
    results = finish(out)
    print(json.dumps(results)) if as_json else show_results(results, out, Console())
