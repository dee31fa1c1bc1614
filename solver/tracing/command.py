"""The options of commands that trace: `--trace`, `--otlp`, `--trace-content`, `--trace-rate`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from solver.tracing.options import TraceOptions

TRACES_FILE = Path("traces.jsonl")
"""In the directory of a run or of a benchmark."""

_OPTIONS = [
    click.option("--trace", is_flag=True, help=f"Write what the run does to {TRACES_FILE} in its directory."),
    click.option("--otlp", metavar="URL", help="Send it to an OTLP endpoint too, e.g. http://localhost:4318."),
    click.option("--trace-content", is_flag=True, help="With prompts, answers and programs."),
    click.option("--trace-rate", type=float, help="Share of programs traced.  [default: 10,000 of a large run]"),
]


def trace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command takes `tracing`, `TraceOptions` whose file is not within a directory yet."""

    @functools.wraps(command)
    def with_tracing(
        *arguments: Any, trace: bool, otlp: str | None, trace_content: bool, trace_rate: float | None, **named: Any
    ) -> Any:
        tracing = TraceOptions(TRACES_FILE if trace else None, otlp, trace_content, trace_rate)
        return command(*arguments, tracing=tracing, **named)

    for option in reversed(_OPTIONS):
        with_tracing = option(with_tracing)
    return with_tracing
