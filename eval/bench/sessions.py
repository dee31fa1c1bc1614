"""What each session of a benchmark run did and how fast: for planning, and for figures of the engine's caches.

One file a session, `sessions/0000.json`, replaced as a whole while the session lasts, so that one that is killed leaves
what it had seen. Nothing here decides anything: a run whose sessions are gone is as good as before.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.bench.layout import BenchDirectory
from eval.bench.progress import BenchProgress

_INTERVAL_SECONDS = 15.0
_KEPT_POINTS = 400


@dataclass
class Session:
    """Keeps one session's file up to date. engine: what `SamplerStats.plain` tells, None where there is no engine."""

    file: Path
    about: dict[str, Any]
    progress: BenchProgress
    engine: Callable[[], dict[str, Any] | None]
    _points: list[list[float]] = field(default_factory=list)
    _cpu: float = field(default_factory=time.process_time)
    _begun: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            self.write()

    def write(self, *, finished: bool = False) -> None:
        """A disk that is full costs the file and not the run."""
        work = self.progress.work()
        self._points.append([round(self.progress.seconds(), 1), work.samples, work.tokens, work.executions])
        if len(self._points) > _KEPT_POINTS:
            self._points = self._points[::2]
        record = {
            **self.about,
            "begun": self._begun,
            "finished": finished,
            "seconds": round(self.progress.seconds(), 3),
            "samples": work.samples,
            "completion_tokens": work.tokens,
            "executions": work.executions,
            "driver_cpu_seconds": round(time.process_time() - self._cpu, 3),
            "driver_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "cores": os.cpu_count(),
            "engine": self.engine(),
            "points": self._points,
        }
        with suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            temporary = self.file.with_suffix(".tmp")
            temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")
            temporary.replace(self.file)


def session_file(bench: BenchDirectory, number: int) -> Path:
    return bench.sessions / f"{number:04d}.json"


def read_sessions(bench: BenchDirectory) -> list[dict[str, Any]]:
    """In order; those that cannot be read are left out, and so are those that sampled nothing."""
    found = []
    for file in sorted(bench.sessions.glob("*.json")):
        with suppress(OSError, ValueError):
            record = json.loads(file.read_text("utf-8"))
            if isinstance(record, dict) and record.get("samples"):
                found.append(record)
    return found
