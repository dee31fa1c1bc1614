"""What every converter needs: typed access to a record of unknown quality, and a `Problem` built from it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from sandbox import CheckerSpec
from solver.formats.literals import is_call_arguments, literal
from solver.problem import (
    DEFAULT_MEMORY_LIMIT_BYTES,
    DEFAULT_TIME_LIMIT_SECONDS,
    Example,
    Problem,
)

Record = dict[str, Any]

MIN_MEMORY_BYTES = 2**24  # the least a Problem takes; old judges allow less, no interpreter starts in it
_INT_DIGITS = 4000  # CPython refuses longer decimal strings (4,300 digits); they only occur in hidden tests

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_ENTRY_POINT = re.compile(r"(?:[A-Za-z_]\w*\(\)\.)?[A-Za-z_]\w*")


class BadRecord(Exception):
    """A record that cannot become a Problem; the message says which field and why."""


def parse_json(text: str) -> Any:
    """json.loads, but integers of thousands of digits stay text instead of raising.

    Raises json.JSONDecodeError; RecursionError for absurd nesting.
    """
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= _INT_DIGITS else digits)


def embedded_json(record: Record, key: str) -> Any:
    """The value of a field that holds JSON as a string; None when missing or empty."""
    value = record.get(key)
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return parse_json(value)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"`{key}` holds broken JSON ({error})") from None


def text_field(record: Record, *keys: str, required: bool = False) -> str:
    """The first of `keys` that is there, as text; "" when none is."""
    for key in keys:
        value = record.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise BadRecord(f"`{key}` must be text, not {kind_of(value)}")
        if value.strip() or not required:
            return value
    if required:
        raise BadRecord(f"`{keys[0]}` is missing or empty")
    return ""


def identifier_field(record: Record, *keys: str) -> str:
    """Like a required text field, but numbers do as well."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and value != "":
            return text_field(record, key, required=True)
    raise BadRecord(f"`{keys[0]}` is missing or empty")


def tags_field(record: Record, key: str) -> list[str]:
    value = record.get(key)
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise BadRecord(f"`{key}` must be a list of texts")
    return [tag for tag in value if tag]


def number_field(record: Record, key: str) -> float | None:
    """A finite number above zero, else None: data sets write 0 for "unknown"."""
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRecord(f"`{key}` must be a number, not {kind_of(value)}")
    return value if 0 < value < float("inf") else None


def tests_field(record: Record, key: str) -> list[Example]:
    """Public tests, as columns `{"input": [...], "output": [...]}` or as a list of `{"input", "output"}`."""
    value = record.get(key)
    if value is None:
        return []
    if isinstance(value, dict):
        inputs, outputs = value.get("input", []), value.get("output", [])
        if not isinstance(inputs, list) or not isinstance(outputs, list):
            raise BadRecord(f"`{key}.input` and `{key}.output` must be lists")
        if len(inputs) != len(outputs):
            raise BadRecord(f"`{key}` has {len(inputs)} inputs but {len(outputs)} outputs")
        pairs: Sequence[tuple[Any, Any]] = list(zip(inputs, outputs, strict=True))
    elif isinstance(value, list) and all(isinstance(test, dict) for test in value):
        pairs = [(test.get("input"), test.get("output")) for test in value]
    else:
        raise BadRecord(f"`{key}` must hold `input` and `output` lists, or a list of objects with both")
    for index, (given, wanted) in enumerate(pairs):
        for field, content in (("input", given), ("output", wanted)):
            if not isinstance(content, str):
                raise BadRecord(f"`{key}` {index + 1}: `{field}` must be text, not {kind_of(content)}")
    return [Example(input=given, output=wanted) for given, wanted in pairs]


def build_problem(
    *,
    name: str,
    statement: str,
    examples: Sequence[Example],
    time_limit_seconds: float | None = None,
    memory_limit_bytes: float | None = None,
    checker: CheckerSpec | None = None,
    **fields: Any,
) -> Problem:
    """A Problem from what a converter found; unknown limits get the defaults. Raises BadRecord."""
    memory = DEFAULT_MEMORY_LIMIT_BYTES if memory_limit_bytes is None else int(memory_limit_bytes)
    return validated(
        {
            "name": name.strip(),
            "statement": statement,
            "examples": [example.model_dump() for example in examples],
            "time_limit_seconds": time_limit_seconds or DEFAULT_TIME_LIMIT_SECONDS,
            "memory_limit_bytes": max(memory, MIN_MEMORY_BYTES),
            "checker": (checker or CheckerSpec()).model_dump(),
            **fields,
        }
    )


def validated(fields: Record) -> Problem:
    """The Problem with these fields; BadRecord names the first field that is wrong."""
    try:
        problem = Problem.model_validate(fields)
    except ValidationError as error:
        raise BadRecord(_first_of(error)) from None
    if not problem.statement.strip():
        raise BadRecord("the statement is empty")
    for key in ("input_file", "output_file"):
        name = getattr(problem, key)
        if name and not _FILE_NAME.fullmatch(name):
            raise BadRecord(f"`{key}` must be a plain file name such as `{key}.txt`, not {name!r}")
    if problem.entry_point and not _ENTRY_POINT.fullmatch(problem.entry_point):
        raise BadRecord(f"`entry_point` must be `f` or `Solution().f`, not {problem.entry_point!r}")
    if problem.mode == "function":
        for index, example in enumerate(problem.examples):
            if not is_call_arguments(example.input):
                raise BadRecord(f"`examples.{index}.input` must be call arguments such as `[2, 3], k=5`")
            if literal(example.output) is None:
                raise BadRecord(f"`examples.{index}.output` must be a Python literal such as `[1, 'a']`")
    return problem


def kind_of(value: object) -> str:
    """JSON's word for a type."""
    words: dict[type, str] = {
        dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"
    }  # fmt: skip
    return words.get(type(value), "a number")


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if first["type"] == "extra_forbidden":
        message = "is not a field of the format"
    more = error.error_count() - 1
    return (f"`{where}`: " if where else "") + message + (f" (and {more} more)" if more else "")
