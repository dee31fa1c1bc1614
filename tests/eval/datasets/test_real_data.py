"""Real records of every data set that is here: all are read, and what is skipped has its reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.datasets import DatasetSpec, Skipped, problems, reference_solutions, tasks
from eval.task import Task


@pytest.mark.parametrize(
    ("name", "file", "fields", "expected", "reasons"),
    [
        (
            "code_contests",
            "code_contests_test.jsonl.gz",
            {},
            114,
            {"no hidden tests": 44, "every hidden test repeats an example": 7},
        ),
        ("code_contests", "code_contests_train_sample.jsonl.gz", {}, 20, {}),
        ("apps", "apps_train_sample.jsonl.gz", {}, 70, {"every hidden test repeats an example": 80}),
        ("apps", "apps_train_sample.jsonl.gz", {"allow_repeats": True}, 150, {}),
        ("apps", "apps_dir", {"allow_repeats": True}, 5, {}),
        ("humaneval", "humaneval.jsonl.gz", {}, 164, {}),
        ("humaneval_plus", "humaneval_plus_mini.jsonl.gz", {"limit": 20}, 20, {}),
        ("mbpp_plus", "mbpp_plus.jsonl.gz", {"limit": 20}, 20, {}),
        ("leetcode", "leetcode_test.jsonl.gz", {"limit": 20}, 20, {}),
    ],
)
def test_real_records_are_tasks_and_the_same_problems(
    shared_data: Path, name: str, file: str, fields: dict[str, object], expected: int, reasons: dict[str, int]
) -> None:
    spec = DatasetSpec.model_validate({"name": name, "path": str(shared_data / "problems" / file), **fields})
    found = list(tasks(spec))
    judged = {item.problem.name: item for item in found if isinstance(item, Task)}
    assert len(judged) == expected
    assert Counter(item.reason for item in found if isinstance(item, Skipped)) == reasons
    assert all(task.hidden_tests for task in judged.values())
    shown = {item.name: item for item in problems(spec) if not isinstance(item, Skipped)}
    assert all(shown[key] == task.problem for key, task in judged.items())


def test_every_apps_solution_is_there(shared_data: Path) -> None:
    path = shared_data / "problems" / "apps_train_sample.jsonl.gz"
    assert len(list(reference_solutions(DatasetSpec(name="apps", path=str(path))))) == 2312
