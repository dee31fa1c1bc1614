"""Rows of a data set, one at a time: through `datasets`, but for JSON Lines and local Parquet.

JSON Lines are not left to `datasets`, which gives every column one Arrow type: lists of mixed arguments, integers of a
thousand digits and `Infinity` are all in public data sets and have none. Local Parquet is read by pyarrow itself, a few
rows of one row group at a time: the scanner that `datasets` uses reads ahead as far as the consumer is slow, and ours
waits for programs to run.

only: what is decoded. Parquet columns that are not wanted are not read; of other tables they are dropped before a row
is built; of JSON Lines they are skipped as text. The row has them with the value None, since a record's kind is told by
the names of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from eval.datasets.places import Files, Format, OnHub
from eval.datasets.registry import Hub
from solver.errors import UserError
from solver.formats.fields import Record
from solver.formats.files import records

_ROWS_AT_ONCE = 8  # a row of CodeContests can have megabytes of tests
_INSTALL = "data sets in parquet, in arrow or on the hub need the library: pip install 'codesieve[data]'"

Value = TypeVar("Value")


def rows(place: Files | OnHub, only: Collection[str] | None) -> Iterator[Record]:
    """All rows in order; only: the columns to decode, None for all. Raises UserError."""
    if isinstance(place, OnHub):
        yield from _table_rows(_of_hub(place.hub, place.split), only)
        return
    for file, form in place.files:
        yield from records(file, only) if form == "json" else _table_rows(_of_file(file, form), only)


class _Tables(Protocol):
    """A source of Arrow tables of a few rows. Both raise UserError."""

    def columns(self) -> list[str]: ...

    def tables(self, columns: list[str] | None) -> Iterator[Any]:
        """With these columns only; None: with all."""


class _Parquet:
    """A local Parquet file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def columns(self) -> list[str]:
        return [str(name) for name in self._opened().schema_arrow.names]

    def tables(self, columns: list[str] | None) -> Iterator[Any]:
        file = self._opened()
        batches = file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns, use_threads=False)
        return _each(batches, str(self._path))

    def _opened(self) -> Any:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise UserError(_INSTALL) from None
        return _guarded(lambda: ParquetFile(self._path, pre_buffer=False), str(self._path))


class _Library:
    """Whatever `datasets.load_dataset` streams with these options; reader: those of how a format is read."""

    def __init__(self, label: str, path: str, options: dict[str, Any]) -> None:
        self._label = label
        self._path = path
        self._options = options
        self._column_option = "columns" in options
        self._options.pop("columns", None)

    def columns(self) -> list[str]:
        found = self._opened({}).column_names
        if found is None:
            first = next(self.tables(None), None)
            found = [] if first is None else first.column_names
        return [str(name) for name in found]

    def tables(self, columns: list[str] | None) -> Iterator[Any]:
        opened = self._opened({"columns": columns} if self._column_option and columns is not None else {})
        for table in _each(opened.with_format("arrow").iter(batch_size=_ROWS_AT_ONCE), self._label):
            yield table if columns is None else table.select(columns)

    def _opened(self, more: dict[str, Any]) -> Any:
        try:
            import datasets
        except ImportError:
            raise UserError(_INSTALL) from None
        datasets.disable_progress_bars()
        datasets.logging.set_verbosity(datasets.logging.CRITICAL)
        options = {**self._options, **more}
        return _guarded(lambda: datasets.load_dataset(self._path, streaming=True, **options), self._label)


def _of_file(file: Path, form: Format) -> _Tables:
    if form == "parquet":
        return _Parquet(file)
    return _Library(str(file), form, {"data_files": [str(file)], "split": "train"})


def _of_hub(hub: Hub, split: str) -> _Tables:
    options: dict[str, Any] = {"batch_size": _ROWS_AT_ONCE, "columns": None} if hub.format == "parquet" else {}
    if not hub.files:
        return _Library(hub.repository, hub.repository, {**options, "name": hub.config, "split": split})
    if split not in hub.files:
        raise UserError(f"{hub.repository} has no split {split!r}; it has {', '.join(sorted(hub.files))}")
    files = [f"hf://datasets/{hub.repository}/{pattern}" for pattern in hub.files[split]]
    return _Library(hub.repository, hub.format, {**options, "data_files": files, "split": "train"})


def _table_rows(source: _Tables, only: Collection[str] | None) -> Iterator[Record]:
    """Rows with a value for the columns in `only` and None for the others."""
    columns = source.columns() if only is not None else []
    hidden = dict.fromkeys(name for name in columns if only is not None and name not in only)
    wanted = None if only is None else [name for name in columns if name in only]
    for table in source.tables(wanted):
        for index in range(len(table)):  # one row after the other, so that only one is in Python's form
            yield from ({**hidden, **row} for row in table.slice(index, 1).to_pylist())


def _each(items: Any, label: str) -> Iterator[Any]:
    """The items; what their iterator raises becomes a UserError."""
    iterator = iter(items)
    while (item := _guarded(lambda: next(iterator, None), label)) is not None:
        yield item


def _guarded(read: Callable[[], Value], label: str) -> Value:
    """Whatever the libraries raise for bad files, absent splits and no network is a UserError."""
    try:
        return read()
    except (UserError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(f"{label} cannot be read: {reason}") from None
