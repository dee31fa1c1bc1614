"""The driver's end of the judge's process: names of problems go there, "solved or not" comes back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from eval.bench.layout import BenchDirectory
from solver.errors import UserError


def make_plan(bench: BenchDirectory) -> None:
    """Has the judge's process find out which problems can be judged. Raises UserError."""
    done = subprocess.run(judge_command(bench.root, "plan"), capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise UserError(last_line(done.stderr) or f"the judge's process ended with {done.returncode}")


class JudgeClient:
    """`start`, then `submit` a name when its submissions are fixed, then `finish`; `stop` ends it in any case."""

    def __init__(self, bench: BenchDirectory, on_judged: Callable[[str, bool, bool], None]) -> None:
        """on_judged: told each problem, whether one of its submissions is right, and whether this is news."""
        self._bench = bench
        self._on_judged = on_judged
        self._log = bench.root / "judge.log"
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            # Its own process group: Ctrl-C is for the driver, which decides what becomes of the judge.
            self._process = await asyncio.create_subprocess_exec(
                *judge_command(self._bench.root, "judge"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._listener = asyncio.create_task(self._listen(self._process))

    def submit(self, name: str) -> None:
        """Its run has a report; what the judge finds cannot change it any more."""
        assert self._process is not None
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps({"name": name}).encode() + b"\n")

    async def finish(self, *, abandon: bool = False) -> None:
        """Waits until all that was submitted is judged; abandon: the next session judges it. Raises UserError."""
        if abandon or self._process is None:
            return
        assert self._process.stdin is not None
        assert self._listener is not None
        self._process.stdin.close()
        await self._listener
        if await self._process.wait():
            why = last_line(self._log.read_text("utf-8", errors="replace"))
            raise UserError(f"the judge stopped: {why}; go on with `solve bench --resume {self._bench.root}`")

    async def stop(self) -> None:
        """Ends the process where it still runs; what it found is kept."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            found = json.loads(line)
            self._on_judged(found["name"], found["rank"] is not None, found["fresh"])


def judge_command(root: Path, *work: str) -> list[str]:
    """What starts the judge's process. work: `plan`, `judge` or `extra N`."""
    return [sys.executable, "-P", "-m", "eval.bench.judge_process", str(root), *work]


def last_line(text: str) -> str:
    """Why the process ended, of what it wrote to its standard error."""
    return text.strip().rpartition("\n")[2][:300]
