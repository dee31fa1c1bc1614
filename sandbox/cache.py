"""The directory where what is worth keeping between runs lies: `$CODESIEVE_CACHE`, else below the user's cache.

Only the driver writes there. Compilers see the precompiled headers in it, read-only; programs see nothing of it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def cache_directory() -> Path:
    """Where it is, whether it exists or not."""
    if own := os.environ.get("CODESIEVE_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "codesieve"


def header_directory() -> Path | None:
    """The directory of precompiled headers, made when needed; None when there can be none.

    Others may read it (a compiler may run as nobody), and only its owner write: what lies in it gets compiled in.
    """
    try:
        path = cache_directory() / "headers"
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        status = path.lstat()
    except (OSError, RuntimeError):
        return None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        return None
    return path
