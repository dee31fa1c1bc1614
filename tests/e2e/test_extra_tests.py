"""`--extra-tests`: after the judge, reference solutions say which accepted submissions are wrong."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.answers import SOLVE, fenced, solve

DOUBLE = "print(2 * int(input()))\n"
LUCKY = "n = int(input())\nprint(2 * n if n < 60 else n)\n"
ADD = "n = int(input())\nprint(n + n)\n"
SHIFT = "print(int(input()) << 1)\n"


def problem(name: str, solutions: list[str]) -> dict[str, Any]:
    """Its hidden tests hold small numbers alone."""
    return {
        "name": name,
        "description": "Read an integer n (1 <= n <= 100000) and print 2 n.\n\nInput\n\nAn integer n.\n",
        "public_tests": {"input": ["3\n", "7\n"], "output": ["6\n", "14\n"]},
        "private_tests": {"input": ["5\n", "50\n"], "output": ["10\n", "100\n"]},
        "generated_tests": {"input": [], "output": []},
        "solutions": {"language": [3] * len(solutions), "solution": solutions},
    }


PROBLEMS = [
    problem("lucky", [ADD, SHIFT]),
    problem("unreferenced", []),
    problem("right", [SHIFT, ADD]),
    problem("unsolved", [ADD, SHIFT]),
]
ANSWERS = {"lucky": LUCKY, "unreferenced": LUCKY, "right": DOUBLE, "unsolved": "print(6)\n"}


def write(folder: Path, problems: list[dict[str, Any]]) -> list[object]:
    """The arguments of a benchmark run on these problems, one recorded answer each."""
    data, recording = folder / "contests.jsonl", folder / "answers.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in problems))
    rows = [
        {"problem": name, "request": 0, "choice": 0, "text": fenced(source), "model": "written-by-us",
         "plan": "direct", "language": "python", "temperature": 0.8, "seed": 1, "prompt_tokens": 50,
         "completion_tokens": 20, "mean_logprob": -0.5, "finish_reason": "stop"}
        for name, source in ANSWERS.items()
    ]  # fmt: skip
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["bench", "code_contests", "--data", data, "--recorded", recording, "--workers", 1]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("extra")
    done = solve(*write(folder, PROBLEMS), "--out", folder / "run", "--json", "--quiet", "--extra-tests", 20)
    assert done.returncode == 0, done.stderr
    return folder / "run", json.loads(done.stdout)


def test_an_accepted_program_that_is_wrong_is_found_and_a_right_one_is_not_blamed(
    bench: tuple[Path, dict[str, Any]],
) -> None:
    _, results = bench
    found = {row["problem"]: row["extra_tests"] for row in results["per_problem"]}
    assert (found["lucky"]["checked"], found["lucky"]["failed"]) == (1, 1)
    assert (found["right"]["checked"], found["right"]["failed"]) == (1, 0)
    assert "2 are needed" in found["unreferenced"]["why"]
    assert found["unsolved"] is None
    figures = results["false_positives"]
    assert (figures["checked"], figures["failed"], figures["rate"]["value"]) == (2, 1, 0.5)


def test_what_passes_too_few_tests_does_not_count_as_solved_strictly(bench: tuple[Path, dict[str, Any]]) -> None:
    _, results = bench
    assert results["solved"][0]["problems"] == 3
    assert results["false_positives"]["strictly_solved"][0]["value"] == 0.5


def test_only_solved_problems_are_looked_at(bench: tuple[Path, dict[str, Any]]) -> None:
    out, _ = bench
    assert {row["problem"] for row in map(json.loads, (out / "extra.jsonl").read_text().splitlines())} == {
        "lucky",
        "unreferenced",
        "right",
    }


def test_the_same_inputs_are_not_run_again_and_a_torn_line_is_made_again(bench: tuple[Path, dict[str, Any]]) -> None:
    out, results = bench
    rows = (out / "extra.jsonl").read_text().splitlines(keepends=True)
    planted = rows[0].replace('"WA"', '"TLE"')
    (out / "extra.jsonl").write_text("".join([planted, *rows[1:-1], rows[-1][:30]]))
    again = solve("report", out, "--extra-tests", 20, "--json")
    assert again.returncode == 0, again.stderr
    kept = (out / "extra.jsonl").read_text().splitlines(keepends=True)
    assert kept == [planted, *rows[1:]]
    (out / "extra.jsonl").write_text("".join(rows))
    assert json.loads(solve("report", out, "--json").stdout) == results


def test_another_number_of_inputs_is_run_anew(bench: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = bench
    before = (out / "extra.jsonl").read_text()
    assert solve("report", out, "--extra-tests", 5, "--json").returncode == 0
    assert {row["asked"] for row in map(json.loads, (out / "extra.jsonl").read_text().splitlines())} == {5}
    (out / "extra.jsonl").write_text(before)


def test_killed_it_leaves_nothing_behind_and_goes_on(tmp_path: Path) -> None:
    problems = [problem("lucky", [ADD, SHIFT, "import time\ntime.sleep(0.1)\nprint(2 * int(input()))\n"])]
    out = tmp_path / "run"
    assert solve(*write(tmp_path, problems), "--out", out, "--quiet").returncode == 0
    process = subprocess.Popen(
        [str(SOLVE), "report", str(out), "--extra-tests", "200"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    family: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(family) < 3 and time.monotonic() < deadline and process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.02)
    assert len(family) >= 3, "the sandbox never ran"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    done = solve("report", out, "--extra-tests", 20, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["false_positives"]["failed"] == 1


def test_a_data_set_without_reference_solutions_says_so_in_one_line_before_anything_is_sampled(tmp_path: Path) -> None:
    done = solve("bench", "livecodebench", "--extra-tests", 20, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "livecodebench has no reference solutions" in done.stderr
    assert "apps" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_problems_without_reference_solutions_are_told_of_in_one_line(tmp_path: Path) -> None:
    done = solve(*write(tmp_path, [problem("right", [])]), "--out", tmp_path / "run", "--extra-tests", 5, "--json")
    assert done.returncode == 0
    (told,) = [line for line in done.stderr.splitlines() if "extra tests: no problem has any" in line]
    assert "0 accepted reference solutions" in told
    assert json.loads(done.stdout)["false_positives"]["rate"] is None
