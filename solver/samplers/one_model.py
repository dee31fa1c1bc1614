"""Of a recording of several models, the samples of one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from solver.cascade import Level
from solver.samplers.base import SIDE_PLAN, Request, Sample, Sampler
from solver.samplers.recorded import NoSamples

_STRIDE = 1 << 30  # request numbers of one level: recordings of several models may number theirs alike


class OneModel:
    """A Sampler. The requests' total number of samples is respected, counted in samples of this model."""

    replays = True

    def __init__(self, recording: Sampler, level: Level, number: int) -> None:
        """number: of the level in its cascade."""
        self._recording = recording
        self._level = level
        self._number = number
        self.model = level.model

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """Raises NoSamples where the recording has samples of the problem, and none of the model that begins; a later
        one then has nothing to say."""
        first = list(itertools.islice(requests, 1))
        wanted = sum(request.n for request in first)
        others: dict[str, None] = {}
        found = False
        everything = cast(AsyncGenerator[Sample], self._recording.stream(_endless(first)))
        async with aclosing(everything):
            async for sample in everything:
                if not self._level.wrote(sample.model):
                    others[sample.model] = None
                    continue
                while wanted <= 0:
                    request = next(requests, None)
                    if request is None:
                        return
                    wanted += request.n
                found = True
                wanted -= 1
                yield self._numbered(sample)
        if others and not found and not self._number:
            raise NoSamples(
                f"{self._recording.model}: no samples of the model {self._level.model!r}; it has: {', '.join(others)}"
            )

    def _numbered(self, sample: Sample) -> Sample:
        if sample.plan.startswith(SIDE_PLAN):
            return sample
        return replace(sample, request=self._number * _STRIDE + sample.request % _STRIDE)

    async def close(self) -> None:
        await self._recording.close()


def _endless(first: list[Request]) -> Iterator[Request]:
    """What makes a recording give all that it has."""
    for request in first:
        while True:
            yield request
