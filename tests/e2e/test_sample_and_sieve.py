"""Sampling on one machine, sieving on others: killed, sharded and merged, it comes to the same as one `solve bench`."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from eval.bench.merge import merge
from solver.cli import cli
from solver.errors import UserError
from solver.samplers.recordings import open_source
from solver.samplers.recordings.manifest import read_manifest
from solver.store import Store
from tests.e2e.answers import PROBLEM, RIGHT, SOLVE, fenced, record
from tests.e2e.test_bench import ANSWERS, DOUBLE, NEGATE, PROBLEMS, SHORT_OF_LARGE, problem, steady

MORE = [problem("thrice", 3, [("5\n", "15\n")]), problem("same", 1, [("4\n", "4\n")])]
THEIRS = {
    **ANSWERS,
    "thrice": ["print(3 * int(input()))\n", SHORT_OF_LARGE, DOUBLE],
    "same": ["print(input())\n", "n = int(input())\nprint(n if n < 9 else 0)\n", NEGATE],
}


def solve(*arguments: object) -> str:
    """In this process; what it wrote to stdout. Raises UserError."""
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Six problems, of which one has no hidden tests, and answers to five."""
    folder = tmp_path_factory.mktemp("data")
    data, recording = folder / "contests.jsonl", folder / "answers.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in PROBLEMS + MORE))
    rows = [
        {"problem": name, "request": i // 4, "choice": i % 4, "text": fenced(source), "mean_logprob": -0.5 - i / 8}
        for name, sources in THEIRS.items()
        for i, source in enumerate(sources)
    ]
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data, recording


@pytest.fixture(scope="module")
def shards(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two sampling machines would leave in one folder."""
    data, recording = files
    root = tmp_path_factory.mktemp("samples")
    for number in range(2):
        solve("sample", data, "--recorded", recording, "--shard", f"{number}/2", "--out", root / str(number),
              "--samples", 8, "--part-mib", 0.0005, "--quiet")  # fmt: skip
    assert sum(json.loads((root / n / "sampling.json").read_text())["run"]["samples"] for n in "01") == 16
    return root


@pytest.fixture(scope="module")
def whole(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The undivided run, on the recording itself."""
    data, recording = files
    out = tmp_path_factory.mktemp("whole") / "run"
    done = solve("bench", "code_contests", "--data", data, "--recorded", recording, "--samples", 8, "--out", out,
                 "--workers", 1, "--json", "--quiet")  # fmt: skip
    return out, json.loads(done)


@pytest.fixture(scope="module")
def sieved(files: tuple[Path, Path], shards: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What a job array of two sieving machines leaves."""
    outs = [tmp_path_factory.mktemp("sieved") / str(number) for number in range(2)]
    for number, out in enumerate(outs):
        solve("sieve", "code_contests", "--data", files[0], "--samples-from", shards, "--shard", f"{number}/2",
              "--out", out, "--workers", 1, "--quiet")  # fmt: skip
    return outs


def test_sharded_sieved_and_merged_is_the_same_as_the_undivided_run(
    whole: tuple[Path, dict[str, Any]], sieved: list[Path], tmp_path: Path
) -> None:
    done = solve("merge", tmp_path / "merged", *sieved, "--json")
    assert steady(json.loads(done)) == steady(whole[1])
    assert whole[1]["problems"] == 5
    again = solve("report", tmp_path / "merged", "--json")
    assert steady(json.loads(again)) == steady(whole[1])


def test_shards_may_be_merged_in_any_order_and_linked(
    whole: tuple[Path, dict[str, Any]], sieved: list[Path], tmp_path: Path
) -> None:
    done = solve("merge", tmp_path / "merged", *reversed(sieved), "--link", "--json")
    assert steady(json.loads(done)) == steady(whole[1])
    assert all(path.is_symlink() for path in (tmp_path / "merged" / "problems").iterdir())


def test_a_missing_shard_is_told(sieved: list[Path], tmp_path: Path) -> None:
    assert merge(tmp_path / "merged", [sieved[0]]) == ["without shard 1/2"]


def test_runs_of_another_configuration_are_not_merged(sieved: list[Path], tmp_path: Path) -> None:
    other = shutil.copytree(sieved[1], tmp_path / "other")
    config = json.loads((other / "bench.json").read_text())
    config["run"]["seed"] = 7
    (other / "bench.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"other: another configuration .*: run\.seed is 7, not 0"):
        merge(tmp_path / "merged", [sieved[0], other])
    assert not (tmp_path / "merged").exists()


def test_runs_that_share_a_problem_are_not_merged(sieved: list[Path], tmp_path: Path) -> None:
    other = shutil.copytree(sieved[0], tmp_path / "other")
    with pytest.raises(UserError, match=r"other: problem 'double' is in .* too"):
        merge(tmp_path / "merged", [sieved[0], other])
    assert not (tmp_path / "merged" / "bench.json").exists()


def test_choosing_again_from_a_run_says_what_the_run_said_and_runs_nothing(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, results = whole
    before = executions(out)
    done = solve("select", out, "--policy", "default,random,logprob", "--k", "1,10", "--json", "--quiet")
    found = json.loads(done)
    assert {row["policy"] for row in found["policies"]} == {"default", "random", "logprob"}
    default = found["policies"][0]
    ours = {str(row["k"]): row["value"] for row in results["solved"]}
    assert {k: round(interval["value"], 4) for k, interval in default["solved"].items()} == {
        k: round(value, 4) for k, value in ours.items()
    }
    assert executions(out) == before


def executions(out: Path) -> int:
    total = 0
    for path in out.glob("problems/*/run.sqlite"):
        with Store(path) as store:
            total += store.query("SELECT sum(runs) FROM executions")[0][0]
    return total


def test_of_a_single_run_each_policy_tells_its_submissions(whole: tuple[Path, dict[str, Any]]) -> None:
    (run,) = whole[0].glob("problems/*-double")
    done = solve("select", run, "--policy", "default,logprob", "--k", 2, "--json")
    (told,) = json.loads(done)["runs"]
    submitted = json.loads((run / "report.json").read_text())["submissions"]
    assert [c["program"] for c in told["policies"]["default"]] == [s["program"] for s in submitted][:2]
    assert told["policies"]["logprob"][0]["source"].strip() == SHORT_OF_LARGE.strip()  # the first has the best


def test_shards_are_a_pool_for_select(tmp_path: Path) -> None:
    recording = record(tmp_path / "answers.jsonl", [fenced(RIGHT), fenced("print(0)\n")])
    solve("sample", PROBLEM, "--recorded", recording, "--out", tmp_path / "s", "--quiet")
    results = []
    for pool in (recording, tmp_path / "s"):
        done = solve("select", "--samples", pool, "--problems", PROBLEM.parent.parent, "--policy", "default",
                     "--cache", tmp_path / "cache", "--json", "--quiet")  # fmt: skip
        results.append(json.loads(done)["policies"][0]["solved"])
    assert results[0] == results[1]
    assert results[0]["1"]["value"] == 1.0


# --- one problem --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_one_problem_sampled_by_two_machines_is_sieved_as_one(tmp_path: Path, form: str) -> None:
    recording = record(tmp_path / "answers.jsonl", [fenced(f"tag = {n}\n{RIGHT}") for n in range(16)])
    for number in range(2):
        done = solve("sample", PROBLEM.parent, "--recorded", recording, "--samples", 16, "--quiet", "--format", form,
                     "--shard", f"{number}/2", "--shard-by", "requests", "--out", tmp_path / "s" / str(number),
                     )  # fmt: skip
    done = solve("sieve", PROBLEM, "--samples-from", tmp_path / "s", "--out", tmp_path / "run", "--agreement", 0,
                 "--json", "--quiet")  # fmt: skip
    assert json.loads(done)["counts"]["samples"] == 16


def test_a_damaged_byte_ends_the_sieve_with_the_name_of_the_part(tmp_path: Path) -> None:
    recording = record(tmp_path / "answers.jsonl", [fenced(RIGHT)] * 4)
    solve("sample", PROBLEM, "--recorded", recording, "--out", tmp_path / "s", "--quiet")
    part = tmp_path / "s" / "part-00000.jsonl.zst"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(UserError, match=r"part-00000\.jsonl\.zst: damaged"):
        solve("sieve", PROBLEM, "--samples-from", tmp_path / "s", "--out", tmp_path / "run", "--quiet")


def test_damage_ends_a_benchmark_and_is_no_reason_to_skip_a_problem(
    files: tuple[Path, Path], shards: Path, tmp_path: Path
) -> None:
    samples = shutil.copytree(shards, tmp_path / "s")
    (samples / "1" / "part-00001.jsonl.zst").unlink()
    with pytest.raises(UserError, match=r"part-00001\.jsonl\.zst: missing"):
        solve("sieve", files[0], "--samples-from", samples, "--out", tmp_path / "run", "--workers", 1, "--quiet")


# --- killed -------------------------------------------------------------------------------------------


def test_killed_three_times_while_sampling_it_misses_nothing_and_has_nothing_twice(tmp_path: Path) -> None:
    total = 20_000
    recording = record(tmp_path / "answers.jsonl", [fenced(f"print({n})\n") for n in range(total)])
    out = tmp_path / "s"
    command = ["sample", PROBLEM, "--recorded", recording, "--samples", total, "--part-mib", 0.05, "--out", out]
    for least in (3, 25, 60):
        process = subprocess.Popen([str(SOLVE), *map(str, command), "--quiet"], start_new_session=True)
        wait_for_parts(out, least, process)
        assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        command = ["sample", "--resume", out]
    done = solve(*command, "--json", "--quiet")
    assert json.loads(done)["samples"] == total
    found = [row["request"] * 4 + row["choice"] for _, row in open_source(out).records(None)]
    assert found == list(range(total))


def wait_for_parts(out: Path, least: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "manifest.jsonl").exists() and len(read_manifest(out).parts) >= least:
            return
        time.sleep(0.005)


# --- mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sample"], "name a problem"),
        (["sample", "codecontest"], "unknown data set"),
        (["sample", PROBLEM, "--data", "x"], "--data goes with the name of a data set"),
        (["sample", PROBLEM, "--shard", "2/2"], "no shard"),
        (["sample", PROBLEM, "--shard", "one"], "no shard"),
        (["sample", PROBLEM, "--shard-by", "requests"], "needs --shard I/N"),
        (["sample", PROBLEM, "--max-seconds", 5], "--max-seconds"),
        (["sample", "--resume", PROBLEM.parent], "not made by `solve sample`"),
        (["sieve", PROBLEM, "--samples-from", "/nowhere/at/all"], "/nowhere/at/all"),
        (["sieve", PROBLEM, "--samples-from", PROBLEM.parent], "manifest.jsonl"),
        (["sieve", PROBLEM, "--samples-from", "x.jsonl", "--recorded", "y"], "leave --recorded"),
        (["sieve", PROBLEM, "--samples-from", "x.jsonl", "--shard", "0/2"], "holds one problem"),
        (["merge", "out", "/nowhere/at/all"], "not a benchmark run"),
        (["select"], "give directories of runs"),
        (["select", "/nowhere/at/all"], "not a run directory"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[Any], told: str, tmp_path: Path) -> None:
    out = ["--out", tmp_path / "run"] if arguments[0] in ("sample", "sieve") and "--resume" not in arguments else []
    with pytest.raises((UserError, click.ClickException)) as caught:
        solve(*arguments, *out)
    message = caught.value.format_message() if isinstance(caught.value, click.ClickException) else str(caught.value)
    assert told in message
    assert "\n" not in message


def test_a_directory_that_holds_samples_is_not_begun_again(shards: Path) -> None:
    with pytest.raises(UserError, match=f"--resume {shards / '0'}"):
        solve("sample", PROBLEM, "--recorded", "x.jsonl", "--out", shards / "0")


def test_what_fails_before_a_sample_is_drawn_leaves_nothing_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="/nowhere/at/all"):
        solve("sample", PROBLEM, "--model", "/nowhere/at/all", "--out", tmp_path / "s")
    assert not (tmp_path / "s" / "sampling.json").exists()


def test_a_sampling_shard_without_problems_is_no_mistake(files: tuple[Path, Path], tmp_path: Path) -> None:
    done = solve("sample", files[0], "--recorded", files[1], "--shard", "9/10", "--out", tmp_path / "s", "--json")
    assert json.loads(done)["samples"] == 0
