"""The check after a run: a process of its own that answers with its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval.check_submissions import main

RIGHT = "print(2 * int(input()))\n"
WRONG = "print(4)\n"


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    record = {"name": "double", "statement": "Double it.", "examples": [{"input": "2\n", "output": "4\n"}]}
    tests = [{"input": "2\n", "output": "4\n"}, {"input": "5\n", "output": "10\n"}]
    (tmp_path / "problem.json").write_text(json.dumps(record))
    (tmp_path / "tests.json").write_text(json.dumps(tests))
    return tmp_path / "problem.json"


def run_with(tmp_path: Path, *sources: str, suffix: str = ".py") -> Path:
    folder = tmp_path / "run" / "submissions"
    folder.mkdir(parents=True)
    for rank, source in enumerate(sources, 1):
        (folder / f"{rank:02d}{suffix}").write_text(source)
    return folder.parent


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_one_right_submission_is_enough(tmp_path: Path, problem: Path) -> None:
    result = check(run_with(tmp_path, WRONG, RIGHT), "--problem", problem, "--json")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert [s["verdict"] for s in record["submissions"]] == ["WA", "AC"]
    assert [s["failing_test"] for s in record["submissions"]] == [2, None]
    assert (record["hidden_tests"], record["solved"]) == (2, True)


def test_submissions_that_only_pass_the_examples_do_not_solve(tmp_path: Path, problem: Path) -> None:
    result = check(run_with(tmp_path, WRONG, "1/0\n"), "--problem", problem)
    assert result.exit_code == 1
    assert "2/3" in result.stdout
    assert "RTE" in result.stdout
    assert "not solved" in result.stdout


def test_a_run_without_submissions_solves_nothing(tmp_path: Path, problem: Path) -> None:
    result = check(run_with(tmp_path), "--problem", problem, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["submissions"] == []


def test_without_hidden_tests_nothing_counts_as_solved(tmp_path: Path, problem: Path) -> None:
    (problem.parent / "tests.json").unlink()
    result = check(run_with(tmp_path, RIGHT), "--problem", problem)
    assert result.exit_code == 1
    assert "0 hidden tests" in result.stdout


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, problem: Path) -> None:
    run = run_with(tmp_path, RIGHT)
    (run / "problem.json").write_text(json.dumps({"name": "another"}))
    (tmp_path / "odd" / "submissions").mkdir(parents=True)
    (tmp_path / "odd" / "submissions" / "01.exe").write_text("")
    for arguments in (
        (tmp_path / "nowhere", "--problem", problem),
        (run, "--problem", problem),
        (run, "--problem", tmp_path / "nothing.json"),
        (run, "--problem", problem, "--id", "other"),
        (tmp_path / "odd", "--problem", problem),
        (tmp_path / "odd", "--problem", problem, "--time-factor", "0"),
        (tmp_path / "odd", "--problem", problem, "--time-factor", "nan"),
    ):
        result = check(*arguments)
        assert result.exit_code == 2, arguments
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("error: ")


def test_it_runs_as_a_module_in_a_process_of_its_own(tmp_path: Path, problem: Path) -> None:
    command = [sys.executable, "-m", "eval.check_submissions", run_with(tmp_path, RIGHT), "--problem", problem]
    repository = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "solved" in result.stdout
