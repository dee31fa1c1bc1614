"""`solve` from problem file to submissions, on recorded answers and in the real sandbox."""

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.answers import (
    CRASH,
    LOOP,
    PROBLEM,
    RIGHT,
    RIGHT_SLOWLY,
    SUM_OF_ALL,
    SYNTAX_ERROR,
    WRONG_WHEN_LARGE,
    fenced,
    record,
    solve,
    without_machine,
)

MIXED = [
    fenced(SUM_OF_ALL), fenced(RIGHT), "I cannot solve this.", fenced(CRASH), fenced(RIGHT_SLOWLY),
    fenced(WRONG_WHEN_LARGE), fenced("# the same\n" + RIGHT), fenced(SYNTAX_ERROR), fenced(RIGHT),
]  # fmt: skip


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return record(tmp_path / "mixed.jsonl", MIXED)


def test_the_right_behaviour_is_the_first_submission_and_json_is_all_of_stdout(mixed: Path, tmp_path: Path) -> None:
    done = solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["submissions"][0]["source"] == RIGHT
    assert report["submissions"][0]["cluster_size"] == 4
    assert (tmp_path / "run/submissions/01.py").read_text() == RIGHT


def test_every_sample_is_accounted_for(mixed: Path, tmp_path: Path) -> None:
    done = solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / "run")
    counts = json.loads(done.stdout)["counts"]
    assert (counts["samples"], counts["unique"]) == (9, 5)
    assert counts["extraction"] == {"no_code": 1, "ok": 7, "syntax_error": 1}
    assert sum(counts["extraction"].values()) == 9
    assert sum(counts["verdicts"].values()) == counts["unique"]
    assert counts["compiled"] + counts["verdicts"].get("CE", 0) == counts["unique"]


def test_a_second_behaviour_that_passes_the_examples_is_a_second_submission(mixed: Path, tmp_path: Path) -> None:
    done = solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / "run")
    sources = [s["source"] for s in json.loads(done.stdout)["submissions"]]
    assert sources[:2] == [RIGHT, WRONG_WHEN_LARGE]


def test_no_passing_program_is_exit_1_with_the_reason_and_the_best_guess_on_disk(tmp_path: Path) -> None:
    wrong = record(tmp_path / "wrong.jsonl", [fenced(CRASH), fenced(SUM_OF_ALL)])
    done = solve(PROBLEM, "--recorded", wrong, "--json", "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "passed the examples" in json.loads(done.stdout)["why"]
    assert (tmp_path / "run/submissions/01.py").read_text() == SUM_OF_ALL


def test_answers_that_do_not_compile_are_named_as_the_reason(tmp_path: Path) -> None:
    broken = record(tmp_path / "broken.jsonl", [fenced(SYNTAX_ERROR)])
    done = solve(PROBLEM, "--recorded", broken, "--json", "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "compiles (1 syntax_error)" in json.loads(done.stdout)["why"]


def test_a_truncated_program_is_counted_and_never_submitted(tmp_path: Path) -> None:
    cut = record(tmp_path / "cut.jsonl", ["```python\n" + RIGHT], finish_reason="length")
    done = solve(PROBLEM, "--recorded", cut, "--json", "--out", tmp_path / "run")
    report = json.loads(done.stdout)
    assert report["counts"]["extraction"] == {"truncated": 1}
    assert report["submissions"] == []


def test_the_same_recording_and_seed_give_the_same_answer_whatever_the_number_of_workers(
    mixed: Path, tmp_path: Path
) -> None:
    reports = [
        json.loads(solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / f"w{n}", "--workers", n).stdout)
        for n in (1, 4)
    ]
    assert without_machine(reports[0]) == without_machine(reports[1])


def test_a_runs_own_samples_replay_to_the_same_submissions(mixed: Path, tmp_path: Path) -> None:
    first = solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / "a")
    assert solve("samples", tmp_path / "a", tmp_path / "again.jsonl.gz").returncode == 0
    second = solve(PROBLEM, "--recorded", tmp_path / "again.jsonl.gz", "--json", "--out", tmp_path / "b")
    assert json.loads(second.stdout)["submissions"] == json.loads(first.stdout)["submissions"]
    assert len(gzip.decompress((tmp_path / "again.jsonl.gz").read_bytes()).splitlines()) == len(MIXED)


def test_agreement_ends_the_run_and_samples_after_it_do_not_count(tmp_path: Path) -> None:
    many = record(tmp_path / "many.jsonl", [fenced(RIGHT)] * 30)
    done = solve(PROBLEM, "--recorded", many, "--json", "--agreement", 5, "--out", tmp_path / "run")
    report = json.loads(done.stdout)
    assert (report["stop_reason"], report["counts"]["samples"]) == ("agreement", 5)


def test_the_token_budget_ends_the_run_and_is_named(tmp_path: Path) -> None:
    many = record(tmp_path / "many.jsonl", [fenced(RIGHT)] * 30)
    done = solve(PROBLEM, "--recorded", many, "--json", "--max-total-tokens", 25, "--out", tmp_path / "run")
    report = json.loads(done.stdout)
    assert (report["stop_reason"], report["counts"]["samples"]) == ("tokens", 3)


def test_the_sample_budget_ends_the_run_and_is_named(mixed: Path, tmp_path: Path) -> None:
    done = solve(PROBLEM, "--recorded", mixed, "--json", "--samples", 2, "--out", tmp_path / "run")
    report = json.loads(done.stdout)
    assert (report["stop_reason"], report["counts"]["samples"]) == ("samples", 2)


def test_the_time_budget_ends_a_run_whose_programs_never_end(tmp_path: Path) -> None:
    loops = record(tmp_path / "loops.jsonl", [fenced(LOOP + f"# {i}\nx = {i}\n") for i in range(40)])
    done = solve(PROBLEM, "--recorded", loops, "--json", "--max-seconds", 3, "--out", tmp_path / "run")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["stop_reason"] == "seconds"
    assert report["counts"]["samples"] < 40


def test_show_prints_the_report_again(mixed: Path, tmp_path: Path) -> None:
    first = solve(PROBLEM, "--recorded", mixed, "--json", "--out", tmp_path / "run")
    again = solve("show", tmp_path / "run", "--json")
    assert json.loads(again.stdout) == json.loads(first.stdout)


def test_show_prompts_prints_every_request_and_samples_nothing(tmp_path: Path) -> None:
    done = solve(PROBLEM, "--show-prompts", "--samples", 8, "--out", tmp_path / "run")
    assert done.returncode == 0
    assert done.stdout.count("--- request") == 2
    assert not (tmp_path / "run").exists()
