"""Contest problems: CodeContests, APPS, TACO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from eval.datasets.family import Family, Solution, day, rating_of
from eval.task import About, Task, tests_of_record
from sandbox import PYTHON2, language_of
from solver.formats import apps, codecontests, taco
from solver.formats.fields import BadRecord, Record, embedded_json, tags_field, text_field
from solver.problem import Problem

_SOURCES = ("", "codechef", "codeforces", "hackerearth", "codejam", "atcoder", "aizu")
_LANGUAGES = ("", PYTHON2, "cpp", "python", "java")


def _code_contests_task(record: Record, problem: Problem) -> Task:
    return Task(problem, tuple(tests_of_record(record)))


def _code_contests_about(record: Record) -> About:
    source = record.get("source")
    if isinstance(source, int) and 0 <= source < len(_SOURCES):
        source = _SOURCES[source]
    return About(
        source=str(source or "").lower(),
        difficulty=codecontests.level_of(record),
        rating=rating_of(record, "cf_rating"),
        tags=tuple(tags_field(record, "cf_tags")),
    )


def _code_contests_solutions(record: Record) -> Iterator[Solution]:
    solutions = record.get("solutions") or {}
    if not isinstance(solutions, dict):
        raise BadRecord("`solutions` must hold `language` and `solution` lists")
    for language, source in zip(solutions.get("language") or (), solutions.get("solution") or (), strict=False):
        if isinstance(language, int) and 0 < language < len(_LANGUAGES):
            yield _LANGUAGES[language], str(source)


def _apps_task(record: Record, problem: Problem) -> Task:
    """Raises BadRecord where the tests call what the public part of the record does not name."""
    tests = embedded_json(record, "input_output")
    function = text_field(tests, "fn_name").strip() if isinstance(tests, dict) else ""
    named = problem.entry_point.rpartition(".")[2]
    if tests and function != named:
        if not function:
            raise BadRecord("its starter code is a function, but its tests are standard input")
        raise BadRecord(f"its tests call {function[:40]!r}, which its starter code does not define")
    return Task(problem, tuple(tests_of_record({"input_output": tests})))


def _apps_about(record: Record) -> About:
    return About(_site(text_field(record, "url")), text_field(record, "difficulty").lower())


def _taco_about(record: Record) -> About:
    return About(
        source=text_field(record, "source").lower() or _site(text_field(record, "url")),
        difficulty=taco.difficulty_of(record),
        tags=tuple(taco.tags_of(record)),
        date=day(record.get("date")),
    )


def _site(url: str) -> str:
    """`codeforces` for `https://www.codeforces.com/problemset/...`, `kattis` for `https://open.kattis.com/...`."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.rpartition(".")[0].rpartition(".")[2]


def _apps_solutions(record: Record) -> Iterator[Solution]:
    solutions: Any = embedded_json(record, "solutions") or []
    if not isinstance(solutions, list):
        raise BadRecord("`solutions` must hold a list of programs")
    for source in map(str, solutions):
        yield language_of("solution.py", source) or "python", source


CODE_CONTESTS = Family(
    name="CodeContests",
    recognises=codecontests.recognises,
    public=frozenset(
        {
            "name",
            "description",
            "public_tests",
            "source",
            "difficulty",
            "cf_contest_id",
            "cf_index",
            "cf_points",
            "cf_rating",
            "cf_tags",
            "time_limit",
            "memory_limit_bytes",
            "input_file",
            "output_file",
            "is_description_translated",
        }
    ),
    problem=codecontests.convert,
    task=_code_contests_task,
    about=_code_contests_about,
    solution_columns=frozenset({"solutions"}),
    solutions=_code_contests_solutions,
)
APPS = Family(
    name="APPS",
    recognises=apps.recognises,
    public=frozenset({"problem_id", "id", "question", "difficulty", "url", "starter_code"}),
    problem=apps.convert,
    task=_apps_task,
    about=_apps_about,
    solution_columns=frozenset({"solutions"}),
    solutions=_apps_solutions,
)
TACO = Family(
    name="TACO",
    recognises=taco.recognises,
    public=frozenset(
        {
            "id",
            "problem_id",
            "question",
            "starter_code",
            "difficulty",
            "raw_tags",
            "name",
            "source",
            "tags",
            "skill_types",
            "url",
            "time_limit",
            "date",
            "memory_limit",
        }
    ),
    problem=taco.convert,
    task=_apps_task,
    about=_taco_about,
    solution_columns=frozenset({"solutions"}),
    solutions=_apps_solutions,
    numbered=True,
)
