"""Inputs and tests that the model wrote take part in a whole run, from a recording, and are asked for once."""

import json
from pathlib import Path

import pytest

from solver.run_evidence import run_evidence
from solver.store import Store
from tests.e2e.answers import PROBLEM, RIGHT, SUM_OF_ALL, WRONG_WHEN_LARGE, fenced, record, solve, without_machine

GENERATOR = "import random\nn = random.randint(3, 9)\nprint(n)\nprint(*[random.randint(20, 90) for _ in range(n)])\n"
TESTS = "".join(f"Input:\n```\n{i}\n```\nOutput:\n```\n{o}\n```\n" for i, o in (("2\n4 5", "9"), ("3\n3 2 1", "6")))
OPTIONS = ["--inputs", 0, "--model-inputs", 8, "--agreement", 0, "--json"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = record(
        tmp_path_factory.mktemp("recording") / "all.jsonl", list(map(fenced, (RIGHT, WRONG_WHEN_LARGE, SUM_OF_ALL)))
    )
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for plan, text in (("side:generator", fenced(GENERATOR)), ("side:test", TESTS)):
        rows.insert(1, rows[0] | {"plan": plan, "text": text})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def run(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    out = tmp_path_factory.mktemp("model") / "run"
    done = solve(PROBLEM, "--recorded", recording, "--out", out, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out


def test_programs_are_told_apart_by_inputs_of_the_model(run: tuple[dict, Path]) -> None:
    report, _ = run
    assert report["counts"]["samples"] == 3
    assert report["clusters"]["count"] == report["counts"]["passing"] == 2
    assert {row["origin"] for row in report["input_worth"]} == {"model:generator", "model:test"}


def test_claims_become_tests_that_programs_pass_or_fail(run: tuple[dict, Path]) -> None:
    report, out = run
    with Store(out / "run.sqlite") as store:
        evidence = run_evidence(store, "fair-tickets", report["counts"]["samples"])
    assert evidence.tests is not None
    # RIGHT sums even numbers: 4 of "2 / 4 5" and 2 of "3 / 3 2 1", where the model claims 9 and 6.
    assert [fact.expected for fact in evidence.test_facts] == ["9\n", "6\n"]
    assert evidence.tests[0].tolist() == [0, 0]


def test_a_resumed_run_asks_and_runs_nothing(run: tuple[dict, Path]) -> None:
    report, out = run
    again = json.loads(solve("resume", out, "--json").stdout)
    assert without_machine(again) == without_machine(report)
    assert again["timing"]["executions_now"] == 0


def test_exported_samples_replay_to_the_same_run(run: tuple[dict, Path], tmp_path: Path) -> None:
    report, out = run
    assert solve("samples", out, tmp_path / "all.jsonl.gz").returncode == 0
    again = json.loads(
        solve(PROBLEM, "--recorded", tmp_path / "all.jsonl.gz", "--out", tmp_path / "r", *OPTIONS).stdout
    )
    assert again["submissions"] == report["submissions"]
    assert again["input_worth"] == report["input_worth"]


def test_a_recording_without_side_samples_still_runs(tmp_path: Path) -> None:
    path = record(tmp_path / "plain.jsonl", [fenced(RIGHT)])
    done = solve(PROBLEM, "--recorded", path, "--out", tmp_path / "run", *OPTIONS)
    assert done.returncode == 0, done.stderr
