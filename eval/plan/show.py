"""A plan, or a check of one, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.bench.progress import duration
from eval.plan.arithmetic import FIGURES, Figure, Prediction, Workload
from eval.plan.check import Row


def show_plan(work: Workload, used: Mapping[str, Figure], told: Prediction, console: Console) -> None:
    table = Table(box=None, show_header=False)
    for name, value in _lines(work, told):
        table.add_row(name, value)
    console.print(table)
    console.print()
    console.print(_figures(used))


def _lines(work: Workload, told: Prediction) -> list[tuple[str, str]]:
    recorded = work.gpus == 0
    unknown = "unknown: give --cores" if recorded else "unknown: give --tokens-per-second-per-gpu"
    lines = [
        ("samples", f"{quantity(told.samples)} of {work.problems} problems"),
        ("completion tokens", quantity(told.completion_tokens)),
        ("programs run", f"{quantity(told.programs)}, {quantity(told.executions)} executions"),
    ]
    if not recorded:
        lines.append(("GPU hours", unknown if told.gpu_hours is None else f"{told.gpu_hours:,.1f}"))
    if told.seconds is not None:
        where = f"{work.cores} cores, samples recorded" if recorded else f"{work.gpus} GPUs"
        more = "" if recorded else "; loading not counted"
        lines.append(("wall time", f"about {duration(told.seconds)} on {where}, set by {told.bound_by}{more}"))
    elif recorded:
        lines.append(("wall time", unknown))
    if told.cores is not None:
        lines.append(("CPU cores", f"{told.cores} for the sandbox to keep up"))
    if told.driver_share is not None:
        load = f"{told.driver_share:.0%} of what one driver can handle"
        if told.driver_share > 1:
            load += "; it is the bottleneck: share the problems out over several runs"
        lines.append(("driver", load))
    lines += [
        ("disk", f"{quantity(told.disk_bytes)}B"),
        ("memory", f"at most {quantity(told.memory_bytes)}B, models not counted"),
    ]
    return lines


def _figures(used: Mapping[str, Figure]) -> Table:
    table = Table(box=None, header_style="dim", title="made of", title_justify="left")
    for heading in ("figure", "value", "where from"):
        table.add_column(heading, justify="right" if heading == "value" else "left", overflow="fold")
    for name, figure in used.items():
        table.add_row(FIGURES[name][0], f"{figure.value:.4g}", Text(figure.source))
    return table


def show_check(rows: Sequence[Row], console: Console) -> None:
    table = Table(box=None, header_style="dim")
    for heading in ("", "predicted", "actual", "off by", "predicted from"):
        table.add_column(heading, justify="left" if heading in ("", "predicted from") else "right", overflow="fold")
    for row in rows:
        table.add_row(row.name, _number(row.predicted), _number(row.actual), off_by(row), Text(row.source))
    console.print(table)


def off_by(row: Row) -> str:
    """The prediction's relative error, empty where there is nothing to compare."""
    if row.predicted is None or not row.actual:
        return ""
    return f"{row.predicted / row.actual - 1:+.0%}"


def _number(value: float | None) -> str:
    return "not known" if value is None else (quantity(value) if value >= 1000 else f"{value:.4g}")


def quantity(value: float) -> str:
    """`950`, `1.65e8` as `165 M`: at most four digits and a power of a thousand."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.4g} {letter}"
    return f"{value:.4g} "


def plain_check(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"name": row.name, "predicted": row.predicted, "actual": row.actual, "source": row.source} for row in rows]
