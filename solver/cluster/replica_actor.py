"""A model replica on a node of the cluster, and a reader of recorded samples: what runs there, inside Ray actors."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

from solver.cluster.crew import Unfit
from solver.cluster.events import Place
from solver.cluster.sandbox_actor import here
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.samplers import Request, Sample, Sampler, SamplerFailed, SamplerStats, stats_of
from solver.samplers.factory import open_sampler, resolve_model
from solver.samplers.recorded import NoSamples, RecordedSampler
from solver.samplers.vllm_engine import VllmSampler

_GPU_FREE_SECONDS = 15.0
_USUAL_ROOM = 64  # samples; of a sampler that does not say


@dataclass(frozen=True, slots=True)
class OpenReplica:
    """room: samples that it works on at once."""

    model: str
    room: int


@dataclass(frozen=True, slots=True)
class Answered:
    """All samples of one request. stats: of the replica's engine since it started; None where it keeps none."""

    samples: list[Sample]
    stats: SamplerStats | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The model is gone, and the replica with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The request cannot be answered, here or elsewhere. no_samples: the recording has nothing for the problem."""

    reason: str
    no_samples: bool = False


class ReplicaActor:
    """opener: makes the sampler that the replica holds. replaces: another replica that died a moment ago."""

    def __init__(self, opener: Callable[[], Awaitable[Sampler]], replaces: bool = False) -> None:
        self._opener = opener
        self._replaces = replaces
        self._sampler: Sampler | None = None

    async def where(self) -> Place:
        return here()

    async def open(self) -> OpenReplica | Unfit:
        """Loads the model."""
        try:
            self._sampler = await self._opener()
        except (UserError, SamplerFailed) as error:
            if not self._replaces:
                return Unfit(str(error))
            # What died may hold its GPU's memory for a while yet.
            self._replaces = False
            await asyncio.sleep(_GPU_FREE_SECONDS)
            return await self.open()
        info = self._sampler.info if isinstance(self._sampler, VllmSampler) else None
        room = 2 * info.max_num_seqs * info.data_parallel_size if info else _USUAL_ROOM
        return OpenReplica(self._sampler.model, room)

    async def answer(self, request: Request) -> Answered | Failed | Impossible:
        """All samples of one request, or none."""
        assert self._sampler is not None
        stream = cast(AsyncGenerator[Sample], self._sampler.stream(iter((request,))))
        try:
            async with aclosing(stream):
                samples = [sample async for sample in stream]
            return Answered(samples, stats_of(self._sampler))
        except SamplerFailed as error:
            return Failed(str(error))
        except UserError as error:
            return Impossible(str(error))


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Makes a replica's sampler where it runs: the model is looked for, or fetched, on that node.

    number: no two replicas of a run have the same, nor have those of the run's earlier sessions; an engine-wide seed
    moves with it.
    """

    config: RunConfig
    number: int

    async def __call__(self) -> Sampler:
        nobody = Problem(name="all", statement="(all)")
        log = Path(tempfile.mkdtemp(prefix="codesieve-replica-")) / "engine.log"
        return await open_sampler(self.config, nobody, resolve_model(self.config), self.number, log)


class ReplayActor:
    """Reads recordings, several at once; Ray starts it again where it dies, and then it begins each where it is told.

    Every call says how many samples were delivered before, so calls may be repeated.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, AsyncGenerator[Sample]]] = {}

    async def where(self) -> Place:
        return here()

    async def take(self, stream: int, path: Path, names: tuple[str, ...], plan: str, start: int, size: int) -> object:
        """The samples from number `start` on, at most `size`; none at the end. Impossible: there are none at all.

        stream: tells one replay from another. plan: of the requests that they answer.
        """
        position, samples = self._open.pop(stream, (-1, None))
        if samples is None or position != start:
            samples, skipped = _replay(path, names, plan), start
        else:
            skipped = 0
        found: list[Sample] = []
        try:
            while len(found) < size and (sample := await anext(samples, None)) is not None:
                if skipped:
                    skipped -= 1
                else:
                    found.append(sample)
        except UserError as error:
            return Impossible(str(error), isinstance(error, NoSamples))
        self._open[stream] = (start + len(found), samples)
        return found

    async def forget(self, stream: int) -> None:
        """This replay is over."""
        if stream in self._open:
            await self._open.pop(stream)[1].aclose()


def _replay(path: Path, names: tuple[str, ...], plan: str) -> AsyncGenerator[Sample]:
    requests: Iterator[Request] = (Request(index, (), plan, "", 0.0, 0, 64, 0) for index in count())
    return cast(AsyncGenerator[Sample], RecordedSampler(path, names).stream(requests))
