"""The manifest of a directory of shards: one line a closed part, appended when the part is safe on disk.

A line: {"part": 7, "file": "part-00007.jsonl.zst", "sha256": …, "bytes": …, "lines": …, "problems": {name: lines},
"check": …}. Parts are numbered from 0 without gaps; `check` is a digest of the rest of the line, so a changed byte in
the manifest is found too. `problems` is the index: which parts to read for a problem.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solver.errors import UserError

MANIFEST = "manifest.jsonl"
_PART_FILE = re.compile(r"part-(\d{5,})\.(?:jsonl\.zst|parquet)")
_OPEN_FILE = re.compile(r"open-(\d{5,})\.jsonl")


@dataclass(frozen=True, slots=True)
class Part:
    """A closed part. bytes: of the file, as stored; lines: samples. problems: name → samples in this part."""

    part: int
    file: str
    sha256: str
    bytes: int
    lines: int
    problems: dict[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """torn: whether the last line was cut short, so that it does not count; whole_bytes: of all lines before it."""

    root: Path
    parts: tuple[Part, ...]
    torn: bool
    whole_bytes: int

    @property
    def next_part(self) -> int:
        return len(self.parts)


def is_recording_directory(path: Path) -> bool:
    """Whether it was made by `solve sample`, finished or not."""
    return (path / MANIFEST).is_file()


def read_manifest(root: Path) -> Manifest:
    """Raises UserError for a line that is damaged or missing, and for parts that no line lists; OSError."""
    unlisted = _closed_parts(root)  # before the manifest: `solve sample` may be writing both
    content = (root / MANIFEST).read_bytes()
    whole = content.rfind(b"\n") + 1
    lines = content[:whole].splitlines()
    parts = tuple(_part(line, number, root / MANIFEST) for number, line in enumerate(lines))
    manifest = Manifest(root, parts, whole < len(content), whole)
    for number, path in sorted(unlisted.items()):
        if number >= manifest.next_part:
            raise UserError(
                f"{path}: not in {MANIFEST}, whose last lines are missing; copy it again from where it was sampled"
            )
    return manifest


def manifest_line(part: Part) -> bytes:
    """What is appended for a part."""
    record = asdict(part)
    return json.dumps({**record, "check": _digest(record)}).encode() + b"\n"


def open_file(root: Path, part: int) -> Path:
    """Where the samples of a part are until it is closed."""
    return root / f"open-{part:05d}.jsonl"


def open_files(root: Path) -> dict[int, Path]:
    """Parts that are not closed, by number."""
    found = ((_OPEN_FILE.fullmatch(path.name), path) for path in root.iterdir())
    return {int(match[1]): path for match, path in found if match}


def _part(line: bytes, number: int, path: Path) -> Part:
    where = f"{path}:{number + 1}"
    mend = "copy the file again from where it was sampled"
    try:
        record: dict[str, Any] = json.loads(line)
        check = record.pop("check")
        part = Part(**record)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"{where}: damaged; {mend}") from None
    if check != _digest(record):
        raise UserError(f"{where}: damaged (its digest is not its own); {mend}")
    if part.part != number:
        raise UserError(f"{where}: part {part.part} where {number} should be: lines are missing; {mend}")
    return part


def _closed_parts(root: Path) -> dict[int, Path]:
    """By number. A part is written before its line, while its samples are still in the open file."""
    found = ((_PART_FILE.fullmatch(path.name), path) for path in root.iterdir())
    parts = {int(match[1]): path for match, path in found if match}
    still_open = open_files(root) if parts else {}
    return {number: path for number, path in parts.items() if number not in still_open}


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]
