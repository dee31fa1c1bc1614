"""Recorded samples, read by an actor on the driver's node; a `Sampler` for each problem.

Ray starts the actor again when it dies and repeats the calls it had in hand; each call says how many samples were
delivered before, so the restarted stream skips those.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import chain, count
from pathlib import Path
from typing import Any

from solver.cluster.crew import asked, one_line
from solver.cluster.events import Event, OnEvent
from solver.cluster.replica_actor import Impossible, ReplayActor
from solver.errors import UserError
from solver.samplers import Request, Sample, SamplerFailed
from solver.samplers.base import SIDE_PLAN
from solver.samplers.recorded import NoSamples

_BATCH = 64


class Replays:
    """One actor for all problems; `of` gives each its sampler."""

    def __init__(self, ray: Any, path: Path, on_event: OnEvent) -> None:
        self._ray = ray
        self._on_event = on_event
        self._told = False
        self.path = path
        self._streams = count()
        here = ray.get_runtime_context().get_node_id()  # where the file is
        options = {
            "num_cpus": 0,
            "max_restarts": -1,
            "max_task_retries": -1,
            "max_concurrency": 1000,
            "label_selector": {"ray.io/node-id": here},
        }
        self.actor = ray.remote(ReplayActor).options(**options).remote()

    def of(self, names: set[str]) -> ReplaySampler:
        """A sampler for the problem with these names."""
        return ReplaySampler(self, tuple(sorted(names)))

    def close(self) -> None:
        self._ray.kill(self.actor)

    def next_stream(self) -> int:
        return next(self._streams)

    async def take(self, stream: int, names: tuple[str, ...], plan: str, start: int, size: int) -> list[Sample]:
        """Raises NoSamples, UserError, SamplerFailed."""
        try:
            if not self._told:
                self._told = True
                self._on_event(Event("joined", "recording", await self.actor.where.remote(), ""))
            found = await asked(self.actor.take.remote(stream, self.path, names, plan, start, size), self._ray)
        except self._ray.exceptions.RayError as error:
            raise SamplerFailed(f"{self.path}: its reader is lost: {one_line(error)}") from None
        if isinstance(found, Impossible):
            raise NoSamples(found.reason) if found.no_samples else UserError(found.reason)
        return list(found)


class ReplaySampler:
    """As `solver.samplers.recorded.RecordedSampler`, read elsewhere."""

    replays = True

    def __init__(self, replays: Replays, names: tuple[str, ...]) -> None:
        self.model = f"recorded:{replays.path.name}"
        self._replays = replays
        self._names = names

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """As many recorded samples as the requests ask for, in recorded order; fewer if there are fewer."""
        first = next(requests, None)
        if first is None:
            return
        plan = first.plan if first.plan.startswith(SIDE_PLAN) else ""
        requests = chain([first], requests)
        stream, wanted, delivered = self._replays.next_stream(), 0, 0
        try:
            while True:
                while wanted < _BATCH and (request := next(requests, None)) is not None:
                    wanted += request.n
                if not wanted:
                    return
                size = min(wanted, _BATCH)
                samples = await self._replays.take(stream, self._names, plan, delivered, size)
                for sample in samples:
                    yield sample
                delivered += len(samples)
                wanted -= len(samples)
                if len(samples) < size:
                    return
        finally:
            self._replays.actor.forget.remote(stream)

    async def close(self) -> None:
        """The actor serves others."""
