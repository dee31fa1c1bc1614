"""Two programs that talk to each other: every byte passes through here, so neither holds anything of the other.

A direct pipe would be faster, but its volume could not be limited, and what a program writes after the other one has
ended would kill it by SIGPIPE. Here it is read and thrown away, and the end of one is an end of input to the other.
"""

from __future__ import annotations

import contextlib
import os
import select
from dataclasses import dataclass, field

KEPT_BYTES = 64 * 2**10  # of what each side wrote, for its outcome
_CHUNK_BYTES = 2**16


@dataclass(slots=True)
class Line:
    """One direction. source: where its writer's bytes come out; sink: where its reader's go in; -1 when closed."""

    source: int
    sink: int
    limit: int
    passed: int = 0
    kept: bytearray = field(default_factory=bytearray)
    _waiting: bytes = b""

    def interest(self) -> list[tuple[int, int]]:
        """What to poll for: bytes from the writer, or else room for those that wait."""
        if self._waiting:
            return [(self.sink, select.POLLOUT)]
        return [(self.source, select.POLLIN)] if self.source >= 0 else []

    def move(self) -> None:
        """Moves what can be moved without waiting."""
        if not self._waiting and self.source >= 0:
            self._take()
        if self._waiting:
            self._give()
        if self.source < 0 and not self._waiting:
            self._close_sink()

    def drain(self) -> None:
        """Once both have ended: counts what is left in the pipe."""
        before = -1
        while self.source >= 0 and self.passed != before:
            before = self.passed
            self._take()
            self._waiting = b""

    def close(self) -> None:
        """Lets go of both ends."""
        self._close_sink()
        if self.source >= 0:
            os.close(self.source)
            self.source = -1

    @property
    def exceeded(self) -> bool:
        """Whether the writer has written more than it may."""
        return self.passed > self.limit

    def _take(self) -> None:
        try:
            piece = os.read(self.source, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if not piece:
            os.close(self.source)
            self.source = -1
            return
        self.passed += len(piece)
        self.kept += piece[: KEPT_BYTES - len(self.kept)]
        self._waiting = piece if self.sink >= 0 else b""

    def _give(self) -> None:
        try:
            self._waiting = self._waiting[os.write(self.sink, self._waiting) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._waiting = b""
            self._close_sink()

    def _close_sink(self) -> None:
        if self.sink >= 0:
            os.close(self.sink)
            self.sink = -1


def crosswise(stack: contextlib.ExitStack, limits: tuple[int, int]) -> tuple[tuple[Line, Line], list[tuple[int, int]]]:
    """The two lines, and for each side the pair (what it reads from, what it writes to), all closed with the stack.

    limits: bytes that each side may write. Once the sides have theirs, close these pairs here. Raises OSError.
    """
    heard, said = [], []
    for _ in limits:
        hears, sink = os.pipe2(os.O_CLOEXEC)
        source, says = os.pipe2(os.O_CLOEXEC)
        for fd in (sink, source):
            os.set_blocking(fd, False)
        heard.append((hears, sink))
        said.append((says, source))
    lines = tuple(Line(said[i][1], heard[1 - i][1], limits[i]) for i in (0, 1))
    for line in lines:
        stack.callback(line.close)
    return (lines[0], lines[1]), [(heard[i][0], said[i][0]) for i in (0, 1)]
