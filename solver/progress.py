"""Live counts of a run, shown as a status line on a terminal or as a plain line every few seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table

_PLAIN_INTERVAL_SECONDS = 5.0
_LIVE_INTERVAL_SECONDS = 0.25


@dataclass
class Counts:
    """What has happened so far. Token counts are completion tokens."""

    target_samples: int = 0
    samples: int = 0
    dropped: int = 0
    unique: int = 0
    compiled: int = 0
    passing: int = 0
    executions: int = 0
    tokens: int = 0
    phase: str = "starting"
    started: float = field(default_factory=time.monotonic)
    max_seconds: float | None = None
    max_total_tokens: int | None = None
    sampling_started: float | None = None
    fresh_tokens: int = 0
    fresh_samples: int = 0

    def begin_again(self, target_samples: int) -> None:
        """An engine takes up what is recorded, counts all of it, and goes on to this number of samples."""
        self.target_samples = target_samples
        self.samples = self.dropped = self.unique = self.compiled = self.passing = self.tokens = 0

    def sampled(self, completion_tokens: int) -> None:
        """A sample has just arrived from the sampler (and not from the store): it counts for the rates."""
        if self.sampling_started is None:
            self.sampling_started = time.monotonic()
        self.fresh_tokens += completion_tokens
        self.fresh_samples += 1

    def executed(self) -> None:
        """A program has just been run on an input."""
        self.executions += 1

    def sampling_seconds(self) -> float:
        return 0.0 if self.sampling_started is None else max(1e-9, time.monotonic() - self.sampling_started)

    def cells(self) -> list[tuple[str, str]]:
        """(label, value) pairs, in the order they are shown."""
        elapsed = time.monotonic() - self.started
        sampling = self.sampling_seconds()
        rates = [
            ("executed/s", f"{self.executions / sampling:.1f}" if sampling else "-"),
            ("tokens/s", f"{self.fresh_tokens / sampling:.0f}" if sampling else "-"),
        ]
        return [
            ("phase", self.phase),
            ("samples", f"{self.samples}/{self.target_samples}"),
            ("unique", str(self.unique)),
            ("compiled", str(self.compiled)),
            ("passing", str(self.passing)),
            *rates,
            ("elapsed", f"{elapsed:.0f}s"),
            ("budget left", self._budget_left(elapsed)),
        ]

    def _budget_left(self, elapsed: float) -> str:
        left = [f"{max(0, self.target_samples - self.samples)} samples"]
        if self.max_seconds is not None:
            left.append(f"{max(0.0, self.max_seconds - elapsed):.0f}s")
        if self.max_total_tokens is not None:
            left.append(f"{max(0, self.max_total_tokens - self.tokens)} tokens")
        return ", ".join(left)


def _as_table(counts: Counts) -> Table:
    table = Table.grid(padding=(0, 2))
    cells = counts.cells()
    for _ in cells:
        table.add_column(no_wrap=True)
    table.add_row(*(f"[dim]{label}[/dim]" for label, _ in cells))
    table.add_row(*(value for _, value in cells))
    return table


async def show_progress(counts: Counts, console: Console) -> None:
    """Runs until cancelled. Writes to the console only (stderr), never to stdout."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(_PLAIN_INTERVAL_SECONDS)
            line = " · ".join(f"{label} {value}" for label, value in counts.cells())
            console.print(line, highlight=False, soft_wrap=True)
    with Live(_as_table(counts), console=console, refresh_per_second=4, transient=True) as live:
        while True:
            await asyncio.sleep(_LIVE_INTERVAL_SECONDS)
            live.update(_as_table(counts))
