"""Reading untrusted files: every way in which a file can be wrong becomes one line that says so."""

from __future__ import annotations

import gzip
import io
import json
import stat
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from solver.errors import UserError
from solver.formats.fields import Record, kind_of, parse_json
from solver.formats.members import members

MAX_JSON_BYTES = 512 * 2**20  # of one JSON text, after decompression

_BOM = b"\xef\xbb\xbf"
_NOT_JSON = {
    b"PAR1": "a Parquet file: export the record as JSON first",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
}


def read_text(path: Path) -> str:
    """The whole file as UTF-8. Raises UserError."""
    with _opened(path) as stream:
        return _decoded(_read(stream, path), path)


def read_json_object(path: Path) -> Record:
    """The one JSON object a file holds. Raises UserError."""
    return _object(_parsed(read_text(path), path), str(path))


def records(path: Path, only: Collection[str] | None = None) -> Iterator[Record]:
    """The records of a JSON object, a JSON array or JSON Lines, plain, gzip or zstd; told apart by content.

    JSON Lines are read one at a time. only: the members to read; all others are None, and of JSON Lines they are not
    even decoded. Raises UserError.
    """
    with _opened(path) as stream:
        number, line = _next_line(stream, path, 0)
        if not line:
            raise UserError(f"{path} is empty; it should hold a problem")
        try:
            first = _line(_decoded(line, path), only)
        except RecursionError:
            raise _too_deep(path) from None
        except ValueError:
            yield from _whole(_decoded(line + _read(stream, path, len(line)), path), path, number, only)
            return
        number, line = _next_line(stream, path, number)
        if isinstance(first, list) and not line:
            yield from _items(first, path, only)
            return
        yield _object(first, f"{path}, line 1")
        while line:
            yield _object(_parsed(_decoded(line, path), path, number, only), f"{path}, line {number}")
            number, line = _next_line(stream, path, number)


def _line(text: str, only: Collection[str] | None) -> object:
    """The value of one line. Raises ValueError, RecursionError."""
    if only is None or not text.lstrip().startswith("{"):
        return cast(object, parse_json(text))
    return {name: parse_json(raw) if name in only else None for name, raw in members(text).items()}


def _whole(text: str, path: Path, first_line: int, only: Collection[str] | None) -> Iterator[Record]:
    value = _parsed(text, path, first_line)
    if isinstance(value, list):
        yield from _items(value, path, only)
    else:
        yield _kept(_object(value, str(path)), only)


def _kept(record: Record, only: Collection[str] | None) -> Record:
    if only is None:
        return record
    return {name: value if name in only else None for name, value in record.items()}


def _items(values: list[object], path: Path, only: Collection[str] | None) -> Iterator[Record]:
    for index, value in enumerate(values):
        yield _kept(_object(value, f"{path}, item {index + 1}"), only)


def _object(value: object, where: str) -> Record:
    if isinstance(value, dict):
        return cast(Record, value)
    raise UserError(f"{where} holds {kind_of(value)}, not an object; a problem is an object `{{...}}`")


def _parsed(text: str, path: Path, first_line: int = 1, only: Collection[str] | None = None) -> object:
    try:
        return _line(text, only)
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] not in ("{", "["):
            raise UserError(f"{path} is not JSON; a problem is a JSON file or a package directory") from None
        line = error.lineno + first_line - 1
        raise UserError(f"{path} is broken JSON at line {line}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: Path) -> UserError:
    return UserError(f"{path} is nested too deeply to be a problem")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The content of a regular file, decompressed when it is gzip or zstd."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{path} is not a regular file")
        with path.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic in _NOT_JSON:
                raise UserError(f"{path} is {_NOT_JSON[magic]}")
            if magic[:2] == b"\x1f\x8b":
                with gzip.open(raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            elif magic == b"\x28\xb5\x2f\xfd":
                with _zstd(raw, path) as unpacked:
                    yield unpacked
            else:
                yield raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged gzip ({error}); fetch it again") from None
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"cannot read {path}: {reason}") from None


@contextmanager
def _zstd(raw: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    try:
        import zstandard
    except ImportError:
        raise UserError(f"{path} is compressed with zstd; to read it, pip install zstandard") from None
    try:
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
            yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream), 2**20))
    except zstandard.ZstdError as error:
        raise UserError(f"{path} is damaged zstd ({error}); fetch it again") from None


def _next_line(stream: BinaryIO, path: Path, number: int) -> tuple[int, bytes]:
    """The next line with ink and its number; b"" at the end."""
    while line := stream.readline(MAX_JSON_BYTES + 1):
        number += 1
        if len(line) > MAX_JSON_BYTES:
            raise _too_big(path)
        if number == 1:
            line = line.removeprefix(_BOM)
        if not line.isspace() and line:
            return number, line
    return number, b""


def _read(stream: BinaryIO, path: Path, already: int = 0) -> bytes:
    content = stream.read(MAX_JSON_BYTES + 1 - already)
    if already + len(content) > MAX_JSON_BYTES:
        raise _too_big(path)
    return content


def _too_big(path: Path) -> UserError:
    return UserError(f"{path} holds a JSON text of more than {MAX_JSON_BYTES // 2**20} MB; use JSON Lines")


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
