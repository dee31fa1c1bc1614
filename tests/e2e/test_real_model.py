"""`solve` with a real model on this machine. Slow: run by scripts/test-model."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from solver.store import Store
from tests.e2e.answers import PROBLEM, SOLVE, solve

pytestmark = pytest.mark.model

OPTIONS = ["--model", "qwen2.5-coder-0.5b", "--plans", "direct", "--max-tokens", "256", "--seed", "3"]


def test_a_live_run_prints_json_only_and_replays_to_the_same_submissions(tmp_path: Path) -> None:
    live = solve(PROBLEM, *OPTIONS, "--samples", 8, "--json", "--out", tmp_path / "live", timeout=900)
    report = json.loads(live.stdout)
    assert report["counts"]["samples"] == 8
    assert all(s["mean_logprob"] < 0 for s in report["submissions"])
    solve("samples", tmp_path / "live", tmp_path / "r.jsonl.gz")
    replay = solve(
        PROBLEM, "--recorded", tmp_path / "r.jsonl.gz", "--samples", 8, "--json", "--out", tmp_path / "again"
    )
    assert json.loads(replay.stdout)["submissions"] == report["submissions"]


def test_a_live_run_killed_while_sampling_is_resumed_with_new_samples_only(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [str(SOLVE), str(PROBLEM), *OPTIONS, "--samples", "24", "--agreement", "0", "--quiet", "--out", str(out)]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = wait_for_samples(out, 4, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = solve("resume", out, "--json", timeout=900)
    counts = json.loads(done.stdout)["counts"]
    assert counts["samples"] == 24
    assert counts["executed_twice"] == 0
    with Store(out / "run.sqlite") as store:
        texts = [sample.text for sample in store.raw_samples()]
    assert len(set(texts[before:]) - set(texts[:before])) > (24 - before) / 2


def wait_for_samples(out: Path, least: int, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "run.sqlite").exists():
            with Store(out / "run.sqlite") as store:
                count = store.query("SELECT count(*) FROM samples")[0][0]
            if count >= least:
                return int(count)
        time.sleep(0.2)
    raise AssertionError("the run ended, or sampled nothing, before it could be killed")
