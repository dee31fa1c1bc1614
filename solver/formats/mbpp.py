"""MBPP and MBPP+ records: a sentence and one assertion.

The assertion that the prompt shows becomes the example (and the statement's, where the record keeps it apart);
all others are hidden tests and are left behind.
"""

from __future__ import annotations

import ast
import re

from sandbox import CheckerSpec
from solver.formats.fields import BadRecord, Record, build_problem, identifier_field, text_field
from solver.formats.humaneval import literal_checker
from solver.formats.literals import call_arguments, literal
from solver.problem import Example, Problem

# The assertion compares sets, so order and repeats of the returned items are free.
_SAME_SET = """\
import ast


def check(input: str, expected: str, actual: str) -> bool:
    try:
        return set(ast.literal_eval(actual)) == set(ast.literal_eval(expected))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
"""


def recognises(record: Record) -> bool:
    if isinstance(record.get("test_list"), list) and ("text" in record or "prompt" in record):
        return True
    prompt, entry_point = record.get("prompt"), record.get("entry_point")
    return isinstance(prompt, str) and isinstance(entry_point, str) and _shown_assertion(prompt) != ""


def convert(record: Record) -> Problem:
    text = text_field(record, "prompt", "text", required=True).strip().strip('"').strip()
    assertion = _shown_assertion(text)
    if not assertion:
        tests = record.get("test_list")
        if not isinstance(tests, list) or not tests or not isinstance(tests[0], str):
            raise BadRecord("`test_list` must be a list of assertions; the first one shows how the function is called")
        assertion = tests[0].strip()
        text = f"{text}\n{assertion}"
    entry_point = text_field(record, "entry_point") or _called_name(assertion)
    example, checker = _example(assertion, entry_point, literal_checker(record))
    number = identifier_field(record, "task_id")
    return build_problem(
        name=number if number.startswith("Mbpp/") else f"Mbpp/{number}",
        statement=text,
        examples=[example] if example else [],
        mode="function",
        entry_point=entry_point,
        checker=checker,
        source="mbpp",
    )


def _shown_assertion(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.startswith("assert ")]
    return lines[0] if lines else ""


def _called_name(assertion: str) -> str:
    """`f` in `assert set(f(1)) == {1}`. Raises BadRecord."""
    for name in re.findall(r"([A-Za-z_]\w*)\(", assertion):
        if name not in {"set", "isclose", "sorted", "tuple", "list", "len"}:
            return str(name)
    raise BadRecord("`test_list`: the first assertion calls no function")


def _example(assertion: str, entry_point: str, checker: CheckerSpec) -> tuple[Example | None, CheckerSpec]:
    """The call and value that an assertion compares, and how; None where that takes more than literals."""
    try:
        statement = ast.parse(assertion).body[0]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None, checker
    match statement:
        case ast.Assert(test=ast.Compare(left=call, ops=[ast.Eq()], comparators=[value])):
            bare_call, bare_value = _inside_set(call), _inside_set(value)
            if bare_call is not None and bare_value is not None:
                call, value, checker = bare_call, bare_value, CheckerSpec(kind="python", source=_SAME_SET)
        case ast.Assert(
            test=ast.Call(
                func=ast.Attribute(attr="isclose"),
                args=[call, value],
                keywords=[ast.keyword(arg="rel_tol", value=ast.Constant(value=float(tolerance)))],
            )
        ):
            checker = CheckerSpec(kind="literal", rel_tolerance=tolerance)
        case ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=call)):
            value = ast.Constant(value=False)
        case ast.Assert(test=ast.Call() as call):
            value = ast.Constant(value=True)
        case _:
            return None, checker
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != entry_point:
        return None, checker
    arguments = ast.unparse(call)[len(ast.unparse(call.func)) + 1 : -1]
    wanted = literal(ast.unparse(value))
    if wanted is None or call_arguments(arguments) is None:
        return None, checker
    return Example(input=arguments, output=wanted), checker


def _inside_set(node: ast.expr) -> ast.expr | None:
    """`x` in `set(x)`."""
    match node:
        case ast.Call(func=ast.Name(id="set"), args=[inner], keywords=[]):
            return inner
    return None
