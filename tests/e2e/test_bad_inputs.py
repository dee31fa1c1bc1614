"""Every mistake a user can make: one clear line that names the culprit, exit code 2, no traceback."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.answers import PROBLEM, RIGHT, fenced, record, solve

GOOD = json.loads(PROBLEM.read_text())
FUNCTION = {"mode": "function", "entry_point": "f", "examples": [{"input": "1", "output": "2"}]}
Arguments = list[object]


def problem_file(folder: Path, text: str | bytes, name: str = "problem.json") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def changed(folder: Path, **changes: object) -> Path:
    record = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return problem_file(folder, json.dumps(record))


def looping_link(folder: Path) -> Path:
    """Unreadable even to root."""
    if not (folder / "loop").is_symlink():
        (folder / "loop").symlink_to("loop")
    return folder / "loop"


def with_recording(folder: Path, text: str | bytes) -> Arguments:
    return [PROBLEM, "--recorded", problem_file(folder, text, "samples.jsonl")]


# name -> (arguments for solve, words the line must hold)
MISTAKES: dict[str, tuple[Callable[[Path], Arguments], tuple[str, ...]]] = {
    "no such file": (lambda d: [d / "nowhere.json"], ("nowhere.json",)),
    "empty file": (lambda d: [problem_file(d, "")], ("problem.json", "empty")),
    "broken JSON": (lambda d: [problem_file(d, '{"name": "x",\n "statement": }')], ("problem.json", "line 2")),
    "JSON cut short": (lambda d: [problem_file(d, json.dumps(GOOD)[:-20])], ("problem.json",)),
    "JSON nested beyond reason": (lambda d: [problem_file(d, "[" * 100_000)], ("problem.json",)),
    "not UTF-8": (lambda d: [problem_file(d, b'{"name": "\xff\xfe"}')], ("problem.json", "UTF-8")),
    "a number instead of an object": (lambda d: [problem_file(d, "42")], ("problem.json",)),
    "an object of no known format": (lambda d: [problem_file(d, '{"foo": 1, "bar": 2}')], ("foo", "bar")),
    "statement missing": (lambda d: [changed(d, statement=...)], ("statement",)),
    "statement empty": (lambda d: [changed(d, statement="")], ("statement",)),
    "examples of a wrong type": (lambda d: [changed(d, examples="1 2 3")], ("examples",)),
    "example without output": (lambda d: [changed(d, examples=[{"input": "1"}])], ("examples", "output")),
    "negative time limit": (lambda d: [changed(d, time_limit_seconds=-1)], ("time_limit_seconds",)),
    "memory limit in words": (lambda d: [changed(d, memory_limit_bytes="lots")], ("memory_limit_bytes",)),
    "unknown checker": (lambda d: [changed(d, checker={"kind": "vibes"})], ("checker",)),
    "function mode without a function": (lambda d: [changed(d, mode="function")], ("entry_point",)),
    "no examples": (lambda d: [changed(d, examples=[])], ("examples",)),
    "a misspelt field": (lambda d: [changed(d, exmaples=[])], ("exmaples",)),
    "broken gzip": (lambda d: [problem_file(d, b"\x1f\x8b\x08broken", "p.jsonl.gz")], ("p.jsonl.gz",)),
    "a directory that cannot be entered": (lambda d: [looping_link(d)], ("loop",)),
    "a directory that holds no problem": (lambda d: [d], (".",)),
    "several records and no --id": (
        lambda d: [problem_file(d, "\n".join(json.dumps({**GOOD, "name": n}) for n in "ab"), "two.jsonl")],
        ("--id", "two.jsonl"),
    ),
    "an --id that is not in the file": (
        lambda d: [problem_file(d, "\n".join(json.dumps({**GOOD, "name": n}) for n in "ab"), "two.jsonl"), "--id", "z"],
        ("'z'",),
    ),
    "zero samples": (lambda d: [PROBLEM, "--samples", 0], ("--samples",)),
    "samples in words": (lambda d: [PROBLEM, "--samples", "many"], ("--samples",)),
    "eleven submissions": (lambda d: [PROBLEM, "--submissions", 11], ("--submissions",)),
    "negative budget": (lambda d: [PROBLEM, "--max-seconds", -5], ("--max-seconds",)),
    "unknown language": (lambda d: [PROBLEM, "--languages", "python,cobol"], ("cobol", "python")),
    "no language": (lambda d: [PROBLEM, "--languages", ","], ("--languages",)),
    "C++ in function mode": (
        lambda d: [changed(d, **FUNCTION), "--languages", "cpp"],
        ("function", "cpp"),
    ),
    "temperature upside down": (lambda d: [PROBLEM, "--temperature", "1.0:0.2"], ("--temperature",)),
    "temperature in words": (lambda d: [PROBLEM, "--temperature", "warm"], ("--temperature", "warm")),
    "unknown plan": (lambda d: [PROBLEM, "--plans", "telepathy"], ("telepathy", "direct")),
    "plans file missing": (lambda d: [PROBLEM, "--plans-file", d / "no.toml"], ("no.toml",)),
    "unknown policy": (lambda d: [PROBLEM, "--select", "best"], ("best", "largest")),
    "unknown option": (lambda d: [PROBLEM, "--smaples", 3], ("--smaples",)),
    "unknown model": (lambda d: [PROBLEM, "--model", "qwen-9000"], ("qwen-9000",)),
    "a model directory without a model": (lambda d: [PROBLEM, "--model", d], ("config.json",)),
    "a GGUF file that is none": (
        lambda d: [PROBLEM, "--model", problem_file(d, "not a model", "x.gguf")],
        ("x.gguf",),
    ),
    "an endpoint nobody listens at": (
        lambda d: [PROBLEM, "--base-url", "http://127.0.0.1:9/v1", "--model", "m"],
        ("127.0.0.1:9",),
    ),
    "both a recording and an endpoint": (
        lambda d: [PROBLEM, "--recorded", d / "x", "--base-url", "http://127.0.0.1:9"],
        ("--recorded", "--base-url"),
    ),
    "recording missing": (lambda d: [PROBLEM, "--recorded", d / "none.jsonl"], ("none.jsonl",)),
    "recording with a broken line": (
        lambda d: with_recording(d, record(d / "ok.jsonl", ["x"]).read_text() + "{oops\n"),
        ("samples.jsonl:2",),
    ),
    "recording of another problem": (
        lambda d: with_recording(d, record(d / "o.jsonl", ["x"]).read_text().replace("fair-tickets", "elsewhere")),
        ("elsewhere",),
    ),
    "resume of what is no run": (lambda d: ["resume", d], ("not a run directory",)),
    "show of what is no run": (lambda d: ["show", d / "nothing"], ("not a run directory",)),
    "a run directory that is a file": (
        lambda d: [PROBLEM, "--recorded", record(d / "r.jsonl", ["x"]), "--out", d / "r.jsonl"],
        ("r.jsonl",),
    ),
    "fetching a model we do not have": (lambda d: ["models", "fetch", "gpt-17"], ("gpt-17",)),
}  # fmt: skip


def assert_one_clear_line(done: subprocess.CompletedProcess[str], words: tuple[str, ...]) -> None:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert len(lines) == 1, done.stderr
    assert lines[-1].startswith("solve: error:"), done.stderr
    for word in words:
        assert word in lines[-1]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_clear_line_and_exit_code_2(mistake: str, tmp_path: Path) -> None:
    arguments, words = MISTAKES[mistake]
    options = [] if str(arguments(tmp_path)[0]) in ("resume", "show", "models") else ["--quiet"]
    for leftover in tmp_path.iterdir():
        if leftover.is_file():
            leftover.unlink()
    assert_one_clear_line(solve(*arguments(tmp_path), *options, env={"PWD": str(tmp_path)}), words)


def test_a_missing_compiler_is_named_before_anything_is_sampled(tmp_path: Path) -> None:
    recording = record(tmp_path / "r.jsonl", [fenced(RIGHT)])
    done = solve(PROBLEM, "--recorded", recording, "--languages", "cpp", env={"PATH": str(tmp_path)})
    assert_one_clear_line(done, ("g++",))


def test_a_run_directory_in_use_by_a_finished_run_is_not_overwritten(tmp_path: Path) -> None:
    recording = record(tmp_path / "r.jsonl", [fenced(RIGHT)])
    assert solve(PROBLEM, "--recorded", recording, "--out", tmp_path / "run", "--json").returncode == 0
    before = (tmp_path / "run/report.json").read_bytes()
    again = solve(PROBLEM, "--recorded", recording, "--out", tmp_path / "run")
    assert_one_clear_line(again, ("already holds a run", "solve resume"))
    assert (tmp_path / "run/report.json").read_bytes() == before


def test_a_full_disk_keeps_what_was_recorded_and_says_so(tmp_path: Path) -> None:
    """On a real file system of 1 MiB, which only root may mount."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    try:
        texts = [fenced(f"s = {os.urandom(2000).hex()!r}\n{RIGHT}") for _ in range(400)]
        done = solve(
            PROBLEM,
            "--recorded",
            record(tmp_path / "r.jsonl", texts),
            "--samples",
            400,
            "--agreement",
            0,
            "--out",
            small / "run",
        )
        assert_one_clear_line(done, ("full",))
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_mistaken_run_does_not_take_its_directory(tmp_path: Path) -> None:
    assert solve(PROBLEM, "--recorded", tmp_path / "tpyo.jsonl", "--out", tmp_path / "run", "-q").returncode == 2
    right = record(tmp_path / "typo.jsonl", [fenced(RIGHT)])
    assert solve(PROBLEM, "--recorded", right, "--out", tmp_path / "run", "-q").returncode == 0


def test_a_report_of_another_shape_is_not_shown_as_a_traceback(tmp_path: Path) -> None:
    recording = record(tmp_path / "r.jsonl", [fenced(RIGHT)])
    solve(PROBLEM, "--recorded", recording, "--out", tmp_path / "run", "-q")
    (tmp_path / "run/report.json").write_text("{}")
    assert_one_clear_line(solve("show", tmp_path / "run"), ("report.json",))


def test_a_run_can_be_resumed_from_another_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path / "r.jsonl", [fenced(RIGHT)])
    monkeypatch.chdir(tmp_path)
    assert solve(PROBLEM, "--recorded", "r.jsonl", "--out", "run", "-q").returncode == 0
    (tmp_path / "run/report.json").unlink()
    monkeypatch.chdir("/")
    assert solve("resume", tmp_path / "run", "-q").returncode == 0


def test_an_answer_in_a_language_without_compiler_is_dropped_and_counted(tmp_path: Path) -> None:
    cpp = "```cpp\n#include <iostream>\nint main() { std::cout << 1; }\n```"
    recording = record(tmp_path / "r.jsonl", [cpp, fenced(RIGHT)])
    done = solve(PROBLEM, "--recorded", recording, "--json", "--out", tmp_path / "run", env={"PATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["extraction"] == {"no_toolchain": 1, "ok": 1}
