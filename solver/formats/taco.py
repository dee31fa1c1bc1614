"""TACO records (`BAAI/TACO`): APPS's columns with limits, tags and dates in words.

As of APPS, tests and solutions are left behind. A record has no id of its own: readers of whole data sets number them,
else its name or a digest of its statement stands in.
"""

from __future__ import annotations

import ast
import hashlib
import re

from solver.formats import apps
from solver.formats.fields import MIN_MEMORY_BYTES, BadRecord, Record, text_field, validated
from solver.problem import Problem

_OWN_COLUMNS = {"skill_types", "raw_tags", "picture_num", "Expected Auxiliary Space", "Expected Time Complexity"}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)")
_SECONDS = {"s": 1.0, "m": 1e-3}  # seconds, milliseconds
_BYTES = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def recognises(record: Record) -> bool:
    return "question" in record and not _OWN_COLUMNS.isdisjoint(record)


def convert(record: Record) -> Problem:
    problem = apps.convert({**record, "problem_id": _identifier(record)})
    fields = problem.model_dump()
    fields |= {
        "name": f"TACO/{_identifier(record)}",
        "source": "taco",
        "difficulty": difficulty_of(record),
        "tags": tags_of(record),
    }
    seconds = _amount(record, "time_limit", _SECONDS)
    if seconds:
        fields["time_limit_seconds"] = seconds
    memory = _amount(record, "memory_limit", {unit: float(size) for unit, size in _BYTES.items()})
    if memory:
        fields["memory_limit_bytes"] = max(int(memory), MIN_MEMORY_BYTES)
    return validated(fields)


def difficulty_of(record: Record) -> str:
    """`easy` to `very_hard`; empty when unknown."""
    level = text_field(record, "difficulty").strip().lower()
    return "" if level.startswith("unknown") else level


def tags_of(record: Record) -> list[str]:
    """TACO's own tags, a list that the record holds as text. Raises BadRecord."""
    value = record.get("tags")
    if isinstance(value, str) and value.strip():
        try:
            value = ast.literal_eval(value) if len(value) < 100_000 else None
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise BadRecord("`tags` must hold a list of texts") from None
    return [str(tag) for tag in value if tag] if isinstance(value, list) else []


def _identifier(record: Record) -> int | str:
    for key in ("problem_id", "id", "name"):
        value = record.get(key)
        if isinstance(value, int | str) and not isinstance(value, bool) and value != "":
            return value
    statement = text_field(record, "question", required=True)
    return hashlib.blake2b(statement.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _amount(record: Record, key: str, units: dict[str, float]) -> float | None:
    """`2.0 seconds`, `256 MB`; None where nothing sensible stands."""
    value = record.get(key)
    found = _AMOUNT.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    amount = float(found[1]) * units.get(found[2][:1].lower(), 1.0)
    return amount if 0 < amount <= (600 if key == "time_limit" else 2**40) else None
