"""`deepmind/code_contests` records, and AlphaCodium's `{name, description, public_tests}`.

Private and generated tests and all solutions are left behind.
"""

from __future__ import annotations

from solver.formats.fields import (
    BadRecord,
    Record,
    build_problem,
    kind_of,
    number_field,
    tags_field,
    tests_field,
    text_field,
)
from solver.formats.statement import checker_in_statement, examples_in_statement
from solver.problem import Problem

_OWN_COLUMNS = {
    "private_tests",
    "generated_tests",
    "incorrect_solutions",
    "cf_contest_id",
    "cf_rating",
    "cf_tags",
    "is_description_translated",
    "memory_limit_bytes",
}
_DIFFICULTIES = ("", "easy", "medium", "hard", "harder", "hardest", "external", *"ABCDEFGHIJKLMNOPQRSTUV")
_STANDARD_STREAMS = {"stdin", "stdout", "standard input", "standard output"}


def recognises(record: Record) -> bool:
    return "description" in record and not _OWN_COLUMNS.isdisjoint(record)


def recognises_alphacodium(record: Record) -> bool:
    return "description" in record and "public_tests" in record


def convert(record: Record) -> Problem:
    return _problem(record, source="code_contests")


def convert_alphacodium(record: Record) -> Problem:
    return _problem(record, source="alphacodium")


def _problem(record: Record, source: str) -> Problem:
    statement = text_field(record, "description", required=True)
    examples = tests_field(record, "public_tests") or examples_in_statement(statement)
    input_file, output_file = (_file_name(record, key) for key in ("input_file", "output_file"))
    return build_problem(
        name=text_field(record, "name", required=True),
        statement=statement,
        examples=examples,
        mode="file" if input_file or output_file else "stdio",
        input_file=input_file,
        output_file=output_file,
        time_limit_seconds=_seconds(record),
        memory_limit_bytes=number_field(record, "memory_limit_bytes"),
        checker=checker_in_statement(statement, examples),
        source=source,
        difficulty=_difficulty(record),
        tags=tags_field(record, "cf_tags"),
    )


def _file_name(record: Record, key: str) -> str:
    name = text_field(record, key).strip()
    return "" if name.lower() in _STANDARD_STREAMS else name


def _seconds(record: Record) -> float | None:
    """`{seconds, nanos}`, a number of seconds, or null."""
    limit = record.get("time_limit")
    if limit is None or not isinstance(limit, dict):
        return number_field(record, "time_limit")
    try:
        seconds = float(limit.get("seconds") or 0) + float(limit.get("nanos") or 0) * 1e-9
    except (TypeError, ValueError, OverflowError):
        raise BadRecord("`time_limit` must hold the numbers `seconds` and `nanos`") from None
    return seconds if 0 < seconds < float("inf") else None


def _difficulty(record: Record) -> str:
    rating = number_field(record, "cf_rating")
    return str(int(rating)) if rating else level_of(record)


def level_of(record: Record) -> str:
    """The `difficulty` column in words: `easy` to `hardest`, or Codeforces' letter; empty when unknown."""
    level = record.get("difficulty")
    if level is None or isinstance(level, str):
        return level or ""
    if isinstance(level, bool) or not isinstance(level, int):
        raise BadRecord(f"`difficulty` must be a number or text, not {kind_of(level)}")
    return _DIFFICULTIES[level] if 0 <= level < len(_DIFFICULTIES) else str(level)
