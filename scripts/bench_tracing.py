#!/usr/bin/env python
"""What tracing costs: the driver's CPU time for candidates that are judged at once, with and without traces.

    scripts/bench_tracing.py [--candidates 2000] [--inputs 20] [--many N]

A real engine, sieve and store; the sandbox is replaced by an answer that is there at once, so that nothing but the
driver's own work is measured. Prints one JSON object: CPU milliseconds a candidate without traces, then for each share
of traced candidates the additional ones, the bytes written a candidate, and spans dropped by a full queue. The time of
the exporting thread counts. `--many N` tells the tracer alone of N candidates, of which it keeps 1 %, as it would of a
million, and prints the memory that this took. Compare the figures of one run; they are of no other machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox import Limits, Outcome, Program, Verdict, make_checker
from solver.config import RunConfig
from solver.engine import Engine
from solver.problem import Example, Problem
from solver.progress import Counts
from solver.samplers import Request, Sample, Sampler
from solver.sieve import Sieve, SieveResult
from solver.store import Execution, RunInput, Store, StoredProgram
from solver.tracing import TraceOptions, open_traces

PROBLEM = Problem(name="echo", statement="Print 1.", examples=[Example(input="", output="1")])


class Sampling:
    model = "bench"
    replays = False

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for request in requests:
            for choice in range(request.n):
                text = f"```python\nprint({request.index * 10 + choice})\n```"
                yield Sample(request.index, choice, text, "bench", request.plan, "python", 0.8, 0, 9, 9, None, "stop")

    async def close(self) -> None:
        pass


class AtOnce:
    async def run(self, program: Program, stdin: bytes, limits: Limits, **_: object) -> Outcome:
        return Outcome(Verdict.OK, b"1\n")


def one_run(options: TraceOptions, candidates: int, inputs: int, folder: Path) -> tuple[float, int]:
    """(CPU seconds, spans dropped)."""
    config = RunConfig(samples=candidates, agreement=0)
    begun = time.process_time()
    traces = open_traces(options)
    with Store(folder / "run.sqlite") as store, traces.run(PROBLEM, config, store) as tracer:
        given = [RunInput(0, "example", "example 1", "")]
        given += [RunInput(i, "generated", "g", str(i)) for i in range(1, inputs + 1)]
        store.set_inputs(given)

        async def open_sampler() -> Sampler:
            return tracer.sampler(Sampling())

        async def solve() -> None:
            counts = Counts()
            checker = make_checker(PROBLEM.checker)
            sieve = Sieve(PROBLEM, given, AtOnce(), checker, store, counts, 1.0, tracer)
            runnable = frozenset({"python"})
            engine = Engine(
                PROBLEM, config, open_sampler, sieve, store, counts, workers=lambda: 2, runnable=runnable, tracer=tracer
            )
            with tracer.stage("sample and sieve"):
                await engine.run()

        asyncio.run(solve())
    lost = traces.close() or ""
    dropped = int(lost.split(": ", 1)[1].split()[0]) if lost else 0
    return time.process_time() - begun, dropped


def measure(candidates: int, inputs: int) -> dict[str, Any]:
    found: dict[str, Any] = {"candidates": candidates, "inputs": inputs}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)

        def run(label: str, rate: float | None) -> tuple[float, int, int]:
            folder = root / label
            folder.mkdir()
            file = folder / "traces.jsonl"
            options = TraceOptions() if rate is None else TraceOptions(file=file, rate=rate)
            cpu, dropped = one_run(options, candidates, inputs, folder)
            return cpu / candidates * 1000, dropped, file.stat().st_size if rate is not None else 0

        run("warm", 1.0)
        off = run("off", None)[0]
        found["off_ms"] = round(off, 3)
        for rate in (0.0, 0.01, 0.1, 1.0):
            cost, dropped, size = run(str(rate), rate)
            found[f"rate {rate}"] = {
                "added_ms": round(cost - off, 3),
                "bytes_per_candidate": round(size / candidates),
                "spans_dropped": dropped,
            }
    return found


def many(candidates: int, inputs: int) -> dict[str, Any]:
    """The tracer alone, at the share that a million candidates get."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "traces.jsonl"
        traces = open_traces(TraceOptions(file=file, rate=0.01))
        config = RunConfig(samples=candidates)
        begun = time.process_time()
        with Store(Path(name) / "run.sqlite") as store, traces.run(PROBLEM, config, store) as tracer:
            given = RunInput(0, "example", "example 1", "")
            for index in range(candidates):
                key = sha256(str(index).encode()).hexdigest()
                with tracer.candidate(StoredProgram(key, index, "python", "")) as candidate:
                    for number in range(inputs + 1):
                        execution = Execution(key, number, Verdict.AC, "", 0.0, 0.0, 0, 0, None, "")
                        tracer.executed(execution, given, tracer.now())
                    candidate.judged(SieveResult(key, 1, Verdict.AC, ("1",) * inputs))
        lost = traces.close()
        return {
            "microseconds_per_candidate": round((time.process_time() - begun) / candidates * 1e6, 2),
            "added_MiB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
            "bytes_per_candidate": round(file.stat().st_size / candidates),
            "lost": lost,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--inputs", type=int, default=20)
    parser.add_argument("--many", type=int, metavar="N")
    given = parser.parse_args()
    print(
        json.dumps(many(given.many, given.inputs) if given.many else measure(given.candidates, given.inputs), indent=2)
    )


if __name__ == "__main__":
    main()
