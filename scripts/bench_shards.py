#!/usr/bin/env python3
"""Shards: samples written and read a CPU second, and the CPU time of reading one problem of many.

Prints one JSON line. The texts are made up of random words, so sizes say little about real answers; every sample is
handed to the system before the next, every part is synced to disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from solver.samplers import Request, Sample
from solver.samplers.recorded import RecordedSampler
from solver.samplers.recordings import PART_BYTES, ShardWriter, open_source

_WORDS = [f"{a}{b}" for a in ("for", "x", "print", "range", "int", "while") for b in ("", "(", ")", " = ", "\n    ")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=400)
    parser.add_argument("--samples", type=int, default=100, help="a problem")
    parser.add_argument("--part-mib", type=float, default=PART_BYTES / 2**20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shards"
        print(json.dumps(measure(root, options.problems, options.samples, round(options.part_mib * 2**20))))


def measure(root: Path, problems: int, samples: int, part_bytes: int) -> dict[str, object]:
    made = [_sample(random.Random(number)) for number in range(256)]
    began = time.process_time()
    with ShardWriter(root, part_bytes=part_bytes) as writer:
        for problem in range(problems):
            for number in range(samples):
                writer.add(f"problem {problem}", replace(made[(problem * 7 + number) % 256], request=number))
    wrote = time.process_time() - began
    memory = _peak_mib()
    began = time.process_time()
    text_bytes = sum(len(record["text"]) for _, record in open_source(root).records(None))
    at_once = time.process_time() - began
    began = time.process_time()
    found = sum(asyncio.run(_count(root, f"problem {problem}", samples)) for problem in range(problems))
    by_problem = time.process_time() - began
    return {
        "samples": found,
        "expected": problems * samples,
        "text_mib": round(text_bytes / 2**20, 1),
        "shards_mib": round(sum(path.stat().st_size for path in root.glob("part-*")) / 2**20, 1),
        "parts": len(list(root.glob("part-*"))),
        "written_per_cpu_second": round(problems * samples / wrote),
        "read_per_cpu_second": round(problems * samples / at_once),
        "cpu_ms_a_problem": round(1000 * by_problem / problems, 1),
        "cpu_ms_all_at_once": round(1000 * at_once, 1),
        "peak_mib_before_reading": memory,
        "peak_mib": _peak_mib(),
    }


async def _count(root: Path, problem: str, samples: int) -> int:
    asked = iter([Request(0, (), "direct", "python", 0.8, 0, samples, 100)])
    return sum([1 async for _ in RecordedSampler(root, problem).stream(asked)])


def _sample(rng: random.Random) -> Sample:
    text = " ".join(rng.choices(_WORDS, k=rng.randint(60, 300)))
    return Sample(0, 0, text, "made up", "direct", "python", 0.8, 2**47, 500, 300, -0.4, "stop")


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
