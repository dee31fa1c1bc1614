"""`solve explain`: how a finished run came to its answer."""

import json
from pathlib import Path

from tests.e2e.answers import PROBLEM, RIGHT, SYNTAX_ERROR, WRONG_WHEN_LARGE, fenced, record, solve


def test_the_input_shown_is_one_on_which_the_two_largest_clusters_really_differ(tmp_path: Path) -> None:
    answers = [fenced(RIGHT), fenced(WRONG_WHEN_LARGE), fenced(RIGHT)]
    run = tmp_path / "run"
    assert solve(PROBLEM, "--recorded", record(tmp_path / "a.jsonl", answers), "--out", run).returncode == 0
    told = json.loads(solve("explain", run, "--json").stdout)
    assert [row["samples"] for row in told["clusters"]] == [2, 1]
    (one,) = told["separations"]
    assert one["said"][0] != one["said"][1]
    assert 0 < one["separating"] <= one["inputs"]
    assert [row["cluster"] for row in told["choice"]] == [0, 1]
    shown = solve("explain", run).stdout
    assert "differ on" in shown
    assert one["text"].strip() in shown


def test_a_run_in_which_nothing_passes_says_that_its_submissions_are_guesses(tmp_path: Path) -> None:
    run = tmp_path / "run"
    solve(PROBLEM, "--recorded", record(tmp_path / "a.jsonl", [fenced("print(1)"), fenced(SYNTAX_ERROR)]), "--out", run)
    assert "guesses" in solve("explain", run).stdout


def test_a_directory_without_a_run_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = solve("explain", tmp_path)
    assert done.returncode == 2
    assert "not a run directory" in done.stderr
    assert done.stderr.count("\n") == 1
