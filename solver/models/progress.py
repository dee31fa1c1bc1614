"""How long work on a model is reported: a bar on a terminal, a line a stage elsewhere, nothing in tests."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeElapsedColumn, TransferSpeedColumn
from rich.progress import Progress as Bar


class Progress(Protocol):
    """What a caller may watch. Called from one thread, in the order start, advance …, done."""

    def start(self, stage: str, total_bytes: int | None) -> None:
        """A stage begins; `total_bytes` is None when its length is unknown."""

    def advance(self, done_bytes: int) -> None:
        """So many bytes of the stage are done, counted from its start."""

    def done(self) -> None:
        """The stage has ended well."""

    def note(self, text: str) -> None:
        """Something the user should know, such as waiting for another process."""


class Silent:
    """Says nothing."""

    def start(self, stage: str, total_bytes: int | None) -> None: ...

    def advance(self, done_bytes: int) -> None: ...

    def done(self) -> None: ...

    def note(self, text: str) -> None: ...


class LineProgress:
    """One line when a stage begins, one every ten seconds, one when it ends. For logs and pipes."""

    INTERVAL_SECONDS = 10.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._stage, self._total, self._started, self._said = "", 0, 0.0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, stage: str, total_bytes: int | None) -> None:
        self._stage, self._total = stage, total_bytes or 0
        self._started = self._said = time.monotonic()
        self.note(f"{stage} …")

    def advance(self, done_bytes: int) -> None:
        now = time.monotonic()
        if self._total and now - self._said >= self.INTERVAL_SECONDS:
            self._said = now
            self.note(f"{self._stage}: {100 * done_bytes // self._total} % of {self._total / 1e6:.0f} MB")

    def done(self) -> None:
        self.note(f"{self._stage}: done in {time.monotonic() - self._started:.0f} s")

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class RichProgress:
    """A bar with speed and elapsed time on stderr. Use as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def start(self, stage: str, total_bytes: int | None) -> None:
        self._bar.start()  # only now: a model that is there shows no bar
        self._task = self._bar.add_task(stage, total=total_bytes)

    def advance(self, done_bytes: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=done_bytes)

    def done(self) -> None:
        if self._task is not None:
            end = self._bar.tasks[self._task].total or 1.0
            self._bar.update(self._task, total=end, completed=end)

    def note(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)


def console_progress() -> RichProgress | LineProgress:
    """A context manager: the bar when stderr is a terminal, lines otherwise."""
    return RichProgress() if sys.stderr.isatty() else LineProgress()
