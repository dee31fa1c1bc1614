"""Rows of a data set, one at a time: tables through `datasets`, JSON Lines with our own reader.

JSON Lines are not left to `datasets`, which gives every column one Arrow type: lists of mixed arguments, integers of a
thousand digits and `Infinity` are all in public data sets and have none.

only: what is decoded. Parquet columns that are not wanted are not read; of Arrow tables they are dropped before a row
is built; of JSON Lines they are skipped as text. The row has them with the value None, since a record's kind is told by
the names of its columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from eval.datasets.places import Files, Format, OnHub
from eval.datasets.registry import Hub
from solver.errors import UserError
from solver.formats.fields import Record
from solver.formats.files import records

_ROWS_AT_ONCE = 8  # a row of CodeContests can have megabytes of tests
_INSTALL = "data sets in parquet, in arrow or on the hub need the library: pip install 'codesieve[data]'"


def rows(place: Files | OnHub, only: Collection[str] | None) -> Iterator[Record]:
    """All rows in order; only: the columns to decode, None for all. Raises UserError."""
    if isinstance(place, OnHub):
        yield from _from_hub(place, only)
        return
    for file, form in place.files:
        yield from records(file, only) if form == "json" else _table_rows(_Tables.of_file(file, form), only)


class _Tables:
    """A source of Arrow tables that can say its columns first, and then be read without some of them."""

    def __init__(self, label: str, path: str, *, parquet: bool, **options: Any) -> None:
        self.label = label
        self._path = path
        self._options = options
        self._parquet = parquet
        if parquet:
            self._options["batch_size"] = _ROWS_AT_ONCE

    @classmethod
    def of_file(cls, file: Path, form: Format) -> _Tables:
        return cls(str(file), form, parquet=form == "parquet", data_files=[str(file)], split="train")

    @classmethod
    def of_hub(cls, hub: Hub, split: str) -> _Tables:
        if not hub.files:
            parquet = hub.format == "parquet"
            return cls(hub.repository, hub.repository, parquet=parquet, name=hub.config, split=split)
        if split not in hub.files:
            raise UserError(f"{hub.repository} has no split {split!r}; it has {', '.join(sorted(hub.files))}")
        files = [f"hf://datasets/{hub.repository}/{pattern}" for pattern in hub.files[split]]
        return cls(hub.repository, hub.format, parquet=hub.format == "parquet", data_files=files, split="train")

    def columns(self) -> list[str]:
        """Raises UserError."""
        found = self._opened().column_names
        if found is None:
            found = next(self.tables(None)).column_names
        return [str(name) for name in found]

    def tables(self, columns: Collection[str] | None) -> Iterator[Any]:
        """Arrow tables of a few rows with these columns, None for all. Raises UserError."""
        chosen = list(columns) if columns is not None else None
        options: dict[str, Any] = {"columns": chosen} if self._parquet and chosen is not None else {}
        if self._parquet:
            options["fragment_scan_options"] = _one_group_at_a_time()
        tables = iter(self._opened(**options).with_format("arrow").iter(batch_size=_ROWS_AT_ONCE))
        while (table := self._guarded(lambda: next(tables, None))) is not None:
            yield table if chosen is None else table.select(chosen)

    def _opened(self, **options: Any) -> Any:
        try:
            import datasets
        except ImportError:
            raise UserError(_INSTALL) from None
        datasets.disable_progress_bars()
        datasets.logging.set_verbosity(datasets.logging.CRITICAL)
        return self._guarded(lambda: datasets.load_dataset(self._path, streaming=True, **self._options, **options))

    def _guarded(self, read: Any) -> Any:
        """Whatever the library and what is below it raise for bad files, absent splits and no network."""
        try:
            return read()
        except (UserError, MemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise UserError(f"{self.label} cannot be read: {reason}") from None


def _one_group_at_a_time() -> Any:
    """How Arrow reads Parquet: by default it keeps what it has read of a file in memory until the file's end."""
    import pyarrow.dataset

    return pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True, buffer_size=2**20)


def _from_hub(place: OnHub, only: Collection[str] | None) -> Iterator[Record]:
    yield from _table_rows(_Tables.of_hub(place.hub, place.split), only)


def _table_rows(source: _Tables, only: Collection[str] | None) -> Iterator[Record]:
    """Rows with a value for the columns in `only` and None for the others."""
    if only is None:
        for table in source.tables(None):
            yield from _built(table)
        return
    columns = source.columns()
    hidden = dict.fromkeys(name for name in columns if name not in only)
    for table in source.tables([name for name in columns if name in only]):
        yield from ({**hidden, **row} for row in _built(table))


def _built(table: Any) -> Iterator[Record]:
    """One row at a time, so that only one is ever in Python's form."""
    return itertools.chain.from_iterable(table.slice(index, 1).to_pylist() for index in range(len(table)))
