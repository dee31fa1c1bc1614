"""From fork to program: takes a child of the server down to what a program may have, then starts it."""

from __future__ import annotations

import math
import os
import resource
import signal
from dataclasses import dataclass
from typing import Any, NoReturn

from . import candidate, kernel, landlock, seccomp
from .scratch import Scratch

STDIN, STDOUT, STDERR, STATUS, CODE, RESULT = range(6)  # descriptors of a child, in the order they are sent
ADDRESS_SPACE_SLACK = 512 * 2**20  # reserved, untouched memory: thread stacks, arenas
MAX_PROCESSES = 128
READY = "ready\n"

_ENVIRONMENT = {
    "HOME": ".",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": ".",
}
_DEFAULTED_SIGNALS = (signal.SIGINT, signal.SIGXFSZ, signal.SIGPIPE)


@dataclass(slots=True)
class Confinement:
    """What the server prepared once and each child puts on. A ruleset or filter of None: layer not active."""

    scratch: Scratch
    landlock_abi: int
    python_ruleset: int | None
    native_paths: tuple[tuple[int, tuple[str, ...]], ...]
    compile_paths: tuple[tuple[int, tuple[str, ...]], ...]
    filters: dict[str, bytes]
    limit_resources: bool
    limit_processes: bool


def start(request: dict[str, Any], fds: list[int], confinement: Confinement) -> NoReturn:
    """Becomes the requested program. What goes wrong before it starts is written to the status file."""
    try:
        _take_descriptors(fds, len(fds))
        report = candidate.Report(STATUS)
    except BaseException:
        os._exit(1)
    try:
        kind = request["kind"]
        os.setsid()
        kernel.die_with_parent()
        os.fchdir(confinement.scratch.fd)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in _DEFAULTED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if kind == "python":
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        elif kind == "native":
            os.set_inheritable(CODE, False)
        elif kind == "interpreted":
            # In place of the program, which lies in the scratch directory: both are started through CODE.
            os.dup2(os.open(request["argv"][0], os.O_RDONLY | os.O_CLOEXEC), CODE, inheritable=False)
        os.set_inheritable(STATUS, False)
        os.set_inheritable(RESULT, False)
        if confinement.landlock_abi:
            landlock.restrict(_ruleset(kind, request, confinement), confinement.landlock_abi)
        _close_all_but(len(fds))
        if confinement.limit_resources:
            _limit_resources(request, confinement.limit_processes)
        profile = "native" if kind == "interpreted" else kind
        if profile in confinement.filters:
            seccomp.install(confinement.filters[profile], os.getpid())
        os.environ.clear()
        os.environ.update(_ENVIRONMENT)
        report.write(READY)
        _become(kind, request, report)
    except BaseException as error:
        report.write(f"setup: {type(error).__name__}: {error}")
        os._exit(1)


def _become(kind: str, request: dict[str, Any], report: candidate.Report) -> NoReturn:
    if kind == "python":
        with os.fdopen(CODE, "rb") as file:
            source = file.read()
        if request["mode"] == "function":
            candidate.call_function(source, request["entry_point"], STDIN, RESULT, report)
        os.close(RESULT)
        candidate.run_script(source, report)
    if kind == "native":
        os.execve(CODE, ["./main"], _ENVIRONMENT)
    if kind == "interpreted":
        os.execve(CODE, request["argv"], _ENVIRONMENT | request["environment"])
    os.execve(request["argv"][0], request["argv"], _ENVIRONMENT)


def _take_descriptors(fds: list[int], count: int) -> None:
    high = 100  # above every descriptor the server holds
    for i, fd in enumerate(fds):
        os.dup2(fd, high + i)
    for i in range(count):
        os.dup2(high + i, i)


def _close_all_but(count: int) -> None:
    os.closerange(count, 2**20)


def _ruleset(kind: str, request: dict[str, Any], confinement: Confinement) -> int:
    if kind == "python" and confinement.python_ruleset is not None:
        return confinement.python_ruleset
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


def _limit_resources(request: dict[str, Any], limit_processes: bool) -> None:
    memory: int = request["memory"]
    # A stack that overflows must end in SIGSEGV before it exceeds the memory limit.
    stack = max(memory - 16 * 2**20, memory // 2)
    files = 256 if request["kind"] == "compile" else 64
    processes = [(resource.RLIMIT_NPROC, MAX_PROCESSES)] if limit_processes else []
    for kind, value in (
        (resource.RLIMIT_CPU, math.ceil(request["cpu"]) + 1),
        (resource.RLIMIT_FSIZE, request["output"] + 1),
        (resource.RLIMIT_STACK, stack),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 1),  # too small for a file, and unlike 0 it also keeps core handlers away
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        *processes,
        (resource.RLIMIT_AS, memory + request.get("slack", ADDRESS_SPACE_SLACK)),
    ):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))
