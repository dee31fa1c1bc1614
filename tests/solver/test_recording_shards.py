"""Shards: nothing added is lost, nothing damaged is given out, and a problem reads its own parts only."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from io import FileIO
from pathlib import Path

import pytest

from solver.errors import UserError
from solver.samplers import Request, Sample
from solver.samplers.recorded import RecordedSampler
from solver.samplers.recordings import PartFormat, ShardWriter, notes_on, open_source
from solver.samplers.recordings.manifest import open_file, read_manifest
from solver.samplers.recordings.writer import Key

SAMPLE = Sample(
    request=0, choice=0, text="print(1)\n", model="m", plan="direct", language="python", temperature=0.8, seed=2**47,
    prompt_tokens=10, completion_tokens=4, mean_logprob=None, finish_reason="stop",
)  # fmt: skip
SMALL = 600  # bytes: two or three samples a part


def sample(number: int) -> Sample:
    return replace(SAMPLE, request=number // 2, choice=number % 2, text=f"print({number})\n")


def write(root: Path, problems: dict[str, int], form: PartFormat = "jsonl") -> Path:
    with ShardWriter(root, form, SMALL) as writer:
        for problem, count in problems.items():
            for number in range(count):
                writer.add(problem, sample(number))
    return root


def keys(writer: ShardWriter) -> set[Key]:
    """Of problem `a`."""
    return {key for _, key in writer.recorded("a")}


async def replay(path: Path, problem: str) -> list[Sample]:
    asked = iter([Request(0, (), "direct", "python", 0.8, 0, 1000, 100)])
    return [one async for one in RecordedSampler(path, problem).stream(asked)]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
async def test_what_is_written_is_replayed_field_for_field(tmp_path: Path, form: PartFormat) -> None:
    write(tmp_path / "s", {"a": 7, "b": 5}, form)
    assert len(read_manifest(tmp_path / "s").parts) > 3
    assert await replay(tmp_path / "s", "a") == [sample(n) for n in range(7)]
    assert await replay(tmp_path / "s", "b") == [sample(n) for n in range(5)]


@pytest.mark.parametrize("suffix", ["jsonl.zst", "parquet"])
async def test_a_part_taken_out_of_its_directory_is_a_recording_too(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "s", {"a": 2}, "parquet" if suffix == "parquet" else "jsonl")
    part = (tmp_path / "s" / f"part-00000.{suffix}").rename(tmp_path / f"x.{suffix}")
    assert await replay(part, "a") == [sample(0), sample(1)]


async def test_a_folder_of_outputs_is_read_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path / "all" / "0", {"a": 4})
    with ShardWriter(tmp_path / "all" / "1") as writer:
        writer.add("a", sample(8))
    assert await replay(tmp_path / "all", "a") == [sample(n) for n in (0, 1, 2, 3, 8)]


async def test_a_problem_reads_its_own_parts_only(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 6, "b": 6})
    for part in read_manifest(root).parts:
        if "a" not in part.problems:
            (root / part.file).write_bytes(b"gone")
    assert len(await replay(root, "a")) == 6
    with pytest.raises(UserError, match="damaged"):
        await replay(root, "b")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
async def test_problems_with_names_alike_or_strange_are_told_apart(tmp_path: Path, form: PartFormat) -> None:
    names = ["a", "a ", 'a", "b', 'a"', "b", "ä", "\n", "1575_B. Title", ""]
    with ShardWriter(tmp_path / "s", form) as writer:
        for number, name in enumerate(names):
            writer.add(name, sample(number))
    for number, name in enumerate(names):
        assert await replay(tmp_path / "s", name) == [sample(number)]


def test_the_names_of_problems_are_known_without_reading_parts(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"b": 3, "a": 3})
    for part in read_manifest(root).parts:
        (root / part.file).unlink()
    assert open_source(root).problems() == ["b", "a"]


def test_every_changed_byte_of_a_part_is_found_and_the_part_named(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 4})
    part = root / read_manifest(root).parts[1].file
    whole = part.read_bytes()
    for at in range(len(whole)):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UserError, match=rf"{part.name}: damaged: its SHA-256"):
            list(open_source(root).records(None))


def test_every_changed_byte_of_the_manifest_is_found(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 2, "b": 2})
    path = root / "manifest.jsonl"
    whole = path.read_bytes()
    for at in range(len(whole) - 1):  # the last is its end: below
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UserError, match=r"manifest\.jsonl"):
            list(open_source(root).records(None))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda root: (root / "part-00001.jsonl.zst").unlink(), "part-00001.jsonl.zst: missing, with"),
        (
            lambda root: (root / "part-00001.jsonl.zst").write_bytes((root / "part-00001.jsonl.zst").read_bytes()[:-1]),
            "part-00001.jsonl.zst: damaged: .* bytes, not",
        ),
        (lambda root: cut_manifest(root, slice(1, None)), "manifest.jsonl:1: part 1 where 0 should be"),
        (lambda root: cut_manifest(root, slice(0, -1)), r"part-\d+.jsonl.zst: not in manifest.jsonl"),
    ],
)
def test_what_is_missing_is_found_and_named(tmp_path: Path, damage: Callable[[Path], object], told: str) -> None:
    root = write(tmp_path / "s", {"a": 6})
    damage(root)
    with pytest.raises(UserError, match=told) as caught:
        list(open_source(root).records(None))
    assert "\n" not in str(caught.value)


def cut_manifest(root: Path, kept: slice) -> None:
    lines = (root / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (root / "manifest.jsonl").write_bytes(b"".join(lines[kept]))


# --- crashes ------------------------------------------------------------------------------------------


def crashed(root: Path, samples: int) -> None:
    """As `kill -9` leaves it: nothing is closed."""
    writer = ShardWriter(root, "jsonl", SMALL)
    for number in range(samples):
        writer.add("a", sample(number))
    del writer


async def test_samples_of_the_open_part_survive_a_crash(tmp_path: Path) -> None:
    crashed(tmp_path / "s", 5)
    with ShardWriter(tmp_path / "s") as writer:
        assert keys(writer) == {("", n // 2, n % 2) for n in range(5)}
    assert await replay(tmp_path / "s", "a") == [sample(n) for n in range(5)]


@pytest.mark.parametrize("torn", [b'{"problem": "a", "request": 1, "ch', b'{"problem": "a"}', b"\0" * 50 + b"\n"])
def test_a_line_cut_short_counts_as_not_recorded(tmp_path: Path, torn: bytes) -> None:
    crashed(tmp_path / "s", 1)
    path = open_file(tmp_path / "s", 0)
    path.write_bytes(path.read_bytes() + torn)
    with ShardWriter(tmp_path / "s") as writer:
        assert keys(writer) == {("", 0, 0)}
        writer.add("a", sample(1))
        assert keys(writer) == {("", 0, 0), ("", 0, 1)}


async def test_a_crash_between_part_and_manifest_loses_and_doubles_nothing(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 6})
    texts = [json.dumps(record) + "\n" for _, record in open_source(root).records({"a"})]
    last = read_manifest(root).parts[-1]
    journal = "".join(texts[-last.lines :])
    cut_manifest(root, slice(0, -1))
    open_file(root, last.part).write_text(journal)
    assert [last.file in note or "open-" in note for note in notes_on(root)] == [True]
    with ShardWriter(root, "jsonl", SMALL):
        pass
    assert await replay(root, "a") == [sample(n) for n in range(6)]


async def test_a_crash_between_manifest_and_open_file_loses_and_doubles_nothing(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 6})
    last = read_manifest(root).parts[-1]
    open_file(root, last.part).write_text("".join(json.dumps(r) + "\n" for _, r in open_source(root).records(None)))
    with ShardWriter(root, "jsonl", SMALL):
        pass
    assert await replay(root, "a") == [sample(n) for n in range(6)]
    assert not list(root.glob("open-*"))


async def test_a_manifest_line_cut_short_is_made_again(tmp_path: Path) -> None:
    root = write(tmp_path / "s", {"a": 6})
    manifest = root / "manifest.jsonl"
    last = read_manifest(root).parts[-1]
    journal = [json.dumps(record) + "\n" for _, record in open_source(root).records(None)][-last.lines :]
    manifest.write_bytes(manifest.read_bytes()[:-20])
    open_file(root, last.part).write_text("".join(journal))
    assert len(await replay(root, "a")) == 6 - last.lines  # a torn end is no error
    with ShardWriter(root, "jsonl", SMALL):
        pass
    assert await replay(root, "a") == [sample(n) for n in range(6)]


def test_an_open_part_is_told_and_not_read(tmp_path: Path) -> None:
    crashed(tmp_path / "s", 5)
    read = [record for _, record in open_source(tmp_path / "s").records(None)]
    assert 0 < len(read) < 5
    (note,) = notes_on(tmp_path / "s")
    assert "open-" in note
    assert f"solve sample --resume {tmp_path / 's'}" in note


def test_finished_shards_have_nothing_to_tell(tmp_path: Path) -> None:
    assert notes_on(write(tmp_path / "s", {"a": 5})) == []


async def test_a_disk_that_fills_up_loses_what_was_being_written_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "s"

    def fill_the_disk() -> None:
        with ShardWriter(root) as writer:
            writer.add("a", sample(0))
            limit = open_file(root, 0).stat().st_size + 20
            monkeypatch.setattr(writer, "_journal", Full(open_file(root, 0), limit))
            writer.add("a", sample(1))

    with pytest.raises(OSError, match="No space"):
        fill_the_disk()
    with ShardWriter(root) as writer:
        assert keys(writer) == {("", 0, 0)}
        writer.add("a", sample(1))
    assert await replay(root, "a") == [sample(0), sample(1)]


class Full(FileIO):
    """A file on a disk that has room for `limit` bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "ab")
        self._limit = limit

    def write(self, content: bytes) -> int:  # type: ignore[override]
        room = self._limit - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "the disk is full")
        return super().write(content[:room]) if room < len(content) else super().write(content)


def test_side_samples_are_counted_apart(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "s") as writer:
        writer.add("a", replace(sample(0), plan="side:test"))
        writer.add("a", sample(0))
        assert keys(writer) == {("side:test", 0, 0), ("", 0, 0)}


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_the_datasets_library_reads_them(tmp_path: Path, form: str) -> None:
    datasets = pytest.importorskip("datasets")
    root = write(tmp_path / "s", {"a": 7, "b": 5}, "jsonl" if form == "json" else "parquet")
    files = str(root / ("part-*.jsonl.zst" if form == "json" else "part-*.parquet"))
    table = datasets.load_dataset(form, data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert table["problem"] == ["a"] * 7 + ["b"] * 5
    assert table["text"] == [f"print({n})\n" for n in (*range(7), *range(5))]
    assert set(table["seed"]) == {2**47}
