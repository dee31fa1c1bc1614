"""How a benchmark run is doing: live lines on a terminal, plain lines in a log. Nothing here runs or judges.

The estimate of the time left takes the problems to be alike: what this session has done of them, parts of those in
flight included, goes on at the same pace. What an earlier session did counts as done and not for the pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eval.report.texts import visible
from solver.progress import Counts

_PLAIN_INTERVAL_SECONDS = 15.0
_LIVE_INTERVAL_SECONDS = 0.25
_LEAST_WORK = 0.1  # problems' worth of work before a pace means anything
_OTHER_LINES = 5  # of the screen, beside the problems in flight


@dataclass(frozen=True, slots=True)
class InFlight:
    """A problem that is being run. counts: the run's own, which it keeps up to date. recorded: samples that the run
    had already when this session took it up."""

    name: str
    counts: Counts
    recorded: int = 0

    def work(self) -> Work:
        """Of this session."""
        return Work(max(0, self.counts.samples - self.recorded), self.counts.fresh_tokens, self.counts.executions)

    def part_done(self) -> float:
        """How much of it this session has done, 0 to 1."""
        fresh = self.counts.samples - self.recorded
        return min(1.0, max(0.0, fresh / max(1, self.counts.target_samples)))


@dataclass(frozen=True, slots=True)
class Work:
    """What this session has done; tokens are completion tokens."""

    samples: int = 0
    tokens: int = 0
    executions: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.samples + other.samples, self.tokens + other.tokens, self.executions + other.executions)


@dataclass
class BenchProgress:
    """total: problems that are to be run, None while that is not known. done: those that an earlier session ended.
    judged, solved: of those done. machines: of a cluster, in words; empty on one machine. clock: seconds."""

    total: int | None
    done: int = 0
    judged: int = 0
    solved: int = 0
    skipped: int = 0
    machines: str = ""
    clock: Callable[[], float] = time.monotonic
    on_event: Callable[[str], None] = lambda line: None
    _flying: dict[str, InFlight] = field(default_factory=dict)
    _ended_now: float = 0.0
    _work_of_ended: Work = Work()
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    # --- what happens -----------------------------------------------------------------------------

    def begin(self, name: str, counts: Counts, recorded: int = 0) -> None:
        """A run starts or goes on."""
        self._flying[name] = InFlight(name, counts, recorded)

    def end(self, name: str) -> None:
        """Its submissions are fixed; the judge has yet to speak."""
        gone = self._flying.pop(name)
        target = max(1, gone.counts.target_samples)
        self._ended_now += 1.0 - min(1.0, gone.recorded / target)
        self._work_of_ended += gone.work()
        self.done += 1
        c = gone.counts
        self.on_event(f"{self._place()} {visible(name)}: {c.samples} samples, {c.passing} passing")

    def drop(self, name: str) -> None:
        """It is given up for now: stopped, or without samples."""
        gone = self._flying.pop(name, None)
        if gone is not None:
            self._work_of_ended += gone.work()

    def judge(self, name: str, solved: bool) -> None:
        """The judge has spoken."""
        self.judged += 1
        self.solved += solved
        self.on_event(f"{visible(name)}: {'solved' if solved else 'not solved'}; solved so far {self._solved()}")

    def skip(self, name: str, reason: str) -> None:
        """It is not run at all, and not among the total."""
        self.skipped += 1
        self.on_event(f"{visible(name)}: skipped, {visible(reason)}")

    # --- what is known ----------------------------------------------------------------------------

    def in_flight(self) -> list[InFlight]:
        """In the order in which they began."""
        return list(self._flying.values())

    def seconds(self) -> float:
        """Since this session began."""
        return self.clock() - self._started

    def seconds_left(self) -> float | None:
        """None when the total is not known or too little has been done to tell."""
        if self.total is None:
            return None
        flying = sum(one.part_done() for one in self._flying.values())
        before = sum(min(1.0, one.recorded / max(1, one.counts.target_samples)) for one in self._flying.values())
        left = self.total - self.done - flying - before
        work = self._ended_now + flying
        if left <= 0:
            return 0.0
        return None if work < _LEAST_WORK else left * self.seconds() / work

    def completed(self) -> float:
        """Problems' worth of work done, by all sessions."""
        return self.done + sum(
            min(1.0, one.counts.samples / max(1, one.counts.target_samples)) for one in self._flying.values()
        )

    def tokens_per_second(self) -> float:
        """Completion tokens of this session."""
        return self.work().tokens / max(1e-9, self.seconds())

    def work(self) -> Work:
        """What this session has done, of all problems."""
        return sum((one.work() for one in self._flying.values()), self._work_of_ended)

    def line(self) -> str:
        """All of it in one line, for a log."""
        parts = [f"problems {self._place()}", f"solved {self._solved()}", f"in flight {len(self._flying)}"]
        if self.skipped:
            parts.append(f"skipped {self.skipped}")
        if self.machines:
            parts.append(self.machines)
        parts += [f"{self.tokens_per_second():.0f} tokens/s", f"elapsed {duration(self.seconds())}"]
        return " · ".join([*parts, f"left {self._left()}"])

    def _place(self) -> str:
        return f"{self.done}/{'?' if self.total is None else self.total}"

    def _solved(self) -> str:
        return f"{self.solved} of {self.judged} judged"

    def _left(self) -> str:
        seconds = self.seconds_left()
        return "unknown" if seconds is None else f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """`45s`, `12m 05s`, `3h 07m`, `2d 04h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def render(progress: BenchProgress, height: int = 40) -> RenderableType:
    """For a terminal of so many lines."""
    overall = Table.grid(padding=(0, 2))
    overall.add_row(
        Text(f"problems {progress._place()}", style="bold"),
        ProgressBar(total=progress.total or None, completed=progress.completed(), width=30, pulse=not progress.total),
        Text(f"solved {progress._solved()}"),
        Text(f"left {progress._left()}"),
    )
    rates = f"{progress.tokens_per_second():.0f} tokens/s · elapsed {duration(progress.seconds())}"
    if progress.skipped:
        rates += f" · {progress.skipped} skipped"
    if progress.machines:
        rates += f" · {progress.machines}"
    flying = progress.in_flight()
    room = max(1, height - _OTHER_LINES)
    parts: list[RenderableType] = [overall, Text(rates, style="dim")]
    if flying:
        parts.append(_flying(flying[:room]))
    if len(flying) > room:
        parts.append(Text(f"and {len(flying) - room} more in flight", style="dim"))
    return Group(*parts)


def _flying(problems: list[InFlight]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column("in flight", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("phase", no_wrap=True)
    for heading in ("samples", "unique", "compiled", "passing", "runs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in problems:
        c = one.counts
        table.add_row(
            Text(visible(one.name)),
            Text(visible(c.phase)),
            *(Text(str(cell)) for cell in (f"{c.samples}/{c.target_samples}", c.unique, c.compiled, c.passing)),
            Text(str(c.executions)),
        )
    return table


async def show_bench_progress(progress: BenchProgress, console: Console) -> None:
    """Runs until cancelled. Writes to the console only (stderr), never to stdout; on a terminal events scroll by above
    the live lines."""
    progress.on_event = lambda line: console.print(Text(line), soft_wrap=True)
    if not console.is_terminal:
        while True:
            await asyncio.sleep(_PLAIN_INTERVAL_SECONDS)
            console.print(Text(progress.line()), soft_wrap=True)
    with Live(render(progress, console.height), console=console, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(_LIVE_INTERVAL_SECONDS)
            live.update(render(progress, console.height), refresh=True)
