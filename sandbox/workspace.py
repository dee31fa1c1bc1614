"""The private directory of one sandbox: compiled programs, mount points. Gone on close, or at a later start.

A lock held on the directory itself says that its owner is alive; the kernel lets go of it when the owner
dies, however it dies, and the next sandbox of the same user clears away what nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Workspace:
    """A directory with mode 0700 below the user's own temporary directory."""

    def __init__(self) -> None:
        """Creates it, and removes abandoned ones. Raises OSError."""
        parent = _parent()
        with _locked(parent):
            _sweep(parent)
            self.path = Path(tempfile.mkdtemp(prefix="sandbox-", dir=parent))
            self._lock = _lock(self.path)
        self.binaries = self.path / "binaries"
        self.binaries.mkdir()

    def close(self) -> None:
        """Removes it and all it holds."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()  # only when it was the last


def _parent() -> Path:
    while True:
        path = Path(tempfile.gettempdir()) / f"codesieve-{os.geteuid()}"
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # another sandbox has just removed it
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise PermissionError(f"{path} is not a private directory of this user; remove it")
        return path


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    while True:
        parent.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX)
        # It may have been removed, and made anew, between the two.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(fd).st_ino == parent.stat().st_ino:
                break
        os.close(fd)
    try:
        yield
    finally:
        os.close(fd)


def _lock(path: Path) -> int | None:
    """Holds the directory; None when somebody else does, or it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def _sweep(parent: Path) -> None:
    for path in parent.glob("sandbox-*"):
        if (fd := _lock(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(fd)
