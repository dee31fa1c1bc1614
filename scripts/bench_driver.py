#!/usr/bin/env python
"""How many candidates a second one driver takes: extract, dedup, sieve's bookkeeping and store, without executions.

    .venv/bin/python scripts/bench_driver.py [--candidates 10000,100000] [--profile]

A synthetic sampler gives answers as a model would (a quarter of them copies), and an executor answers at once: a wrong
answer for 99 of 100 programs. What is measured is the driver alone, on one core. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from sandbox import Limits, Outcome, Program, Verdict, make_checker
from solver.config import RunConfig
from solver.engine import Engine
from solver.problem import Example, Problem
from solver.progress import Counts
from solver.samplers import Request, Sample
from solver.sieve import Sieve
from solver.store import RunInput, Store

PROBLEM = Problem(
    name="sum",
    statement="Read n and n integers; print their sum.",
    examples=[Example(input="3\n1 2 3\n", output="6\n")],
)
INPUTS = [RunInput(0, "example", "example 1", "3\n1 2 3\n")] + [
    RunInput(n, "generated", "structure:small", f"1\n{n}\n") for n in range(1, 21)
]
ANSWER = """Read the numbers and add what is asked for.

```python
import sys

def main():
    data = sys.stdin.read().split()
    n = int(data[0])
    values = list(map(int, data[1:n + 1]))
    total = 0
    for position, value in enumerate(values):
        total += value * {factor} + (position * {number}) % 7
    print(total)

main()
```

It takes linear time.
"""


class Synthetic:
    """A sampler: one answer in four is a copy of an earlier one."""

    model, replays = "synthetic", True

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for request in requests:
            for choice in range(request.n):
                number = request.index * request.n + choice
                if number % 4 == 3:
                    number = number // 2 * 2
                text = ANSWER.format(factor=number % 1000 + 2, number=number)
                yield Sample(
                    request.index, choice, text, self.model, request.plan, "python", request.temperature,
                    request.seed, 300, 120, -0.3, "stop",
                )  # fmt: skip

    async def close(self) -> None:
        pass


class Instant:
    """An executor that knows the outcome: one program in a hundred is right on the example."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, program: Program, stdin: bytes, limits: Limits, *, optimise: str) -> Outcome:
        self.runs += 1
        passes = hash(program.source) % 100 == 0 or stdin != b"3\n1 2 3\n"
        return Outcome(Verdict.OK, output=b"6\n" if passes else b"7\n", cpu_seconds=0.01, wall_seconds=0.01)


async def drive(path: Path, candidates: int) -> Store:
    config = RunConfig(samples=candidates, agreement=0)
    store = Store(path)
    store.set_inputs(INPUTS)
    counts = Counts(target_samples=candidates)
    sieve = Sieve(PROBLEM, INPUTS, Instant(), make_checker(PROBLEM.checker, None), store, counts, 1.0)

    async def sampler() -> Synthetic:
        return Synthetic()

    engine = Engine(PROBLEM, config, sampler, sieve, store, counts, workers=2, runnable=frozenset({"python"}))
    await engine.run()
    return store


def measure(candidates: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "run.sqlite"
        began, cpu = time.monotonic(), time.process_time()
        with asyncio.run(drive(path, candidates)) as store:
            seconds, cpu = time.monotonic() - began, time.process_time() - cpu
            ((samples, unique),) = store.query("SELECT count(*), count(DISTINCT program) FROM samples")
        size = sum(file.stat().st_size for file in Path(temporary).iterdir())
    return {
        "candidates": samples,
        "unique": unique,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "candidates_per_second": round(samples / cpu),
        "store_bytes_per_candidate": round(size / samples),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", default="10000,30000", help="sizes of the runs")
    parser.add_argument("--profile", action="store_true", help="also where the time goes, to stderr")
    options = parser.parse_args()
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    rows = [measure(int(size)) for size in options.candidates.split(",")]
    if options.profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)
    print(json.dumps({"runs": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
