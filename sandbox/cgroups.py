"""A control group for what one supervisor runs: memory of every kind and processes, counted by the kernel.

Never required. Address space (RLIMIT_AS) bounds what one process may map, but sees neither files in a tmpfs nor several
processes together; a control group counts all of it. Version 1 (one directory a controller) and version 2 (one
directory) are used where this user may make a group, which is tried and not assumed. The group is made once; entering
one costs up to 20 ms, so the fork servers do it when they start. A new limit costs 1 µs and is set for each run.

A group bears its owner's process id and start time; whoever starts or ends a sandbox removes those whose owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "codesieve-"
_SLACK_BYTES = 64 * 2**20  # page tables, kernel memory, what a server touches for itself
_MAX_TASKS = 192  # a run's 128, and the servers
_REMOVE_SECONDS = 2.0
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Files:
    """The names that differ between the two versions."""

    limit: str
    usage: str
    events: str
    kill_counter: str


_V1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control", "oom_kill ")
_V2 = _Files("memory.max", "memory.current", "memory.events", "oom_kill ")


class Cgroup:
    """A group that fork servers enter. Opened by `open_cgroup`."""

    def __init__(self, version: int, memory: Path, tasks: Path | None) -> None:
        """memory, tasks: existing directories, the same in version 2; tasks is None where none was to be had."""
        self._names = _V1 if version == 1 else _V2
        self._memory = memory
        self._directories = list(dict.fromkeys(path for path in (memory, tasks) if path is not None))
        self._entries = [os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for path in self._directories]
        self._limit_fd = os.open(memory / self._names.limit, os.O_WRONLY | os.O_CLOEXEC)
        if tasks is not None:
            (tasks / "pids.max").write_text(str(_MAX_TASKS))
        self._idle_bytes = 0
        self._kills = self._count_kills()
        self._limit = 0
        self.detail = f"version {version}: memory" + (", processes" if tasks is not None else "")

    def entering(self) -> Callable[[], None]:
        """What a new process calls to enter: between fork and exec, so that nothing it starts stays outside."""
        entries = self._entries

        def enter() -> None:
            for fd in entries:
                os.write(fd, b"0")

        return enter

    def settle(self) -> None:
        """Notes what the servers themselves use. Call it when they have started and run nothing."""
        self._idle_bytes = self._usage()

    def limit(self, memory_bytes: int, file_bytes: int) -> None:
        """What the next run may have, all its memory together. file_bytes: what may lie in files of ours, such as
        its outputs. Raises OSError."""
        limit = self._idle_bytes + memory_bytes + file_bytes + _SLACK_BYTES
        if limit == self._limit or (limit < self._limit and not self._used_less_than(limit)):
            return
        os.write(self._limit_fd, str(limit).encode())
        self._limit = limit

    def _used_less_than(self, limit: int) -> bool:
        # A server may still be emptying its scratch directory, and the kernel would kill it for what lies there.
        deadline = time.monotonic() + _SETTLE_SECONDS
        while self._usage() > limit - _SLACK_BYTES // 2:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.002)
        return True

    def killed(self) -> bool:
        """Whether the kernel has killed a process of the group for its memory since the last call."""
        before, self._kills = self._kills, self._count_kills()
        return self._kills > before

    def close(self) -> None:
        """Removes the group. Call it when nothing runs in it any more."""
        for fd in (*self._entries, self._limit_fd):
            os.close(fd)
        for path in self._directories:
            _remove(path, _REMOVE_SECONDS)

    def _usage(self) -> int:
        return int((self._memory / self._names.usage).read_text())

    def _count_kills(self) -> int:
        for line in (self._memory / self._names.events).read_text().splitlines():
            if line.startswith(self._names.kill_counter):
                return int(line.split()[1])
        return 0


def open_cgroup() -> tuple[Cgroup | None, str]:
    """A new group, or None and the reason why there is none."""
    name = f"{_PREFIX}{os.getpid()}-{_start_time(os.getpid())}"
    made: list[Path] = []
    try:
        version, parents = _parents()
        if version == 0:
            return None, "none with a memory controller that this user may divide"
        sweep()
        for parent in parents.values():
            path = parent / name
            with contextlib.suppress(FileExistsError):
                path.mkdir()
            if path not in made:
                made.append(path)
        tasks = parents.get("pids")
        group = Cgroup(version, parents["memory"] / name, tasks / name if tasks else None)
        return group, group.detail
    except (OSError, ValueError) as error:
        for path in made:
            _remove(path, 0.0)
        return None, f"not for this user: {getattr(error, 'strerror', None) or error}"


def sweep() -> None:
    """Removes groups whose owner is gone. What still holds a process stays."""
    with contextlib.suppress(OSError, ValueError):
        for parent in set(_parents()[1].values()):
            for path in parent.glob(f"{_PREFIX}*-*"):
                if _abandoned(path):
                    _remove(path, 0.0)


def count(owners: Collection[int]) -> int:
    """How many groups there are of these processes, and of processes that are gone."""
    try:
        groups = [path for parent in set(_parents()[1].values()) for path in parent.glob(f"{_PREFIX}*-*")]
    except (OSError, ValueError):
        return 0
    return sum(1 for path in groups if _owner(path) in owners or _abandoned(path))


def _parents() -> tuple[int, dict[str, Path]]:
    """The version in use, and for each controller the directory in which a group of ours may be made."""
    own: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    mounts = _mounts()
    found: dict[str, Path] = {c: mounts[c] / own[c].lstrip("/") for c in ("memory", "pids") if c in mounts and c in own}
    found = {c: path for c, path in found.items() if os.access(path, os.W_OK)}
    if "memory" in found:
        return 1, found
    if "" in mounts and "" in own:
        here = mounts[""] / own[""].lstrip("/")
        # A group with processes of its own has no divided children, so the new one is a sibling of ours.
        for parent in (here, here.parent):
            control = parent / "cgroup.subtree_control"
            if os.access(parent, os.W_OK) and control.exists():
                divided = control.read_text().split()
                if "memory" in divided:
                    return 2, {c: parent for c in ("memory", "pids") if c in divided}
    return 0, {}


def _mounts() -> dict[str, Path]:
    """Where the hierarchies are mounted, by controller; version 2 under the empty name."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, place = before.split()[3:5]
        if root != "/":
            continue  # a part of the hierarchy: paths of /proc/self/cgroup do not apply
        if kind == "cgroup":
            found |= {option: Path(place) for option in options.split(",")}
        elif kind == "cgroup2":
            found[""] = Path(place)
    return found


def _owner(path: Path) -> int:
    pid = path.name.removeprefix(_PREFIX).partition("-")[0]
    return int(pid) if pid.isdigit() else 0


def _abandoned(path: Path) -> bool:
    return _start_time(_owner(path)) != path.name.rpartition("-")[2]


def _start_time(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _remove(path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        (path / "memory.force_empty").write_text("0")  # version 1: else cached pages keep the group in the kernel
    while True:
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:  # a process that has ended is not out of it yet
            if time.monotonic() >= deadline:
                return
            time.sleep(0.005)
