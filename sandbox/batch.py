"""Many programs on many tests: outcomes stream out as they come, and nothing is held that nobody waits for.

Jobs are taken from their source only while there is room, so a million of them may come from a generator; results
wait for their consumer, so a slow one slows everything down to its pace.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.languages import Level
from sandbox.types import Limits, Outcome, Program, Verdict

Passes = Callable[[int, Outcome], bool | Awaitable[bool]]


class Runner(Protocol):
    """What a batch runs in; `Sandbox` is one."""

    @property
    def workers(self) -> int: ...

    async def run(self, program: Program, stdin: bytes, limits: Limits, *, optimise: Level) -> Outcome: ...


class TestOrder:
    """Most telling test first: tests that fail programs most often, for the time they take, come first.

    Share one among the jobs of a problem. Which test a wrong program is seen to fail then depends on what has run
    before; whether it passes all of them does not.
    """

    __test__ = False  # not a test, whatever pytest thinks of the name

    def __init__(self, tests: int) -> None:
        self._runs = [0] * tests
        self._failures = [0] * tests
        self._seconds = [0.0] * tests

    def record(self, test: int, outcome: Outcome, passed: bool) -> None:
        """One run of a test."""
        self._runs[test] += 1
        self._failures[test] += not passed
        self._seconds[test] += outcome.cpu_seconds

    def order(self) -> list[int]:
        """All tests, best first: by failures seen per CPU second spent; ties in the given order."""
        return sorted(range(len(self._runs)), key=lambda test: -self._worth(test))

    def _worth(self, test: int) -> float:
        runs = self._runs[test]
        share = (self._failures[test] + 1) / (runs + 2)
        return share / (0.002 + (self._seconds[test] / runs if runs else 0.0))  # 2 ms: what any run costs


@dataclass(frozen=True, slots=True)
class Job:
    """A program and the inputs to run it on, until one fails.

    passes: told the input's index and an OK outcome, says whether that is right (default: it is); expected
    outputs stay with it, outside the sandbox. order: see TestOrder (default: as given). optimise: see `Sandbox.run`;
    "fast" where most programs fail an early test. tag: the caller's own.
    """

    program: Program
    inputs: Sequence[bytes]
    limits: Limits
    passes: Passes | None = None
    order: TestOrder | None = None
    optimise: Level = "full"
    tag: Any = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job. outcomes: by input index, of those that ran. failed: the input it failed, if any."""

    job: Job
    outcomes: Mapping[int, Outcome]
    failed: int | None


async def run_many(
    runner: Runner, jobs: Iterable[Job] | AsyncIterable[Job], in_flight: int | None = None
) -> AsyncIterator[JobResult]:
    """Runs jobs, several at once, and yields each result when it is there: in the order they finish.

    in_flight: jobs begun and not yet yielded, at most (default: two per worker). Leaving the loop ends what is
    under way. Raises what `Sandbox.run` and `passes` raise.
    """
    most = in_flight or 2 * runner.workers
    source = _each(jobs)
    running: set[asyncio.Task[JobResult]] = set()
    exhausted = False
    try:
        while True:
            while not exhausted and len(running) < most:
                job = await anext(source, None)
                if job is None:
                    exhausted = True
                else:
                    running.add(asyncio.ensure_future(_run_job(runner, job)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _each(jobs: Iterable[Job] | AsyncIterable[Job]) -> AsyncIterator[Job]:
    if isinstance(jobs, AsyncIterable):
        async for job in jobs:
            yield job
    else:
        for job in jobs:
            yield job


async def _run_job(runner: Runner, job: Job) -> JobResult:
    outcomes: dict[int, Outcome] = {}
    tests = job.order.order() if job.order else range(len(job.inputs))
    for test in tests:
        outcome = outcomes[test] = await runner.run(job.program, job.inputs[test], job.limits, optimise=job.optimise)
        passed = outcome.verdict is Verdict.OK
        if passed and job.passes is not None:
            answer = job.passes(test, outcome)
            passed = await answer if inspect.isawaitable(answer) else bool(answer)
        if job.order is not None and outcome.verdict is not Verdict.IE:
            job.order.record(test, outcome, passed)
        if not passed:
            return JobResult(job, outcomes, test)
    return JobResult(job, outcomes, None)
