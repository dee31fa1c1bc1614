"""Jobs on a real SLURM: slurmctld and two slurmd on this machine, made by scripts/slurm/test_cluster.sh.

Whatever ends a job, it goes on where it was, ends with the figures of the undisturbed run, and runs nothing twice. Not
covered: GPUs, cgroups, several machines.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.answers import ROOT, SOLVE, fenced, without_machine
from tests.e2e.test_bench import problem, steady

SCRIPTS = ROOT / "scripts" / "slurm"
CLUSTER, ARRAY, JOB = SCRIPTS / "test_cluster.sh", SCRIPTS / "array", SCRIPTS / "solve.sbatch"
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
PATIENCE_SECONDS = 600.0
SLOWLY = "import time\ntime.sleep(0.25)\n"  # not by CPU time: the jobs of a test share few cores


def missing() -> str:
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        return f"no {', '.join(lacking)} here; on Debian: apt-get install slurm-wlm munge"
    return "slurmd needs root" if os.geteuid() else ""


ON_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="no Ray here; pip install 'codesieve[cluster]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]


class Slurm:
    """A cluster and where its jobs are submitted from. log: of one job, whatever its restarts."""

    def __init__(self, root: Path, here: Path) -> None:
        self.here = here
        # An application that already limits its own threads must not make the sandbox smaller.
        path = f"{SOLVE.parent}:{os.environ['PATH']}"
        self.env = {**os.environ, "SLURM_CONF": str(root / "slurm.conf"), "PATH": path, "OMP_NUM_THREADS": "1"}

    def __call__(self, *command: object) -> str:
        return subprocess.run(
            list(map(str, command)), cwd=self.here, env=self.env, capture_output=True, text=True, check=True
        ).stdout

    def sbatch(self, *arguments: object) -> str:
        return self("sbatch", "--parsable", *arguments).strip()

    def field(self, job: str, name: str) -> str:
        found = re.search(rf"\b{name}=(\S+)", self("scontrol", "show", "job", job))
        assert found is not None
        return found[1]

    def state(self, job: str) -> str:
        return self.field(job, "JobState")

    def wait_for(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            told = "".join(path.read_text() for path in self.here.glob("slurm-*.out"))
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS:g} s\n{self('squeue')}\n{told}"
            time.sleep(0.1)

    def end_of(self, job: str) -> str:
        """The state in which it ended for good."""
        ends = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        self.wait_for(lambda: self.state(job) in ends, f"the end of job {job}")
        return self.state(job)

    def log(self, job: str) -> str:
        return (self.here / f"slurm-{job}.out").read_text()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("slurm")
    done = subprocess.run([CLUSTER, "up", root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield root
    subprocess.run([CLUSTER, "down", root], check=False)


@pytest.fixture
def slurm(root: Path, tmp_path: Path) -> Iterator[Slurm]:
    slurm = Slurm(root, tmp_path)
    yield slurm
    slurm("scancel", "--me")
    slurm.wait_for(lambda: not slurm("squeue", "-h"), "an empty queue")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """A benchmark of some seconds: three problems with six different answers each."""
    folder = tmp_path_factory.mktemp("data")
    data, recording = folder / "contests.jsonl", folder / "answers.jsonl"
    factors = (2, 3, 5)
    problems = [problem(f"times-{k}", k, [("5000\n", f"{5000 * k}\n"), ("1\n", f"{k}\n")]) for k in factors]
    data.write_text("".join(json.dumps(one) + "\n" for one in problems))
    bodies = ["print(K * int(input()))\n", "print(min(9999, K * int(input())))\n", "print(9)\n"]
    texts = [fenced(f"{SLOWLY}tag = {i}\n{body}") for i, body in enumerate(bodies * 2)]
    rows = [
        {"problem": f"times-{k}", "request": i // 3, "choice": i % 3, "text": text.replace("K", str(k)),
         "model": "written-by-us", "plan": "direct", "language": "python", "temperature": 0.8, "seed": i,
         "prompt_tokens": 50, "completion_tokens": 20, "mean_logprob": -0.5, "finish_reason": "stop"}
        for k in factors
        for i, text in enumerate(texts)
    ]  # fmt: skip
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["code_contests", "--data", data, "--recorded", recording, "--inputs", 3, "--agreement", 0, "--quiet"]


@pytest.fixture(scope="module")
def undisturbed(work: list[object], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    out = tmp_path_factory.mktemp("calm") / "run"
    subprocess.run([str(SOLVE), "bench", *map(str, work), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    assert count(out, "SELECT count(*) FROM executions") > 30, "too little to be disturbed"
    return figures(out)


def figures(out: Path) -> tuple[Any, Any]:
    """The results and each problem's report, without what depends on the machine and on interruptions."""
    results = steady(json.loads((out / "results.json").read_text()))
    results.pop("cluster", None)
    reports = [json.loads(path.read_text()) for path in sorted(out.glob("problems/*/report.json"))]
    return results, [without_machine(report) for report in reports]


def count(out: Path, query: str) -> int:
    """Over all problems; a store that is just being made counts for nothing."""
    total = 0
    for path in out.glob("problems/*/run.sqlite"):
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db,
        ):
            total += int(db.execute(query).fetchone()[0])
    return total


def in_the_middle(slurm: Slurm, job: str, out: Path) -> None:
    slurm.wait_for(lambda: count(out, "SELECT count(*) FROM executions") >= 5, f"some work of job {job}")
    assert slurm.state(job) == "RUNNING", slurm.log(job)


def assert_nothing_was_lost_or_done_twice(out: Path, undisturbed: tuple[Any, Any]) -> None:
    assert figures(out) == undisturbed
    assert count(out, "SELECT count(*) FROM executions WHERE runs > 1") == 0
    assert int((out / "restarts").read_text()) >= 1, "it was never taken up again"


def test_an_array_of_shards_and_its_merge_are_the_undivided_run(
    slurm: Slurm, work: list[object], undisturbed: tuple[Any, Any]
) -> None:
    told = slurm(ARRAY, 3, "--cpus-per-task=1", "--", "bench", *work, "--out", "run")
    shards, merge = re.findall(r"job (\d+)", told)
    assert slurm.end_of(merge) == "COMPLETED", slurm.log(merge)
    assert [slurm.state(f"{shards}_{i}") for i in range(3)] == ["COMPLETED"] * 3
    assert figures(slurm.here / "run") == undisturbed
    parts = [json.loads((slurm.here / f"run/shards/{i}/results.json").read_text())["problems"] for i in range(3)]
    assert parts == [1, 1, 1]


def test_a_shard_that_fails_takes_the_merge_with_it_and_leaves_nothing_in_the_queue(
    slurm: Slurm, work: list[object]
) -> None:
    told = slurm(ARRAY, 2, "--", "bench", *work, "--samples", 0, "--out", "run")
    shards, merge = re.findall(r"job (\d+)", told)
    assert slurm.end_of(f"{shards}_0") == "FAILED"
    assert slurm.end_of(merge) == "CANCELLED"


@pytest.mark.parametrize("kind", ["bench", pytest.param("batch", marks=ON_RAY)])
@pytest.mark.parametrize("how", ["requeued", "preempted", "out of time"])
def test_a_job_goes_on_where_it_was(
    kind: str, how: str, slurm: Slurm, work: list[object], undisturbed: tuple[Any, Any]
) -> None:
    on_ray = ["--nodes=2", "--ntasks=2"] if kind == "batch" else []
    more = ["--sandbox-cpus", 1] if kind == "batch" else []
    job = slurm.sbatch(*on_ray, "--cpus-per-task=2", JOB, kind, *work, *more, "--out", "run")
    out = slurm.here / "run"
    in_the_middle(slurm, job, out)
    if how == "requeued":
        slurm("scontrol", "requeue", job)
    elif how == "preempted":
        other = slurm.sbatch("--partition=high", "--nodes=2", "--exclusive", "--wrap=sleep 1")
        assert slurm.end_of(other) == "COMPLETED"
    else:
        slurm("scancel", "--batch", "--signal=USR1", job)  # as SLURM does before the time limit
    assert slurm.end_of(job) == "COMPLETED", slurm.log(job)
    assert slurm.field(job, "Restarts") == "1"
    assert_nothing_was_lost_or_done_twice(out, undisturbed)


def test_a_cancelled_job_stays_cancelled(slurm: Slurm, work: list[object]) -> None:
    job = slurm.sbatch(JOB, "bench", *work, "--out", "run")
    in_the_middle(slurm, job, slurm.here / "run")
    slurm("scancel", job)
    assert slurm.end_of(job) == "CANCELLED"
    slurm.wait_for(lambda: job not in slurm("squeue", "-h", "-o", "%A").split(), "its end")
    assert slurm.state(job) == "CANCELLED"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bench", "code_contests", "--data", "/nowhere.jsonl", "--out", "run"], "/nowhere.jsonl"),
        (["bench", "code_contests", "--no-such-option", "--out", "run"], "--no-such-option"),
        (["bench", "code_contests"], "say --out DIR"),
        (["doctor", "--out", "run"], "cannot run doctor"),
        pytest.param(
            ["batch", "code_contests", "--data", "/nowhere.jsonl", "--out", "run"], "/nowhere.jsonl", marks=ON_RAY
        ),
    ],
)
def test_bad_input_fails_for_good_in_one_line(arguments: list[str], told: str, slurm: Slurm) -> None:
    job = slurm.sbatch(JOB, *arguments)
    assert slurm.end_of(job) == "FAILED"
    assert slurm.field(job, "ExitCode") == "2:0"
    assert slurm.field(job, "Restarts") == "0"
    errors = [line for line in slurm.log(job).splitlines() if line and not line.startswith("solve.sbatch: solve ")]
    assert len(errors) == 1
    assert told in errors[0]


def test_the_sandbox_has_the_cpus_of_the_job_and_not_of_the_machine(slurm: Slurm, work: list[object]) -> None:
    cores = len(os.sched_getaffinity(0))
    for given in (1, 2, 4):
        out = f"run-{given}"
        job = slurm.sbatch(f"--cpus-per-task={given}", JOB, "bench", *work, "--limit", 1, "--out", out)
        assert slurm.end_of(job) == "COMPLETED", slurm.log(job)
        config = json.loads((slurm.here / out / "bench.json").read_text())
        assert config["run"]["workers"] == min(given, cores)


def test_nothing_is_left_in_the_temporary_directory(slurm: Slurm, work: list[object]) -> None:
    place = slurm.here / "scratch"
    place.mkdir()
    slurm.env["SLURM_TMPDIR"] = str(place)  # what sites name theirs
    job = slurm.sbatch(JOB, "bench", *work, "--out", "run")
    in_the_middle(slurm, job, slurm.here / "run")
    assert [path.name.rpartition("-")[0] for path in place.iterdir()] == [f"codesieve-{job}"]
    assert slurm.end_of(job) == "COMPLETED"
    assert list(place.iterdir()) == []
