"""Measures C++: programs per second of the sandbox against plain `g++ -O2`, side by side in one run.

    scripts/bench_cpp.py [--programs N] [--pool DIRECTORY]

Every program is compiled and run once on empty input. The pool is a directory of .cpp files, or a random part of the
recorded samples in CODESIEVE_DATA. Prints one JSON line; the measuring functions are there to be imported.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox import Limits, Outcome, Program, Sandbox, languages
from sandbox.compiler import precompiled_directory, using
from sandbox.languages import Level

SAMPLES = "samples/humaneval_davinci_cpp_even.jsonl.gz"
LIMITS = Limits(cpu_seconds=5.0)


def recorded_pool(count: int, seed: int = 1) -> list[str]:
    """Programs of the recorded C++ samples, right and wrong ones as they come. Raises OSError."""
    path = Path(os.environ.get("CODESIEVE_DATA", "../shared/data")) / SAMPLES
    programs: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            task = json.loads(line)
            programs += [task["prompt"] + sample["completion"] + task["hidden_tests"] for sample in task["samples"]]
    return random.Random(seed).sample(programs, min(count, len(programs)))


def _used() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextlib.contextmanager
def _measured(result: dict[str, float], count: int) -> Iterator[None]:
    wall, cpu = time.monotonic(), _used()
    yield
    result["seconds"] = round(time.monotonic() - wall, 3)
    result["cpu_seconds"] = round(_used() - cpu, 3)
    result["programs_per_second"] = round(count / result["seconds"], 3)
    result["programs_per_cpu_second"] = round(count / result["cpu_seconds"], 3)


def plain(programs: Sequence[str], workers: int) -> dict[str, float]:
    """`g++ -O2` and a run of the binary, without any isolation."""

    def one(directory: str, index: int) -> None:
        source, binary = Path(directory, f"{index}.cpp"), Path(directory, str(index))
        source.write_text(programs[index])
        command = ["g++", "-O2", "-std=gnu++20", "-w", "-o", str(binary), str(source)]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run([binary], check=False, capture_output=True, timeout=10, stdin=subprocess.DEVNULL)

    result: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        _measured(result, len(programs)),
        ThreadPoolExecutor(workers) as pool,
    ):
        list(pool.map(lambda index: one(directory, index), range(len(programs))))
    return result


async def ours(
    programs: Sequence[str], workers: int, level: Level, repeats: int = 1
) -> tuple[dict[str, float], list[Outcome]]:
    """The sandbox, opened and closed; with `repeats`, what the last round took, without opening and closing."""
    result: dict[str, float] = {}
    outcomes: list[Outcome] = []
    with _measured(result, len(programs)):
        async with Sandbox(workers) as sandbox:
            for _ in range(repeats):
                began = time.monotonic()
                runs = (sandbox.run(Program("cpp", source), b"", LIMITS, optimise=level) for source in programs)
                outcomes = await asyncio.gather(*runs)
                last = time.monotonic() - began
    if repeats > 1:
        result = {"seconds": round(last, 3), "programs_per_second": round(len(programs) / last, 3)}
    return result, outcomes


def disagreements(programs: Sequence[str], cheap: Sequence[Outcome], full: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Programs to which the two levels gave different verdicts or outputs."""
    return [
        {"program": index, "fast": str(a.verdict), "full": str(b.verdict), "same_output": a.output == b.output}
        for index, (a, b) in enumerate(zip(cheap, full, strict=True))
        if (a.verdict, a.output) != (b.verdict, b.output)
    ]


def breakdown(programs: Sequence[str], level: Level) -> dict[str, float]:
    """Milliseconds of CPU a program by step, outside the sandbox, with its precompiled headers."""
    cpp = languages()["cpp"]
    header = precompiled_directory(cpp, level)
    extra = () if header is None else using(header)
    total: dict[str, float] = {}

    def step(name: str, command: list[str], directory: str) -> bool:
        before = _used()
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=60, cwd=directory)
        except subprocess.TimeoutExpired:
            return False
        total[name] = total.get(name, 0.0) + 1000 * (_used() - before)
        return done.returncode == 0

    with tempfile.TemporaryDirectory() as directory:
        for source in programs:
            Path(directory, cpp.source_name).write_text(source)
            command = [word for word in cpp.command(level, extra=extra) if word != "-pipe"]
            start, output = command[: command.index("-o")], command.index("-o")
            step("start_and_headers", [*start, "-fsyntax-only", "-x", "c++", "/dev/null"], directory)
            if (
                step("compile", [*command[:output], "-S", "-o", "main.s", cpp.source_name], directory)
                and step("assemble", ["as", "-o", "main.o", "main.s"], directory)
                and step("link", [command[0], "-o", "main", "main.o"], directory)
            ):
                for linker in ("gold", "mold"):
                    step(f"link_{linker}", [command[0], f"-fuse-ld={linker}", "-o", "main", "main.o"], directory)
                step("run", ["./main"], directory)
    return {name: round(spent / len(programs), 1) for name, spent in total.items()}


def measure(programs: Sequence[str]) -> dict[str, Any]:
    """Everything the script prints."""
    cores = len(os.sched_getaffinity(0))
    result: dict[str, Any] = {"programs": len(programs), "cores": cores}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CODESIEVE_CACHE"] = cache
        result["fast_no_cache"], _ = asyncio.run(ours(programs, 1, "fast"))
        # In turns, so that whatever else the machine does falls on both.
        result["plain"] = plain(programs, 1)
        result["fast"], cheap = asyncio.run(ours(programs, 1, "fast"))
        result["plain_all_cores"] = plain(programs, cores)
        result["fast_all_cores"], _ = asyncio.run(ours(programs, cores, "fast"))
        _, _ = asyncio.run(ours(programs[:1], 1, "full"))
        result["full"], full = asyncio.run(ours(programs, 1, "full"))
        result["again"], _ = asyncio.run(ours(programs, 1, "fast", repeats=2))
        result["breakdown_ms"] = {level: breakdown(programs[:20], level) for level in ("fast", "full")}
    for name in ("fast_no_cache", "fast", "full"):
        for unit in ("programs_per_second", "programs_per_cpu_second"):
            result[name][f"{unit}_ratio"] = round(result[name][unit] / result["plain"][unit], 2)
    ratio = result["fast_all_cores"]["programs_per_second"] / result["plain_all_cores"]["programs_per_second"]
    result["fast_all_cores"]["programs_per_second_ratio"] = round(ratio, 2)
    result["disagreements"] = disagreements(programs, cheap, full)
    return result


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="C++ programs per second, against plain g++ -O2.")
    parser.add_argument("--programs", type=int, default=100, metavar="N")
    parser.add_argument("--pool", type=Path, metavar="DIRECTORY", help="a directory of .cpp files")
    options = parser.parse_args()
    try:
        if options.pool is not None:
            found = sorted(options.pool.glob("*.cpp"))[: options.programs]
            programs = [path.read_text("utf-8", "surrogateescape") for path in found]
        else:
            programs = recorded_pool(options.programs)
    except OSError as error:
        print(f"no pool of programs: {error}", file=sys.stderr)
        return 2
    if not programs:
        print("no programs in the pool", file=sys.stderr)
        return 2
    print(json.dumps(measure(programs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
