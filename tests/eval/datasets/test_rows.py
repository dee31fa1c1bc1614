"""Rows come from every format, one at a time, without the columns that nobody may see."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import DatasetSpec, Skipped, problems, tasks
from eval.task import Task
from solver.errors import UserError

from . import records

pa = pytest.importorskip("pyarrow")
pytest.importorskip("datasets")


def spec(path: Path, name: str = "code_contests", **fields: Any) -> DatasetSpec:
    return DatasetSpec(name=name, path=str(path), **fields)


def table(*rows: records.Record) -> Any:
    return pa.Table.from_pylist(list(rows))


def parquet(path: Path, *rows: records.Record, **options: Any) -> Path:
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table(*rows), path, **options)
    return path


def arrow(path: Path, *rows: records.Record, stream: bool = False) -> Path:
    found = table(*rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), found.schema) as writer:
        writer.write_table(found)
    return path


ROWS = [records.code_contests(f"{number}_A. Double") for number in range(1, 21)]


def test_every_format_gives_the_same_tasks(tmp_path: Path) -> None:
    expected = list(tasks(spec(records.lines(tmp_path / "a.jsonl", *ROWS))))
    assert len(expected) == 20
    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=1))
    for path in (
        tmp_path / "a.json",
        records.lines(tmp_path / "a.jsonl.gz", *ROWS),
        records.lines(tmp_path / "a.jsonl.zst", *ROWS),
        parquet(tmp_path / "a.parquet", *ROWS),
        arrow(tmp_path / "a.arrow", *ROWS),
        arrow(tmp_path / "b.arrow", *ROWS, stream=True),
    ):
        assert list(tasks(spec(path))) == expected, path
        assert list(problems(spec(path))) == [task.problem for task in expected if isinstance(task, Task)], path


def test_parquet_of_every_kind_is_read_like_json(tmp_path: Path) -> None:
    for name, record in {
        "apps": records.apps(),
        "taco": records.taco(),
        "humaneval": records.humaneval(),
        "mbpp": records.mbpp(),
        "leetcode": records.leetcode(),
        "livecodebench": records.livecodebench(),
    }.items():
        lines = list(tasks(spec(records.lines(tmp_path / f"{name}.jsonl", record), name)))
        assert list(tasks(spec(parquet(tmp_path / f"{name}.parquet", record), name))) == lines


def test_hidden_parquet_columns_are_not_read(tmp_path: Path) -> None:
    """Their bytes are overwritten: who needs them fails, who does not never notices."""
    import pyarrow.parquet

    path = parquet(tmp_path / "a.parquet", *ROWS, compression="none", use_dictionary=False)
    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(0)
    content = bytearray(path.read_bytes())
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema.split(".")[0] in ("private_tests", "generated_tests", "solutions"):
            start, size = column.data_page_offset, column.total_compressed_size
            content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    assert len(list(problems(spec(path)))) == 20
    with pytest.raises(UserError, match=r"a\.parquet cannot be read"):
        list(tasks(spec(path)))


def test_a_folder_holds_splits_by_name(tmp_path: Path) -> None:
    parquet(tmp_path / "data" / "train-00000-of-00001.parquet", ROWS[0])
    parquet(tmp_path / "data" / "test-00000-of-00002.parquet", ROWS[1])
    parquet(tmp_path / "data" / "test-00001-of-00002.parquet", ROWS[2])
    (tmp_path / "dataset_info.json").write_text("{}")

    def found(**fields: Any) -> list[str]:
        return [task.problem.name for task in tasks(spec(tmp_path, **fields)) if isinstance(task, Task)]

    assert found() == ["2_A. Double", "3_A. Double"]  # the usual split
    assert found(split="train") == ["1_A. Double"]
    with pytest.raises(UserError, match="no split 'validation'; it has test, train"):
        found(split="valid")


def test_a_folder_with_one_split_needs_no_name_for_it(tmp_path: Path) -> None:
    arrow(tmp_path / "train" / "data-00000-of-00001.arrow", ROWS[0])
    assert len(list(tasks(spec(tmp_path)))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"PAR1 but no more", "cannot be read"), (b"ARROW1\0\0 no", "cannot be read"), (b"", "empty"), (b"text", "JSON")],
)
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        list(tasks(spec(path)))
    assert "\n" not in str(caught.value)


def test_damaged_zstd_is_one_clear_line(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "a.jsonl.zst", *ROWS)
    path.write_bytes(path.read_bytes()[:40] + b"\0" * 40)
    with pytest.raises(UserError, match="zstd"):
        list(tasks(spec(path)))


def test_a_place_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no hub id"):
        list(tasks(spec(tmp_path / "absent.jsonl")))
    with pytest.raises(UserError, match="no problem directories"):
        list(tasks(spec(tmp_path)))
    with pytest.raises(UserError, match="no default place"):
        list(tasks(DatasetSpec(name="jsonl")))


def test_memory_does_not_grow_with_the_data_set(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        big = {"input": ["1" * 50_000 + str(count)], "output": ["2"]}
        path = parquet(
            tmp_path / f"{count}.parquet",
            *(records.code_contests(f"{number}", private_tests=big) for number in range(count)),
            row_group_size=8,
        )
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        most = 0
        for task in tasks(spec(path)):
            assert not isinstance(task, Skipped)
            most = max(most, tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - before)
        tracemalloc.stop()
        return most

    peak(8)  # what the libraries load once
    few, many = peak(16), peak(160)
    assert many - few < 2_000_000  # ten times the rows hold 7.2 MB more
