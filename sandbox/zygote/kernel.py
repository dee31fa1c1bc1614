"""The system calls that Python does not wrap, through ctypes."""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Callable
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000
MNT_DETACH = 0x2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP = 22
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2
SECBITS_NO_ROOT_LOCKED = 0x3 | 0xC  # NOROOT and NO_SETUID_FIXUP, both locked

MACHINE = os.uname().machine
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(MACHINE, -1)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(name: str, number: int, *arguments: int | Any) -> int:
    """A raw system call; integers are passed as longs. Raises OSError."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *converted), name)


def prctl(option: int, *arguments: int | Any) -> int:
    """prctl(2). Raises OSError."""
    converted = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    converted += [ctypes.c_ulong(0)] * (4 - len(converted))
    return _checked(_libc.prctl(ctypes.c_int(option), *converted), f"prctl({option})")


def prctl_function(option: int, first: int, second: int) -> Callable[[], None]:
    """A prctl(2) call made ready: its caller has little left to touch, which counts right after a fork."""
    function = ctypes.CDLL(None, use_errno=True)["prctl"]
    function.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    arguments = [ctypes.c_int(option), *map(ctypes.c_ulong, (first, second, 0, 0))]

    def call() -> None:
        if function(*arguments) < 0:
            _checked(-1, f"prctl({option})")

    return call


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError."""
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode() or None, flags, options.encode() or None
    )
    _checked(result, f"mount {target}")


def pivot_root_here() -> None:
    """Makes the working directory the root and drops the old root. Raises OSError."""
    here = ctypes.c_char_p(b".")
    syscall("pivot_root", _PIVOT_ROOT, here, here)
    _checked(_libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "umount old root")
    os.chdir("/")


def die_with_parent() -> None:
    """SIGKILL for this process when its parent ends. Undone by a change of user, so call it after one."""
    prctl(PR_SET_PDEATHSIG, 9)


def drop_capabilities() -> None:
    """Leaves no capability in any set, and none to be regained by executing a file. Raises OSError."""
    capability = 0
    while True:
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the kernel's last capability, or not allowed to: no_new_privs still holds
        capability += 1
    try:
        prctl(PR_SET_SECUREBITS, SECBITS_NO_ROOT_LOCKED)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    except OSError:
        pass  # without capabilities there is nothing to clear
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    empty = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(empty)), "capset")


def out_of_the_way(fd: int) -> int:
    """Moves a descriptor above those that a child is given in fixed places."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 50)
    os.close(fd)
    return moved


def thread_group_cpu_clock(pid: int) -> int:
    """The clock id of a process's CPU time, all threads together, for time.clock_gettime."""
    return ((~pid) << 3) | 2
