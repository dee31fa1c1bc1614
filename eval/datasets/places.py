"""Where a data set's rows are: a local file, a local folder of files or of problem directories, or the hub.

Which split a file belongs to is told by a word in its name or its folder's (`test-00000-of-00001.parquet`,
`train/data.arrow`), as on the hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eval.datasets.registry import DataSet, Hub
from solver.errors import UserError

Format = Literal["json", "parquet", "arrow"]

_SUFFIXES: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
_COMPRESSED = (".gz", ".zst")
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
    "prompt": "prompt",
}
_NO_DATA = {"dataset_info.json", "state.json", "dataset_infos.json", "dataset_dict.json"}
_MARKS = ("problem.json", "question.txt", "problem.yaml")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Files:
    """Local files of one format each."""

    files: tuple[tuple[Path, Format], ...]


@dataclass(frozen=True, slots=True)
class Directories:
    """A folder whose folders are problems, or that is one."""

    folder: Path

    def problems(self) -> Iterator[Path]:
        """In natural order: 2 before 10. A folder that is a problem itself holds that one."""
        if is_problem(self.folder):
            yield self.folder
            return
        yield from sorted((path for path in self.folder.iterdir() if is_problem(path)), key=_natural)


@dataclass(frozen=True, slots=True)
class OnHub:
    """A repository of the hub. split: empty: the only one, or `test`."""

    hub: Hub
    split: str


def place_of(data_set: DataSet, path: str, split: str) -> Files | Directories | OnHub:
    """Raises UserError when nothing is there."""
    local = Path(path).expanduser()
    if path and local.exists():
        return _local(local, split, data_set.split)
    if not path:
        if data_set.hub is None:
            raise UserError("this data set has no default place; give a file or a folder")
        return OnHub(data_set.hub, split or data_set.split)
    if not _HUB_ID.fullmatch(path):
        raise UserError(f"{path} does not exist, and is no hub id such as `deepmind/code_contests`")
    own = data_set.hub is not None and data_set.hub.repository == path
    return OnHub(data_set.hub if own and data_set.hub else Hub(path), split or data_set.split)


def is_problem(path: Path) -> bool:
    """Whether this is the directory of one problem: ours, APPS's or a Kattis package."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def _local(path: Path, split: str, usual: str) -> Files | Directories:
    try:
        if path.is_file():
            return Files(((path, _format(path)),))
        for folder in (path / split, path / usual, path) if split else (path / usual, path):
            if folder.is_dir() and (is_problem(folder) or any(map(is_problem, folder.iterdir()))):
                return Directories(folder)
        return Files(tuple((file, _format(file)) for file in _of_split(path, split, usual)))
    except OSError as error:
        raise UserError(f"cannot read {error.filename or path}: {error.strerror or error}") from None


def _of_split(folder: Path, split: str, usual: str) -> list[Path]:
    """The data files below `folder` that belong to the split. Raises UserError."""
    found = [file for file in sorted(folder.rglob("*")) if file.is_file() and _is_data(file)]
    if not found:
        raise UserError(f"{folder} holds no problem directories and no parquet, arrow or JSON Lines files")
    splits = {file: _split_of(file.relative_to(folder)) for file in found}
    known = sorted({name for name in splits.values() if name})
    wanted = _SPLITS.get(split.lower(), split.lower()) or (usual if usual in known or len(known) != 1 else known[0])
    if not known:
        return found
    chosen = [file for file, name in splits.items() if name == wanted]
    if not chosen:
        raise UserError(f"{folder} has no split {wanted!r}; it has {', '.join(known)}")
    return chosen


def _split_of(path: Path) -> str:
    """By the last word that names one; empty when none does."""
    words = re.split(r"[^a-z]+", str(path).lower())
    return next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), "")


def _is_data(file: Path) -> bool:
    return _plain(file).suffix.lower() in _SUFFIXES and file.name not in _NO_DATA and not file.name.startswith(".")


def _format(file: Path) -> Format:
    """By content, then by name: JSON is what is nothing else."""
    with file.open("rb") as stream:
        magic = stream.read(6)
    if magic.startswith(b"PAR1"):
        return "parquet"
    if magic == b"ARROW1" or (magic.startswith(b"\xff\xff\xff\xff") and len(magic) == 6):
        return "arrow"
    known = _SUFFIXES.get(_plain(file).suffix.lower(), "json")
    if known != "json":
        raise UserError(f"{file} is named like {known}, but its content is not")
    return "json"


def _plain(file: Path) -> Path:
    return file.with_suffix("") if file.suffix in _COMPRESSED else file


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]{1,9})", path.name)]
