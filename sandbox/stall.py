"""Whether everything below some processes is asleep for good: how a deadlock of two programs is told from slow work.

A starved process is runnable, one that swaps is in uninterruptible sleep, and one that computes uses CPU time: none of
that counts as asleep, however busy the machine is. What does look the same is a program that sleeps on purpose.
"""

from __future__ import annotations

import os
from pathlib import Path

_SLEEPS = "S"
Signature = tuple[tuple[int, int], ...]


def asleep(servers: list[int]) -> Signature | None:
    """When each server's program sleeps, with all its threads: their ids and CPU ticks. None when one does not, when
    a server has no program, or when /proc does not tell."""
    found: list[tuple[int, int]] = []
    try:
        for server in servers:
            programs = _leaves(server)
            if server in programs:
                return None
            for pid in programs:
                for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - hot enough
                    state, ticks = _stat(f"/proc/{pid}/task/{task}/stat")
                    if state != _SLEEPS:
                        return None
                    found.append((int(task), ticks))
    except (OSError, ValueError, IndexError):
        return None
    return tuple(sorted(found))


def _leaves(pid: int) -> list[int]:
    """The descendants that have no children themselves."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [leaf for child in children for leaf in _leaves(child)] if children else [pid]


def _stat(path: str) -> tuple[str, int]:
    fields = Path(path).read_text().rpartition(")")[2].split()
    return fields[0], int(fields[11]) + int(fields[12])
