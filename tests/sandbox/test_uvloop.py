"""The sandbox under uvloop, which vLLM installs and Ray's actors use as soon as it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop

from sandbox import Limits, Outcome, Program, Sandbox, Verdict

LIMITS = Limits(cpu_seconds=5.0)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def outcomes(*sources: str) -> list[Outcome]:
    async with asyncio.timeout(60), Sandbox(2) as sandbox:
        return await asyncio.gather(*(sandbox.run(Program("python", text), b"7\n", LIMITS) for text in sources))


def test_programs_run_and_large_outputs_come_whole() -> None:
    small, large = run(outcomes("print(2 * int(input()))", "print('x' * 1_000_000)"))
    assert (small.verdict, small.output) == (Verdict.OK, b"14\n")
    assert (large.verdict, len(large.output)) == (Verdict.OK, 1_000_001)


def test_a_run_that_is_given_up_leaves_its_worker_to_the_next() -> None:
    async def given_up() -> Outcome:
        async with asyncio.timeout(60), Sandbox(1) as sandbox:
            first = asyncio.create_task(sandbox.run(Program("python", "while True: pass"), b"", LIMITS))
            await asyncio.sleep(0.3)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await sandbox.run(Program("python", "print(1)"), b"", LIMITS)

    assert run(given_up()).output == b"1\n"
