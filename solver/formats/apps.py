"""APPS: records of `codeparrot/apps`, and the original layout of one directory a problem.

`input_output` *is* the hidden test set, so only its function name is read, and examples come from the statement.
"""

from __future__ import annotations

import re
from pathlib import Path

from sandbox import CheckerSpec
from solver.formats.calls import examples_of_function, parameters_of
from solver.formats.fields import (
    BadRecord,
    Record,
    build_problem,
    embedded_json,
    identifier_field,
    text_field,
)
from solver.formats.files import read_json_object, read_text
from solver.formats.statement import checker_in_statement, examples_in_statement
from solver.problem import Problem

_DEFINED = re.compile(r"\bdef[ \t]+([A-Za-z_]\w*)[ \t]*\(")


def recognises(record: Record) -> bool:
    return "question" in record and not {"problem_id", "input_output", "solutions", "starter_code"}.isdisjoint(record)


def convert(record: Record) -> Problem:
    statement = text_field(record, "question", required=True)
    starter_code = text_field(record, "starter_code")
    function = _function_name(record, starter_code)
    name = f"APPS/{identifier_field(record, 'problem_id', 'id')}"
    difficulty = text_field(record, "difficulty")
    if not function:
        examples = examples_in_statement(statement)
        return build_problem(
            name=name,
            statement=statement,
            examples=examples,
            checker=checker_in_statement(statement, examples),
            source="apps",
            difficulty=difficulty,
        )
    entry_point = f"Solution().{function}" if re.search(r"\bclass\s+Solution\b", starter_code) else function
    return build_problem(
        name=name,
        statement=statement,
        examples=examples_of_function(statement, entry_point, parameters_of(starter_code, entry_point)),
        mode="function",
        entry_point=entry_point,
        starter_code=starter_code.strip("\n"),
        checker=CheckerSpec(kind="literal"),
        source="apps",
        difficulty=difficulty,
    )


def recognises_directory(directory: Path) -> bool:
    return (directory / "question.txt").is_file()


def convert_directory(directory: Path) -> Problem:
    return convert(record_of_directory(directory))


def record_of_directory(directory: Path, *, with_tests: bool = True) -> Record:
    """The directory as a record; without tests their file is not opened. Raises UserError."""
    folder = directory.resolve().name
    record: Record = {
        "problem_id": int(folder) if folder.isascii() and folder.isdecimal() else folder,
        "question": read_text(directory / "question.txt"),
    }
    if (directory / "metadata.json").is_file():
        metadata = read_json_object(directory / "metadata.json")
        record |= {"difficulty": metadata.get("difficulty"), "url": metadata.get("url")}
    if (directory / "starter_code.py").is_file():
        record["starter_code"] = read_text(directory / "starter_code.py")
    if with_tests and (directory / "input_output.json").is_file():
        record["input_output"] = read_json_object(directory / "input_output.json")
    return record


def _function_name(record: Record, starter_code: str) -> str:
    """The function to call; "" for a program that reads standard input."""
    tests = embedded_json(record, "input_output")
    if tests is None:
        # Without tests only the starter code can say that this is a function.
        return next(reversed(_DEFINED.findall(starter_code)), "")
    if not isinstance(tests, dict):
        raise BadRecord("`input_output` must hold an object with `inputs` and `outputs`")
    return text_field(tests, "fn_name").strip()
