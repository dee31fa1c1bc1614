"""Kill the process tree whenever you like; `solve resume` ends with the undisturbed run's report."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from solver.store import Store
from tests.e2e.answers import PROBLEM, RIGHT, SOLVE, WRONG_WHEN_LARGE, fenced, record, solve, without_machine


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty distinct programs, each taking a little CPU so that a kill falls in the middle."""
    busy = "x = 0\nfor i in range(400000):\n    x += i\n"
    texts = [fenced(f"{busy}tag = {i}\n{(RIGHT, WRONG_WHEN_LARGE, 'print(tag)')[i % 3]}") for i in range(60)]
    return record(tmp_path_factory.mktemp("recording") / "sixty.jsonl", texts)


@pytest.fixture(scope="module")
def undisturbed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    done = solve(PROBLEM, "--recorded", recording, "--json", "--out", tmp_path_factory.mktemp("calm") / "run")
    assert done.returncode == 0, done.stderr
    return without_machine(json.loads(done.stdout))


def start(recording: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(SOLVE), str(PROBLEM), "--recorded", str(recording), "--out", str(out), "--quiet"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_executions(out: Path, least: int, process: subprocess.Popen[bytes]) -> None:
    """Until the run has recorded some work, so that there is something to lose."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "run.sqlite").exists():
            with Store(out / "run.sqlite") as store:
                if store.query("SELECT count(*) FROM executions")[0][0] >= least:
                    return
        time.sleep(0.02)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_three_kills_at_random_moments_leave_the_undisturbed_report(
    recording: Path, undisturbed: dict, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    moments = random.Random(os.urandom(4))
    process = start(recording, out)
    for least in (5, 200, 400):
        wait_for_executions(out, least, process)
        time.sleep(moments.uniform(0, 0.2))
        assert process.poll() is None, "the run ended before it could be killed"
        kill_tree(process)
        process = subprocess.Popen(
            [str(SOLVE), "resume", str(out), "--quiet"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    assert process.wait(timeout=120) == 0
    report = json.loads((out / "report.json").read_text())
    assert without_machine(report) == undisturbed
    with Store(out / "run.sqlite") as store:
        assert store.query("SELECT count(*) FROM executions WHERE runs > 1") == [(0,)]


def test_a_killed_run_leaves_no_process_behind(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(recording, out)
    wait_for_executions(out, 5, process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 4, "workers and fork servers should be running"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_ctrl_c_writes_the_best_answer_so_far_and_exits_130(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(recording, out)
    wait_for_executions(out, 30, process)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    report = json.loads((out / "report.json").read_text())
    assert report["stop_reason"] == "interrupted"
    assert report["submissions"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_drop_running_programs_and_keep_finished_ones(number: signal.Signals, tmp_path: Path) -> None:
    """The first sample never ends; the right ones behind it are the best answer so far."""
    endless = fenced("while True:\n    import time\n    time.sleep(1)\n")
    recording = record(tmp_path / "r.jsonl", [endless, *(fenced(f"x = {i}\n{RIGHT}") for i in range(5))])
    out = tmp_path / "run"
    process = start(recording, out)
    wait_for_executions(out, 100, process)
    for _ in range(2):
        os.kill(process.pid, number)
        time.sleep(0.5)
    assert process.wait(timeout=30) == 130
    report = json.loads((out / "report.json").read_text())
    assert report["stop_reason"] == "interrupted"
    assert report["submissions"][0]["cluster_size"] == 5


def test_an_interrupted_run_resumes_to_the_undisturbed_report(
    recording: Path, undisturbed: dict, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(recording, out)
    wait_for_executions(out, 30, process)
    os.kill(process.pid, signal.SIGINT)
    process.wait(timeout=60)
    done = solve("resume", out, "--json")
    assert without_machine(json.loads(done.stdout)) == undisturbed


def test_two_processes_cannot_work_in_one_run_directory(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(recording, out)
    try:
        wait_for_executions(out, 1, process)
        second = solve("resume", out)
        assert second.returncode == 2
        assert "another solve" in second.stderr
    finally:
        kill_tree(process)


def test_resuming_a_finished_run_executes_nothing(recording: Path, undisturbed: dict, tmp_path: Path) -> None:
    out = tmp_path / "run"
    solve(PROBLEM, "--recorded", recording, "--out", out, "--quiet")
    done = solve("resume", out, "--json")
    assert without_machine(json.loads(done.stdout)) == undisturbed
    assert json.loads(done.stdout)["timing"]["executions_now"] == 0
