"""Compiled Python programs: a source is compiled once for all its tests, by the first child that runs it.

The child reports its code object before a line of the program has run, on a channel that is closed by then. Even a
forged one would only be loaded by later runs of the same program, which are confined as it was.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from sandbox.zygote.candidate import CODE_FOLLOWS, MAX_CODE_BYTES
from sandbox.zygote.child import READY

MAX_STATUS_BYTES = MAX_CODE_BYTES + 4096
_MAX_BYTES = 8 * 2**20  # thousands of programs, in each supervisor; a program's tests follow each other
_PREFIX = READY.encode() + CODE_FOLLOWS


class CodeCache:
    """Marshalled code by source; the least recently used goes first."""

    def __init__(self) -> None:
        self._code: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, source: bytes) -> bytes | None:
        """The code of a source that has run before."""
        key = _key(source)
        code = self._code.get(key)
        if code is not None:
            self._code.move_to_end(key)
        return code

    def take(self, source: bytes, status: bytes) -> bytes:
        """Keeps the code that a child's status carries. Returns the status without it."""
        if not status.startswith(_PREFIX):
            return status
        key, code = _key(source), status[len(_PREFIX) :]
        self._bytes += len(code) - len(self._code.pop(key, b""))
        self._code[key] = code
        while self._bytes > _MAX_BYTES:
            self._bytes -= len(self._code.popitem(last=False)[1])
        return READY.encode()


def _key(source: bytes) -> bytes:
    return hashlib.blake2b(source, digest_size=16).digest()
