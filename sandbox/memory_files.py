"""Anonymous files: how programs, inputs and outputs pass between processes without a path or a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os

_MIB = 2**20
_ADD_SEALS = 1033
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # no further seals, no shrinking, no growing, no writing
_FIXED_SIZE = 0x1 | 0x2 | 0x4  # no further seals, no shrinking, no growing


def memory_file(stack: contextlib.ExitStack, name: str) -> int:
    """A new, empty one, closed with the stack."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
    return fd


def bounded_file(stack: contextlib.ExitStack, name: str, count: int) -> int:
    """One of `count` NUL bytes that can be overwritten but never grows, closed with the stack."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, fd)
    os.truncate(fd, count)
    fcntl.fcntl(fd, _ADD_SEALS, _FIXED_SIZE)
    return fd


def sealed_file(stack: contextlib.ExitStack, name: str, content: bytes) -> int:
    """One that nobody can change any more, closed with the stack. Its offset stands at its beginning."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, fd)
    written = os.pwrite(fd, content, 0) if content else 0
    while written < len(content):  # one call writes at most 2 GiB
        written += os.pwrite(fd, memoryview(content)[written : written + 1024 * _MIB], written)
    fcntl.fcntl(fd, _ADD_SEALS, _SEALS)
    return fd


def size(fd: int) -> int:
    """Bytes in the file."""
    return os.fstat(fd).st_size


def read(fd: int, limit: int, offset: int = 0) -> bytes:
    """At most `limit` bytes from the offset on."""
    left = min(limit, size(fd) - offset)  # a buffer of the limit's size would be mapped, and unmapped, for nothing
    if left <= 0:
        return b""
    first = os.pread(fd, left, offset)
    if len(first) == left or not first:
        return first
    return first + read(fd, limit - len(first), offset + len(first))  # one call reads at most 2 GiB


def tail(fd: int, limit: int) -> bytes:
    """At most the last `limit` bytes."""
    total = size(fd)
    return read(fd, limit, max(0, total - limit)) if total else b""


def executable_file(stack: contextlib.ExitStack, path: str) -> int:
    """The file at the path, open, or a copy of it where it could not be executed; closed with the stack.

    Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    if os.fstatvfs(fd).f_flag & os.ST_NOEXEC:
        return sealed_file(stack, "binary", read(fd, size(fd)))
    return fd
