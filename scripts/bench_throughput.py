#!/usr/bin/env python
"""What a benchmark run costs beside running its programs: `solve bench` on recorded samples against the sandbox alone.

    .venv/bin/python scripts/bench_throughput.py [--rounds N] [--samples N]

A round is a whole `solve bench` (load, extract, dedup, sieve, record, choose, judge, figures, report), and then exactly
the same runs (program, input, limits, also the judge's) through `sandbox.run_many`, start of both included. Programs
are those of the recorded pool of contest answers; prints one JSON line. Exit code 2: no data.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eval.bench.config import read_config
from eval.bench.layout import BenchDirectory
from eval.bench.verdicts import Verdicts
from eval.datasets import Skipped, tasks
from eval.judge import cases_of
from eval.task import Task
from sandbox import Job, Sandbox
from sandbox.batch import run_many
from solver.store import Store

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CODESIEVE_DATA", ROOT.parent / "shared" / "data"))
POOL = DATA / "samples" / "stdin_qwen1.5b.jsonl.gz"
PROBLEMS = DATA / "problems" / "code_contests_test.jsonl.gz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=64, help="samples a problem (default and most: 64)")
    options = parser.parse_args()
    if not (POOL.exists() and PROBLEMS.exists()):
        print(f"error: needs {POOL} and {PROBLEMS}; set CODESIEVE_DATA", file=sys.stderr)
        return 2
    rounds = [measure(options.samples) for _ in range(options.rounds)]
    ratio = statistics.median(one["sandbox_seconds"] / one["bench_seconds"] for one in rounds)
    print(json.dumps({"rounds": rounds, "bench_rate_to_sandbox_rate": round(ratio, 3)}))
    return 0


def measure(samples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "bench"
        began = time.monotonic()
        run_bench(out, samples)
        bench = time.monotonic() - began
        jobs = [job for task in planned(out) for job in jobs_of(out, task)]
        began = time.monotonic()
        runs = asyncio.run(run_all(jobs))
        alone = time.monotonic() - began
    print(f"{runs} runs: bench {bench:.1f} s, sandbox alone {alone:.1f} s", file=sys.stderr)
    return {"runs": runs, "bench_seconds": round(bench, 2), "sandbox_seconds": round(alone, 2)}


def run_bench(out: Path, samples: int) -> None:
    pool = [json.loads(line) for line in lines_of(POOL)]
    ids = ",".join(line["problem"] for line in pool if line["dataset"].startswith("code_contests"))
    command = [
        Path(sys.executable).with_name("solve"), "bench", "code_contests", "--data", PROBLEMS, "--ids", ids,
        "--recorded", POOL, "--samples", str(samples), "--agreement", "0", "--allow-repeats", "--quiet", "--out", out,
    ]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def planned(out: Path) -> list[Task]:
    config = read_config(out)
    names = {json.loads(line)["name"] for line in BenchDirectory(out).plan.read_text().splitlines()}
    return [task for task in tasks(config.data) if not isinstance(task, Skipped) and task.problem.name in names]


def jobs_of(out: Path, task: Task) -> list[Job]:
    """The sieve's runs and the judge's, each program's in their order."""
    where = BenchDirectory(out)
    with Verdicts(where.verdicts, read_only=True) as verdicts:
        judged = verdicts.of(task.problem.name)
        (directory,) = [p.directory for p in verdicts.problems() if p.name == task.problem.name]
    cases = [case.input() for case in cases_of(task).cases()]
    limits = task.problem.limits(1.0)
    jobs = []
    with Store(where.root / directory / "run.sqlite") as store:
        inputs = {i.id: i.text.encode("utf-8", "surrogatepass") for i in store.inputs()}
        runs: dict[str, list[bytes]] = {}
        for program, input_id in store.query("SELECT program, input FROM executions ORDER BY program, input"):
            runs.setdefault(program, []).append(inputs[input_id])
        for key, given in runs.items():
            stored = store.program(key)
            program = task.problem.program(stored.language, stored.source)
            jobs.append(Job(program, given, limits, optimise="fast"))
            if key in judged:
                ran = judged[key].tests_passed + (judged[key].failing_test is not None)
                jobs.append(Job(program, cases[:ran], limits))
    return jobs


async def run_all(jobs: list[Job]) -> int:
    """How many runs it were. A run that fails does not end its job: all were made in the benchmark."""
    singles = (Job(job.program, [given], job.limits, optimise=job.optimise) for job in jobs for given in job.inputs)
    async with Sandbox() as sandbox:
        return sum([len(result.outcomes) async for result in run_many(sandbox, singles)])


if __name__ == "__main__":
    sys.exit(main())
