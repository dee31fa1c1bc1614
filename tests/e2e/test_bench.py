"""`solve bench` on problems and answers of our own, in the real sandbox, with the judge in its own process."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from eval.bench.problem_run import load_runs
from eval.bench.verdicts import Verdicts
from solver.store import Store
from tests.e2e.answers import SOLVE, fenced, solve

CANARY = "271828182845904523536"
DOUBLE = "print(2 * int(input()))\n"
SHORT_OF_LARGE = "n = int(input())\nprint(2 * n if n < 1000 else n)\n"
NEGATE = "print(-int(input()))\n"


def problem(name: str, factor: int, hidden: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"Read an integer n (1 <= n <= 10000) and print {factor} n.\n\nInput\n\nAn integer n.\n",
        "public_tests": {"input": ["3\n", "7\n"], "output": [f"{3 * factor}\n", f"{7 * factor}\n"]},
        "private_tests": {"input": [i for i, _ in hidden], "output": [o for _, o in hidden]},
        "generated_tests": {"input": [], "output": []},
        "solutions": {"language": [], "solution": []},
        "time_limit": None,
        "difficulty": 7,
        "cf_rating": 800,
        "cf_tags": ["math"],
        "source": 2,
    }


PROBLEMS = [
    problem("double", 2, [("5000\n", "10000\n"), ("1\n", "2\n")]),
    problem("negate", -1, [("9\n", f"-9\n{CANARY}\n")]),  # nobody can be right
    problem("untested", 2, []),
    problem("again", 2, [("11\n", "22\n")]),
]
ANSWERS = {
    "double": [SHORT_OF_LARGE, DOUBLE, f"# second\n{DOUBLE}", NEGATE],
    "negate": [NEGATE, DOUBLE],
    "again": [DOUBLE, "print('?')\n"],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("data")
    data, recording = folder / "contests.jsonl", folder / "answers.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in PROBLEMS))
    rows = [
        {"problem": name, "request": i // 4, "choice": i % 4, "text": fenced(source), "model": "written-by-us",
         "plan": "direct", "language": "python", "temperature": 0.8, "seed": i, "prompt_tokens": 50,
         "completion_tokens": 20, "mean_logprob": -0.5, "finish_reason": "stop"}
        for name, sources in ANSWERS.items()
        for i, source in enumerate(sources)
    ]  # fmt: skip
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data, recording


def command(files: tuple[Path, Path], out: Path, *more: object) -> list[object]:
    data, recording = files
    return ["bench", "code_contests", "--data", data, "--recorded", recording, "--out", out, "--workers", 1, *more]


def steady(results: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on the machine or on interruptions."""
    rows = [{k: v for k, v in row.items() if k != "timing"} for row in results["per_problem"]]
    return {k: v for k, v in results.items() if k != "timing"} | {"per_problem": rows}


@pytest.fixture(scope="module")
def bench(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("bench") / "run"
    done = solve(*command(files, out, "--json", "--quiet", "--export", "markdown,parquet"))
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_a_problem_counts_as_solved_only_when_its_hidden_tests_pass(bench: tuple[Path, dict[str, Any]]) -> None:
    _, results = bench
    assert results["problems"] == 3
    assert {row["problem"]: row["solved"]["10"] for row in results["per_problem"]} == {
        "double": True,
        "negate": False,
        "again": True,
    }
    assert results["skipped"] == {"no hidden tests": 1}


def test_figures_report_and_exports_lie_in_the_directory(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    assert json.loads((out / "results.json").read_text()) == results
    assert "<html" in (out / "report.html").read_text()[:500].lower()
    assert {"results.md", "problems.parquet"} <= {path.name for path in out.iterdir()}


def test_programs_that_fail_an_example_are_not_judged_and_all_others_are(bench: tuple[Path, dict[str, Any]]) -> None:
    out, _ = bench
    double = next(run for run in load_runs(out) if run.name == "double")
    found = dict(zip((c.source for c in double.evidence.candidates), double.verdict, strict=True))
    assert found == {SHORT_OF_LARGE: "WA", DOUBLE: "AC", NEGATE: "not judged"}


def test_nothing_hidden_is_in_what_the_engine_reads_or_writes(bench: tuple[Path, dict[str, Any]]) -> None:
    out, _ = bench
    written = [path for path in (out / "problems").rglob("*") if path.is_file()] + [out / "plan.jsonl", out / "log.txt"]
    assert len(written) > 10
    assert not any(CANARY.encode() in path.read_bytes() for path in written)


def test_the_report_can_be_made_again_and_says_the_same(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    assert json.loads(solve("report", out, "--json").stdout) == results


def test_a_finished_run_resumes_to_the_same_figures_and_runs_nothing(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    before = {path: path.stat().st_mtime_ns for path in (out / "problems").rglob("report.json")}
    done = solve("bench", "--resume", out, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == results
    assert {path: path.stat().st_mtime_ns for path in (out / "problems").rglob("report.json")} == before


def test_each_session_leaves_what_it_did_for_plans(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    told = json.loads((out / "sessions" / "0000.json").read_text())
    assert (told["finished"], told["samples"]) == (True, results["samples"])
    assert told["driver_cpu_seconds"] > 0
    checked = solve("plan", "--check", out, "--json")
    rows = {row["name"]: row["actual"] for row in json.loads(checked.stdout)["rows"]}
    assert rows["completion tokens"] == 20 * results["samples"]


def test_a_scorer_can_be_trained_on_it(bench: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = bench
    done = solve("train-scorer", out, "--out", tmp_path / "mine.json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == 3


def test_traces_hold_what_the_judge_said_of_each_submission(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = solve(*command(files, out, "--quiet", "--trace", "--ids", "double"))
    assert done.returncode == 0, done.stderr
    lines = (out / "traces.jsonl").read_text().splitlines()
    spans = [
        span
        for line in lines
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    names = [span["name"] for span in spans]
    assert names.count("judge") == 2
    assert len({span["traceId"] for span in spans}) == 1


def test_killed_twice_it_ends_with_the_figures_of_an_undisturbed_run(
    files: tuple[Path, Path], bench: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    started = [str(SOLVE), *map(str, command(files, out, "--quiet"))]
    for least in (1, 4):
        process = subprocess.Popen(started, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _wait_for_executions(out, least, process)
        family = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == [], "the judge or the sandbox outlived the driver"
        started = [str(SOLVE), "bench", "--resume", str(out), "--quiet"]
    done = solve("bench", "--resume", out, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert steady(json.loads(done.stdout)) == steady(bench[1])
    for store in out.glob("problems/*/run.sqlite"):
        with Store(store) as opened:
            assert opened.query("SELECT count(*) FROM executions WHERE runs > 1") == [(0,)]


def _wait_for_executions(out: Path, least: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        done = 0
        for store in out.glob("problems/*/run.sqlite"):
            with Store(store) as opened:
                done += opened.query("SELECT count(*) FROM executions")[0][0]
        if done >= least:
            return
        time.sleep(0.01)


def test_ctrl_c_keeps_everything_says_how_to_go_on_and_exits_130(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [str(SOLVE), *map(str, command(files, out))], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    _wait_for_executions(out, 1, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it had ended before the signal came")
    assert process.returncode == 130
    assert f"solve bench --resume {out}" in told.replace("\n", "")
    assert solve("bench", "--resume", out, "--json", "--quiet").returncode == 0


def test_verdicts_that_were_lost_are_judged_again(
    files: tuple[Path, Path], bench: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert solve(*command(files, out, "--quiet")).returncode == 0
    with Verdicts(out / "verdicts.sqlite") as verdicts:
        verdicts._db.execute("DELETE FROM judgements")
        verdicts._db.execute("UPDATE problems SET judged = 0")
    done = solve("bench", "--resume", out, "--json", "--quiet")
    assert steady(json.loads(done.stdout)) == steady(bench[1])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bench"], "name a data set"),
        (["bench", "codecontest"], "unknown data set"),
        (["bench", "code_contests", "--data", "/nowhere/at/all.jsonl"], "/nowhere/at/all.jsonl"),
        (["bench", "code_contests", "--rating", "high"], "a rating is"),
        (["bench", "code_contests", "--k", "11"], "ks"),
        (["bench", "code_contests", "--k", "many"], "no list of numbers"),
        (["bench", "--resume", "/nowhere/at/all"], "not a benchmark run"),
        (["report", "/nowhere/at/all"], "not a benchmark run"),
        (["bench", "code_contests", "--export", "xls"], "no export format"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = solve(*arguments, *(["--out", tmp_path / "run"] if "code" in str(arguments) else []))
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_directory_that_holds_a_benchmark_run_is_not_begun_again(
    files: tuple[Path, Path], bench: tuple[Path, dict[str, Any]]
) -> None:
    out, _ = bench
    done = solve(*command(files, out))
    assert done.returncode == 2
    assert f"--resume {out}" in done.stderr


def test_what_fails_before_a_sample_is_drawn_leaves_no_run_to_go_on_with(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = solve("bench", "code_contests", "--data", files[0], "--model", "/nowhere/at/all", "--out", out)
    assert (done.returncode, "--resume" in done.stderr) == (2, False)
    assert not (out / "bench.json").exists()
    assert solve(*command(files, out, "--quiet")).returncode == 0, "the same --out can be used again"


def test_a_shard_without_problems_is_no_mistake(files: tuple[Path, Path], tmp_path: Path) -> None:
    done = solve(*command(files, tmp_path / "run", "--shard", "9/10", "--json"))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"problems": 0})
    assert solve(*command(files, tmp_path / "other", "--difficulty", "EASY")).returncode == 2


def test_a_run_goes_on_with_as_many_workers_as_it_is_told(
    files: tuple[Path, Path], bench: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert solve(*command(files, out, "--quiet")).returncode == 0
    (next(out.glob("problems/*")) / "report.json").unlink()
    done = solve("bench", "--resume", out, "--workers", 2, "--json", "--quiet")
    assert steady(json.loads(done.stdout)) == steady(bench[1])
    assert json.loads((next(out.glob("problems/*")) / "report.json").read_text())["machine"]["workers"] == 2
    assert json.loads((out / "bench.json").read_text())["run"]["workers"] == 2


def test_a_dry_run_estimates_and_writes_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = files
    out = tmp_path / "run"
    done = solve("bench", "code_contests", "--data", data, "--samples", 100, "--dry-run", "--json",
                 "--tokens-per-second", 100, "--out", out)  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["problems"], found["skipped"], found["samples"]) == (3, 1, 300)
    assert found["seconds"] == pytest.approx(found["completion_tokens"] / 100, abs=1)
    assert not out.exists()
