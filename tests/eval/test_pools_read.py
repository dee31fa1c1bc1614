"""Pools of every format, and files that are none: one line says what is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.pools import PoolProblem, read_pool
from solver.errors import UserError

PROMPT = 'def inc(n):\n    """Adds one.\n    >>> inc(1)\n    2\n    """\n'
HUMANEVAL = {
    "task_id": "Own/1",
    "prompt": PROMPT,
    "entry_point": "inc",
    "canonical_solution": "    return n + 1\n",
    "test": "def check(candidate):\n    assert candidate(5) == 6\n",
}


def read(tmp_path: Path, records: list[dict[str, Any]], *problems: dict[str, Any]) -> list[PoolProblem]:
    pool, files = tmp_path / "pool.jsonl.gz", tmp_path / "problems.jsonl"
    with gzip.open(pool, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    files.write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    return list(read_pool(pool, [files] if problems else []))


def test_completions_are_cut_where_a_function_ends_and_tests_are_parsed(tmp_path: Path) -> None:
    record = {
        "task_id": "Own/1",
        "prompt": "def inc(n):\n",
        "entry_point": "inc",
        "samples": ["    return n + 1\n\ndef other():\n    pass\n", "    return n\nprint(inc(1))"],
        "generated_tests": ["inc(1) == 2\nassert inc(1) == 2\nassert inc(3) == (", "inc(open('x')) == 1"],
    }
    (found,) = read(tmp_path, [record], HUMANEVAL)
    assert [sample.source for sample in found.samples] == [
        "def inc(n):\n    return n + 1\n",
        "def inc(n):\n    return n",
    ]
    assert found.model_tests == (("1", "2", 2),)
    assert [(example.input, example.output) for example in found.problem.examples] == [("1", "2")]
    assert "candidate(5) == 6" in found.hidden.test_code


@pytest.mark.parametrize(("language", "suffixed"), [("python", False), ("py", False), ("cpp", True)])
def test_recorded_statuses_are_kept_beside_the_programs(tmp_path: Path, language: str, suffixed: bool) -> None:
    samples = [{"completion": "A", "status": "OK"}, {"completion": "B", "status": "Timeout"}]
    record = {"task_id": "Own/1", "language": language, "prompt": "P", "hidden_tests": "T", "samples": samples}
    (found,) = read(tmp_path, [record], HUMANEVAL)
    assert [(sample.source, sample.recorded) for sample in found.samples] == [("PA", True), ("PB", False)]
    assert (found.hidden.suffix, found.hidden.test_code) == (("T", "") if suffixed else (None, "T"))


def test_answers_may_come_a_line_each_or_a_line_a_problem(tmp_path: Path) -> None:
    text = "Here:\n```python\nprint(int(input()) + 1)\n```\n"
    problem = {
        "problem_id": 7,
        "question": "Add one.\n-----Examples-----\nInput\n1\n\nOutput\n2\n",
        "input_output": json.dumps({"inputs": ["5\n"], "outputs": ["6\n"]}),
        "solutions": "[]",
        "difficulty": "interview",
        "url": "",
        "starter_code": "",
    }
    each = [
        {"problem": "APPS/7", "text": t, "language": "python", "plan": "a", "mean_logprob": -1.0} for t in (text, "no")
    ]
    together = [{"problem": "7", "language": "python", "samples": [{"text": text, "finish_reason": "stop"}]}]
    (first,), (second,) = read(tmp_path, each, problem), read(tmp_path, together, problem)
    assert next(sample.source and sample.source.strip() for sample in first.samples) == "print(int(input()) + 1)"
    assert (first.samples[0].plan, first.samples[0].mean_logprob) == ("a", -1.0)
    assert second.samples[0].source == first.samples[0].source
    assert first.judgeable


def test_apps_directories_are_found_by_their_number(tmp_path: Path) -> None:
    directory = tmp_path / "apps" / "0042"
    directory.mkdir(parents=True)
    (directory / "question.txt").write_text("Add one.\n-----Examples-----\nInput\n1\n\nOutput\n2\n")
    (directory / "input_output.json").write_text(json.dumps({"inputs": ["5\n"], "outputs": ["6\n"]}))
    pool = tmp_path / "pool.jsonl"
    pool.write_text(json.dumps({"problem_id": 42, "source": "print(2)", "status": "passed"}) + "\n")
    (found,) = read_pool(pool, [tmp_path / "apps"])
    assert found.samples[0].recorded is True


@pytest.mark.parametrize(
    "record",
    [
        {"foo": 1},
        {"task_id": "Own/1"},
        {"task_id": "Unknown/1", "language": "cpp", "prompt": "", "hidden_tests": "", "samples": []},
        {"task_id": "Own/1", "language": "cpp", "prompt": "P", "hidden_tests": "T", "samples": [{"status": "OK"}]},
        {"task_id": "Own/1", "language": "cpp", "prompt": "P", "hidden_tests": "T", "samples": 3},
        {"task_id": "Own/1", "prompt": 5, "entry_point": "inc", "samples": ["x"], "generated_tests": []},
        {"problem_id": 1, "source": "x", "tests": [{"input": "1"}]},
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, record: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, [record], HUMANEVAL)
    assert "\n" not in str(caught.value)
