"""Where recorded samples come from: one file, or directories of shards, of which a problem's parts alone are read.

A part is read whole (parts are small), compared with what the manifest says of it, and only then unpacked: no sample of
a damaged part is ever given out.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from solver.errors import UserError
from solver.samplers.recordings.manifest import (
    MANIFEST,
    Manifest,
    Part,
    is_recording_directory,
    open_files,
    read_manifest,
)
from solver.samplers.recordings.rows import file_records, records
from solver.samplers.recordings.shapes import Record

Located = tuple[str, Record]
"""`file:line`, for messages, and the record there."""


class Source(Protocol):
    """A recording. `records` may be called again and begins anew."""

    def records(self, problems: Collection[str] | None) -> Iterator[Located]:
        """At least those of these problems (None: all), in recorded order. Raises UserError."""

    def problems(self) -> list[str]:
        """Their names in recorded order, where an index has them; empty for a file."""


def open_source(path: Path) -> Source:
    """A file, a directory made by `solve sample`, or a folder of such directories. Raises UserError."""
    return _Directories(path, _shard_directories(path)) if path.is_dir() else _File(path)


def notes_on(path: Path) -> list[str]:
    """What the user should know of a recording before it is read: parts that are not closed. Raises UserError."""
    if not path.is_dir():
        return []
    notes = []
    for root in _shard_directories(path):
        pending = [file.name for file in open_files(root).values() if file.stat().st_size]
        if pending or _manifest(root).torn:
            what = ", ".join(pending) or f"the last line of {MANIFEST}"
            notes.append(
                f"{root}: {what} is not closed (sampling goes on, or was killed) and is left out; "
                f"`solve sample --resume {root}` closes it"
            )
    return notes


def part_records(root: Path, part: Part, problems: Collection[str] | None = None) -> Iterator[tuple[int, Record]]:
    """(line from 1, record) of a part that is as the manifest says. Raises UserError naming it otherwise.

    problems: of these only; None: all.
    """
    path = root / part.file
    mend = "copy it again from where it was sampled"
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: missing, with {part.lines} samples; {mend}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); {mend}") from None
    if len(packed) != part.bytes:
        raise UserError(f"{path}: damaged: {len(packed)} bytes, not the {part.bytes} of {MANIFEST}; {mend}")
    if hashlib.sha256(packed).hexdigest() != part.sha256:
        raise UserError(f"{path}: damaged: its SHA-256 is not the one in {MANIFEST}; {mend}")
    return records(io.BytesIO(packed), str(path), problems)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path

    def records(self, problems: Collection[str] | None) -> Iterator[Located]:
        for number, record in file_records(self.path):
            yield f"{self.path}:{number}", record

    def problems(self) -> list[str]:
        return []


@dataclass(frozen=True, slots=True)
class _Directories:
    """roots: read one after the other."""

    path: Path
    roots: tuple[Path, ...]

    def records(self, problems: Collection[str] | None) -> Iterator[Located]:
        for root in self.roots:
            for part in _manifest(root).parts:
                if problems is None or not part.problems.keys().isdisjoint(problems):
                    for number, record in part_records(root, part, problems):
                        yield f"{root / part.file}:{number}", record

    def problems(self) -> list[str]:
        names = (name for root in self.roots for part in _manifest(root).parts for name in part.problems)
        return list(dict.fromkeys(names))


def _shard_directories(path: Path) -> tuple[Path, ...]:
    if is_recording_directory(path):
        return (path,)
    try:
        found = tuple(sorted(child for child in path.iterdir() if is_recording_directory(child)))
    except OSError as error:
        raise UserError(f"{path}: cannot read the recording ({error.strerror or error})") from None
    if not found:
        raise UserError(
            f"{path}: cannot read the recording (neither it nor a folder in it has a {MANIFEST}); "
            "give a file or what `solve sample` made"
        )
    return found


def _manifest(root: Path) -> Manifest:
    """Read anew only when it has changed: a benchmark asks once a problem."""
    try:
        state = (root / MANIFEST).stat()
        return _manifest_at(root, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise UserError(f"{root / MANIFEST}: cannot be read ({error.strerror or error})") from None


@lru_cache(maxsize=1024)
def _manifest_at(root: Path, modified_ns: int, size: int) -> Manifest:
    return read_manifest(root)
