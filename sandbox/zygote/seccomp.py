"""seccomp filters: a deny-list of dangerous families of system calls, generated as BPF.

An allow-list would rot with each glibc and Python; Landlock is the default-deny, this closes what it cannot see.
"""

from __future__ import annotations

import ctypes
import struct

from . import kernel, syscalls

_EPERM, _ENOSYS = 1, 38
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_ALLOW = 0x7FFF0000
_LOAD, _JEQ, _JGE, _JSET, _AND, _RET = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NR, _ARCH = 0, 4
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_X32_BIT = 0x40000000
_SELF = 0x7E5E1F00  # stands for the process's own id until `install` knows it

_CLONE_THREAD = 0x00010000
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_AT_EMPTY_PATH = 0x1000
# TIOCSETD, TIOCSTI, TIOCLINUX: terminals. FS_IOC_SETFLAGS (two sizes), FS_IOC_FSSETXATTR: marks on a directory.
_IOCTLS = (0x5423, 0x5412, 0x541C, 0x40086602, 0x40046602, 0x401C5820)
_SOCKET_IOCTLS = (0x8900, 0x8BFF)  # owners of signals; names and addresses of the host's interfaces
# Signals of descriptors reach any process of the same user, the server included: SETOWN, SETSIG, SETOWN_EX.
# Locks (SETLK, SETLKW, OFD_SETLK, OFD_SETLKW), leases and notices hold up others; SETPIPE_SZ hides memory.
_FCNTLS = (8, 10, 15, 6, 7, 37, 38, 1024, 1026, 1031)
_PR_SET_PDEATHSIG, _PR_SET_MM, _PR_SET_PTRACER, _PR_SET_CHILD_SUBREAPER = 1, 35, 0x59616D61, 36
_PR_SCHED_CORE = 62

_Instruction = tuple[int, int, int, int]


def supported() -> bool:
    """Whether this machine's architecture has a table here."""
    return kernel.MACHINE in _ARCHITECTURES


def _argument(index: int) -> int:
    return 16 + 8 * index  # the low half; both architectures are little-endian


def _deny(error: int = _EPERM) -> _Instruction:
    return (_RET, 0, 0, _ERRNO | error)


def _allowed_when(argument: int, *values: int, mask: int | None = None) -> list[_Instruction]:
    """Falls through to the end of the block when the argument has one of the values, else denies."""
    masking: list[_Instruction] = [] if mask is None else [(_AND, 0, 0, mask)]
    tests: list[_Instruction] = [(_JEQ, len(values) - i, 0, value) for i, value in enumerate(values)]
    return [(_LOAD, 0, 0, _argument(argument)), *masking, *tests, _deny()]


def _denied_when(argument: int, *values: int) -> list[_Instruction]:
    tests: list[_Instruction] = [
        (_JEQ, len(values) - 1 - i, 1 if i == len(values) - 1 else 0, value) for i, value in enumerate(values)
    ]
    return [(_LOAD, 0, 0, _argument(argument)), *tests, _deny()]


def _denied_between(argument: int, low: int, high: int) -> list[_Instruction]:
    return [(_LOAD, 0, 0, _argument(argument)), (_JGE, 0, 2, low), (_JGE, 1, 0, high + 1), _deny()]


def _conditions(profile: str) -> dict[str, list[_Instruction]]:
    rules = {
        "socketpair": _allowed_when(0, _AF_UNIX) + _allowed_when(1, _SOCK_STREAM, mask=_SOCK_TYPE_MASK),
        "prlimit64": _allowed_when(0, 0) if profile == "server" else _allowed_when(0, 0, _SELF),
        "prctl": _denied_when(
            0, _PR_SET_PDEATHSIG, _PR_SET_MM, _PR_SET_PTRACER, _PR_SET_CHILD_SUBREAPER, _PR_SCHED_CORE
        ),
        "ioctl": _denied_when(1, *_IOCTLS) + _denied_between(1, *_SOCKET_IOCTLS),
        "fcntl": _denied_when(1, *_FCNTLS),
    }
    if profile == "server":
        rules["prctl"] = _denied_when(0, _PR_SET_MM, _PR_SET_PTRACER, _PR_SET_CHILD_SUBREAPER, _PR_SCHED_CORE)
    if profile in ("compile", "server"):
        return rules
    if profile == "python":  # what its server denies already is not said again
        rules = {"prctl": _denied_when(0, _PR_SET_PDEATHSIG)}
    rules |= {
        "kill": _allowed_when(0, 0, _SELF),
        "tgkill": _allowed_when(0, _SELF),
        "setpgid": [_deny()],  # a signal to its own group must not reach the server's
        "setsid": [_deny()],
        "fork": [_deny()],
        "vfork": [_deny()],
        "clone": [(_LOAD, 0, 0, _argument(0)), (_JSET, 1, 0, _CLONE_THREAD), _deny()],
        "clone3": [_deny(_ENOSYS)],  # its flags are out of reach; glibc falls back to clone
        "execve": [_deny()],
        # The server's own start of a binary is this call; Landlock leaves nothing else executable.
        "execveat": _allowed_when(4, _AT_EMPTY_PATH) if profile == "native" else [_deny()],
    }
    return rules


def program(profile: str) -> bytes:
    """The BPF program of a profile. Raises KeyError on an unknown architecture.

    server: a server of Python programs, inherited by them. python: what such a program is denied on top of
    that. native, compile: whole filters, for compiled programs and for compilers.
    """
    numbers = syscalls.DENIED | syscalls.METADATA | syscalls.CONDITIONAL
    audit_arch, column = _ARCHITECTURES[kernel.MACHINE]
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, audit_arch),
        (_RET, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NR),
    ]
    if kernel.MACHINE == "x86_64":
        code += [(_JGE, 0, 1, _X32_BIT), (_RET, 0, 0, _KILL_PROCESS)]
    blocks = {name: [_deny()] for name in _denied(profile)}
    blocks |= {name: [*rule, (_RET, 0, 0, _ALLOW)] for name, rule in _conditions(profile).items()}
    for name, block in blocks.items():
        number = numbers[name][column]
        if number is not None:
            code += [(_JEQ, 0, len(block), number), *block]
    code.append((_RET, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _denied(profile: str) -> set[str]:
    if profile == "python":
        return syscalls.OF_THE_SERVER
    if profile == "server":
        return (syscalls.DENIED.keys() | syscalls.METADATA.keys()) - syscalls.OF_THE_SERVER
    return set(syscalls.DENIED) if profile == "compile" else syscalls.DENIED.keys() | syscalls.METADATA.keys()


class PreparedFilter:
    """A filter made ready once, so that a freshly forked child has little left to do."""

    def __init__(self, code: bytes) -> None:
        self._buffer = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("@HP", len(code) // 8, ctypes.addressof(self._buffer))
        self._header = ctypes.create_string_buffer(header, len(header))
        self._install = kernel.prctl_function(
            kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, ctypes.addressof(self._header)
        )
        own_pid = struct.pack("=I", _SELF)
        self._own_pid_offsets = [i for i in range(4, len(code), 8) if code[i : i + 4] == own_pid]

    def install(self, own_pid: int) -> None:
        """Filters the calling thread and all it starts, for good; needs no_new_privs. Raises OSError."""
        for offset in self._own_pid_offsets:
            struct.pack_into("=I", self._buffer, offset, own_pid)
        self._install()
