"""Programs that agree on all generated inputs are told apart after the sampling, once, also across kills."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from solver.store import Store
from tests.e2e.answers import PROBLEM, RIGHT, RIGHT_SLOWLY, SOLVE, fenced, record, solve, without_machine

# Differs from RIGHT only where two even numbers are equal neighbours after sorting.
COUNTS_ONCE = "input()\nprint(sum(set(x for x in map(int, input().split()) if x % 2 == 0)))\n"
OPTIONS = ["--inputs", 1, "--distinguish", 300, "--agreement", 0]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [fenced(source) for source in (RIGHT, COUNTS_ONCE, RIGHT_SLOWLY, COUNTS_ONCE)]
    return record(tmp_path_factory.mktemp("recording") / "four.jsonl", texts)


@pytest.fixture(scope="module")
def report(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("calm") / "run"
    done = solve(PROBLEM, "--recorded", recording, "--json", "--out", out, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_it_they_share_a_cluster(recording: Path, tmp_path: Path) -> None:
    options = ["--inputs", 1, "--agreement", 0, "--json", "--out", tmp_path / "run"]
    plain = json.loads(solve(PROBLEM, "--recorded", recording, *options).stdout)
    assert plain["clusters"]["count"] == 1
    assert plain["distinguishing"] is None


def test_an_input_is_found_that_splits_the_cluster(report: dict) -> None:
    assert report["clusters"]["count"] == 2
    found = report["distinguishing"]["found"][0]
    values = [int(v) for v in found["text"].split("\n")[1].split() if int(v) % 2 == 0]
    assert sum(values) != sum(set(values))
    assert {text.strip() for text in found["outputs"].values()} == {str(sum(values)), str(sum(set(values)))}
    assert 0 < report["distinguishing"]["executions"] <= 300


def test_the_report_says_what_each_origin_was_worth(report: dict) -> None:
    origins = {row["origin"]: row for row in report["input_worth"]}
    (found,) = [row for origin, row in origins.items() if origin.startswith("distinguish:")]
    assert found["entropy"] == 1.0
    assert found["validity"] == 1.0


def test_a_finished_run_is_resumed_for_nothing(recording: Path, report: dict, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = json.loads(solve(PROBLEM, "--recorded", recording, "--json", "--out", out, *OPTIONS).stdout)
    again = json.loads(solve("resume", out, "--json").stdout)
    assert without_machine(again) == without_machine(first) == without_machine(report)
    assert again["timing"]["executions_now"] == 0


def test_a_kill_in_the_search_changes_nothing(recording: Path, report: dict, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = [PROBLEM, "--recorded", recording, "--out", out, *OPTIONS]
    process = subprocess.Popen(
        [str(SOLVE), *map(str, arguments), "-q"], start_new_session=True, stdout=subprocess.DEVNULL
    )
    least = random.Random(os.urandom(4)).randint(1, 20)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "run.sqlite").exists():
            with Store(out / "run.sqlite") as store:
                if len([i for i in store.inputs() if i.kind == "probe"]) >= least:
                    break
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    resumed = json.loads(solve("resume", out, "--json").stdout)
    assert without_machine(resumed) == without_machine(report)
    with Store(out / "run.sqlite") as store:
        assert store.query("SELECT count(*) FROM executions WHERE runs > 1") == [(0,)]
