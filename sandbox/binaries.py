"""Compiled programs by digest: one compilation each, however many runs ask at once; the oldest go first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.types import Outcome, Verdict

MAX_ENTRIES = 4000
MAX_BYTES = 2 * 2**30

CompileTo = Callable[[Path], Coroutine[Any, Any, Outcome]]


@dataclass(slots=True)
class _Entry:
    task: asyncio.Task[Outcome]
    users: int = 0
    size: int = 0


class Binaries:
    """The cache. Compiler errors are kept like binaries; internal errors are not."""

    def __init__(self, directory: Path, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.directory = directory
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    @contextlib.asynccontextmanager
    async def use(self, digest: str, compile_to: CompileTo) -> AsyncIterator[tuple[Path, Outcome]]:
        """The binary of the program with this digest, kept in place while the block runs, and how compiling it ended.

        compile_to: makes it, when it is not there.
        """
        entry = self._entries.get(digest)
        if entry is None:
            # A task of its own: if the first to ask is cancelled, the others still get their binary.
            entry = _Entry(asyncio.create_task(compile_to(self.directory / digest)))
            self._entries[digest] = entry
            entry.task.add_done_callback(lambda task: self._compiled(digest, task))
        self._entries.move_to_end(digest)
        entry.users += 1
        try:
            yield self.directory / digest, await asyncio.shield(entry.task)
        finally:
            entry.users -= 1
            self._evict()

    async def close(self) -> None:
        """Abandons the compilations under way."""
        tasks = [entry.task for entry in self._entries.values() if not entry.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()

    def _compiled(self, digest: str, task: asyncio.Task[Outcome]) -> None:
        entry = self._entries.get(digest)
        if entry is None or entry.task is not task:
            return
        if task.cancelled() or task.exception() or task.result().verdict is Verdict.IE:
            del self._entries[digest]
        elif task.result().verdict is Verdict.OK:
            entry.size = (self.directory / digest).stat().st_size
            self._bytes += entry.size

    def _evict(self) -> None:
        if len(self._entries) <= self._max_entries and self._bytes <= self._max_bytes:
            return
        for digest, entry in list(self._entries.items()):
            if entry.users or not entry.task.done():
                continue
            del self._entries[digest]
            self._bytes -= entry.size
            (self.directory / digest).unlink(missing_ok=True)
            if len(self._entries) <= self._max_entries and self._bytes <= self._max_bytes:
                return
