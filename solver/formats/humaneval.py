"""HumanEval and HumanEval+ records: a signature with a docstring to complete.

Examples come from the docstring; `test`, `base_input`, `plus_input` and the canonical solution are left behind.
"""

from __future__ import annotations

import re

from sandbox import CheckerSpec
from solver.formats.calls import examples_of_function, parameters_of
from solver.formats.fields import (
    BadRecord,
    Record,
    build_problem,
    identifier_field,
    number_field,
    text_field,
)
from solver.problem import Problem


def recognises(record: Record) -> bool:
    entry_point, prompt = record.get("entry_point"), record.get("prompt")
    return isinstance(prompt, str) and isinstance(entry_point, str) and _header(prompt, entry_point) is not None


def convert(record: Record) -> Problem:
    entry_point = text_field(record, "entry_point", required=True)
    prompt = text_field(record, "prompt", required=True)
    header = _header(prompt, entry_point)
    if header is None:
        raise BadRecord(f"`prompt` does not define `{entry_point}`")
    return build_problem(
        name=identifier_field(record, "task_id"),
        statement=f"Complete the Python function `{entry_point}`.\n\n```python\n{prompt.strip()}\n```\n",
        examples=examples_of_function(prompt[header.end() :], entry_point, parameters_of(prompt, entry_point)),
        mode="function",
        entry_point=entry_point,
        starter_code=prompt.strip("\n") + "\n",
        checker=literal_checker(record),
        source="humaneval",
    )


def literal_checker(record: Record) -> CheckerSpec:
    """Equal values, within EvalPlus's `atol` where the record has one."""
    tolerance = number_field(record, "atol")
    # EvalPlus passes atol to numpy.allclose, whose relative tolerance is 1e-5 unless told; it sets 1e-7.
    return CheckerSpec(kind="literal", abs_tolerance=tolerance, rel_tolerance=1e-7 if tolerance else None)


def _header(prompt: str, entry_point: str) -> re.Match[str] | None:
    return re.search(rf"^[ \t]*def[ \t]+{re.escape(entry_point)}[ \t]*(?=\()", prompt, re.MULTILINE)
