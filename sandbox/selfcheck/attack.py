"""What an attack is, as data; and the few lines of program that the attacks share.

A source may name things of the host by placeholders, which the scene fills in: `@SECRET@` (a readable file that
holds the canary), `@BAIT@` (a directory anybody may write to), `@VICTIM@` and `@DRIVER@` (process ids),
`@TCP@`, `@UDP@` (ports), `@SOCKET@` (a UNIX socket's path), `@ABSTRACT@` (an abstract one's name), `@HOSTNAME@`,
`@COOKIE@` (the host's network namespace), `@SEGMENT@` (a key of System V shared memory).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache

from sandbox.types import Limits, Verdict
from sandbox.zygote import kernel, syscalls

HELD = b"held\n"
# Calm programs get time to spare, so that a busy machine does not look like a hole; the others end by a limit.
CALM = Limits(cpu_seconds=5.0, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=60.0)
SHORT = Limits(cpu_seconds=0.4, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=1.5)

PYTHON = """
import ctypes, errno, os, sys
NR = @NR@
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
def syscall(name, *args):
    if NR.get(name) is None: return -1, errno.ENOSYS
    ctypes.set_errno(0)
    long = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return _libc.syscall(ctypes.c_long(NR[name]), *long), ctypes.get_errno()
def denied(name, *args):
    result, error = syscall(name, *args)
    ok = result == -1 and error in (errno.EPERM, errno.ENOSYS, errno.EACCES)
    if not ok: print(name, 'gave', result, errno.errorcode.get(error, error))
    return ok
def refused(action, *errors):
    try:
        got = action()
    except OSError as error:
        if not errors or error.errno in errors: return True
        print('failed, but with', error)
        return False
    print('got', repr(got)[:200])
    return False
def held(condition):
    print('held' if condition else 'GOT THROUGH')
"""

CPP = """
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
static void held(bool condition) { puts(condition ? "held" : "GOT THROUGH"); }
"""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    name: `family/what`. tries: what it is after, in a sentence. ends: the verdicts it may end with; when there are
    none the program must itself see that it was refused, print `held` and end with OK.
    first: a program that runs before, and plants what this one looks for. needs: layers without which this
    is not promised. machine: the only architecture where it says anything. interactive: it talks to an interactor.
    """

    name: str
    tries: str
    source: str
    language: str = "python"
    ends: frozenset[Verdict] = frozenset()
    first: str = ""
    stdin: bytes = b"input\n"
    limits: Limits = CALM
    needs: tuple[str, ...] = ()
    machine: str = ""
    slow: bool = False
    output_file: str = ""
    entry_point: str = ""
    interactive: bool = False
    forbidden: tuple[str, ...] = field(default=())

    @property
    def family(self) -> str:
        """The first part of the name."""
        return self.name.split("/")[0]

    @property
    def containment(self) -> str:
        """What containment means, in words; the scene's own promises hold beside it."""
        own = f"ends as {' or '.join(sorted(self.ends))}" if self.ends else "sees itself refused (prints held)"
        return f"{own}; nothing of the host in its output; the host unharmed; the next programs right"


def held(name: str, tries: str, source: str, **more: object) -> Attack:
    """A Python attack that reports whether it was refused."""
    return Attack(name, tries, PYTHON + source, **more)  # type: ignore[arg-type]


def ends(name: str, tries: str, source: str, verdicts: str, **more: object) -> Attack:
    """A Python attack that must end in one of the verdicts."""
    allowed = frozenset(Verdict(verdict) for verdict in verdicts.split())
    return Attack(name, tries, source, ends=allowed, **more)  # type: ignore[arg-type]


def denies(name: str, tries: str, *calls: str, **more: object) -> Attack:
    """A Python attack by system calls, each `name, argument, …`: all must be refused."""
    conditions = ", ".join(f"denied('{call.split(',')[0]}'{call[len(call.split(',')[0]) :]})" for call in calls)
    return held(name, tries, f"held(all([{conditions}]))", **more)


def cpp_held(name: str, tries: str, condition: str, before: str = "", **more: object) -> Attack:
    """A C++ attack: `condition` says that it was refused."""
    source = f"{CPP}{before}\nint main() {{ held({condition}); }}\n"
    return Attack(name, tries, source, language="cpp", **more)  # type: ignore[arg-type]


def cpp_ends(name: str, tries: str, source: str, verdicts: str, **more: object) -> Attack:
    """A C++ attack that must end in one of the verdicts."""
    allowed = frozenset(Verdict(verdict) for verdict in verdicts.split())
    return Attack(name, tries, source, language="cpp", ends=allowed, **more)  # type: ignore[arg-type]


@cache
def numbers() -> str:
    """This machine's system call numbers, as a Python literal."""
    column = 0 if kernel.MACHINE == "x86_64" else 1
    tables = syscalls.DENIED | syscalls.METADATA | syscalls.CONDITIONAL
    return json.dumps({name: pair[column] for name, pair in tables.items() if pair[column] is not None})
