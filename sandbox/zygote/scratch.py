"""The scratch directory of one server: given to each run empty, emptied after it."""

from __future__ import annotations

import os
import stat

from . import kernel


class Scratch:
    """A directory known by descriptor, so that nothing depends on its path being reachable."""

    def __init__(self, path: str, *, can_create: bool) -> None:
        self.fd = kernel.out_of_the_way(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        self.can_create = can_create

    def place(self, name: str, content_fd: int, offset: int = 0, size: int | None = None) -> None:
        """A file with a copy of the content of another, or of a part of it. Raises OSError."""
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self.fd)
        try:
            left = os.fstat(content_fd).st_size if size is None else size
            while left:
                sent = os.sendfile(fd, content_fd, offset, left)
                if not sent:
                    break
                offset, left = offset + sent, left - sent
        finally:
            os.close(fd)

    def touch(self, name: str) -> None:
        """An empty file. Raises OSError."""
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self.fd))

    def open_result(self, name: str, directory: int | None = None) -> int | None:
        """A regular file that a program left here (or in a directory in here), open; None when there is none.

        Links are not followed, and a fifo does not block. Raises OSError for what is not a regular file.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        place = self.fd if directory is None else directory
        try:
            if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
                raise IsADirectoryError(f"{name} is not a regular file")
            os.chmod(name, 0o600, dir_fd=place)
            return os.open(name, flags, dir_fd=place)
        except FileNotFoundError:
            return None

    def empty(self) -> None:
        """Removes everything. Call it when no program runs any more.

        Directories are flattened into the top one before removal: a hostile tree may be deeper than any
        stack or path length.
        """
        counter = 0
        while names := _names(self.fd):
            for name in names:
                try:
                    os.unlink(name, dir_fd=self.fd)
                    continue
                except IsADirectoryError:
                    pass
                os.chmod(name, 0o700, dir_fd=self.fd)
                child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self.fd)
                try:
                    for inner in _names(child):
                        try:
                            os.unlink(inner, dir_fd=child)
                        except IsADirectoryError:
                            os.chmod(inner, 0o700, dir_fd=child)
                            counter += 1
                            target = f".flat{counter}.{os.urandom(8).hex()}"
                            os.rename(inner, target, src_dir_fd=child, dst_dir_fd=self.fd)
                finally:
                    os.close(child)
                os.rmdir(name, dir_fd=self.fd)


def _names(directory: int) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries]
