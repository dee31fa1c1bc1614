"""Kattis problem packages, legacy and 2023-07, as a judge needs them: all test data, validator, limits, submissions.

The engine has a reader of its own (`solver.formats.kattis`), which opens the statement and the samples only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.cases import Group
from eval.package_limits import PackageLimits, read_limits
from eval.sources import Source, read_source, runnable
from eval.testdata import read_groups
from sandbox.default_validator import BadFlags, parse_flags
from solver.errors import UserError
from solver.formats.fields import BadRecord, Record
from solver.formats.kattis import mapping, read_yaml


@dataclass(frozen=True, slots=True)
class Package:
    """A package. validator: None for the default one. scoring: whether groups have scores."""

    path: Path
    limits: PackageLimits
    validator: Source | None
    interactive: bool
    scoring: bool
    data: Group


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission in a package. name: `accepted/foo.py`. expected: its directory's name."""

    name: str
    expected: str | None
    path: Path


def is_package(path: Path) -> bool:
    """Whether this is a directory that should be read as a Kattis package."""
    return path.is_dir() and ((path / "problem.yaml").is_file() or (path / "data" / "secret").is_dir())


def read_package(path: Path) -> Package:
    """Everything but the submissions. Raises UserError: one line that says what is wrong where."""
    try:
        return _read(path)
    except BadRecord as error:
        raise UserError(f"{path}: {error}") from None
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read ({error.strerror or error})") from None


def entries(path: Path) -> Iterator[Entry]:
    """The submissions of a package, `submissions/DIRECTORY/NAME`, accepted ones first."""
    root = path / "submissions"
    if not root.is_dir():
        return
    folders = sorted(root.iterdir(), key=lambda folder: (folder.name != "accepted", folder.name))
    for folder in filter(Path.is_dir, folders):
        for entry in sorted(folder.iterdir()):
            if not entry.name.startswith("."):
                yield Entry(f"{folder.name}/{entry.name}", folder.name, entry)


def _read(path: Path) -> Package:
    config = read_yaml(path / "problem.yaml")
    kinds = _kinds(config)
    for kind in ("multi-pass", "submit-answer"):
        if kind in kinds:
            raise BadRecord(f"problem.yaml says the problem is {kind}, which is not supported")
    validator = _validator(path, config)
    if "interactive" in kinds and validator is None:
        raise BadRecord("the problem is interactive and has no output validator")
    flags = config.get("validator_flags")
    flags = [str(flag) for flag in flags] if isinstance(flags, list) else str(flags or "").split()
    data = read_groups(path / "data", mapping(config, "grading"), tuple(flags), answers="interactive" not in kinds)
    if not any(data.cases()):
        raise BadRecord("there are no test cases (data/sample/*.in, data/secret/*.in with .ans)")
    if validator is None:
        _check_flags(data)
    return Package(path, read_limits(path, config), validator, "interactive" in kinds, "scoring" in kinds, data)


def _kinds(config: Record) -> set[str]:
    kinds = config.get("type") or []
    words = kinds.split() if isinstance(kinds, str) else [str(kind) for kind in kinds]
    return {*words, *str(config.get("validation") or "").split()}


def _validator(path: Path, config: Record) -> Source | None:
    """A legacy package names its own validator (`validation: custom`), a newer one just has it."""
    legacy = str(config.get("problem_format_version", "legacy")) == "legacy"
    custom = str(config.get("validation") or "").startswith("custom")
    if legacy and not custom:
        return None
    found = [program for name in ("output_validator", "output_validators") for program in _programs(path / name)]
    if not found:
        if legacy:
            raise BadRecord("problem.yaml says `validation: custom`, and output_validators/ holds no program")
        return None
    source = read_source(found[0])
    if reason := runnable(source.language):
        raise BadRecord(f"the output validator {found[0].relative_to(path)} cannot run: {reason}")
    return source


def _programs(folder: Path) -> Iterator[Path]:
    """Validators in a directory: it is one itself (`output_validator/validate.cc`) or holds some."""
    if not folder.is_dir():
        return
    inner = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    sources = [entry for entry in inner if entry.is_file() and read_source(entry).language]
    if sources and folder.name == "output_validator":
        yield folder
        return
    yield from sources
    yield from (entry for entry in inner if entry.is_dir() and read_source(entry).language)


def _check_flags(data: Group) -> None:
    for case in data.cases():
        try:
            parse_flags(case.flags)
        except BadFlags as error:
            raise BadRecord(f"the flags for {case.name}: {error}") from None
