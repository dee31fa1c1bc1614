"""What running a pool told: an `Evidence` a problem, and the hidden verdicts beside it, in one file without pickles."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import CandidateFacts, Evidence, InputFacts, TestFacts


@dataclass(frozen=True, slots=True)
class Labelled:
    """A problem's evidence with and without its examples, and what only the judge knows.

    right: shape (n,), bool; whether a candidate passes the hidden tests. recorded: per candidate, how many of
    its samples the pool itself calls right and wrong. samples: all samples, those without a program included.
    """

    plain: Evidence
    with_examples: Evidence
    right: NDArray[np.bool_] = field(repr=False)
    recorded: tuple[tuple[int, int], ...] = field(repr=False)
    samples: int = 0
    runs: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The problem's name."""
        return self.plain.problem


def save_labelled(path: Path, problems: Iterable[Labelled]) -> None:
    """Writes gzipped JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for problem in problems:
            file.write(json.dumps(_to_json(problem)) + "\n")


def load_labelled(path: Path) -> Iterator[Labelled]:
    """Reads what `save_labelled` wrote. Raises OSError, ValueError."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            yield Labelled(
                _evidence(record["plain"]),
                _evidence(record["with_examples"]),
                np.array(record["right"], dtype=bool),
                tuple((good, bad) for good, bad in record["recorded"]),
                record["samples"],
                record["runs"],
                record["seconds"],
            )


def _to_json(problem: Labelled) -> dict[str, Any]:
    return {
        "plain": _plain(problem.plain),
        "with_examples": _plain(problem.with_examples),
        "right": problem.right.tolist(),
        "recorded": problem.recorded,
        "samples": problem.samples,
        "runs": problem.runs,
        "seconds": problem.seconds,
    }


def _plain(evidence: Evidence) -> dict[str, Any]:
    return {
        "problem": evidence.problem,
        "candidates": [asdict(candidate) for candidate in evidence.candidates],
        "passes": evidence.passes.tolist(),
        "example_share": evidence.example_share.tolist(),
        "outcomes": evidence.outcomes.tolist(),
        "inputs": [asdict(item) for item in evidence.inputs],
        "tests": None if evidence.tests is None else evidence.tests.tolist(),
        "test_facts": [asdict(test) for test in evidence.test_facts],
        "outputs": [{str(key): text for key, text in column.items()} for column in evidence.outputs],
        "cpu_seconds": None if evidence.cpu_seconds is None else evidence.cpu_seconds.tolist(),
        "statement": evidence.statement,
    }


def _evidence(record: dict[str, Any]) -> Evidence:
    n, tests = len(record["candidates"]), record["tests"]
    cpu = record["cpu_seconds"]
    return Evidence(
        problem=record["problem"],
        candidates=[CandidateFacts(**{**facts, "plans": tuple(facts["plans"])}) for facts in record["candidates"]],
        passes=np.array(record["passes"], dtype=bool),
        example_share=np.array(record["example_share"], dtype=float),
        outcomes=np.array(record["outcomes"], dtype=np.int32).reshape(n, len(record["inputs"])),
        inputs=[InputFacts(**item) for item in record["inputs"]],
        tests=None if tests is None else np.array(tests, dtype=np.int8).reshape(n, len(record["test_facts"])),
        test_facts=[TestFacts(**test) for test in record["test_facts"]],
        outputs=[{int(key): text for key, text in column.items()} for column in record["outputs"]],
        cpu_seconds=None if cpu is None else np.array(cpu, dtype=float),
        statement=record["statement"],
    )
