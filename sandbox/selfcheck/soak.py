"""Attacks and innocent programs together, for a long time: what is left behind afterwards?

A first round of everything warms up caches and starts what is started on demand; what exists then is compared with what
exists after the last round, and again after the sandbox is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import cgroups
from sandbox.pool import Sandbox
from sandbox.selfcheck.attack import Attack
from sandbox.selfcheck.check import Checker, descendants
from sandbox.selfcheck.scene import Scene

_MEMORY_GROWTH = 1.25  # allocators keep some; a leak of one page a run would be far beyond it
_MEMORY_SLACK_BYTES = 48 * 2**20
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What this process and all below it hold. memory_bytes: resident, shared pages counted once a process."""

    processes: int
    descriptors: int
    files: int
    memory_bytes: int
    cgroups: int
    mounts: int


@dataclass(slots=True)
class Soak:
    """What a soak found."""

    rounds: int = 0
    seconds: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    unopened: Figures | None = None
    before: Figures | None = None
    after: Figures | None = None
    closed: Figures | None = None

    @property
    def leaks(self) -> list[str]:
        """What grew, in words."""
        found = []
        pairs = (("while open", self.before, self.after), ("after closing", self.unopened, self.closed))
        for name, first, last in pairs:
            if first is None or last is None:
                continue
            for what in ("processes", "descriptors", "files", "cgroups", "mounts"):
                was, now = getattr(first, what), getattr(last, what)
                if now > was:
                    found.append(f"{what} {name}: {was} before, {now} after")
            if last.memory_bytes > first.memory_bytes * _MEMORY_GROWTH + _MEMORY_SLACK_BYTES:
                found.append(f"memory {name}: {first.memory_bytes >> 20} MB before, {last.memory_bytes >> 20} MB after")
        return found

    def data(self) -> dict[str, Any]:
        """As plain data."""
        figures = {name: getattr(self, name) for name in ("unopened", "before", "after", "closed")}
        return {
            "rounds": self.rounds,
            "seconds": round(self.seconds, 1),
            "verdicts": dict(self.verdicts),
            "faults": self.faults[:50],
            "leaks": self.leaks,
            **{name: f and {what: getattr(f, what) for what in Figures.__slots__} for name, f in figures.items()},
        }


async def soak(
    seconds: float, workers: int, attacks: Sequence[Attack], on_minute: Callable[[Soak], None] = lambda soak: None
) -> Soak:
    """Runs attacks in random order on all workers, each followed by innocent programs, for `seconds`.

    Sets this process's temporary directory for the time. Raises SandboxUnavailable, OSError.
    """
    found = Soak()
    with _own_temporary_directory(), Scene() as scene:
        found.unopened = _figures(scene)
        async with Sandbox(workers) as sandbox:
            checkers = [Checker(sandbox, scene, processes=False) for _ in range(workers)]
            await asyncio.gather(*(checker.warm_up() for checker in checkers))
            await _everything_once(checkers, attacks, found)
            await asyncio.sleep(_SETTLE_SECONDS)
            found.before = _figures(scene)
            began = time.monotonic()
            ticker = asyncio.create_task(_every_minute(found, on_minute))
            await asyncio.gather(
                *(_until(began + seconds, checker, attacks, found, number) for number, checker in enumerate(checkers))
            )
            ticker.cancel()
            found.seconds = time.monotonic() - began
            await asyncio.sleep(_SETTLE_SECONDS)
            found.after = _figures(scene)
        found.closed = _figures(scene)
    return found


@contextlib.contextmanager
def _own_temporary_directory() -> Iterator[None]:
    """So that files of others are not taken for ours."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        Path(place).chmod(0o755)
        tempfile.tempdir = place
        try:
            yield
        finally:
            tempfile.tempdir = before


async def _everything_once(checkers: Sequence[Checker], attacks: Sequence[Attack], found: Soak) -> None:
    waiting = list(attacks)

    async def work(checker: Checker) -> None:
        while waiting:
            await _round(checker, waiting.pop(), found)

    await asyncio.gather(*map(work, checkers))


async def _until(deadline: float, checker: Checker, attacks: Sequence[Attack], found: Soak, seed: int) -> None:
    dice = random.Random(seed)
    while time.monotonic() < deadline:
        await _round(checker, dice.choice(attacks), found)


async def _round(checker: Checker, attack: Attack, found: Soak) -> None:
    finding = await checker.check(attack)
    if finding.skipped:
        return
    found.rounds += 1
    found.verdicts[finding.verdict] += 1
    found.faults += [f"{attack.name}: {fault}" for fault in finding.faults]


async def _every_minute(found: Soak, on_minute: Callable[[Soak], None]) -> None:
    while True:
        await asyncio.sleep(60)
        on_minute(found)


def _figures(scene: Scene) -> Figures:
    pids = [os.getpid(), *descendants(scene.victim)]
    return Figures(
        processes=len(pids),
        descriptors=sum(map(_count_descriptors, pids)),
        files=sum(1 for _ in Path(tempfile.gettempdir()).rglob("*")),
        memory_bytes=sum(map(_resident_bytes, pids)),
        cgroups=cgroups.count(pids),
        mounts=len(Path("/proc/self/mountinfo").read_text().splitlines()),
    )


def _count_descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0  # a fork server's are nobody's to see but root's


def _resident_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
