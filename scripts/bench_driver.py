#!/usr/bin/env python
"""How many candidates a second one driver takes: sampler, extract, key, store, with an executor that answers at once.

    .venv/bin/python scripts/bench_driver.py [--candidates 10000,30000] [--profile]

The recording is synthetic (scripts/synthetic.py), everything else real but for the sandbox: the recorded sampler, the
engine, the sieve and the store. One program in a hundred passes its example and is run on 20 inputs. Prints one JSON
line: per size, candidates per second and per CPU second (the process's, with its threads); then, of a further run of
the first size with clocks in it, CPU microseconds a candidate by stage, each without the stages inside it, and the one
that costs most, where it saturates. `rest` is the engine, the sieve, asyncio, and the clocks.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import functools
import json
import pstats
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from synthetic import PROBLEM, write_recording

import solver.extract
import solver.reading
from sandbox import Limits, Outcome, Program, Verdict, make_checker
from solver.config import RunConfig
from solver.engine import Engine
from solver.problem import Problem
from solver.progress import Counts
from solver.samplers import Sampler, recorded
from solver.samplers.recorded import RecordedSampler
from solver.sieve import Sieve
from solver.store import RunInput, Store

GENERATED = 20


class Stages:
    """CPU seconds by stage, of this thread and of the sampler's."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def watch(self, owner: Any, name: str, stage: str) -> None:
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **more: Any) -> Any:
            began = time.thread_time()
            self._inner.append(0.0)
            try:
                return function(*args, **more)
            finally:
                spent = time.thread_time() - began
                self.seconds[stage] += spent - self._inner.pop()
                self._inner[-1] += spent

        setattr(owner, name, timed)

    def watch_thread(self, owner: Any, name: str, stage: str) -> None:
        """A function that another thread calls, in which nothing else is watched."""
        function = getattr(owner, name)

        def timed(*args: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*args)
            finally:
                self.seconds[stage] += time.thread_time() - began

        setattr(owner, name, timed)


class AtOnce:
    """Passes one program in a hundred; prints the same on every generated input."""

    async def run(self, program: Program, stdin: bytes, limits: Limits, **_: object) -> Outcome:
        return Outcome(Verdict.OK, output=self.answer if hash(program.source) % 100 == 0 else b"-1\n", cpu_seconds=0.01)

    def __init__(self, answer: str) -> None:
        self.answer = answer.encode()


async def drive(folder: Path, candidates: int) -> float:
    """Seconds that the sampling took."""
    problem = Problem.model_validate_json(PROBLEM.read_bytes())
    problem = problem.model_copy(update={"examples": problem.examples[:1]})
    inputs = [RunInput(0, "example", "example 1", problem.examples[0].input)]
    inputs += [RunInput(n, "generated", "bench", f"1\n{n}\n") for n in range(1, GENERATED + 1)]
    config = RunConfig(sampler="recorded", recorded=folder / "pool.jsonl.gz", samples=candidates, agreement=0)
    counts = Counts(target_samples=candidates)
    with Store(folder / "run.sqlite") as store:
        store.set_inputs(inputs)
        executor = AtOnce(problem.examples[0].output)
        sieve = Sieve(problem, inputs, executor, make_checker(problem.checker), store, counts, 1.0)

        async def sampler() -> Sampler:
            return RecordedSampler(folder / "pool.jsonl.gz")

        engine = Engine(
            problem, config, sampler, sieve, store, counts, workers=lambda: 2, runnable=frozenset({"python"})
        )
        began = time.monotonic()
        async with store.grouped():
            await engine.run()
        return time.monotonic() - began


def measure(candidates: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_recording(folder / "pool.jsonl.gz", candidates)
        cpu = time.process_time()
        seconds = asyncio.run(drive(folder, candidates))
        cpu = time.process_time() - cpu
        size = sum(file.stat().st_size for file in folder.glob("run.sqlite*"))
    return {
        "candidates": candidates,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "candidates_per_second": round(candidates / seconds),
        "candidates_per_cpu_second": round(candidates / cpu),
        "store_bytes_per_candidate": round(size / candidates),
    }


def split(candidates: int) -> dict[str, Any]:
    stages = Stages()
    stages.watch(solver.extract, "parse", "parse")
    stages.watch(solver.extract, "canon", "canonical text")
    stages.watch(solver.reading, "extract", "extract, the rest of it")
    stages.watch(solver.reading, "program_key", "key")
    stages.watch_thread(recorded, "_take", "sampler")
    for name in ("has_sample", "add_sample", "add_execution", "executions", "commit"):
        stages.watch(Store, name, "store")
    cpu = measure(candidates)["cpu_seconds"]
    spent = dict(stages.seconds) | {"rest": cpu - sum(stages.seconds.values())}
    return {
        "candidates": candidates,
        "microseconds": {name: round(s / candidates * 1e6, 1) for name, s in sorted(spent.items())},
        "saturates_in": max(spent, key=spent.__getitem__),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", default="10000,30000", help="sizes of the runs")
    parser.add_argument("--profile", action="store_true", help="also where the time goes, to stderr")
    options = parser.parse_args()
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    sizes = [int(size) for size in options.candidates.split(",")]
    rows = [measure(size) for size in sizes]
    if options.profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)
    print(json.dumps({"runs": rows, "split": split(sizes[0])}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
