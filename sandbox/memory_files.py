"""Anonymous files: how programs, inputs and outputs pass between processes without a path or a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os

_MIB = 2**20
_ADD_SEALS = 1033
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # no further seals, no shrinking, no growing, no writing


def memory_file(stack: contextlib.ExitStack, name: str) -> int:
    """A new, empty one, closed with the stack."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
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
    pieces = []
    while limit > 0 and (piece := os.pread(fd, min(limit, 1024 * _MIB), offset)):
        pieces.append(piece)
        offset, limit = offset + len(piece), limit - len(piece)
        if len(piece) < _MIB:
            break
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def tail(fd: int, limit: int) -> bytes:
    """At most the last `limit` bytes."""
    total = size(fd)
    return read(fd, limit, max(0, total - limit)) if total else b""
