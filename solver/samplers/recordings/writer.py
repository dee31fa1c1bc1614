"""Appends samples to a directory of shards, such that `kill -9` loses nothing that was added.

A sample is first a line of the open part (`open-00007.jsonl`, plain text, handed to the system at once). When the open
part is large enough it is closed: compressed into `part-00007.jsonl.zst` (or .parquet), synced to disk, entered in the
manifest, and only then the open file goes. Whatever the moment of a crash, the next writer finds one of: the open file
alone; both, and no line (it closes the part again); both and the line (it drops the open file). After a power cut the
open part, which is not synced, may be shorter. One writer a directory; the caller locks it.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Literal

from solver.errors import UserError
from solver.samplers.base import SIDE_PLAN, Sample
from solver.samplers.recordings.manifest import MANIFEST, Part, manifest_line, open_file, open_files, read_manifest
from solver.samplers.recordings.rows import parquet, zstandard
from solver.samplers.recordings.shapes import line_beginning, line_of
from solver.samplers.recordings.source import part_records

PART_BYTES = 4 * 2**20
"""Of an open part, as text, before it is closed."""

PartFormat = Literal["jsonl", "parquet"]
Key = tuple[str, int, int]
"""What is asked only once of a model: plan (empty unless a side plan), request, choice."""

_ZSTD_LEVEL = 9


class ShardWriter:
    """Use as a context manager; leaving it closes the open part."""

    def __init__(self, root: Path, form: PartFormat = "jsonl", part_bytes: int = PART_BYTES) -> None:
        """Makes the directory, or takes up what is in it. part_bytes: see PART_BYTES.

        Raises UserError for a directory that is damaged or a library that is missing, OSError.
        """
        self.root = root
        self._part_bytes = part_bytes
        self._pack: Callable[[bytes], bytes] = _zstd_packer(root) if form == "jsonl" else _parquet_packer(root)
        self._suffix = "jsonl.zst" if form == "jsonl" else "parquet"
        root.mkdir(parents=True, exist_ok=True)
        (root / MANIFEST).touch()
        manifest = read_manifest(root)
        if manifest.torn:
            os.truncate(root / MANIFEST, manifest.whole_bytes)
        self._parts = list(manifest.parts)
        self._open_problems: Counter[str] = Counter()
        self._journal = self._take_up()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if isinstance(error, OSError):
            self._journal.close()  # its last line may be cut short; the next writer takes it up
        else:
            self.close()

    @property
    def samples(self) -> int:
        """In closed parts."""
        return sum(part.lines for part in self._parts)

    @property
    def parts(self) -> int:
        """Closed ones."""
        return len(self._parts)

    def add(self, problem: str, sample: Sample) -> None:
        """Raises OSError."""
        line = line_of(problem, sample)
        if self._journal.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.root))
        self._open_problems[problem] += 1
        if self._journal.tell() >= self._part_bytes:
            self._close_part()

    def close(self) -> None:
        """Closes the open part, where it holds samples. Raises OSError."""
        if self._journal.closed:
            return
        if self._journal.tell():
            self._close_part()
        self._journal.close()
        open_file(self.root, len(self._parts)).unlink(missing_ok=True)

    def recorded(self, problem: str) -> set[tuple[str, Key]]:
        """(model, key) of what was answered of a problem; reads the parts that it is in. Raises UserError for one that
        is damaged."""
        rows = [
            record
            for part in self._parts
            if problem in part.problems
            for _, record in part_records(self.root, part, {problem})
        ]
        if self._open_problems[problem]:
            lines = open_file(self.root, len(self._parts)).read_bytes().splitlines()
            rows += [json.loads(line) for line in lines if line.startswith(line_beginning(problem))]
        return {(row["model"], key_of(row["plan"], row["request"], row["choice"])) for row in rows}

    def _take_up(self) -> FileIO:
        number = len(self._parts)
        for other, path in open_files(self.root).items():
            if other < number:
                path.unlink()  # its part is in the manifest
            elif other > number:
                raise UserError(f"{path}: the parts before it are missing; copy the directory again")
        path = open_file(self.root, number)
        if path.exists():
            names, whole_bytes = _whole_lines(path.read_bytes())
            self._open_problems.update(names)
            os.truncate(path, whole_bytes)
        return path.open("ab", buffering=0)

    def _close_part(self) -> None:
        number, text = len(self._parts), open_file(self.root, len(self._parts)).read_bytes()
        packed = self._pack(text)
        path = self.root / f"part-{number:05d}.{self._suffix}"
        _write_synced(path, packed)
        digest = hashlib.sha256(packed).hexdigest()
        problems = self._open_problems
        part = Part(number, path.name, digest, len(packed), problems.total(), dict(problems))
        with (self.root / MANIFEST).open("ab") as manifest:
            manifest.write(manifest_line(part))
            manifest.flush()
            os.fsync(manifest.fileno())
        self._journal.close()
        self._parts.append(part)
        self._open_problems = Counter()
        open_file(self.root, number).unlink()
        self._journal = open_file(self.root, number + 1).open("ab", buffering=0)


def _whole_lines(content: bytes) -> tuple[list[str], int]:
    """The problems of the lines up to the first that a crash cut short, and the bytes of these lines."""
    names, end = [], 0
    for line in content.splitlines(keepends=True):
        try:
            names.append(str(json.loads(line)["problem"]))
        except (ValueError, KeyError, TypeError):
            break
        if not line.endswith(b"\n"):
            names.pop()
            break
        end += len(line)
    return names, end


def key_of(plan: str, request: int, choice: int) -> Key:
    """Requests for programs are counted together, whatever their plans."""
    return plan if plan.startswith(SIDE_PLAN) else "", request, choice


def _write_synced(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _zstd_packer(root: Path) -> Callable[[bytes], bytes]:
    compressor = zstandard(str(root)).ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
    return lambda text: bytes(compressor.compress(text))


def _parquet_packer(root: Path) -> Callable[[bytes], bytes]:
    arrow = parquet(str(root))
    kinds = {"request": "int64", "choice": "int64", "seed": "int64", "prompt_tokens": "int64"}
    kinds |= {"completion_tokens": "int64", "temperature": "float64", "mean_logprob": "float64"}

    def pack(text: bytes) -> bytes:
        rows = [json.loads(line) for line in text.splitlines()]
        schema = arrow.schema([(name, kinds.get(name, "string")) for name in rows[0]])
        sink = io.BytesIO()
        arrow.parquet.write_table(arrow.Table.from_pylist(rows, schema), sink, compression="zstd")
        return sink.getvalue()

    return pack
