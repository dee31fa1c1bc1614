"""Two models, cheap first: on samples written by us, in the real sandbox, killed and replayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from solver.store import Store
from tests.e2e.answers import PROBLEM, RIGHT, RIGHT_SLOWLY, SOLVE, fenced, solve, without_machine
from tests.e2e.test_bench import DOUBLE, NEGATE, problem, steady

BUSY = "x = 0\nfor i in range(400000):\n    x += i\n"


def rows(name: str, model: str, sources: Iterable[str]) -> list[str]:
    """Of one model; its requests are numbered from 0, as those of any other."""
    return [
        json.dumps(
            {"problem": name, "request": i, "choice": 0, "text": fenced(source), "model": model, "plan": "direct",
             "language": "python", "temperature": 0.8, "seed": i, "prompt_tokens": 50, "completion_tokens": 20,
             "mean_logprob": -0.5, "finish_reason": "stop"}
        )
        for i, source in enumerate(sources)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model never passes the examples, the large one mostly does; each program is another text."""
    path = tmp_path_factory.mktemp("recording") / "two.jsonl"
    small = [f"{BUSY}print(-{i + 1})\n" for i in range(12)]
    large = [f"{BUSY}tag = {i}\n{(RIGHT, RIGHT_SLOWLY)[i % 2]}" for i in range(12)]
    path.write_text("\n".join(rows("fair-tickets", "small", small) + rows("fair-tickets", "large", large)) + "\n")
    return path


CASCADE = ("--cascade", "small:12,large:6", "--price", "small=1", "--price", "large=2", "--agreement", 0)


@pytest.fixture(scope="module")
def undisturbed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("calm") / "run"
    done = solve(PROBLEM, "--recorded", recording, *CASCADE, "--json", "--out", out)
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_what_the_small_model_cannot_do_the_large_one_does(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    _, report = undisturbed
    small, large = report["cascade"]
    assert (small["model"], small["samples"], small["survivors"]) == ("small", 8, 0), (
        "7.5 samples cost as much as waiting"
    )
    assert small["left"] == "none of 8 samples passes the examples"
    assert (large["model"], large["samples"], large["survivors"], large["left"]) == ("large", 6, 6, None)
    assert report["counts"]["samples"] == 14
    assert report["passes_examples"]
    assert {submission["model"] for submission in report["submissions"]} == {"large"}
    assert (small["usd"], large["usd"]) == (0.00016, 0.00024)


def test_a_problem_the_small_model_solves_never_reaches_the_large_one(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join(rows("fair-tickets", "small", [RIGHT, RIGHT_SLOWLY] * 2)) + "\n")
    done = solve(PROBLEM, "--recorded", path, "--cascade", "small:4,large:4", "--accept", 0, "--json",
                 "--out", tmp_path / "run")  # fmt: skip
    (level,) = json.loads(done.stdout)["cascade"]
    assert (level["model"], level["samples"]) == ("small", 4)


def test_its_own_recording_replays_the_same_decisions(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, report = undisturbed
    assert solve("samples", out, tmp_path / "again.jsonl.gz").returncode == 0
    done = solve(PROBLEM, "--recorded", tmp_path / "again.jsonl.gz", *CASCADE, "--json", "--out", tmp_path / "run")
    assert without_machine(json.loads(done.stdout)) == without_machine(report)


def test_killed_on_each_level_it_ends_with_the_undisturbed_report(
    recording: Path, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [str(SOLVE), str(PROBLEM), "--recorded", str(recording), *map(str, CASCADE), "--out", str(out), "--quiet"]
    for least in (3, 20):
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for_executions([out / "run.sqlite"], least, process)
        assert process.poll() is None, "the run ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        command = [str(SOLVE), "resume", str(out), "--quiet"]
    done = solve("resume", out, "--json")
    assert without_machine(json.loads(done.stdout)) == without_machine(undisturbed[1])
    assert json.loads(done.stdout)["counts"]["executed_twice"] == 0


def start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for_executions(stores: list[Path], least: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        done = 0
        for path in filter(Path.exists, stores):
            with Store(path) as store:
                done += store.query("SELECT count(*) FROM executions")[0][0]
        if done >= least:
            return
        time.sleep(0.01)


# --- a benchmark --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The small model can double and not negate; nobody can do the third."""
    folder = tmp_path_factory.mktemp("data")
    data, recording = folder / "contests.jsonl", folder / "two.jsonl"
    problems = [
        problem("negate", -1, [("9\n", "-9\n")]),
        problem("double", 2, [("11\n", "22\n")]),
        problem("triple", 3, [("11\n", "33\n")]),
    ]
    data.write_text("".join(json.dumps(one) + "\n" for one in problems))
    lines = []
    for name, small, large in (
        ("negate", DOUBLE, NEGATE),
        ("double", DOUBLE, DOUBLE),
        ("triple", DOUBLE, NEGATE),
    ):
        lines += rows(name, "small", [f"# {i}\n{small}a = {i}\n" for i in range(4)])
        lines += rows(name, "large", [f"# {i}\n{large}b = {i}\n" for i in range(2)])
    recording.write_text("\n".join(lines) + "\n")
    return data, recording


def bench_command(files: tuple[Path, Path], out: Path) -> list[object]:
    data, recording = files
    return ["bench", "code_contests", "--data", data, "--recorded", recording, "--out", out, "--workers", 1,
            "--cascade", "small:4,large:2", "--accept", 0]  # fmt: skip


@pytest.fixture(scope="module")
def bench(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("bench") / "run"
    done = solve(*bench_command(files, out), "--json", "--quiet", timeout=400)
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_a_bench_hands_on_only_what_the_small_model_cannot_do(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    assert {row["problem"]: (row["samples"], row["solved"]["10"]) for row in results["per_problem"]} == {
        "negate": (6, True),
        "double": (4, True),
        "triple": (6, False),
    }
    assert len(list((out / "sessions").glob("*.json"))) == 2, "one pass a model"


def test_the_figures_say_what_each_model_alone_solves_a_million_tokens(bench: tuple[Path, dict[str, Any]]) -> None:
    _, results = bench
    small, large, together = results["by_model"]
    assert (small["model"], small["problems"], small["tokens"], small["by_k"][-1]["solved"]) == ("small", 3, 240, 1)
    assert (large["model"], large["problems"], large["tokens"], large["by_k"][-1]["solved"]) == ("large", 2, 80, 1)
    assert (together["tokens"], together["by_k"][-1]["solved"]) == (320, 2)
    assert together["by_k"][-1]["per_million"] == pytest.approx(2 / 320 * 1e6)
    assert large["by_k"][-1]["whole_per_million"] == pytest.approx(1 / 240 * 1e6), "both models, on its two problems"


def test_a_bench_killed_between_its_models_ends_with_the_same_figures(
    files: tuple[Path, Path], bench: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [str(SOLVE), *map(str, bench_command(files, out)), "--quiet"]
    for least in (4, 30):
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not (out / "plan.jsonl").exists():
            time.sleep(0.01)
        stores = [
            out / "problems" / f"000{n}-{name}" / "run.sqlite"
            for n, name in enumerate(("negate", "double", "triple"), 1)
        ]
        _wait_for_executions(stores, least, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        command = [str(SOLVE), "bench", "--resume", str(out), "--quiet"]
    done = solve("bench", "--resume", out, "--json", "--quiet", timeout=400)
    assert done.returncode == 0, done.stderr
    assert steady(json.loads(done.stdout)) == steady(bench[1])
