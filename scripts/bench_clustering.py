#!/usr/bin/env python
"""CPU time and memory of clustering at scale, on made-up survivors.

    scripts/bench_clustering.py [--survivors 100000] [--inputs 50] [--behaviours 20000] [--seed 0]

Survivors come one by one, as the engine has them, with digests as the sandbox makes them: a few large behaviours and a
long tail, some programs too slow on large inputs, some cells missing. Prints one JSON object; exit code 1 if it took
more than 60 s of CPU or 2 GiB (the peak of the whole process, imports included).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FIRST_OUTPUT, CandidateFacts, Evidence, InputFacts
from clustering.matrix import BehaviourMatrix
from clustering.merging import merge
from clustering.policies import Scorer, rank, train

CPU_SECONDS, MEMORY_MIB = 60.0, 2048.0
ARRIVALS = 1000
"""Survivors between two questions for the classes, as a stop rule asks them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--survivors", type=int, default=100_000)
    parser.add_argument("--inputs", type=int, default=50)
    parser.add_argument("--behaviours", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    report = measure(options.survivors, options.inputs, options.behaviours, options.seed)
    print(json.dumps(report))
    return 0 if report["within"] else 1


def measure(survivors: int, inputs: int, behaviours: int, seed: int) -> dict[str, object]:
    """Seconds of CPU by step; making the survivors up is not counted."""
    seconds: dict[str, float] = {"matrix": 0.0, "classes": 0.0}
    matrix = BehaviourMatrix()
    for number, tokens in enumerate(_survivors(survivors, inputs, behaviours, seed)):
        began = time.process_time()
        matrix.observe(f"program {number}", 0, tokens)
        seconds["matrix"] += time.process_time() - began
        if number % ARRIVALS == ARRIVALS - 1:
            began = time.process_time()
            matrix.classes()
            seconds["classes"] += time.process_time() - began
    began = time.process_time()
    classes = len(np.unique(matrix.classes()))
    seconds["classes"] += time.process_time() - began
    evidence = _evidence(matrix)
    who = np.arange(len(matrix))
    began = time.process_time()
    merged = merge(evidence, who)
    seconds["merge"] = time.process_time() - began
    scorer = _any_scorer()
    began = time.process_time()
    chosen = rank(evidence, "default", 10, scorer=scorer)
    seconds["rank"] = time.process_time() - began
    total = sum(seconds.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "survivors": survivors,
        "inputs": inputs,
        "classes": classes,
        "groups": int(merged.groups.max()) + 1 if survivors else 0,
        "chosen": len(chosen),
        "cpu_seconds": {step: round(value, 2) for step, value in {**seconds, "total": total}.items()},
        "peak_mib": round(peak),
        "within": total < CPU_SECONDS and peak < MEMORY_MIB,
    }


def _survivors(count: int, inputs: int, behaviours: int, seed: int) -> Iterator[list[str | None]]:
    """Programs whose behaviours are drawn by Zipf's law; each behaviour differs from the right one on some inputs."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, behaviours + 1)
    drawn = rng.choice(behaviours, size=count, p=share / share.sum())
    for behaviour in drawn:
        tokens = _behaviour(int(behaviour), inputs, seed)
        if rng.random() < 0.1:
            tokens[-(inputs // 5) or None :] = ["TLE"] * len(tokens[-(inputs // 5) or None :])
        if rng.random() < 0.02 and inputs:
            tokens[int(rng.integers(inputs))] = None
        yield tokens


def _behaviour(number: int, inputs: int, seed: int) -> list[str | None]:
    rng = np.random.default_rng([seed, number])
    wrong: NDArray[np.bool_] = rng.random(inputs) < (0.0 if number == 0 else rng.random())
    answers = np.where(wrong, rng.integers(1, 1000, inputs), 0)
    return [blake2b(f"{c} {a}".encode(), digest_size=16).hexdigest() for c, a in enumerate(answers)]


def _evidence(matrix: BehaviourMatrix) -> Evidence:
    outcomes = matrix.outcomes
    return Evidence(
        problem="bench",
        candidates=[CandidateFacts(key, order, 1, source=key) for order, key in enumerate(matrix.keys)],
        passes=np.ones(len(matrix), dtype=bool),
        example_share=np.ones(len(matrix)),
        outcomes=outcomes,
        inputs=[InputFacts(str(column), "bench") for column in range(matrix.inputs)],
        outputs=[_texts(outcomes[:, column]) for column in range(matrix.inputs)],
    )


def _any_scorer() -> Scorer:
    """Its opinion costs what that of a well-trained one costs."""
    matrix = BehaviourMatrix()
    for number, token in enumerate("aab"):
        matrix.observe(str(number), 0, [token])
    return train([(_evidence(matrix), np.array([True, True, False]))])


def _texts(column: NDArray[np.int32]) -> dict[int, str]:
    """Texts of the outputs in a column: whole numbers and, for one in ten, a fraction."""
    seen = [int(value) for value in np.unique(column) if value >= FIRST_OUTPUT]
    return {value: str(value) if value % 10 else f"{value / 7}" for value in seen}


if __name__ == "__main__":
    sys.exit(main())
