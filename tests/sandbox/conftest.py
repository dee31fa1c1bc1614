"""One sandbox for many tests: what a test did to it must not be felt by the next."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Limits, Outcome, Program, Sandbox, Verdict

QUICK = Limits(cpu_seconds=2.0, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=8.0)


class Bench:
    """A sandbox with its own event loop, so that tests are plain functions."""

    def __init__(self, **options: object) -> None:
        self.loop = asyncio.new_event_loop()
        self.sandbox = Sandbox(1, **options)  # type: ignore[arg-type]

    def __enter__(self) -> Bench:
        self.loop.run_until_complete(self.sandbox.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run_until_complete(self.sandbox.close())
        self.loop.close()

    def run(self, program: Program, stdin: bytes = b"", limits: Limits = QUICK, **extra: Any) -> Outcome:
        return self.loop.run_until_complete(self.sandbox.run(program, stdin, limits, **extra))

    def python(self, source: str, stdin: bytes = b"", limits: Limits = QUICK) -> Outcome:
        return self.run(Program("python", source), stdin, limits)

    def cpp(self, source: str, stdin: bytes = b"", limits: Limits = QUICK) -> Outcome:
        return self.run(Program("cpp", source), stdin, limits)

    def call(self, source: str, arguments: str, entry_point: str = "f", limits: Limits = QUICK) -> Outcome:
        return self.run(Program("python", source, mode="function", entry_point=entry_point), arguments.encode(), limits)

    def assert_unharmed(self) -> None:
        """The next innocent program gets its right verdict."""
        outcome = self.python("print(sum(map(int, input().split())))", b"2 40\n")
        assert (outcome.verdict, outcome.output, outcome.stderr) == (Verdict.OK, b"42\n", "")


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.fixture(scope="session")
def cpp_bench(bench: Bench) -> Bench:
    if shutil.which("g++") is None:
        pytest.skip("no g++ on PATH")
    return bench
