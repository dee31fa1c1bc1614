"""Ending a process group: politely first, then for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil

_POLL_SECONDS = 0.05
_TRACKER_SECONDS = 3.0


def group_members(pgid: int) -> list[int]:
    """The living processes of a group (zombies are dead)."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(pid) == pgid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def end_group(pgid: int, grace_seconds: float = 5.0) -> None:
    """SIGTERM, `grace_seconds` to clean up, then SIGKILL; blocks until that is done.

    The calling process is spared if it is a member. So is Python's resource tracker at first: it ends by
    itself when the last process that it serves has ended, and then removes the shared memory that killed
    processes left behind.
    """
    inside = os.getpgrp() == pgid
    _signal(_others(pgid), signal.SIGTERM)
    _wait(pgid, grace_seconds)
    _signal(_others(pgid), signal.SIGKILL)
    if not inside:
        deadline = time.monotonic() + _TRACKER_SECONDS
        while group_members(pgid) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        _signal(group_members(pgid), signal.SIGKILL)


def _others(pgid: int) -> list[int]:
    return [pid for pid in group_members(pgid) if pid != os.getpid() and not _is_tracker(pid)]


def _is_tracker(pid: int) -> bool:
    try:
        return any("multiprocessing.resource_tracker" in word for word in psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False


def _wait(pgid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _others(pgid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
