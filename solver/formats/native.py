"""codesieve's own problem files; `solve schema` prints their JSON Schema."""

from __future__ import annotations

from solver.formats.fields import BadRecord, Record, validated
from solver.problem import Problem

FORMAT = "codesieve-problem/1"


def recognises(record: Record) -> bool:
    return "statement" in record or str(record.get("format", "")).startswith("codesieve-problem/")


def convert(record: Record) -> Problem:
    if record.get("format", FORMAT) != FORMAT:
        raise BadRecord(f"`format` {str(record['format'])[:40]!r} is not known; this version reads {FORMAT!r}")
    fields = {key: value for key, value in record.items() if key != "$schema"}
    if fields.get("mode") == "function":
        fields.setdefault("checker", {"kind": "literal"})
    return validated(fields)
