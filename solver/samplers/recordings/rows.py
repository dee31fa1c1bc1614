"""The records of one file, a line or a few rows at a time: JSON Lines (plain, gzip, Zstandard) or Parquet."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from solver.errors import UserError
from solver.samplers.recordings.shapes import Record, line_beginning

MAX_LINE_BYTES = 256 * 2**20
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ROWS_AT_ONCE = 64
_INSTALL = "pip install 'codesieve[data]'"


class Unreadable(Exception):
    """Why a file cannot be read from some place on, without its name."""


def file_records(path: Path) -> Iterator[tuple[int, Record]]:
    """(line or row from 1, record), told apart by content. Raises UserError, which names the file and the line."""
    try:
        with path.open("rb") as stream:
            yield from records(stream, str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot read the recording ({error.strerror or error})") from error


def records(stream: BinaryIO, label: str, problems: Collection[str] | None = None) -> Iterator[tuple[int, Record]]:
    """As `file_records`, of an open file that can seek. Raises UserError beginning with the label, OSError.

    problems: only those of these, in a file that `ShardWriter` made; lines of others are not even decoded.
    """
    magic = stream.read(4)
    stream.seek(0)
    if magic == _PARQUET:
        yield from _parquet_rows(stream, label, problems)
        return
    number, beginnings = 0, () if problems is None else tuple(map(line_beginning, problems))
    try:
        with _unpacked(stream, magic, label) as lines:
            while line := lines.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise UserError(f"{label}:{number}: a line over {MAX_LINE_BYTES >> 20} MiB; split it")
                if line.strip() and (problems is None or line.startswith(beginnings)):
                    yield number, _record(line, f"{label}:{number}")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{label}: broken gzip after line {number} ({error}); write it again") from error
    except Unreadable as error:
        raise UserError(f"{label}: broken Zstandard after line {number} ({error}); write it again") from error


def _record(line: bytes, where: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UserError(f"{where}: not valid JSON ({reason}); mend the line") from error
    if not isinstance(record, dict):
        raise UserError(f"{where}: not a JSON object, which each line must be")
    return record


@contextmanager
def _unpacked(stream: BinaryIO, magic: bytes, label: str) -> Iterator[BinaryIO]:
    if magic[:2] == _GZIP:
        with gzip.open(stream) as unpacked:
            yield cast(BinaryIO, unpacked)
    elif magic == _ZSTD:
        yield cast(BinaryIO, io.BufferedReader(_Unzstd(stream, label), 2**18))
    else:
        yield stream


class _Unzstd(io.RawIOBase):
    """Decompresses; a stream that ends within a frame is an error, which the library's own reader lets pass."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._library = zstandard(label)
        self._stream = stream
        self._frame = self._library.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = b""
        self._packed = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._more():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _more(self) -> bool:
        packed = self._packed or self._stream.read(2**17)
        self._packed = b""
        if not packed:
            if self._begun:
                raise Unreadable("it ends within a frame")
            return False
        try:
            self._ready = self._frame.decompress(packed)
        except self._library.ZstdError as error:
            raise Unreadable(str(error)) from None
        self._begun = True
        if self._frame.eof:
            self._packed = self._frame.unused_data
            self._frame = self._library.ZstdDecompressor().decompressobj()
            self._begun = False
        return True


def zstandard(label: str) -> Any:
    """The library. Raises UserError when it is not installed. label: what needs it."""
    try:
        import zstandard as library
    except ImportError:
        raise UserError(f"{label}: Zstandard needs the library: {_INSTALL}") from None
    return library


def parquet(label: str) -> Any:
    """The modules pyarrow and pyarrow.parquet. Raises UserError when they are not installed."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{label}: Parquet needs the library: {_INSTALL}") from None
    return pyarrow


def _parquet_rows(stream: BinaryIO, label: str, problems: Collection[str] | None) -> Iterator[tuple[int, Record]]:
    arrow = parquet(label)
    number = 0
    wanted = None if problems is None else arrow.array(list(problems), "string")
    try:
        batches = arrow.parquet.ParquetFile(stream, pre_buffer=False).iter_batches(_ROWS_AT_ONCE, use_threads=False)
        for batch in batches:
            numbers = arrow.array(range(number + 1, number + len(batch) + 1))
            number += len(batch)
            if wanted is not None:
                mask = arrow.compute.is_in(batch.column("problem"), value_set=wanted)
                batch, numbers = batch.filter(mask), numbers.filter(mask)
            yield from zip(numbers.to_pylist(), batch.to_pylist(), strict=True)
    except (arrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{label}: broken Parquet after row {number} ({reason}); write it again") from error
