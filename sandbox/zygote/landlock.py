"""Landlock: a default-deny for the file system, TCP, abstract sockets and signals (kernel 5.13 and later)."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from . import kernel

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_RULE_PATH_BENEATH = 1
_VERSION_FLAG = 1
_NO_LOG = 1

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
REFER = 1 << 13
TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | _IOCTL_DEV

READ = READ_FILE | READ_DIR
WRITE_EXISTING = READ | WRITE_FILE | TRUNCATE
WRITE = WRITE_EXISTING | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER


def abi() -> int:
    """The Landlock version of this kernel; 0 when it is absent or switched off."""
    try:
        return kernel.syscall("landlock_create_ruleset", _CREATE, 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def _handled(version: int) -> tuple[int, int, int]:
    file_rights = (1 << 13) - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, _IOCTL_DEV)):
        if version >= since:
            file_rights |= right
    return file_rights, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0


def new_ruleset(version: int) -> int:
    """A ruleset that denies everything this kernel can deny; a file descriptor. Raises OSError."""
    fields = _handled(version)
    length = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("=QQQ", *fields)
    return kernel.syscall("landlock_create_ruleset", _CREATE, ctypes.c_char_p(attributes), length, 0)


def allow_fd(ruleset: int, version: int, fd: int, rights: int) -> None:
    """Adds `rights` for the file, or for everything below the directory, open as `fd`. Raises OSError."""
    rights &= _handled(version)[0]
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        rights &= _FILE_RIGHTS
    if rights:
        rule = struct.pack("=Qi", rights, fd)
        kernel.syscall("landlock_add_rule", _ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.c_char_p(rule), 0)


def allow(ruleset: int, version: int, rights: int, paths: Iterable[str]) -> None:
    """`allow_fd` for each path that exists. Raises OSError."""
    for path in paths:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            allow_fd(ruleset, version, fd, rights)
        finally:
            os.close(fd)


def restrict(ruleset: int, version: int) -> None:
    """Confines the calling thread and all it starts, for good; needs no_new_privs. Raises OSError."""
    # What hostile programs are refused is not news for the machine's audit log.
    kernel.syscall("landlock_restrict_self", _RESTRICT, ruleset, _NO_LOG if version >= 7 else 0)
