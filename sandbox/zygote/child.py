"""From fork to program, for compilers and compiled programs: down to what it may have, then exec.

Programs and their compilers are confined differently, so nothing of this can be inherited from the server.
"""

from __future__ import annotations

import math
import os
import resource
from dataclasses import dataclass
from typing import Any, NoReturn

from . import candidate, kernel, landlock, seccomp
from .scratch import Scratch

STDIN, STDOUT, STDERR, STATUS, CODE, RESULT = range(6)  # descriptors of a child, in the order they are sent
ADDRESS_SPACE_SLACK = 512 * 2**20  # reserved, untouched memory: thread stacks, arenas
MAX_PROCESSES = 128
FIRST_FREE_DESCRIPTOR = 10
READY = "ready\n"
_OPEN_FILES = {"native": 64, "interpreted": 64, "compile": 256}

ENVIRONMENT = {
    "HOME": ".",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": ".",
}


@dataclass(slots=True)
class Confinement:
    """What the server prepared once and each child puts on.

    landlock_abi: 0 when the layer is not active. scratch_ruleset: what a Python program may do in a scratch directory
    that is not a tmpfs, on top of what it inherits. filters: by profile; empty when the layer is not active.
    """

    scratch: Scratch
    landlock_abi: int
    scratch_ruleset: int | None
    native_paths: tuple[tuple[int, tuple[str, ...]], ...]
    compile_paths: tuple[tuple[int, tuple[str, ...]], ...]
    filters: dict[str, bytes]
    limit_resources: bool
    limit_processes: bool
    dies_with_parent: bool


def start(request: dict[str, Any], fds: list[int], confinement: Confinement) -> NoReturn:
    """Becomes the requested program. What goes wrong before it starts is written to the status file."""
    try:
        for i, fd in enumerate(fds):
            os.dup2(fd, i)
        report = candidate.Report(STATUS)
    except BaseException:
        os._exit(1)
    try:
        kind = request["kind"]
        os.setsid()
        kernel.die_with_parent()
        if kind == "interpreted":
            # In place of the program, which lies in the scratch directory: both are started through CODE.
            os.dup2(os.open(request["argv"][0], os.O_RDONLY | os.O_CLOEXEC), CODE)
        for fd in [STATUS, *([CODE] if kind != "compile" else []), *range(RESULT, len(fds))]:
            os.set_inheritable(fd, False)
        if confinement.landlock_abi:
            landlock.restrict(_ruleset(kind, request, confinement), confinement.landlock_abi)
        os.closerange(len(fds), 2**20)
        if confinement.limit_resources:
            limit_for_all(_OPEN_FILES[kind], processes=confinement.limit_processes)
            for limit, pair in request["limits"]:
                resource.setrlimit(limit, pair)
        profile = "compile" if kind == "compile" else "native"
        if profile in confinement.filters:
            seccomp.PreparedFilter(confinement.filters[profile]).install(os.getpid())
        report.write(READY)
        if kind == "native":
            os.execve(CODE, ["./main", *request.get("arguments", ())], ENVIRONMENT)
        if kind == "interpreted":
            os.execve(CODE, [*request["argv"], *request.get("arguments", ())], ENVIRONMENT | request["environment"])
        os.execve(request["argv"][0], request["argv"], ENVIRONMENT)
    except BaseException as error:
        report.write(f"setup: {type(error).__name__}: {error}")
        os._exit(1)


def _ruleset(kind: str, request: dict[str, Any], confinement: Confinement) -> int:
    version = confinement.landlock_abi
    ruleset = landlock.new_ruleset(version)
    for rights, paths in confinement.compile_paths if kind == "compile" else confinement.native_paths:
        landlock.allow(ruleset, version, rights, paths)
    if kind == "interpreted":
        landlock.allow(ruleset, version, landlock.READ, request["readable"])
    if kind != "compile":
        if os.fstat(CODE).st_nlink:  # anonymous files are beyond Landlock, and need no rule
            landlock.allow_fd(ruleset, version, CODE, landlock.EXECUTE | landlock.READ_FILE)
        landlock.allow_fd(ruleset, version, confinement.scratch.fd, scratch_rights(confinement.scratch))
    else:
        landlock.allow_fd(ruleset, version, confinement.scratch.fd, landlock.WRITE)
    return ruleset


def scratch_rights(scratch: Scratch) -> int:
    """What a program may do in its scratch directory: without a tmpfs, nothing bounds what it creates."""
    return landlock.WRITE if scratch.can_create else landlock.WRITE_EXISTING


def stack_bytes(memory: int) -> int:
    """A stack that overflows must end in SIGSEGV before it exceeds the memory limit."""
    return max(memory - 16 * 2**20, memory // 2)


def _capped(kind: int, value: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def limits_of(request: dict[str, Any]) -> list[tuple[int, tuple[int, int]]]:
    """The limits that differ from run to run, as arguments for `setrlimit`; never above what this process has."""
    memory: int = request["memory"]
    wanted = (
        (resource.RLIMIT_CPU, math.ceil(request["cpu"]) + 1),
        (resource.RLIMIT_FSIZE, request["output"] + 1),
        (resource.RLIMIT_STACK, stack_bytes(memory)),
        (resource.RLIMIT_AS, memory + request.get("slack", ADDRESS_SPACE_SLACK)),
    )
    return [(kind, (value, value)) for kind, value in ((kind, _capped(kind, value)) for kind, value in wanted)]


def limit_for_all(open_files: int, *, processes: bool) -> None:
    """The limits that are the same for every run. processes: whether their number is counted for this server alone."""
    wanted = [
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 1),  # too small for a file, and unlike 0 it also keeps core handlers away
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ]
    if processes:
        wanted.append((resource.RLIMIT_NPROC, MAX_PROCESSES))
    for kind, value in wanted:
        resource.setrlimit(kind, (_capped(kind, value),) * 2)
