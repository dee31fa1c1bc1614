#!/usr/bin/env python3
"""Does a cluster lose anything when parts of it die? One JSON line.

    scripts/cluster_check.py DATASET --data FILE --recorded FILE [--limit N] [--samples N] [--inputs N] [--keep DIR]

Starts a Ray cluster of three nodes on this machine (a head without CPUs, two of one CPU each) and solves a recorded
data set twice with `solve batch`: undisturbed, and while a node is killed, another one joins, the reader of the
recording is killed and the driver is, with kill -9 each; then it goes on with --resume. Exit code 0: both ended alike,
and nothing was executed twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from solver.cluster.local import LocalCluster

SOLVE = Path(sys.executable).with_name("solve")
WAIT_SECONDS = 300.0


def main() -> int:
    parser = argparse.ArgumentParser(description="See the head of this file.")
    parser.add_argument("data_set")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recorded", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--inputs", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="Leave both run directories here.")
    wanted = parser.parse_args()
    with contextlib.ExitStack() as stack:
        root = wanted.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-check-")))
        found = check(wanted, root)
    print(json.dumps(found))
    return 0 if found["same_figures"] and found["same_reports"] and not found["executed_twice"] else 1


def check(wanted: argparse.Namespace, root: Path) -> dict[str, Any]:
    started = time.monotonic()
    with LocalCluster() as cluster:
        doomed = cluster.add()
        cluster.add()
        ready = time.monotonic()
        command = [
            "batch", wanted.data_set, "--data", wanted.data, "--recorded", wanted.recorded, "--limit", wanted.limit,
            "--samples", wanted.samples, "--inputs", wanted.inputs, "--agreement", 0, "--workers", 1,
            "--ray", cluster.address, "--sandbox-cpus", 1, "--quiet", "--json",
        ]  # fmt: skip
        undisturbed = json.loads(finished([*command, "--out", root / "undisturbed"]))
        one = time.monotonic()
        total = executions(root / "undisturbed")

        disturbed = root / "disturbed"
        driver = start([*command, "--out", disturbed])
        until(driver, disturbed, total * 2 // 10)
        doomed.kill()
        cluster.add(wait=False)
        until(driver, disturbed, max(total * 5 // 10, executions(disturbed) + 1))
        os.kill(last(disturbed, "recording")["pid"], signal.SIGKILL)
        until(driver, disturbed, max(total * 7 // 10, executions(disturbed) + 1))
        at_kill = executions(disturbed)
        driver.kill()
        driver.wait()
        stale = actors_left()
        resumed = json.loads(finished(["batch", "--resume", disturbed, "--ray", cluster.address, "--quiet", "--json"]))
        ended = time.monotonic()
    return {
        "problems": undisturbed["problems"] + len(undisturbed.get("unjudged", ())),
        "executions": total,
        "executions_when_the_driver_was_killed": at_kill,
        "same_figures": steady(undisturbed) == steady(resumed),
        "same_reports": reports(root / "undisturbed") == reports(disturbed),
        "executed_twice": executed_twice(root / "undisturbed") + executed_twice(disturbed),
        "lost": resumed["cluster"]["lost"],
        "stale_actors": stale,
        "nodes_that_worked": resumed["cluster"]["nodes"],
        "start_seconds": round(ready - started, 1),
        "undisturbed_seconds": round(one - ready, 1),
        "disturbed_seconds": round(ended - one, 1),
    }


def start(arguments: list[object]) -> subprocess.Popen[bytes]:
    command = [str(SOLVE), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def finished(arguments: list[object]) -> bytes:
    """Its standard output. Raises RuntimeError when it fails."""
    process = start(arguments)
    out, told = process.communicate()
    if process.returncode:
        raise RuntimeError(f"solve {arguments[0]} ended with {process.returncode}: {told.decode()[-2000:]}")
    return out


def until(driver: subprocess.Popen[bytes], root: Path, least: int) -> None:
    """The run has so many executions on record. Raises RuntimeError when it ends before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while executions(root) < least:
        if driver.poll() is not None:
            told = driver.communicate()[1].decode()[-2000:]
            raise RuntimeError(f"the run ended ({driver.returncode}) before it could be disturbed: {told}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"no {least} executions within {WAIT_SECONDS:g} seconds")
        time.sleep(0.02)


def actors_left() -> int:
    """Actors of the dead driver that are still there after a while; a node needs a moment to hear of its death."""
    deadline = time.monotonic() + 30
    while True:
        left = 0
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                left += any(name in " ".join(process.cmdline()) for name in ("ray::SandboxActor", "ray::ReplayActor"))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def executions(root: Path) -> int:
    return count(root, "SELECT count(*) FROM executions")


def executed_twice(root: Path) -> int:
    return count(root, "SELECT count(*) FROM executions WHERE runs > 1")


def count(root: Path, query: str) -> int:
    """Over all problems; a store that is just being made counts for nothing."""
    total = 0
    for path in sorted(root.glob("problems/*/run.sqlite")):
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db,
        ):
            total += int(db.execute(query).fetchone()[0])
    return total


def events(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "nodes.jsonl").read_text().splitlines()]


def last(root: Path, role: str) -> dict[str, Any]:
    return [event["place"] for event in events(root) if event["role"] == role][-1]


def steady(results: dict[str, Any]) -> dict[str, Any]:
    """Figures without what depends on machines and interruptions."""
    rows = [{k: v for k, v in row.items() if k != "timing"} for row in results["per_problem"]]
    return {k: v for k, v in results.items() if k not in ("timing", "cluster")} | {"per_problem": rows}


def reports(root: Path) -> dict[str, Any]:
    """Every problem's own report, likewise."""
    found = {}
    for path in sorted(root.glob("problems/*/report.json")):
        report = json.loads(path.read_text())
        found[path.parent.name] = {k: v for k, v in report.items() if k not in ("timing", "machine")}
    return found


if __name__ == "__main__":
    sys.exit(main())
