"""`solve models`: list the named models, fetch, remove, print the path."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from solver.errors import UserError
from solver.models import cache
from solver.models.fetch import fetch
from solver.models.progress import console_progress
from solver.models.registry import find, find_or_fail
from solver.models.resolve import ModelInfo, list_models


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List the named models: what is cached, and where."""
    if context.invoked_subcommand is not None:
        return
    rows = list_models()
    if as_json:
        found = {"cache": str(cache.models_dir()), "models": [asdict(row) for row in rows]}
        click.echo(json.dumps(found, indent=2))
        return
    Console(soft_wrap=True).print(_table(rows), f"cache: {cache.models_dir()}", sep="\n", highlight=False)


@models.command("fetch")
@click.argument("name")
@click.option("--keep-gguf", is_flag=True, help="Keep the GGUF file beside the converted model.")
def fetch_command(name: str, keep_gguf: bool) -> None:
    """Fetch a named model into the cache; does nothing when it is there."""
    with console_progress() as progress:
        path = fetch(find_or_fail(name), progress, keep_gguf=keep_gguf)
    click.echo(path)


@models.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Delete a model, or what a broken-off fetch left, from the cache."""
    named = find(name)
    click.echo(f"removed {cache.remove(named.name if named else name)}")


@models.command("path")
@click.argument("name")
def path_command(name: str) -> None:
    """Print the directory of a cached model."""
    named = find(name)
    wanted = named.name if named else name
    if wanted not in cache.cached_names():
        find_or_fail(name)
        raise UserError(f"{wanted} is not in the cache; `solve models fetch {wanted}` gets it")
    click.echo(cache.model_dir(wanted))


def _table(rows: list[ModelInfo]) -> Table:
    table = Table("name", "parameters", "licence", "download", "on disk", "cached", box=None, pad_edge=False)
    for row in rows:
        parameters = f"{row.parameters / 1e9:.2f} B" if row.parameters else "-"
        download = f"{row.download_bytes / 1e9:.1f} GB" if row.download_bytes else "-"
        table.add_row(
            row.name,
            parameters,
            row.licence or "-",
            download,
            f"{row.disk_bytes / 1e9:.1f} GB",
            "yes" if row.path else "no",
        )
    return table
