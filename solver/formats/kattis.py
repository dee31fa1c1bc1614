"""Kattis problem packages (legacy and 2023-07): a directory with problem.yaml, a statement and sample data.

Only the statement and `data/sample` are opened: secret data, submissions and validators are left behind. A custom
output validator cannot be run, so such a problem gets the default comparison. Interactive, multi-pass and
submit-answer problems are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from sandbox import CheckerSpec
from solver.formats.fields import BadRecord, Record, build_problem, kind_of, number_field
from solver.formats.files import read_text
from solver.problem import Example, Problem

DEFAULT_MEMORY_MIB = 2048  # problemtools/config/problem.yaml

_STATEMENT_FOLDERS = ("statement", "problem_statement")
_STATEMENT_NAME = re.compile(r"(?:problem\.(?:(?P<language>[A-Za-z-]+)\.)?)(?:tex|md)")
_REFUSED = ("interactive", "multi-pass", "multipass", "submit-answer")

_TEX_COMMENT = re.compile(r"(?<!\\)%.*")
_TEX_PICTURE = re.compile(
    r"\\(?:illustration(?:\{[^{}]*\}){2}\{(?:[^{}]|\{[^{}]*\})*\}|includegraphics(?:\[[^\]]*\])?\{[^{}]*\})"
)
_TEX_TITLE = re.compile(r"\\(?P<kind>problemname|(?:sub)*section)\*?\{(?P<title>[^{}]*)\}")


def recognises_directory(directory: Path) -> bool:
    if (directory / "problem.yaml").is_file():
        return True
    return (directory / "data" / "sample").is_dir() and any(
        (directory / folder).is_dir() for folder in _STATEMENT_FOLDERS
    )


def convert_directory(directory: Path) -> Problem:
    config = read_yaml(directory / "problem.yaml")
    _refuse_what_is_no_program(config)
    return build_problem(
        name=directory.resolve().name,
        statement=_statement(directory),
        examples=list(_samples(directory / "data" / "sample")),
        time_limit_seconds=_time_limit(directory, config),
        memory_limit_bytes=(number_field(mapping(config, "limits"), "memory") or DEFAULT_MEMORY_MIB) * 2**20,
        checker=_checker(_flags(directory, config)),
        source="kattis",
        tags=_keywords(config),
    )


def _refuse_what_is_no_program(config: Record) -> None:
    kinds = f"{config.get('type', '')} {config.get('validation', '')}".lower()
    for kind in _REFUSED:
        if kind in kinds:
            raise BadRecord(f"problem.yaml says it is {kind}, which is not supported")


def _statement(directory: Path) -> str:
    """English where there is a choice, else the first language."""
    found: list[tuple[bool, str, Path]] = []
    for folder in _STATEMENT_FOLDERS:
        if (directory / folder).is_dir():
            for path in (directory / folder).iterdir():
                name = _STATEMENT_NAME.fullmatch(path.name)
                if name:
                    found.append(((name["language"] or "en").lower()[:2] != "en", path.name, path))
    if not found:
        raise BadRecord("there is no problem_statement/problem.en.tex (or .md), nor one in statement/")
    path = min(found)[2]
    text = read_text(path)
    return _plain_tex(text) if path.suffix == ".tex" else text


def _plain_tex(text: str) -> str:
    """LaTeX with its headings as Markdown and without pictures and comments; formulas stay as they are."""
    text = _TEX_PICTURE.sub("", _TEX_COMMENT.sub("", text))
    return _TEX_TITLE.sub(lambda m: f"{'#' if m['kind'] == 'problemname' else '##'} {m['title']}", text).strip()


def _samples(folder: Path) -> Iterator[Example]:
    if not folder.is_dir():
        return
    for given in sorted(folder.glob("*.in"), key=_natural):
        wanted = next((path for path in (given.with_suffix(".ans"), given.with_suffix(".out")) if path.is_file()), None)
        if wanted is None:
            raise BadRecord(f"data/sample/{given.name} has no {given.stem}.ans beside it")
        yield Example(input=read_text(given), output=read_text(wanted))


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]{1,9})", path.name)]


def _time_limit(directory: Path, config: Record) -> float | None:
    limit = number_field(mapping(config, "limits"), "time_limit")
    if limit is None and (directory / ".timelimit").is_file():
        text = read_text(directory / ".timelimit").strip()
        try:
            return number_field({".timelimit": float(text)}, ".timelimit")
        except ValueError:
            raise BadRecord(f"`.timelimit` must hold seconds, not {text[:40]!r}") from None
    return limit


def _flags(directory: Path, config: Record) -> list[str]:
    """Flags of the default output validator: problem.yaml in the legacy format, data/ in the others."""
    flags = config.get("validator_flags")
    for name, key in (("testdata.yaml", "output_validator_flags"), ("test_group.yaml", "output_validator_args")):
        if flags is None:
            flags = read_yaml(directory / "data" / name).get(key)
    if isinstance(flags, list):
        return [str(flag) for flag in flags]
    return str(flags or "").split()


def _checker(flags: list[str]) -> CheckerSpec:
    """The default validator: tokens in any case, unless flags say otherwise."""
    words = [flag.lower() for flag in flags]
    tolerances: dict[str, float] = {}
    for word, value in pairwise([*words, ""]):
        if word in ("float_tolerance", "float_absolute_tolerance", "float_relative_tolerance"):
            try:
                tolerances[word] = float(value)
                if not 0 <= tolerances[word] < float("inf"):
                    raise ValueError
            except ValueError:
                raise BadRecord(f"validator flag `{word}` needs a number of at least 0, not {value[:40]!r}") from None
    case_sensitive = "case_sensitive" in words
    if tolerances:
        both = tolerances.get("float_tolerance")
        return CheckerSpec(
            kind="floats",
            case_sensitive=case_sensitive,
            abs_tolerance=tolerances.get("float_absolute_tolerance", both),
            rel_tolerance=tolerances.get("float_relative_tolerance", both),
        )
    kind = "exact" if "space_change_sensitive" in words else "tokens"
    return CheckerSpec.model_validate({"kind": kind, "case_sensitive": case_sensitive})


def _keywords(config: Record) -> list[str]:
    words = config.get("keywords") or []
    return words.split() if isinstance(words, str) else [str(word) for word in words] if isinstance(words, list) else []


def mapping(config: Record, key: str) -> Record:
    value: Any = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecord(f"problem.yaml: `{key}` must be a mapping, not {kind_of(value)}")
    return value


def read_yaml(path: Path) -> Record:
    """A YAML mapping; {} when the file is missing or empty. Raises UserError, BadRecord."""
    if not path.is_file():
        return {}
    try:
        value = yaml.safe_load(read_text(path))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}" if mark else ""
        raise BadRecord(f"{path.name} is broken YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRecord(f"{path.name} is broken YAML: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecord(f"{path.name} must be a mapping, not {kind_of(value)}")
    return value
