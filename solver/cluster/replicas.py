"""Model replicas on a cluster as one `Sampler`: each request goes to the replica with the most room.

A request's answers arrive all at once or not at all, so a request whose replica died is asked of another one and
nothing comes twice. No request is taken before some replica has room for it; that is the engine's back-pressure, all
the way to the model.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import Any

from solver.cluster.crew import Crew, CrewGone, asked, one_line
from solver.cluster.events import OnEvent
from solver.cluster.replica_actor import Answered, Failed, Impossible, OpenReplica, ReplicaActor
from solver.cluster.seats import SPARE_CPU, Member
from solver.errors import UserError
from solver.samplers import Request, Sample, Sampler, SamplerFailed, SamplerStats

MOST_LOSSES = 5
"""Replicas that one request may lose before the run ends; it might be what kills them."""

MOST_DEATHS = 2
"""Of the model, while its replica lived, before the node gets no more replicas."""


class RaySampler:
    """opener: told the number of a replica, says what makes its sampler there. gpus, cpus: of one replica.
    follows_others: replicas of another model ended a moment ago on these nodes."""

    replays = False

    def __init__(
        self,
        ray: Any,
        opener: Callable[[int], Callable[[], Awaitable[Sampler]]],
        *,
        replicas: int,
        gpus: int,
        cpus: int,
        wait_seconds: float,
        on_event: OnEvent,
        lacking: Callable[[], str] = lambda: "",
        follows_others: bool = False,
    ) -> None:
        self.model = ""
        self._ray = ray
        self._opener = opener
        self._resources: dict[str, Any] = {"num_gpus": gpus, "num_cpus": cpus}
        if not gpus:
            self._resources = {"num_cpus": cpus or SPARE_CPU, "scheduling_strategy": "SPREAD"}
        self._replicas = replicas
        self._follows_others = follows_others
        self._numbers = count()
        self._deaths: Counter[str] = Counter()
        self._stats: dict[Member[OpenReplica], SamplerStats] = {}
        self._remote = ray.remote(ReplicaActor)
        self._crew: Crew[OpenReplica] = Crew(
            "model", ray, self._spawn, lambda opened: opened.room, replicas, wait_seconds, lacking, on_event,
            hasty=True,
        )  # fmt: skip

    async def start(self) -> None:
        """Waits for the first replica. Raises UserError: there is no room for one, or it cannot load the model."""
        try:
            await self._crew.start()
        except CrewGone as error:
            await self._crew.close()
            raise UserError(str(error)) from None
        except BaseException:
            await self._crew.close()
            raise
        self.model = self._crew.members[0].opened.model

    @property
    def stats(self) -> SamplerStats | None:
        """What the engines of all replicas have done, lost ones included, as far as their last answers told."""
        return functools.reduce(SamplerStats.beside, self._stats.values()) if self._stats else None

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """The samples of a request as soon as all of them are there. Raises UserError for a request that cannot be
        answered, SamplerFailed when all replicas are lost and none has come for a while."""
        running: set[asyncio.Task[Any]] = set()
        room: asyncio.Task[None] | None = None
        asked_for_all = False
        try:
            while True:
                while not asked_for_all and self._crew.seats.room > 0:
                    request = next(requests, None)
                    if request is None:
                        asked_for_all = True
                    else:
                        running.add(asyncio.create_task(self._answer(request)))
                        await asyncio.sleep(0)  # it takes its room
                if asked_for_all and not running:
                    return
                if not asked_for_all and room is None:
                    room = asyncio.create_task(self._crew.room_changes())
                await asyncio.wait(running | ({room} if room else set()), return_when=asyncio.FIRST_COMPLETED)
                if room is not None and room.done():
                    _result(room)
                    room = None
                for task in [task for task in running if task.done()]:
                    running.discard(task)
                    for sample in _result(task):
                        yield sample
        finally:
            left = [*running, *([room] if room else [])]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def close(self) -> None:
        """Ends the replicas."""
        await self._crew.close()

    async def _answer(self, request: Request) -> list[Sample]:
        for _ in range(MOST_LOSSES):
            member = await self._crew.seats.take(request.n)
            try:
                answer = await asked(member.actor.answer.remote(request), self._ray)
            except self._ray.exceptions.RayError as error:
                self._crew.lose(member, one_line(error))
                continue
            finally:
                self._crew.seats.give_back(member, request.n)
            if isinstance(answer, Impossible):
                raise UserError(answer.reason)
            if isinstance(answer, Answered):
                if answer.stats is not None:
                    self._stats[member] = answer.stats
                return answer.samples
            assert isinstance(answer, Failed)
            if not self._crew.lose(member, answer.reason):
                continue  # one death fails all that the replica had in hand
            self._deaths[member.place.node] += 1
            if self._deaths[member.place.node] == MOST_DEATHS:
                self._crew.drain(member, f"the model died there {MOST_DEATHS} times: {answer.reason}")
        raise SamplerFailed(f"{MOST_LOSSES} replicas were lost while they answered one request")

    def _spawn(self, where: dict[str, Any]) -> Any:
        options = {**self._resources, "max_restarts": 0, "max_concurrency": 10_000, **where}
        number = next(self._numbers)
        return self._remote.options(**options).remote(
            self._opener(number), replaces=self._follows_others or number >= self._replicas
        )


def _result(task: asyncio.Task[Any]) -> Any:
    try:
        return task.result()
    except CrewGone as error:
        raise SamplerFailed(str(error)) from None
