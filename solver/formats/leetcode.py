"""LeetCodeDataset records: a method of `class Solution` to complete.

Examples come from the description; `test`, `input_output`, `completion` and `response` are left behind.
"""

from __future__ import annotations

import re

from sandbox import CheckerSpec
from solver.formats.calls import examples_of_function, parameters_of
from solver.formats.fields import Record, build_problem, identifier_field, tags_field, text_field
from solver.problem import Problem

# Their arguments are not literals: a call with the statement's lists would fail every right program.
_NODES = re.compile(r"^(?!\s*#).*\b(?:ListNode|TreeNode|Node)\b", re.MULTILINE)

_ANY_ORDER = re.compile(r"\breturn\b[^.\n]*\bin any order\b", re.IGNORECASE)

_SAME_ITEMS = """\
import ast


def check(input: str, expected: str, actual: str) -> bool:
    try:
        wanted, given = ast.literal_eval(expected), ast.literal_eval(actual)
        return wanted == given or sorted(map(repr, wanted)) == sorted(map(repr, given))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
"""


def recognises(record: Record) -> bool:
    return "problem_description" in record and "entry_point" in record


def convert(record: Record) -> Problem:
    description = text_field(record, "problem_description", required=True)
    entry_point = text_field(record, "entry_point", required=True)
    starter_code = text_field(record, "starter_code").rstrip()
    takes_nodes = _NODES.search(starter_code) is not None
    if _ANY_ORDER.search(description):
        checker = CheckerSpec(kind="python", source=_SAME_ITEMS)
    else:
        checker = CheckerSpec(kind="literal")
    parameters = parameters_of(starter_code, entry_point)
    return build_problem(
        name=identifier_field(record, "task_id", "question_id"),
        statement=description,
        examples=[] if takes_nodes else examples_of_function(description, entry_point, parameters),
        mode="function",
        entry_point=entry_point,
        starter_code=starter_code,
        checker=checker,
        source="leetcode",
        difficulty=text_field(record, "difficulty").lower(),
        tags=tags_field(record, "tags"),
    )
