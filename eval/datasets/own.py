"""Our own problem format in JSON Lines: `codesieve-problem/1` with `hidden_tests`, `solutions`, `rating` and `date`.

A hidden test has `input`, and `output` or, where several are right, `outputs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from eval.datasets.family import Family, Solution, day, rating_of
from eval.task import About, HiddenTest, Task
from solver.formats import native
from solver.formats.fields import BadRecord, Record, tags_field, text_field
from solver.problem import Problem

_BESIDE = frozenset({"hidden_tests", "solutions", "rating", "date"})


def _problem(record: Record) -> Problem:
    return native.convert({key: value for key, value in record.items() if key not in _BESIDE})


def _task(record: Record, problem: Problem) -> Task:
    return Task(problem, tuple(_tests(record.get("hidden_tests") or [])))


def _tests(found: object) -> Iterator[HiddenTest]:
    if not isinstance(found, list):
        raise BadRecord("`hidden_tests` must be a list of objects")
    for number, test in enumerate(found, 1):
        given = test.get("input") if isinstance(test, dict) else None
        outputs = test.get("outputs", [test.get("output")]) if isinstance(test, dict) else []
        if not isinstance(given, str) or not outputs or not all(isinstance(text, str) for text in outputs):
            raise BadRecord(f"`hidden_tests` {number}: needs the texts `input` and `output` (or a list `outputs`)")
        yield HiddenTest(given, tuple(outputs))


def _about(record: Record) -> About:
    return About(
        source=text_field(record, "source"),
        difficulty=text_field(record, "difficulty"),
        rating=rating_of(record, "rating"),
        tags=tuple(tags_field(record, "tags")),
        date=day(record.get("date")),
    )


def _solutions(record: Record) -> Iterator[Solution]:
    for solution in record.get("solutions") or []:
        if not isinstance(solution, dict):
            raise BadRecord("`solutions` must be a list of objects with `language` and `source`")
        yield text_field(solution, "language", required=True), text_field(solution, "source", required=True)


OWN = Family(
    name="codesieve",
    recognises=native.recognises,
    public=frozenset({*Problem.model_fields, "$schema", "rating", "date"}),
    problem=_problem,
    task=_task,
    about=_about,
    solution_columns=frozenset({"solutions"}),
    solutions=_solutions,
)
