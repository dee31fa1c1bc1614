"""What lists of includes declare, kept beside the precompiled headers: finding it out takes a second a list.

The directory belongs to one compiler and one set of headers, and only its owner may write there (`sandbox.cache`), so
what lies in it is believed. Lists come from hostile programs: few of them are kept, and only short ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

_SUFFIX = ".names"
_END = "."
_MAX_KEPT = 64
_MAX_LIST_CHARS = 8000


def load(directory: Path | None, text: str) -> frozenset[str] | None:
    """The names that a list of includes declares; None when they are not known."""
    if directory is None:
        return None
    try:
        *found, end = _path(directory, text).read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return frozenset(found) if end == _END else None


def save(directory: Path | None, text: str, declared: frozenset[str] | None) -> None:
    """Keeps what was found for the next sandbox, if there is room; not being able to is no error."""
    if directory is None or declared is None or len(text) > _MAX_LIST_CHARS:
        return
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o755, exist_ok=True)
        if len(list(directory.glob(f"*{_SUFFIX}"))) >= _MAX_KEPT:
            return
        path = _path(directory, text)
        passing = path.with_suffix(f".{os.getpid()}")
        passing.write_text("\n".join([*sorted(declared), _END]), "utf-8")
        passing.replace(path)


def forget(directory: Path) -> None:
    """Removes all that is kept there."""
    for path in directory.glob(f"*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def _path(directory: Path, text: str) -> Path:
    return directory / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}{_SUFFIX}"
