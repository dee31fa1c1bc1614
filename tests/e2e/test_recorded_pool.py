"""The samples of a real model on ten real problems, kept in eval/recorded, replay to the submissions of that run."""

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.answers import ROOT, solve

POOL = ROOT / "eval" / "recorded" / "ten_easy_qwen2.5-coder-1.5b.jsonl.gz"
RUN = json.loads((ROOT / "eval" / "recorded" / "ten_easy_qwen2.5-coder-1.5b.json").read_text())["problems"]

SLOW = ("APPS/17", "APPS/2387", "APPS/2017")  # their wrong programs use up their time limits


def problem_arguments(name: str, data: Path) -> list[object]:
    if name.startswith("APPS/"):
        return [data / "problems/apps_train_sample.jsonl.gz", "--id", name.removeprefix("APPS/")]
    return [data / "problems/code_contests_test.jsonl.gz", "--id", name]


def test_the_pool_holds_sixty_four_answers_to_each_problem_and_no_statement() -> None:
    rows = [json.loads(line) for line in gzip.decompress(POOL.read_bytes()).splitlines()]
    counts = {run["problem"]: sum(row["problem"] == run["problem"] for row in rows) for run in RUN}
    assert set(counts.values()) == {64}
    assert not any("statement" in row or "messages" in row or "prompt" in row for row in rows)


@pytest.mark.parametrize("run", [run for run in RUN if run["problem"] not in SLOW], ids=lambda run: run["problem"])
def test_a_recorded_problem_replays_to_the_same_submissions(run: dict, shared_data: Path, tmp_path: Path) -> None:
    options = ["--recorded", POOL, "--seed", 7, "--agreement", 0, "--out", tmp_path / "run", "--json", "-q"]
    report = json.loads(solve(*problem_arguments(run["problem"], shared_data), *options).stdout)
    assert [submission["program"] for submission in report["submissions"]] == run["programs"]
    assert report["counts"]["passing"] == run["passing_examples"]
