"""Pools to evidence, a problem at a time, each kept on disk when it is done: a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.pools.evidence import labelled
from eval.pools.execute import execute, plan_inputs
from eval.pools.model import PoolProblem
from eval.pools.store import Labelled, load_labelled, save_labelled
from sandbox import Sandbox
from sandbox.cache import cache_directory

_VERSION = 5  # of what is executed and kept: inputs, limits, tokens


@dataclass(frozen=True, slots=True)
class Skipped:
    """A problem that says nothing, and why."""

    problem: str
    reason: str


def default_cache() -> Path:
    """Where results are kept unless the user says otherwise."""
    return cache_directory() / "pools"


async def gather(
    pool: Iterable[PoolProblem],
    cache: Path,
    *,
    workers: int | None = None,
    seed: int = 0,
    on_problem: Callable[[str, bool], None] = lambda name, cached: None,
) -> AsyncIterator[Labelled | Skipped]:
    """Each problem's evidence and verdicts, in the pool's order. on_problem: told each name, and whether it was kept.

    Raises what `Sandbox.run` raises, UserError for a pool that cannot be read, OSError for a cache that cannot be
    written.
    """
    async with Sandbox(workers) as sandbox:
        for problem in pool:
            if not problem.judgeable:
                yield Skipped(problem.name, "no hidden tests")
                continue
            if not any(sample.source for sample in problem.samples):
                yield Skipped(problem.name, "no sample holds a program")
                continue
            kept = cache / f"{_fingerprint(problem, seed)}.jsonl.gz"
            found = _load(kept)
            on_problem(problem.name, found is not None)
            if found is None:
                found = labelled(problem, await execute(problem, sandbox, seed))
                passing = kept.with_suffix(".part")
                save_labelled(passing, [found])
                passing.replace(kept)
            yield found


def _load(path: Path) -> Labelled | None:
    try:
        return next(load_labelled(path), None)
    except (OSError, EOFError, ValueError, KeyError):
        return None


def _fingerprint(problem: PoolProblem, seed: int) -> str:
    """Changes with anything that could change a result."""
    kinds = ("signature",) if problem.problem.mode == "function" else ("generated",)
    inputs = [item.text for item in plan_inputs(problem, seed) if item.kind in kinds]
    parts = [_VERSION, seed, problem.problem.model_dump(mode="json"), _plain(problem), *inputs]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _plain(problem: PoolProblem) -> list[object]:
    """Everything but the problem itself, as plain data."""
    hidden = problem.hidden
    tests = [] if hidden.task is None else [asdict(test) for test in hidden.task.tests]
    return [
        [asdict(sample) for sample in problem.samples],
        [hidden.test_code, hidden.prelude, hidden.suffix, tests],
        problem.prompt,
        problem.model_tests,
    ]
