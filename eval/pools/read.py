"""Reads recorded pools, whatever their format: a line a problem with its samples, or a line a sample.

The problems themselves come from problem files, by the names that the pool gives. What a pool records of right and
wrong is kept apart (`PoolSample.recorded`). Not covered: pools of several models for one problem are taken as one pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from clustering.model_tests import parse_model_tests
from eval.pools.model import Hidden, PoolProblem, PoolSample
from eval.task import HiddenTest, Task, load_task
from solver.errors import UserError
from solver.extract import extract
from solver.formats import load_problem
from solver.formats.files import records
from solver.formats.loading import select
from solver.problem import Example, Problem
from solver.samplers.base import SIDE_PLAN
from solver.samplers.recordings import open_source

Record = dict[str, Any]
_CUT_AT = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # where a completion of one function ends


def read_pool(pool: Path, problem_files: Sequence[Path]) -> Iterator[PoolProblem]:
    """The problems of a pool in its order. Raises UserError for a pool or a problem that cannot be read."""
    for name, group in _groups(pool):
        yield _problem(name, group, pool, problem_files)


def _groups(pool: Path) -> Iterator[tuple[str, list[Record]]]:
    """The records of one problem after the other: of shards, only one problem's are in memory."""
    if not pool.is_dir():
        groups: dict[str, list[Record]] = {}
        for record in records(pool):
            groups.setdefault(_name(record, pool), []).append(record)
        yield from groups.items()
        return
    shards = open_source(pool)
    for name in shards.problems():
        group = [record for _, record in shards.records({name})]
        if answers := [record for record in group if not record["plan"].startswith(SIDE_PLAN)]:
            yield name, answers


def _problem(name: str, group: list[Record], pool: Path, files: Sequence[Path]) -> PoolProblem:
    reader = _reader(group[0], pool)
    try:
        return reader(name, group, files)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{pool}: the samples of {name[:80]!r} cannot be read: {reason}") from None


def _name(record: Record, pool: Path) -> str:
    for key in ("task_id", "problem", "problem_id"):
        if key in record:
            return str(record[key])
    raise UserError(f"{pool}: a record has none of `task_id`, `problem`, `problem_id`; is this a pool of samples?")


def _reader(record: Record, pool: Path) -> Callable[[str, list[Record], Sequence[Path]], PoolProblem]:
    keys = record.keys()
    if {"generated_tests", "samples", "entry_point"} <= keys:
        return _completions_with_tests
    if {"hidden_tests", "samples", "language"} <= keys:
        return _completions_with_verdicts
    if "samples" in keys or {"text", "language"} <= keys:
        return _answers
    if "source" in keys:
        return _programs
    raise UserError(f"{pool}: records with the fields {', '.join(sorted(keys))} are no known format of samples")


def _completions_with_tests(name: str, group: list[Record], files: Sequence[Path]) -> PoolProblem:
    """CodeT's: completions of a prompt without examples, and completions of `assert `."""
    record = group[0]
    file, name = _holding(name, files)
    problem, original = load_problem(file, name), select(file, name)
    samples = tuple(PoolSample(record["prompt"] + _cut(text)) for text in record["samples"])
    entry_point = record["entry_point"]
    hidden = Hidden(test_code=f"{original['test']}\ncheck({entry_point})", prelude=original["prompt"])
    return PoolProblem(
        problem, samples, hidden, record["prompt"], parse_model_tests(record["generated_tests"], entry_point)
    )


def _completions_with_verdicts(name: str, group: list[Record], files: Sequence[Path]) -> PoolProblem:
    """MultiPL-E's: the program that was judged is prompt + completion + hidden_tests."""
    record = group[0]
    problem = load_problem(*_holding(name, files))
    language = "python" if record["language"] in ("py", "python") else str(record["language"])
    samples = tuple(
        PoolSample(record["prompt"] + sample["completion"], language, recorded=sample.get("status") == "OK")
        for sample in record["samples"]
    )
    tests = record["hidden_tests"]
    hidden = Hidden(test_code=tests) if language == "python" else Hidden(suffix=tests)
    return PoolProblem(problem, samples, hidden, record["prompt"])


def _answers(name: str, group: list[Record], files: Sequence[Path]) -> PoolProblem:
    """Chat answers: a line a problem with `samples`, or a line an answer."""
    task = load_task(*_holding(name.rpartition("/")[2], files))
    answers = [answer for record in group for answer in (record.get("samples") or [record])]
    language = str(group[0].get("language", "python"))

    def sample(answer: Record) -> PoolSample:
        found = extract(
            answer["text"],
            finish_reason=answer.get("finish_reason", "stop"),
            wanted_language=str(answer.get("language", language)),
            mode=task.problem.mode,
            entry_point=task.problem.entry_point,
            starter_code=task.problem.starter_code,
        )
        return PoolSample(found.source, found.language or language, answer.get("plan", ""), answer.get("mean_logprob"))

    return PoolProblem(task.problem, tuple(map(sample, answers)), Hidden(task=task))


def _programs(name: str, group: list[Record], files: Sequence[Path]) -> PoolProblem:
    """A program a line, with its verdict; the tests are in the record, or in the problem's files."""
    record = group[0]
    if "tests" in record:
        seen = [test["input"] for test in record.get("sample_io", [])]
        examples = [Example(input=test["input"], output=_first(test)) for test in record.get("sample_io", [])]
        problem = Problem(name=f"APPS/{name}", statement="(not recorded)", examples=examples)
        tests = [
            HiddenTest(test["input"], tuple(map(str, test["output"])))
            for test in record["tests"]
            if test["input"] not in seen
        ]
        tests = tests or [HiddenTest(test["input"], tuple(map(str, test["output"]))) for test in record["tests"]]
        task = Task(problem, tuple(tests))
    else:
        task = load_task(*_holding(name, files))
    samples = tuple(
        PoolSample(line["source"], recorded=bool(line.get("is_solved", line.get("status") == "passed")))
        for line in group
    )
    return PoolProblem(task.problem, samples, Hidden(task=task))


def _first(test: Record) -> str:
    output = test["output"]
    return str(output[0] if isinstance(output, list) else output)


def _cut(text: str) -> str:
    ends = [at for stop in _CUT_AT if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _holding(name: str, files: Sequence[Path]) -> tuple[Path, str]:
    """The problem file that has a problem of this name, and what it is called there: APPS's directories have zeros."""
    trouble = "no --problems was given"
    for file in files:
        for known in dict.fromkeys((name, name.zfill(4) if name.isdigit() else name)):
            try:
                load_problem(file, known)
            except UserError as error:
                trouble = str(error)
            else:
                return file, known
    raise UserError(f"problem {name!r} of the pool is in none of the problem files: {trouble}")
