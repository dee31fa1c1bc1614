#!/usr/bin/env python
"""A million candidates for one problem on one machine: time, memory of the whole process tree, size of the store.

    .venv/bin/python scripts/bench_million.py [--sizes 10000,30000,100000,300000,1000000] [--workers N] [--keep DIR]

Writes a synthetic recording (scripts/synthetic.py: a quarter copies, 1 % passing) and runs `solve run --recorded` on it
as a user would: real sampler, engine, sandbox, clustering, choice and report. Memory is the sum of the proportional set
sizes of `solve` and all below it, every few seconds. Prints one JSON line: per size the seconds (start and choice
included; `finish_seconds` of them after the last sample), ms a candidate over all and in each tenth of the samples, CPU
ms of the driver's process, MB at each tenth and at most, store bytes a candidate, and the report's counts. Exit code
1: a run failed.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from synthetic import PROBLEM, ROOT, write_recording

_PARTS = 10
_WATCHES = 400  # a run, about; at most one in _LEAST_SECONDS
_LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """A moment of a run: seconds since its start, samples recorded, memory of the process tree, CPU of the driver."""

    seconds: float
    samples: int
    megabytes: float
    driver_cpu_seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--keep", type=Path, help="where recordings and runs stay (default: nowhere)")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for size in map(int, options.sizes.split(",")):
            row = measure(folder, size, options.workers)
            print(f"{size} candidates: {row}", file=sys.stderr)
            rows.append(row)
    print(json.dumps({"runs": rows}))
    return 0


def measure(folder: Path, size: int, workers: int | None) -> dict[str, Any]:
    pool, out = folder / f"pool-{size}.jsonl.gz", folder / f"run-{size}"
    if not pool.exists():
        write_recording(pool, size)
    command = [Path(sys.executable).with_name("solve"), "run", PROBLEM, "--recorded", pool, "--samples", size]
    command += ["--agreement", 0, "--out", out, "--json", "--quiet"]
    command += ["--workers", workers] if workers else []
    with (folder / "report.json").open("w") as stdout:
        process = subprocess.Popen(list(map(str, command)), stdout=stdout, cwd=ROOT)
        seen = watch(process, out / "run.sqlite")
    if process.returncode not in (0, 1):  # 1: nothing passes, as may be with few candidates
        raise SystemExit(f"solve ended with {process.returncode} on {size} candidates")
    report = json.loads((folder / "report.json").read_text())
    bytes_ = sum(file.stat().st_size for file in out.glob("run.sqlite*"))
    return row_of(size, seen, report, bytes_)


def watch(process: subprocess.Popen[bytes], store: Path) -> list[Seen]:
    began, seen, wait = time.monotonic(), [], _LEAST_SECONDS
    while True:
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            now = time.monotonic() - began
            wait = max(_LEAST_SECONDS, now / _WATCHES)
            seen.append(Seen(now, samples_in(store), tree_megabytes(process.pid), cpu_seconds(process.pid)))
        else:
            megabytes, cpu = (seen[-1].megabytes, seen[-1].driver_cpu_seconds) if seen else (0.0, 0.0)
            seen.append(Seen(time.monotonic() - began, samples_in(store), megabytes, cpu))  # nobody is left to ask
            return seen


def cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def samples_in(store: Path) -> int:
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            (last,) = database.execute("SELECT coalesce(max(idx), -1) FROM sample_rows").fetchone()
        database.close()
        return int(last) + 1
    except sqlite3.Error:
        return 0


def tree_megabytes(pid: int) -> float:
    """Proportional set sizes: what processes share counts once."""
    total = 0
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20


def row_of(size: int, seen: list[Seen], report: dict[str, Any], bytes_: int) -> dict[str, Any]:
    ends = [next(s for s in seen if s.samples >= size * part / _PARTS) for part in range(1, _PARTS + 1)]
    begun = next(s for s in seen if s.samples)
    times = [begun, *ends]
    counts = report["counts"]
    seconds = seen[-1].seconds
    return {
        "candidates": size,
        "seconds": round(seconds, 1),
        "finish_seconds": round(seconds - ends[-1].seconds, 1),
        "ms_per_candidate": round(seconds / size * 1000, 3),
        "ms_per_candidate_by_tenth": [
            round((b.seconds - a.seconds) / max(1, b.samples - a.samples) * 1000, 3)
            for a, b in zip(times, ends, strict=False)
        ],
        "driver_cpu_ms_per_candidate": round(seen[-1].driver_cpu_seconds / size * 1000, 3),
        "mb_by_tenth": [round(end.megabytes) for end in ends],
        "mb_at_most": round(max(s.megabytes for s in seen)),
        "mb_at_most_after_last_sample": round(max(s.megabytes for s in seen if s.seconds >= ends[-1].seconds)),
        "store_bytes_per_candidate": round(bytes_ / size),
        **{name: counts[name] for name in ("samples", "unique", "passing", "passing_samples", "executions")},
        "executed_twice": counts["executed_twice"],
        "clusters": report["clusters"]["count"],
        "submissions": len(report["submissions"]),
    }


if __name__ == "__main__":
    sys.exit(main())
