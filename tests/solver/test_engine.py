"""How a run ends, with samplers and executors that misbehave on purpose (the engine is real, they are not)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from sandbox import Limits, Outcome, Program, Verdict, make_checker
from solver.choice import choose
from solver.config import RunConfig
from solver.engine import Engine, StopReason
from solver.errors import UserError
from solver.problem import Example, Problem
from solver.progress import Counts
from solver.samplers import Request, Sample, Sampler, SamplerFailed
from solver.sieve import Sieve
from solver.store import RunInput, Store

PROBLEM = Problem(name="echo", statement="Print 1.", examples=[Example(input="", output="1")])


def sample(index: int, source: str = "print(1)") -> Sample:
    text = f"```python\nx = {index}\n{source}\n```"
    return Sample(index, 0, text, "m", "direct", "python", 0.8, 0, 1, 10, None, "stop")


class Sampling:
    """Yields its items; an exception among them is raised."""

    model = "scripted"
    replays = False

    def __init__(self, items: list[Sample | Exception]) -> None:
        self.items = items
        self.closed = False

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for item in self.items:
            await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None:
        self.closed = True


class Executing:
    """Answers every program with `answer(source)`."""

    def __init__(self, answer: Callable[[str], Outcome]) -> None:
        self.answer = answer

    async def run(self, program: Program, stdin: bytes, limits: Limits, **_: object) -> Outcome:
        await asyncio.sleep(0.01)
        return self.answer(program.source)


def right(source: str) -> Outcome:
    return Outcome(Verdict.OK, b"1\n")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run.sqlite") as opened:
        opened.set_inputs([RunInput(0, "example", "example 1", ""), RunInput(1, "generated", "g", "2")])
        yield opened


def engine(store: Store, sampler: Sampler | None, answer: Callable[[str], Outcome] = right, **config: object) -> Engine:
    async def open_sampler() -> Sampler:
        if sampler is None:
            raise AssertionError("nothing more was to be sampled")
        return sampler

    settings = RunConfig.model_validate({"samples": 100, "agreement": 0, **config})
    counts = Counts()
    sieve = Sieve(PROBLEM, store.inputs(), Executing(answer), make_checker(PROBLEM.checker), store, counts, 1.0)
    runnable = frozenset({"python"})
    return Engine(PROBLEM, settings, open_sampler, sieve, store, counts, workers=lambda: 1, runnable=runnable)


async def test_a_sampler_that_dies_ends_the_run_and_what_it_sampled_counts(store: Store) -> None:
    run = engine(store, Sampling([sample(0), sample(1), SamplerFailed("the engine died")]))
    assert await run.run() is StopReason.SAMPLER_FAILED
    assert (run.settled_samples, run.trouble) == (2, "the engine died")


async def test_a_set_up_error_after_the_first_sample_ends_the_run_too(store: Store) -> None:
    run = engine(store, Sampling([sample(0), UserError("401 after all")]))
    assert await run.run() is StopReason.SAMPLER_FAILED
    assert run.trouble == "401 after all"


async def test_a_set_up_error_before_the_first_sample_is_raised(store: Store) -> None:
    with pytest.raises(UserError, match="no key"):
        await engine(store, Sampling([UserError("no key")])).run()


async def test_a_broken_executor_stops_the_run_and_is_raised_not_swallowed(store: Store) -> None:
    def broken(source: str) -> Outcome:
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="on fire"):
        await engine(store, Sampling([sample(i) for i in range(50)]), broken).run()


async def test_an_internal_error_is_no_verdict_and_is_tried_again_by_the_next_run(store: Store) -> None:
    first = engine(store, Sampling([sample(0)]), lambda _: Outcome(Verdict.IE))
    await first.run()
    assert choose(store, first.settled_samples, 10, "largest", 0).clusters == []
    second = engine(store, None, samples=1)
    await second.run()
    assert len(choose(store, second.settled_samples, 10, "largest", 0).clusters) == 1


async def test_a_run_that_has_all_its_samples_opens_no_sampler(store: Store) -> None:
    await engine(store, Sampling([sample(0), sample(1)]), samples=2).run()
    assert await engine(store, None, samples=2).run() is StopReason.SAMPLES


async def test_an_interrupt_while_the_last_programs_run_does_not_drop_them(store: Store) -> None:
    run = engine(store, Sampling([sample(i) for i in range(3)]), samples=3)
    task = asyncio.create_task(run.run())
    while store.next_request() < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    run.interrupt()
    assert await task is StopReason.INTERRUPTED
    assert run.settled_samples == 3


async def test_time_that_is_up_while_the_model_loads_still_ends_the_run(store: Store) -> None:
    async def never() -> Sampler:
        await asyncio.sleep(3600)
        raise AssertionError

    run = engine(store, None, max_seconds=0.05)
    run._open_sampler = never
    assert await run.run() is StopReason.SECONDS


async def test_samples_with_numbers_of_earlier_ones_are_skipped_and_mentioned(store: Store) -> None:
    run = engine(store, Sampling([sample(0), sample(0), sample(1)]))
    await run.run()
    assert run.settled_samples == 2
    assert run.trouble is not None
    assert run.trouble.startswith("1 samples repeat")


async def test_closing_the_engine_closes_the_sampler(store: Store) -> None:
    sampler = Sampling([sample(0)])
    run = engine(store, sampler)
    await run.run()
    await run.close()
    assert sampler.closed


async def test_a_program_whose_record_is_complete_is_not_judged_again_but_counts(store: Store) -> None:
    first = engine(store, Sampling([sample(0), sample(1, "print(2)"), sample(0)]), agreement=0)
    await first.run()
    second = engine(store, None, samples=2)
    second._judge_soon = None  # type: ignore[assignment]  # whoever calls it fails
    await second.run()
    assert (second.settled_samples, second._counts.unique, second._counts.passing) == (2, 2, 2)
