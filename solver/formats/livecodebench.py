"""LiveCodeBench records; `private_test_cases` are left behind."""

from __future__ import annotations

from sandbox import CheckerSpec
from solver.formats.fields import BadRecord, Record, build_problem, embedded_json, tests_field, text_field
from solver.formats.literals import call_arguments, literal
from solver.formats.statement import checker_in_statement
from solver.problem import Example, Problem


def recognises(record: Record) -> bool:
    return "question_content" in record and "public_test_cases" in record


def convert(record: Record) -> Problem:
    statement = text_field(record, "question_content", required=True)
    tests = tests_field({"public_test_cases": embedded_json(record, "public_test_cases")}, "public_test_cases")
    metadata = embedded_json(record, "metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRecord("`metadata` must hold an object")
    function = text_field(metadata, "func_name")
    name = text_field(record, "question_id", "question_title", required=True)
    difficulty = text_field(record, "difficulty")
    if not function:
        return build_problem(
            name=name,
            statement=statement,
            examples=tests,
            checker=checker_in_statement(statement, tests),
            source="livecodebench",
            difficulty=difficulty,
        )
    return build_problem(
        name=name,
        statement=statement,
        examples=[example for test in tests if (example := call_of(test))],
        mode="function",
        entry_point=f"Solution().{function}",
        starter_code=text_field(record, "starter_code").rstrip(),
        checker=CheckerSpec(kind="literal"),
        source="livecodebench",
        difficulty=difficulty,
    )


def call_of(test: Example) -> Example | None:
    """A functional test as a call: arguments are JSON values, one a line. None where one is no literal."""
    values = [literal(line) for line in test.input.splitlines() if line.strip()]
    output = literal(test.output)
    if output is None or None in values:
        return None
    arguments = ", ".join(value for value in values if value)
    return Example(input=arguments, output=output) if call_arguments(arguments) is not None else None
