"""The options that say which problems of which data set, for every command that reads one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from eval.datasets.registry import DATA_SETS
from solver.errors import UserError


def words(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """An option's callback: `a, b` → ("a", "b")."""
    return tuple(word.strip() for word in (value or "").split(",") if word.strip())


def shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """An option's callback: `I/N` → (I, N)."""
    if value is None:
        return None
    number, _, count = value.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise click.BadParameter(f"{value!r} is no shard: of 4 shards the first is 0/4 and the last is 3/4")
    return int(number), int(count)


_DATA_OPTIONS = [
    click.option(
        "--data", "path", metavar="WHERE", default="", help="Local file or folder, or hub id.  [default: hub]"
    ),
    click.option("--split", default="", help="Which split.  [default: the data set's usual one]"),
    click.option("--limit", type=int, metavar="N", help="Only N problems: the first, or with --sample-seed any."),
    click.option("--sample-seed", type=int, metavar="SEED", help="With --limit: a random sample."),
    click.option("--ids", callback=words, metavar="A,B", help="Only these problems."),
    click.option("--difficulty", callback=words, metavar="A,B", help="As the data set words it."),
    click.option("--rating", default="", metavar="LOW-HIGH", help="1200-1600, 2000-, -1200."),
    click.option("--tag", callback=words, metavar="A,B", help="At least one of these."),
    click.option("--source", callback=words, metavar="A,B", help="codeforces, atcoder, …"),
    click.option("--since", metavar="DAY", help="2024-08-01 or later."),
    click.option("--until", metavar="DAY", help="This day or earlier."),
    click.option("--shard", callback=shard, metavar="I/N", help="Every N-th problem, from number I (0 to N-1)."),
    click.option("--allow-repeats", is_flag=True, help="Keep problems whose hidden tests all repeat an example."),
]
_FIELDS = ("path", "split", "limit", "ids", "difficulty", "rating", "tag", "source", "since", "until", "shard",
           "allow_repeats")  # fmt: skip


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that `data_fields` reads."""
    for option in reversed(_DATA_OPTIONS):
        command = option(command)
    return command


def data_fields(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """What a DatasetSpec is made from; takes its options out of `options`."""
    data = {"name": name, "seed": options.pop("sample_seed"), **{field: options.pop(field) for field in _FIELDS}}
    if data["path"] and Path(data["path"]).expanduser().exists():
        data["path"] = str(Path(data["path"]).expanduser().absolute())
    return data


def named_data(problems: str, options: dict[str, Any]) -> dict[str, Any]:
    """As `data_fields`, for an argument that is the name of a data set or a path to problems in any known format.

    Raises UserError when it is neither, or a path with `--data` beside it.
    """
    if problems in DATA_SETS:
        return data_fields(problems, options)
    if not Path(problems).expanduser().exists():
        raise UserError(f"unknown data set {problems[:80]!r}, and no such file; known: {', '.join(DATA_SETS)}")
    if options["path"]:
        raise UserError(f"--data goes with the name of a data set; {problems} is a path already")
    options["path"] = problems
    return data_fields("jsonl", options)
