"""Budgets and crashes together: what is in the record always counts."""

import json
from pathlib import Path

from solver.config import RunConfig
from tests.e2e.answers import PROBLEM, RIGHT, fenced, record, solve


def test_a_resumed_run_whose_time_is_up_still_reports_everything_recorded(tmp_path: Path) -> None:
    recording = record(tmp_path / "r.jsonl", [fenced(f"x = {i}\n{RIGHT}") for i in range(30)])
    options = ["--agreement", 0, "--max-seconds", 60, "--out", tmp_path / "run", "--json"]
    first = json.loads(solve(PROBLEM, "--recorded", recording, *options).stdout)
    config = RunConfig.model_validate_json((tmp_path / "run/config.json").read_text())
    expired = config.model_copy(update={"max_seconds": 0.01, "samples": 1000})
    (tmp_path / "run/config.json").write_text(expired.model_dump_json())
    resumed = json.loads(solve("resume", tmp_path / "run", "--json").stdout)
    assert resumed["counts"] == first["counts"]
    assert resumed["submissions"] == first["submissions"]


def test_a_pool_that_names_an_apps_problem_by_its_number_is_found(tmp_path: Path) -> None:
    ours = json.loads(PROBLEM.read_text())
    (tmp_path / "p.json").write_text(json.dumps({**ours, "name": "APPS/17"}))
    pool = {"dataset": "apps", "problem": 17, "model": "m", "samples": [{"text": fenced(RIGHT), "tokens": 3}]}
    (tmp_path / "pool.jsonl").write_text(json.dumps(pool))
    done = solve(tmp_path / "p.json", "--recorded", tmp_path / "pool.jsonl", "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
