"""Files that come with a run, and files of it that go back: see `sandbox.invocation`.

Names are plain, or plain in one directory. The program may have put anything under them: links are not followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Any

from .scratch import Scratch


def place(scratch: Scratch, extra: dict[str, Any], fd: int) -> None:
    """Before the run: files, and directories for what is to come back. Raises OSError."""
    given = [name for name, _ in extra["files"]]
    for name in (*given, *extra["collect"]):
        if "/" in name:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name.split("/")[0], 0o700, dir_fd=scratch.fd)
    offset = 0
    for name, size in extra["files"]:
        scratch.place(name, fd, offset, size)
        offset += size
    if not scratch.can_create:
        for name in {*extra["collect"]}.difference(given):
            scratch.touch(name)


def collect(scratch: Scratch, extra: dict[str, Any], fd: int) -> list[tuple[str, int]]:
    """After the run: replaces the content of `fd` by that of the files asked for; returns names and sizes.

    Copies at most `extra["most"]` bytes. Where programs cannot create files, an empty one is one that was not written.
    """
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    sizes: list[tuple[str, int]] = []
    left: int = extra["most"]
    for name in extra["collect"]:
        with contextlib.suppress(OSError), _opened(scratch, name) as source:
            if source is None or not (scratch.can_create or os.fstat(source).st_size):
                continue
            size = 0
            while left and (sent := os.sendfile(fd, source, None, left)):
                size, left = size + sent, left - sent
            sizes.append((name, size))
    return sizes


@contextlib.contextmanager
def _opened(scratch: Scratch, name: str) -> Iterator[int | None]:
    with contextlib.ExitStack() as stack:
        directory = scratch.fd
        if "/" in name:
            parent, name = name.split("/")
            if not stat.S_ISDIR(os.stat(parent, dir_fd=scratch.fd, follow_symlinks=False).st_mode):
                raise NotADirectoryError(parent)
            os.chmod(parent, 0o700, dir_fd=scratch.fd)
            directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=scratch.fd)
            stack.callback(os.close, directory)
        source = scratch.open_result(name, directory)
        if source is not None:
            stack.callback(os.close, source)
        yield source
