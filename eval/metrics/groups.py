"""The same figures for parts of the data set: by source, difficulty, rating and tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eval.intervals import Bootstrap, as_table
from eval.metrics.passk import pass_at_k
from eval.metrics.rows import ProblemRow

UNKNOWN = "unknown"
RATING_STEP = 400


def groups(rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> dict[str, list[dict[str, Any]]]:
    """By kind of group a list of groups. A problem with several tags counts under each; intervals of small groups are
    wide, and groups are not compared with each other."""
    return {
        name: _table(rows, parts_of, ks, bootstrap)
        for name, parts_of in (
            ("source", lambda row: (row.source or UNKNOWN,)),
            ("difficulty", lambda row: (row.difficulty or UNKNOWN,)),
            ("rating", lambda row: (_rating(row.rating),)),
            ("tag", lambda row: row.tags or (UNKNOWN,)),
        )
    }


def _rating(rating: int | None) -> str:
    """Zero-padded, so that ranges sort as numbers do."""
    if not rating:
        return UNKNOWN
    start = rating // RATING_STEP * RATING_STEP
    return f"{start:04d}-{start + RATING_STEP - 1:04d}"


def _table(
    rows: Sequence[ProblemRow], parts_of: Callable[[ProblemRow], Iterable[str]], ks: Sequence[int], whole: Bootstrap
) -> list[dict[str, Any]]:
    members: dict[str, list[ProblemRow]] = {}
    for row in rows:
        for part in dict.fromkeys(parts_of(row)):
            members.setdefault(part, []).append(row)
    return [
        _group(part, members[part], ks, whole.of(len(members[part])))
        for part in sorted(members, key=lambda name: (name == UNKNOWN, name))
    ]


def _group(name: str, rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any]:
    table = as_table([[row.solved(k) for k in ks] for row in rows], len(ks))
    return {
        "group": name,
        "problems": len(rows),
        "samples": sum(row.samples for row in rows),
        "solved": [
            {"k": k, "problems": int(count), **one}
            for k, count, one in zip(ks, table.sum(axis=0), bootstrap.shares(table), strict=True)
        ],
        "coverage": bootstrap.share([row.covered for row in rows]),
        "pass_at_1": bootstrap.share([pass_at_k(row.samples, row.right, 1) if row.samples else 0.0 for row in rows]),
    }
