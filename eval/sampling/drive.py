"""Draws the samples of many problems from one sampler and writes them down.

All requests go out as one stream, problem after problem, so that a prompt's cache serves all of its requests and the
model never waits between problems. What was recorded before is not asked for again: a request of which all choices are
there is left out, and of one that was cut short each missing choice is asked for alone, with the seed that it would
have had. A sampler that replays a recording is opened once a problem instead and copied.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

from eval.datasets import Skipped, problems
from eval.sampling.config import SampleConfig
from solver.engine import planned_requests
from solver.problem import Problem
from solver.samplers import Request, Sample, Sampler
from solver.samplers.recorded import NoSamples
from solver.samplers.recordings import ShardWriter
from solver.samplers.recordings.writer import key_of
from solver.testgen import input_requests

OpenSampler = Callable[[Problem], Awaitable[Sampler]]
"""For a problem; of samplers that do not replay, the same one will do for all."""

_ANYBODY = Problem(name="all", statement="(all)")


@dataclass
class Tally:
    """What this session has done. told: called with a problem that cannot be sampled and why."""

    told: Callable[[Skipped], None]
    problems: int = 0
    current: str = ""
    samples: int = 0
    tokens: int = 0
    already: int = 0


@dataclass
class _Asked:
    """A request on its way. first_choice: the number of its first choice; left: answers that are owed."""

    problem: str
    request: Request
    first_choice: int
    left: int


class SampleDriver:
    """`run` draws everything that is planned and not recorded."""

    def __init__(self, config: SampleConfig, writer: ShardWriter, open_sampler: OpenSampler, tally: Tally) -> None:
        self._config = config
        self._writer = writer
        self._open = open_sampler
        self._tally = tally
        self._asked: dict[int, _Asked] = {}
        self._next_number = 0

    async def run(self) -> None:
        """Raises UserError, SamplerFailed, OSError; what was drawn is recorded."""
        async with aclosing(self._replayed() if self._config.run.recorded else self._drawn()) as samples:
            async for problem, sample in samples:
                self._writer.add(problem, sample)
                self._tally.samples += 1
                self._tally.tokens += sample.completion_tokens

    # --- from a model -----------------------------------------------------------------------------

    async def _drawn(self) -> AsyncGenerator[tuple[str, Sample]]:
        requests = self._requests()
        first = next(requests, None)
        if first is None:
            return
        sampler = await self._open(_ANYBODY)
        try:
            async with aclosing(cast(AsyncGenerator[Sample], sampler.stream(_chained(first, requests)))) as stream:
                async for sample in stream:
                    yield self._delivered(sample)
        finally:
            await sampler.close()

    def _requests(self) -> Iterator[Request]:
        for problem in self._problems():
            have = {key for _, key in self._writer.recorded(problem.name)}
            for request in self._planned(problem):
                keys = [key_of(request.plan, request.index, choice) for choice in range(request.n)]
                missing = [choice for choice, key in enumerate(keys) if key not in have]
                self._tally.already += request.n - len(missing)
                if len(missing) == request.n:
                    yield self._numbered(problem.name, request, 0, request.n)
                else:
                    yield from (self._numbered(problem.name, request, choice, 1) for choice in missing)

    def _numbered(self, problem: str, request: Request, first_choice: int, n: int) -> Request:
        number = self._next_number
        self._next_number += 1
        self._asked[number] = _Asked(problem, request, first_choice, n)
        return replace(request, index=number, n=n, seed=request.seed + first_choice)

    def _delivered(self, sample: Sample) -> tuple[str, Sample]:
        asked = self._asked[sample.request]
        asked.left -= 1
        if not asked.left:
            del self._asked[sample.request]
        choice = asked.first_choice + sample.choice
        return asked.problem, replace(sample, request=asked.request.index, choice=choice, seed=asked.request.seed)

    # --- from a recording -------------------------------------------------------------------------

    async def _replayed(self) -> AsyncGenerator[tuple[str, Sample]]:
        for problem in self._problems():
            have = self._writer.recorded(problem.name)
            sampler = await self._open(problem)
            for requests in self._streams(problem):
                try:
                    async for sample in sampler.stream(requests):
                        # A recording of several models numbers the samples of each by themselves.
                        key = sample.model, key_of(sample.plan, sample.request, sample.choice)
                        if key in have or not self._is_ours(sample.request):
                            self._tally.already += key in have
                            continue
                        have.add(key)
                        yield problem.name, sample
                except NoSamples as error:
                    self._tally.problems -= 1
                    self._tally.told(Skipped(problem.name, str(error)))
                    break

    # --- what is wanted ---------------------------------------------------------------------------

    def _problems(self) -> Iterator[Problem]:
        for found in problems(self._config.data):
            if isinstance(found, Skipped):
                self._tally.told(found)
            elif not found.examples:
                self._tally.told(Skipped(found.name, "no examples, so nothing can be filtered"))
            else:
                self._tally.problems += 1
                self._tally.current = found.name
                yield found

    def _planned(self, problem: Problem) -> Iterator[Request]:
        for requests in self._streams(problem):
            yield from (request for request in requests if self._is_ours(request.index))

    def _streams(self, problem: Problem) -> Iterator[Iterator[Request]]:
        """Side requests first, those of a plan together; then the requests for programs."""
        run = self._config.run
        if run.model_inputs:
            yield from map(iter, input_requests(problem, run.model_inputs, run.seed))
        yield planned_requests(problem, run)

    def _is_ours(self, request: int) -> bool:
        shard = self._config.requests
        return shard is None or request % shard[1] == shard[0]


def _chained(first: Request, rest: Iterator[Request]) -> Iterator[Request]:
    yield first
    yield from rest
