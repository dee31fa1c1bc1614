"""From a path to a Problem: find the record, recognise its format, convert it, or say in one line why not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from solver.errors import UserError
from solver.formats.fields import BadRecord, Record
from solver.formats.files import records
from solver.formats.registry import DIRECTORY_FORMATS, RECORD_FORMATS
from solver.problem import Problem

_ID_KEYS = ("name", "task_id", "problem_id", "question_id", "id")
_LISTED = 5
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def load_problem(path: Path, record_id: str | None = None) -> Problem:
    """The problem in a file or package directory, whatever its format.

    record_id: which record of a file with several (its name, task_id or problem_id), or which package of a directory
    of packages. Raises UserError.
    """
    try:
        if _is_directory(path):
            return _from_directory(path, record_id)
        return _from_record(select(path, record_id), path)
    except UserError as error:
        raise UserError(_one_line(str(error))) from None


def problem_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of codesieve's own problem format."""
    schema = Problem.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "codesieve problem"}


def select(path: Path, record_id: str | None) -> Record:
    """The raw record, hidden tests and all: for `load_problem` and for eval, never for the engine.

    Raises UserError.
    """
    found = records(path)
    if record_id is None:
        head = list(islice(found, _LISTED + 1))
        if not head:
            raise UserError(f"{path} holds an empty list; it should hold a problem")
        if len(head) > 1:
            raise UserError(f"{path} holds several problems; choose one with --id: {_listing(head)}")
        return head[0]
    seen: list[Record] = []
    for record in found:
        if record_id in ids_of(record):
            return record
        if len(seen) <= _LISTED:
            seen.append(record)
    raise UserError(f"{path} holds no problem {record_id!r}; it holds {_listing(seen)}")


def _from_record(record: Record, path: Path) -> Problem:
    for form in RECORD_FORMATS:
        if form.recognises(record):
            try:
                return form.convert(record)
            except BadRecord as error:
                name = "" if form.name == "codesieve" else f" (a {form.name} record)"
                raise UserError(f"{path}{name}: {error}") from None
    keys = ", ".join(repr(key[:40]) for key in islice(record, 12)) or "none"
    more = ", ..." if len(record) > 12 else ""
    raise UserError(f"{path} is no problem in a known format; its keys: {keys}{more}; known formats: {_formats()}")


def _from_directory(path: Path, record_id: str | None) -> Problem:
    if record_id is not None:
        if not re.fullmatch(r"[\w.-]+", record_id) or not _is_directory(path / record_id):
            raise UserError(f"{path} has no problem directory {record_id[:80]!r}")
        path = path / record_id
    try:
        if (path / "problem.json").is_file():
            return _from_record(select(path / "problem.json", None), path / "problem.json")
        for form in DIRECTORY_FORMATS:
            if form.recognises(path):
                return form.convert(path)
    except BadRecord as error:
        raise UserError(f"{path}: {error}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    wanted = "problem.json, question.txt (APPS), or problem.yaml and problem_statement/ (Kattis)"
    raise UserError(f"{path} is a directory but no problem package: it should hold {wanted}")


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def ids_of(record: Record) -> Iterable[str]:
    """What a record may be called, CodeContests' `1575_B` for `1575_B. Title` and its converted name included."""
    for key in _ID_KEYS:
        value = record.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value)
            yield str(value).partition(". ")[0]
            yield f"APPS/{value}"
            yield f"Mbpp/{value}"
            yield f"TACO/{value}"


def _listing(found: list[Record]) -> str:
    names = [next(iter(ids_of(record)), "(no id)")[:60] for record in found[:_LISTED]]
    return ", ".join(map(repr, names)) + (", ..." if len(found) > _LISTED else "") if names else "none"


def _formats() -> str:
    directories = [f"{form.name} directory" for form in DIRECTORY_FORMATS]
    return ", ".join([*(form.name for form in RECORD_FORMATS), *directories])


def _one_line(message: str) -> str:
    return _UNPRINTABLE.sub(" ", message)[:1000]
